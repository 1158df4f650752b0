/* Units and containers by name, as systemd and docker on the new server tell of them. */
#ifndef CORE_STEPS_SERVICE_LOOK_H
#define CORE_STEPS_SERVICE_LOOK_H

#include "core/job.h"
#include "core/links/ssh.h"

struct service {
	char name[100];
	bool container; /* else a unit */
	bool missing;   /* nobody there knows it */
	bool running;   /* not surely ended: also while it is being started or stopped */
	bool well;      /* surely up: neither paused nor being started again */
	char state[24]; /* "active", "failed", "running", "exited", "missing" */
	char since[48]; /* when it was started, in the words of who runs it */
};
struct services {
	struct ssh *ssh;
	struct service *list;
	size_t n;
};
/* From the step's parameters `units` and `containers`, with a connection. Close in both cases. */
int services_open(struct job *job, struct services *out, struct err *err);
/* Fills in what is so now. An answer that is not understood is an error. */
int services_look(struct services *s, struct err *err);
/* "acme-web active, acme-job inactive" */
void services_say(const struct services *s, char *out, size_t size);
/* The list only, to be free()d. */
void services_copy(struct services *out, const struct services *s);
void services_close(struct services *s);

#endif
