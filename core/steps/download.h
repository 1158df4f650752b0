/* Between download.c (run, proof), download_plan.c and download_fetch.c (curl on the host). */
#ifndef CORE_STEPS_DOWNLOAD_H
#define CORE_STEPS_DOWNLOAD_H

#include "core/job.h"
#include "core/steps/host_copy.h"

struct download {
	struct job *job;
	struct ssh *ssh;
	struct docker_names names;
	char folder[300], path[360], part[380], base[380], inside[120];
	char app[64], id[48], label[24], etag[120];
	int64_t created_ms, total; /* total: bytes of the dump, -1 not known yet */
};

/* What is there, what it would take, what it will do. d is open. */
int download_fill_plan(struct download *d, struct plan *plan, struct err *err);
/* A fresh address of the backup: a secret that expires. */
int download_url(struct download *d, char *url, size_t size, struct err *err);
/* One byte of it, asked from the host: sets total and etag, and shows that the host has a way to it at all.
 */
int download_ask_size(struct download *d, const char *url, struct err *err);
/* What lies on the host under these names and is not of this backup, size and etag is put aside; d's folder
 * is made. Before anything of it is gone on with. */
int download_claim(struct download *d, struct err *err);
/* Some MB of it, thrown away on the host: bytes per second, and total. */
int download_measure(struct download *d, double *rate, struct err *err);
/* Until all bytes are in d->part; url is replaced by a fresh one for each new try. */
int download_fetch(struct download *d, char *url, size_t url_size, struct err *err);

#endif
