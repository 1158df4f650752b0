/* Programs that outlive their ssh session: see detached.h. */
#include "core/links/detached.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/shell_here.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_BYTES = 256 << 10 };

static int run_here(const char *script, const char *say, const char *input, struct buf *out, struct err *err)
{
	struct buf said = {0};
	char words[200];
	int rc = shell_here(script, input, out, &said, err);
	text_clean(words, sizeof words, buf_text(&said), said.len);
	buf_done(&said);
	if (rc <= 0)
		return rc;
	return err_set(err, ERR_REFUSED, "\"%s\" ended with %d: %s", say, rc, *words ? words : "no words");
}

/* The script as it is, or put into the container by docker exec. */
static int run_script(const struct detached *d, const char *how, const char *say, const char *script,
		      const char *input, struct buf *out, struct err *err)
{
	struct buf command = {0};
	struct ssh_reply reply;
	if (d->container) {
		buf_addf(&command, "docker exec %s%s sh -c ", how, d->container);
		ssh_quote(&command, script);
	} else {
		buf_adds(&command, script);
	}
	if (!d->ssh) {
		int rc = run_here(buf_text(&command), say, input, out, err);
		buf_done(&command);
		return rc;
	}
	int rc = ssh_exec(d->ssh,
			  &(struct ssh_call){.command = buf_text(&command),
					     .say = say,
					     .input = input,
					     .input_len = input ? strlen(input) : 0},
			  &reply, err);
	if (rc == 0 && reply.status != 0) {
		char said[200];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_REFUSED, "%s: \"%s\" ended with %d: %s", ssh_name(d->ssh), say,
			     reply.status, *said ? said : "no words");
	}
	if (out)
		buf_add(out, reply.out.data, reply.out.len);
	ssh_reply_done(&reply);
	buf_done(&command);
	return rc;
}

int detached_start(const struct detached *d, const char *command, const char *input, struct err *err)
{
	struct buf script = {0};
	const char *b = d->base;
	/* Paths stand where a shell splits words: the demo's docker puts them into its container's folder
	 * there. */
	const char *const run = "%s 2>\"%s.log\" & p=$!; echo $p >\"%s.pid\"; wait $p; echo $? "
				">\"%s.rc.new\"; mv \"%s.rc.new\" \"%s.rc\"";
	buf_addf(&script, "umask 077; rm -f \"%s.pid\" \"%s.rc\" \"%s.log\"; ", b, b, b);
	if (!d->container)
		/* The shell that holds the input is the one we spoke to: no argument list ever shows it. */
		buf_adds(&script, "in=$(cat); ( ");
	if (input)
		buf_adds(&script, "printf '%s' \"$in\" | ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_addf(&script, run, command, b, b, b, b, b);
#pragma GCC diagnostic pop
	if (!d->container)
		/* Who looks before its number is there would take it for one that never began, and begin it
		 * twice. */
		buf_addf(
		    &script,
		    " ) </dev/null >/dev/null 2>&1 & i=0; while [ ! -s \"%s.pid\" ] && [ $i -lt 300 ]; do "
		    "sleep 0.1; i=$((i + 1)); done; [ -s \"%s.pid\" ] || { echo it did not begin within 30 s "
		    ">&2; "
		    "exit 1; }",
		    b, b);
	char *say = xasprintf("%s%s%s (detached)", d->container ? "docker exec -d " : "",
			      d->container ? d->container : "", d->container ? " " : "");
	char *full = xasprintf("%s%s", say, command);
	int rc = run_script(d, "-d ", full, buf_text(&script), input ? input : "", NULL, err);
	free(full);
	free(say);
	buf_done(&script);
	return rc;
}

static void read_look(const struct buf *out, struct detached_look *look)
{
	const char *text = buf_text(out), *log = strchr(text, '\n');
	int alive = 0, started = 0, rc = -1, pid = 0;
	long long bytes = 0;
	int fields = sscanf(text, "%d %d %d %d %lld", &alive, &started, &pid, &rc, &bytes);
	*look = (struct detached_look){.rc = rc, .pid = pid, .log_bytes = bytes};
	look->state = fields < 5 || !started ? DETACHED_NEVER
		      : rc >= 0              ? DETACHED_ENDED
		      : alive                ? DETACHED_ALIVE
					     : DETACHED_DEAD;
	if (!log)
		return;
	const char *extra = log + 1, *end = strchr(extra, '\n');
	text_clean(look->extra, sizeof look->extra, extra, end ? (size_t)(end - extra) : strlen(extra));
	if (!end)
		return;
	size_t len = out->len - (size_t)(end + 1 - text);
	const char *last = len ? memrchr(end + 1, '\n', len) : NULL;
	/* The last line is torn while the program writes; when it has ended, that is all it said. One that
	 * alone fills a look is told in pieces. */
	if (len && look->state == DETACHED_ENDED && len < LOG_BYTES)
		buf_add(&look->log, end + 1, len);
	else if (last)
		buf_add(&look->log, end + 1, (size_t)(last - end));
	else if (len >= LOG_BYTES)
		buf_add(&look->log, end + 1, len);
}

int detached_look(const struct detached *d, int64_t log_from, struct detached_look *look, struct err *err)
{
	struct buf out = {0};
	const char *b = d->base;
	char *script =
	    xasprintf("p=$(cat \"%s.pid\" 2>/dev/null); a=0; s=0; [ -n \"$p\" ] && s=1; "
		      "[ -n \"$p\" ] && [ \"$(cat /proc/$p/comm 2>/dev/null)\" = %.15s ] && a=1; "
		      "r=$(cat \"%s.rc\" 2>/dev/null); l=$(wc -c 2>/dev/null <\"%s.log\"); echo $a $s "
		      "${p:-0} ${r:--1} ${l:-0}; "
		      "x=$(%s); echo \"$x\"; tail -c +%lld \"%s.log\" 2>/dev/null | head -c %d; true",
		      b, d->program, b, b, d->extra ? d->extra : ":", (long long)log_from + 1, b, LOG_BYTES);
	*look = (struct detached_look){0};
	char *say = xasprintf("looks at %s", d->base);
	int rc = run_script(d, "", say, script, NULL, &out, err);
	if (rc == 0)
		read_look(&out, look);
	free(say);
	free(script);
	buf_done(&out);
	return rc;
}

void detached_look_done(struct detached_look *look)
{
	buf_done(&look->log);
}

int detached_stop(const struct detached *d, int ms, struct err *err)
{
	char *script = xasprintf("p=$(cat \"%s.pid\" 2>/dev/null); [ \"$(cat /proc/$p/comm 2>/dev/null)\" = "
				 "%.15s ] && kill -TERM $p; true",
				 d->base, d->program);
	int rc = run_script(d, "", "kill -TERM", script, NULL, NULL, err);
	free(script);
	int64_t until_ms = clock_life_ms() + ms;
	while (rc == 0) {
		struct detached_look look;
		rc = detached_look(d, 0, &look, err);
		bool gone = rc == 0 && look.state != DETACHED_ALIVE;
		detached_look_done(&look);
		if (gone)
			return 0;
		if (rc == 0 && clock_life_ms() > until_ms)
			rc = err_set(err, ERR_WORLD, "%s was told to stop and still runs; look at it on %s",
				     d->program, d->ssh ? ssh_name(d->ssh) : "this machine");
		clock_sleep_ms(200);
	}
	return rc;
}

int detached_forget(const struct detached *d, struct err *err)
{
	char *script = xasprintf("rm -f \"%s.pid\" \"%s.rc\" \"%s.log\"", d->base, d->base, d->base);
	int rc = run_script(d, "", "rm -f its log", script, NULL, NULL, err);
	free(script);
	return rc;
}
