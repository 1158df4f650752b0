/* What Kamal has left on the new host, in one look that several checks share, and what its files here say. */
#ifndef CORE_LINKS_KAMAL_LOOK_H
#define CORE_LINKS_KAMAL_LOOK_H

#include "core/job.h"
#include "core/links/docker.h"

struct kamal_container {
	char name[160], role[32], destination[64], version[80], status[24], restart[24], image[200];
	bool running, replaced;
	bool ours;     /* of this destination */
	bool labelled; /* its image says `service`, as Kamal's builder does */
	int64_t started_ms, finished_ms;
};
struct kamal_look {
	struct kamal_container *list; /* containers of the app in any destination, newest first */
	size_t n;
	char proxy_image[200], proxy_status[24]; /* "" : there is none */
	bool wants_reboot;                       /* the host's system says so */
};
/* NULL-safe to end with kamal_look_done() in both cases. */
int kamal_look(struct job *job, struct kamal_look *out, struct err *err);
void kamal_look_done(struct kamal_look *look);
/* The part that needs no host. */
int kamal_look_read(const char *text, const struct docker_names *names, struct kamal_look *out,
		    struct err *err);

/* False, with one calm line of evidence, where no Kamal file was read: then there is nothing to hold it
 * against. */
bool kamal_applies(struct job *job, struct evidence *ev);
const char *kamal_folder(const struct job *job); /* where Kamal's files lie; "." when nobody says */
/* "1.10.0" against "v1.9": below 0, 0 or above; parts that are no numbers count as 0. */
int kamal_version_order(const char *a, const char *b);
/* The Kamal that would run here: from Gemfile.lock, else by asking it. -1 and err: not known. */
int kamal_version_here(struct job *job, char *out, size_t size, struct err *err);

#endif
