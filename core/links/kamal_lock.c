/* Kamal's deploy lock by ssh: see kamal_lock.h. */
#include "core/links/kamal_lock.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* What the scripts below end with beside 0. */
enum { TAKEN_BY_OTHER = 13, NOT_WRITTEN = 14, NOT_OURS = 15, EMPTY = 16 };

/* The folder stands in commands of the host's shell; Kamal allows these characters only, too. */
static int lock_folder(const struct docker_names *names, char *out, size_t size, struct err *err)
{
	bool plain = *names->service;
	for (const char *at = names->service; *at && plain; at++)
		plain = isalnum((unsigned char)*at) || strchr("_-.", *at);
	for (const char *at = names->destination; *at && plain; at++)
		plain = isalnum((unsigned char)*at) || strchr("_-.", *at);
	if (!plain)
		return err_set(err, ERR_CONFIG,
			       "\"%s\" or \"%s\" is no name of Kamal's: service and destination are letters, "
			       "digits, - and _",
			       names->service, names->destination);
	text_copyf(out, size, ".kamal/lock-%s%s%s", names->service, *names->destination ? "-" : "",
		   names->destination);
	return 0;
}

static void take_line(const char *text, const char *head, char *out, size_t size)
{
	const char *at = strstr(text, head);
	if (at)
		text_clean(out, size, at + strlen(head), strcspn(at + strlen(head), "\n"));
}

static bool is_key(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");
	return n == KAMAL_LOCK_KEY - 1 && (text[n] == 0 || text[n] == ' ');
}

void kamal_lock_read(const char *text, struct kamal_lock *out)
{
	char folder[sizeof out->folder];
	text_copy(folder, sizeof folder, out->folder);
	*out = (struct kamal_lock){0};
	text_copy(out->folder, sizeof out->folder, folder);
	if (!isdigit((unsigned char)*text))
		return;
	out->held = true;
	out->since_ms = strtoll(text, NULL, 10) * 1000;
	const char *details = text + strcspn(text, "\n");
	out->empty = !details[strspn(details, " \n\r\t")];
	take_line(details, "Locked by: ", out->by, sizeof out->by);
	take_line(details, "Message: ", out->why, sizeof out->why);
	char *at = strstr(out->by, " at 20");
	if (at) {
		int64_t said_ms = docker_time_ms(at + strlen(" at "));
		out->since_ms = said_ms ? said_ms : out->since_ms;
		*at = 0;
	}
	const char *key = text_starts(out->why, "nightferry ") ? strstr(out->why, " key ") : NULL;
	if (key && is_key(key + strlen(" key ")))
		text_copyf(out->key, sizeof out->key, "%.*s", KAMAL_LOCK_KEY - 1, key + strlen(" key "));
	if (!*out->by)
		text_copy(out->by, sizeof out->by, "somebody who left no name");
	if (!*out->why)
		text_copy(out->why, sizeof out->why, out->empty ? "no details" : "no reason given");
}

int kamal_lock_look(struct ssh *ssh, const struct docker_names *names, struct kamal_lock *out,
		    struct err *err)
{
	struct buf text = {0};
	*out = (struct kamal_lock){0};
	if (lock_folder(names, out->folder, sizeof out->folder, err) < 0)
		return -1;
	int rc = ssh_run(ssh, &text, err,
			 "d=%s; if [ -d $d ]; then stat -c %%Y $d && { base64 -d $d/details 2>/dev/null | "
			 "head -c 2000; true; }; else echo none; fi",
			 out->folder);
	if (rc == 0 && !isdigit((unsigned char)*buf_text(&text)) && !text_starts(buf_text(&text), "none"))
		rc = err_set(err, ERR_WORLD,
			     "what %s says about Kamal's lock was not understood; its login shell may print "
			     "something of its own",
			     ssh_name(ssh));
	if (rc == 0)
		kamal_lock_read(buf_text(&text), out);
	buf_done(&text);
	return rc;
}

void kamal_lock_details(const struct kamal_lock_words *words, struct buf *out)
{
	char at[UNITS_MAX];
	buf_addf(out, "Locked by: %s at %s\n", words->by, units_iso(at, clock_wall_ms()));
	buf_adds(out, "Version: none, this is no deploy\n");
	buf_addf(out, "Message: nightferry night %s of %s, nobody deploys until it is over; key %s",
		 words->night, words->app, words->key);
	if (*words->head)
		buf_addf(out, " journal %s", words->head);
}

/* Kamal's status decodes the file as a whole, so the line breaks are its own manner and no need. */
int kamal_lock_take(struct ssh *ssh, const struct docker_names *names, const struct kamal_lock_words *words,
		    struct err *err)
{
	struct kamal_lock lock;
	struct buf details = {0};
	struct ssh_reply reply;
	if (lock_folder(names, lock.folder, sizeof lock.folder, err) < 0)
		return -1;
	kamal_lock_details(words, &details);
	/* All of the input is read before the folder is made: a lost session leaves no empty one. */
	char *script =
	    xasprintf("d=%s; t=$(base64 -w 60) || exit %d; mkdir -p .kamal || exit %d; "
		      "mkdir $d 2>/dev/null || { [ -d $d ] && exit %d; exit %d; }; "
		      "printf '%%s\\n\\n' \"$t\" >$d/details || { rm -f $d/details; rmdir $d; exit "
		      "%d; }",
		      lock.folder, NOT_WRITTEN, NOT_WRITTEN, TAKEN_BY_OTHER, NOT_WRITTEN, NOT_WRITTEN);
	char *say = xasprintf("mkdir %s; base64 >%s/details", lock.folder, lock.folder);
	int rc = ssh_exec(
	    ssh,
	    &(struct ssh_call){
		.command = script, .say = say, .input = buf_text(&details), .input_len = details.len},
	    &reply, err);
	if (rc == 0 && reply.status == TAKEN_BY_OTHER)
		rc = err_set(err, ERR_REFUSED, "somebody else has just taken Kamal's lock on %s",
			     ssh_name(ssh));
	else if (rc == 0 && reply.status != 0)
		rc = err_set(err, ERR_IO,
			     "Kamal's lock could not be written on %s (%s, status %d); is its disk full?",
			     ssh_name(ssh), lock.folder, reply.status);
	ssh_reply_done(&reply);
	free(script);
	free(say);
	buf_done(&details);
	return rc;
}

int kamal_lock_release(struct ssh *ssh, const struct docker_names *names, const char *key, struct err *err)
{
	struct kamal_lock lock;
	struct ssh_reply reply;
	if (lock_folder(names, lock.folder, sizeof lock.folder, err) < 0)
		return -1;
	if (!is_key(key))
		return err_set(err, ERR_BUG, "a lock without a key of ours is never removed");
	char *script =
	    xasprintf("d=%s; [ -d $d ] || exit 0; t=$(base64 -d $d/details 2>/dev/null); case $t in "
		      "*' key %s'*) rm -f $d/details && rmdir $d;; '') exit %d;; *) exit %d;; esac",
		      lock.folder, key, EMPTY, NOT_OURS);
	char *say = xasprintf("rm %s/details; rmdir %s (while its key is ours)", lock.folder, lock.folder);
	int rc = ssh_exec(ssh, &(struct ssh_call){.command = script, .say = say}, &reply, err);
	if (rc == 0 && reply.status == EMPTY)
		rc = err_set(err, ERR_REFUSED,
			     "%s on %s is an empty folder now: something crashed; look that nobody deploys, "
			     "then rmdir it there",
			     lock.folder, ssh_name(ssh));
	else if (rc == 0 && reply.status == NOT_OURS)
		rc = err_set(
		    err, ERR_REFUSED,
		    "Kamal's lock on %s is somebody else's now, and stays: kamal lock status tells whose",
		    ssh_name(ssh));
	else if (rc == 0 && reply.status != 0)
		rc = err_set(err, ERR_IO, "%s could not be removed on %s (status %d)", lock.folder,
			     ssh_name(ssh), reply.status);
	ssh_reply_done(&reply);
	free(script);
	free(say);
	return rc;
}

void kamal_lock_say(const struct kamal_lock *lock, const char *host, char *out, size_t size)
{
	char since[UNITS_MAX];
	units_clock_hm(since, lock->since_ms);
	if (!lock->held)
		text_copyf(out, size, "nobody holds Kamal's deploy lock on %s", host);
	else if (lock->empty)
		text_copyf(
		    out, size,
		    "%s on %s is an empty folder, made at %s: something crashed between two of its "
		    "commands. kamal lock release does not see it, and yet it stops every deploy: look "
		    "that nobody deploys, then rmdir ~/%s there",
		    lock->folder, host, since, lock->folder);
	else
		text_copyf(out, size, "Kamal's deploy lock on %s is held by %s since %s: %s", host, lock->by,
			   since, lock->why);
}

const char *kamal_lock_ours(struct job *job)
{
	const struct json *fact = job_fact(job, "kamal-lock", "");
	const char *key = json_str(fact, "key", "");
	return text_equal(json_str(fact, "state", ""), "ours") && is_key(key) ? key : NULL;
}

int kamal_lock_new_key(char key[KAMAL_LOCK_KEY], struct err *err)
{
	unsigned char bytes[(KAMAL_LOCK_KEY - 1) / 2];
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return err_set(err, ERR_IO, "the system gave no random bytes: %s", strerror(errno));
	text_hex(key, bytes, sizeof bytes);
	return 0;
}
