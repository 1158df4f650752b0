/* What no row mark tells of: sequences, large objects, materialized views. */
#ifndef CORE_COPY_DELTA_REST_H
#define CORE_COPY_DELTA_REST_H

#include "core/links/postgres.h"

struct delta_rest {
	int64_t sequences; /* that were set */
	int64_t objects;   /* large objects that were written or removed */
	int64_t views;     /* materialized views that were computed anew */
};
/* Sequences of the target are put where the source's are, those that differ. */
int delta_sequences(struct pg *source, struct pg *target, struct delta_rest *out, struct err *err);
/* Large objects whose content differs are written, those that are gone are removed; one transaction each.
 * Each content is read on both sides: nothing tells when one was changed. */
int delta_objects(struct pg *source, struct pg *target, struct delta_rest *out, struct err *err);
/* Materialized views that are populated on the source, those that others are made of first. */
int delta_views(struct pg *source, struct pg *target, struct delta_rest *out, struct err *err);

#endif
