#include "core/steps/host_copy.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { READ_MS = 3 * 3600 * 1000, RECONNECTS = 20 };

double copy_rate(struct copy_rate *rate, int64_t bytes)
{
	const size_t room = sizeof rate->seen / sizeof *rate->seen;
	int64_t now_ms = clock_life_ms();
	rate->seen[rate->n % room].at_ms = now_ms;
	rate->seen[rate->n % room].bytes = bytes;
	rate->n++;
	size_t oldest = rate->n > room ? rate->n % room : 0;
	int64_t ms = now_ms - rate->seen[oldest].at_ms;
	return rate->n < 2 || ms <= 0 ? -1 : (double)(bytes - rate->seen[oldest].bytes) * 1000 / (double)ms;
}

void copy_tell(struct job *job, const struct copy_total *total)
{
	struct jw w;
	jw_event(&w, "transfer.total");
	jw_str(&w, "stage", total->stage);
	jw_str(&w, "text", total->text ? total->text : "");
	jw_int(&w, "bytes", total->bytes);
	jw_int(&w, "bytes_total", total->bytes_total);
	jw_int(&w, "rows", total->rows);
	jw_int(&w, "rows_total", total->rows_total);
	jw_int(&w, "tables", total->tables);
	jw_int(&w, "tables_total", total->tables_total);
	jw_int(&w, "indexes", total->indexes);
	jw_int(&w, "indexes_total", total->indexes_total);
	jw_int(&w, "keys", total->keys);
	jw_int(&w, "keys_total", total->keys_total);
	jw_num(&w, "rate", total->rate);
	jw_int(&w, "eta_ms", total->eta_ms);
	jw_bool(&w, "eta_about", total->eta_about);
	jw_str(&w, "eta_why", total->eta_why ? total->eta_why : "");
	jw_int(&w, "stalled_ms", total->stalled_ms);
	jw_str(&w, "stalled_why", total->stalled_why ? total->stalled_why : "");
	job_event(job, &w);
}

void copy_ended(struct job *job, const char *stage, bool ok, int64_t bytes, int64_t ms, const char *text)
{
	struct jw w;
	jw_event(&w, "transfer.ended");
	jw_str(&w, "stage", stage);
	jw_bool(&w, "ok", ok);
	jw_int(&w, "bytes", bytes);
	jw_int(&w, "ms", ms);
	jw_str(&w, "text", text);
	job_event(job, &w);
}

int copy_not_rehearsed(struct job *job, const char *backup, struct err *err)
{
	const struct json *fact = *backup ? job_fact(job, "rehearsal-dump", backup) : NULL;
	if (!fact)
		return 0;
	return err_set(
	    err, ERR_REFUSED,
	    "the backup %s was made in the rehearsal %s, before the freeze: what was written since is not "
	    "in it, so it is never restored tonight; run capture for one of tonight",
	    json_str(fact, "label", ""), json_str(fact, "night", ""));
}

int copy_file_size(struct ssh *ssh, const char *container, const char *path, int64_t *size_bytes,
		   struct err *err)
{
	struct buf out = {0};
	/* Inside, the whole shell command is one argument, so that `||` is the container's. */
	int rc = container
		     ? ssh_run(ssh, &out, err, "docker exec %s sh -c 'stat -c %%s %s 2>/dev/null || echo -1'",
			       container, path)
		     : ssh_run(ssh, &out, err, "stat -c %%s '%s' 2>/dev/null || echo -1", path);
	*size_bytes = -1;
	if (rc == 0 && !isdigit((unsigned char)*buf_text(&out)) && *buf_text(&out) != '-')
		rc = err_set(err, ERR_WORLD, "the size of %s on %s was not told", path, ssh_name(ssh));
	if (rc == 0)
		*size_bytes = strtoll(buf_text(&out), NULL, 10);
	buf_done(&out);
	return rc;
}

int copy_file_sha256(struct ssh *ssh, const char *container, const char *path, char sha256[65],
		     struct err *err)
{
	struct ssh_reply reply;
	char *command = container ? xasprintf("docker exec %s sha256sum %s", container, path)
				  : xasprintf("LC_ALL=C sha256sum '%s'", path);
	int rc = ssh_exec(ssh, &(struct ssh_call){.command = command, .timeout_ms = READ_MS}, &reply, err);
	const char *text = buf_text(&reply.out);
	*sha256 = 0;
	char said[200];
	text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
	if (rc == 0 && reply.status == 0 && strspn(text, "0123456789abcdef") == 64)
		text_copyf(sha256, 65, "%.64s", text);
	else if (rc == 0 && (reply.status == 0 || !text_find(said, "No such file")))
		rc = err_set(err, ERR_WORLD, "sha256sum on %s gave no hash of %s%s%s (it ended with %d: %s)",
			     ssh_name(ssh), path, container ? " in " : "", container ? container : "",
			     reply.status, *said ? said : "no words");
	ssh_reply_done(&reply);
	free(command);
	return rc;
}

int copy_contents(struct ssh *ssh, const char *container, const char *path, struct buf *toc, struct err *err)
{
	struct err seen = {0};
	if (ssh_run(ssh, toc, &seen, "docker exec %s pg_restore -l %s", container, path) == 0)
		return 0;
	if (seen.kind != ERR_REFUSED)
		return err_set(err, seen.kind, "%s", seen.text);
	return err_set(err, ERR_WORLD,
		       "the dump %s in %s cannot be read; nothing was changed, run download again (%s)", path,
		       container, seen.text);
}

int copy_read_through(struct ssh *ssh, const char *container, const char *path, bool from_host,
		      struct err *err)
{
	struct ssh_reply reply;
	char *command = from_host
			    ? xasprintf("docker exec -i %s pg_restore -f /dev/null <'%s'", container, path)
			    : xasprintf("docker exec %s pg_restore -f /dev/null %s", container, path);
	int rc = ssh_exec(ssh, &(struct ssh_call){.command = command, .timeout_ms = READ_MS}, &reply, err);
	if (rc == 0 && reply.status != 0) {
		char said[240];
		text_clean(said, sizeof said, buf_text(&reply.err), strcspn(buf_text(&reply.err), "\n"));
		rc = err_set(err, ERR_WORLD,
			     "the dump %s cannot be read to its end (%s); it is damaged or cut, do not "
			     "restore it: fetch it again, and capture "
			     "again if that does not help",
			     path, *said ? said : "pg_restore gave no reason");
	}
	ssh_reply_done(&reply);
	free(command);
	return rc;
}

int copy_data_room(struct ssh *ssh, const char *container, int64_t *free_bytes, struct err *err)
{
	struct buf out = {0};
	int rc = ssh_run(ssh, &out, err,
			 "docker exec %s df -PB1 /var/lib/postgresql/data | tail -n 1 | awk '{print $4}'",
			 container);
	*free_bytes = -1;
	if (rc == 0 && !isdigit((unsigned char)*buf_text(&out)))
		rc = err_set(err, ERR_WORLD, "df in %s on %s does not tell how much room there is", container,
			     ssh_name(ssh));
	if (rc == 0)
		*free_bytes = strtoll(buf_text(&out), NULL, 10);
	buf_done(&out);
	return rc;
}

int copy_folder(struct ssh *ssh, char *out, size_t size, struct err *err)
{
	struct buf home = {0};
	char app[64];
	text_copy(app, sizeof app, job_config_str(ssh_job(ssh), "app", "app"));
	for (char *c = app; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			*c = '-';
	int rc = ssh_run(ssh, &home, err, "printf %%s \"$HOME\"");
	if (rc == 0 && (*buf_text(&home) != '/' || strpbrk(buf_text(&home), "'\"\\ \n$`")))
		rc = err_set(err, ERR_WORLD, "the home folder of %s is no plain path", ssh_name(ssh));
	if (rc == 0)
		text_copyf(out, size, "%s/.nightferry/%s", buf_text(&home), app);
	buf_done(&home);
	return rc;
}

int copy_reconnect(struct ssh *ssh, struct err *err)
{
	struct job *job = ssh_job(ssh);
	int64_t pause_ms = 500;
	for (int i = 0; i < RECONNECTS; i++) {
		struct err seen = {0};
		if (job_wait(job, pause_ms))
			return err_set(err, ERR_CANCELLED, "stopped while the connection to %s was lost",
				       ssh_name(ssh));
		if (ssh_reopen(ssh, &seen) == 0) {
			job_log(job, "NEW", "connected to %s again", ssh_name(ssh));
			return 0;
		}
		if (i == 0)
			job_log(job, "NEW", "%s; what runs on the host goes on", seen.text);
		err_set(err, seen.kind, "%s", seen.text);
		pause_ms = pause_ms * 2 > 20000 ? 20000 : pause_ms * 2;
	}
	return -1;
}
