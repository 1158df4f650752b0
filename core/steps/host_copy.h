/* What download, restore and first-backup share: the dump's places on the new host, and telling how far a
 * copy is. */
#ifndef CORE_STEPS_HOST_COPY_H
#define CORE_STEPS_HOST_COPY_H

#include "core/job.h"
#include "core/links/docker.h"

/* Speed over the last seconds, from totals told now and then. */
struct copy_rate {
	struct {
		int64_t at_ms, bytes;
	} seen[16];
	size_t n;
};
double copy_rate(struct copy_rate *rate, int64_t bytes); /* bytes per second; -1 unknown */

/* The event transfer.total; -1 where unknown. */
struct copy_total {
	const char *stage, *text, *stalled_why, *eta_why; /* eta_why NULL: none */
	int64_t bytes, bytes_total, rows, rows_total, tables, tables_total, indexes, indexes_total, keys,
	    keys_total, eta_ms, stalled_ms;
	double rate;
	bool eta_about; /* most of it is a guess */
};
#define COPY_UNKNOWN                                                                                    \
	.bytes = -1, .bytes_total = -1, .rows = -1, .rows_total = -1, .tables = -1, .tables_total = -1, \
	.indexes = -1, .indexes_total = -1, .keys = -1, .keys_total = -1, .eta_ms = -1, .rate = -1
void copy_tell(struct job *job, const struct copy_total *total);
void copy_ended(struct job *job, const char *stage, bool ok, int64_t bytes, int64_t ms, const char *text);

/* -1: Heroku's backup of that id was made in a rehearsal, before the freeze, and is never the night's. */
int copy_not_rehearsed(struct job *job, const char *backup, struct err *err);
/* Size of a file on the host (container NULL) or in a container; -1: it is not there. Return -1 with err:
 * could not look. */
int copy_file_size(struct ssh *ssh, const char *container, const char *path, int64_t *size_bytes,
		   struct err *err);
/* Reads all of it. "" when it is not there. */
int copy_file_sha256(struct ssh *ssh, const char *container, const char *path, char sha256[65],
		     struct err *err);
/* The table of contents of a dump in the accessory's container. */
int copy_contents(struct ssh *ssh, const char *container, const char *path, struct buf *toc, struct err *err);
/* One full read by pg_restore in the accessory's container: a cut file passes a look at its contents, not
 * this. `from_host`: the file lies on the host and is sent through standard input. */
int copy_read_through(struct ssh *ssh, const char *container, const char *path, bool from_host,
		      struct err *err);
/* Free bytes where the database in the container has its files. */
int copy_data_room(struct ssh *ssh, const char *container, int64_t *free_bytes, struct err *err);
/* "/root/.nightferry/acme", from the login's home. */
int copy_folder(struct ssh *ssh, char *out, size_t size, struct err *err);
/* Opens the line again after a loss, waiting longer each time; -1 after about five minutes or when stopped.
 */
int copy_reconnect(struct ssh *ssh, struct err *err);

#endif
