/* Kamal's lock as this night holds it: see deploy_lock.h. */
#include "core/steps/deploy_lock.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include <pwd.h>
#include <string.h>
#include <unistd.h>

int deploy_lock_open(struct job *job, struct deploy_lock *lock, struct err *err)
{
	*lock = (struct deploy_lock){.job = job};
	lock->key = json_str(job_fact(job, "kamal-lock", ""), "key", "");
	if (docker_names(job, &lock->names, err) < 0 || !(lock->ssh = ssh_open(job, SSH_ASKING, err)))
		return -1;
	return kamal_lock_look(lock->ssh, &lock->names, &lock->seen, err);
}

void deploy_lock_close(struct deploy_lock *lock)
{
	ssh_close(lock->ssh);
}

bool deploy_lock_is_ours(const struct deploy_lock *lock)
{
	return lock->seen.held && *lock->key && text_equal(lock->seen.key, lock->key);
}

static int record(struct deploy_lock *lock, const char *key, const char *state, struct err *err)
{
	struct jw w;
	jw_fact(&w, "kamal-lock", "");
	jw_str(&w, "key", key);
	jw_str(&w, "state", state);
	jw_str(&w, "folder", lock->seen.folder);
	jw_str(&w, "host", ssh_host(lock->ssh));
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(lock->job, &w, err);
}

/* The person whose login this is, as `kamal lock status` shall name them. */
static void who_we_are(char *out, size_t size)
{
	char host[80] = "", said[120];
	const struct passwd *me = getpwuid(getuid());
	gethostname(host, sizeof host - 1);
	text_copyf(said, sizeof said, "%s@%s", me ? me->pw_name : "somebody", *host ? host : "this machine");
	text_clean(out, size, said, strlen(said));
}

int deploy_lock_take(struct deploy_lock *lock, struct err *err)
{
	char key[KAMAL_LOCK_KEY], by[120], says[320];
	if (deploy_lock_is_ours(lock))
		return 0;
	if (lock->seen.held) {
		deploy_lock_say(lock, says, sizeof says);
		return err_set(err, ERR_WORLD, "%s", says);
	}
	if (kamal_lock_new_key(key, err) < 0 || record(lock, key, "ours", err) < 0)
		return -1;
	who_we_are(by, sizeof by);
	struct kamal_lock_words words = {
	    .by = by,
	    .night = job_night(lock->job),
	    .app = job_config_str(lock->job, "app", lock->names.service),
	    .key = key,
	    .head = job_journal_head(lock->job),
	};
	if (kamal_lock_take(lock->ssh, &lock->names, &words, err) == 0)
		return 0;
	/* What is known not to be ours must not stand as ours in every later gate. */
	struct err also = {0};
	if (err->kind == ERR_REFUSED || err->kind == ERR_IO)
		record(lock, key, "not taken", &also);
	return -1;
}

int deploy_lock_release(struct deploy_lock *lock, struct err *err)
{
	if (!*lock->key || !deploy_lock_is_ours(lock))
		return 0;
	if (record(lock, lock->key, "given back", err) < 0)
		return -1;
	return kamal_lock_release(lock->ssh, &lock->names, lock->key, err);
}

int deploy_lock_do(struct job *job, int (*act)(struct deploy_lock *lock, struct err *err), struct err *err)
{
	struct deploy_lock lock;
	int rc = deploy_lock_open(job, &lock, err);
	if (rc == 0)
		rc = act(&lock, err);
	deploy_lock_close(&lock);
	return rc;
}

void deploy_lock_say(const struct deploy_lock *lock, char *out, size_t size)
{
	kamal_lock_say(&lock->seen, ssh_host(lock->ssh), out, size);
}
