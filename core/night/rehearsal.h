/* A rehearsal: the night's own playbook against a database of its own, without traffic and without the old
 * app.
 *
 * It is a night like any other (journal, gates, proofs), opened with rehearsal: true. Two things differ: its
 * configuration names the database that stands in for the new one, and its playbook begins by making that
 * database, ends by dropping it, and has dropping it as its way back. What it may not do is decided by the
 * tables (enum rehearse in core/job.h), in the engine. */
#ifndef CORE_NIGHT_REHEARSAL_H
#define CORE_NIGHT_REHEARSAL_H

#include "core/base/json.h"
#include "core/job.h"

/* In the name of each database that a rehearsal makes; without it none is ever dropped. */
#define REHEARSAL_MARK "_rehearsal_"
/* The end of the name of its folder. */
#define REHEARSAL_FOLDER "-rehearsal"

/* `night`: the name of the folder. The result is the configuration with rehearsal: {database: ...} in it; to
 * be freed with json_free(). */
struct json *rehearsal_config(const struct json *config, const char *night);
struct json *rehearsal_playbook(const struct json *playbook);
/* Why a rehearsal leaves a step of this kind out; NULL: it carries it out. row NULL: a kind that this build
 * does not know. */
const char *rehearsal_omits(const struct step *row);

#endif
