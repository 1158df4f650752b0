/* What the steps share that take Kamal's deploy lock for the night, give it back, or work under it. */
#ifndef CORE_STEPS_DEPLOY_LOCK_H
#define CORE_STEPS_DEPLOY_LOCK_H

#include "core/job.h"
#include "core/links/kamal_lock.h"

struct deploy_lock {
	struct job *job;
	struct ssh *ssh;
	struct docker_names names;
	struct kamal_lock seen; /* as it is on the host */
	const char *key;        /* of this night, however it stands with the lock; "" before the first try */
};
/* Connects and looks. To be closed in every case. */
int deploy_lock_open(struct job *job, struct deploy_lock *lock, struct err *err);
void deploy_lock_close(struct deploy_lock *lock);
bool deploy_lock_is_ours(const struct deploy_lock *lock); /* on the host, by its key */
/* Records the fact "kamal-lock" and takes it; 0 also when it is ours already. Never anybody else's. */
int deploy_lock_take(struct deploy_lock *lock, struct err *err);
/* Records that it is given back and gives it back; 0 also when there is none. */
int deploy_lock_release(struct deploy_lock *lock, struct err *err);
/* Connects, does that under what it has seen, and closes: how the two steps act and take back. */
int deploy_lock_do(struct job *job, int (*act)(struct deploy_lock *lock, struct err *err), struct err *err);
/* "held by ann since 22:01 (...)", and what to do where something has to be done. */
void deploy_lock_say(const struct deploy_lock *lock, char *out, size_t size);

#endif
