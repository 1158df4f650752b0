/* See the header. */
#include "tests/copy/deaths.h"
#include "core/base/text.h"
#include "core/copy/delta_tables.h"
#include "core/copy/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

extern const struct copy_verb warm_verb;

enum { DEATHS_MOST = 3, LINES = 60 };

static void work(const struct pair *pair, const char *database, bool resume)
{
	char url[2][160];
	struct err err = {0};
	for (int side = 0; side < 2; side++)
		pair_url(pair, side, database, url[side], sizeof url[side]);
	char *text = xasprintf(
	    "{\"source\":{\"url\":\"%s\"},\"target\":{\"url\":\"%s\"},\"token\":\"test\",\"container\":\"\","
	    "\"lanes\":2,\"piece_mb\":1,\"resume\":%s}",
	    url[0], url[1], resume ? "true" : "false");
	struct json *json = json_parse(text, strlen(text), &err);
	if (warm_verb.run(&(struct copy_order){.json = json, .stop_fd = -1}, &err) < 0) {
		struct jw w;
		order_line(&w, "error");
		jw_str(&w, "text", err.text);
		order_tell(&w);
	}
	free(text);
	json_free(json);
}

static void hear(struct deaths *d, const char *line, size_t len)
{
	struct json *json = json_parse(line, len, NULL);
	const char *kind = json_str(json, "kind", "");
	if (!json)
		fprintf(stderr, "%s", line); /* what a sanitizer has to say */
	if (text_equal(kind, "error"))
		text_copy(d->said, sizeof d->said, json_str(json, "text", ""));
	if (text_equal(kind, "log")) {
		size_t at = strlen(d->log);
		text_copyf(d->log + at, sizeof d->log - at, "%s\n", json_str(json, "text", ""));
	}
	const char *state = json_str(json, "state", "");
	d->in += text_equal(kind, "table") && (text_equal(state, "copied") || text_equal(state, "done"));
	if (text_equal(kind, "released"))
		d->released = d->lines + 1;
	if (text_equal(kind, "result")) {
		d->result_rows = json_int(json, "rows", -1);
		d->tasks =
		    json_int(json, "pieces", 0) + json_int(json, "indexes", 0) + json_int(json, "keys", 0);
	}
	json_free(json);
}

int deaths_attempt(const struct pair *pair, const char *database, bool resume, size_t die_at,
		   struct deaths *d)
{
	int ends[2], status;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	*d = (struct deaths){.attempts = d->attempts + 1,
			     .resumed = d->resumed + resume,
			     .in_most = d->in_most,
			     .at_release = d->at_release,
			     .result_rows = -1,
			     .tasks = -1};
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		/* What cmocka would do then is the parent's. */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		close(ends[1]);
		work(pair, database, resume);
		_exit(0);
	}
	close(ends[1]);
	FILE *f = fdopen(ends[0], "r");
	assert_non_null(f);
	/* It ends when the last of them has gone that could tell anything. */
	while ((len = getline(&line, &size, f)) > 0) {
		hear(d, line, (size_t)len);
		if (++d->lines == die_at || (d->in_most && d->in >= d->in_most) ||
		    (d->at_release && d->released))
			kill(pid, SIGKILL);
	}
	d->in_most = 0;
	d->at_release = false;
	free(line);
	fclose(f);
	waitpid(pid, &status, 0);
	return d->result_rows >= 0 && !*d->said && WIFEXITED(status) ? 0 : -1;
}

struct warm_left deaths_left(const struct pair *pair, const char *database)
{
	struct copy_boundary now;
	struct delta_tables tables = {0};
	struct warm_left left = {0};
	struct err err = {0};
	struct pg *source = pair_open(pair, PAIR_OLD, database),
		  *target = pair_open(pair, PAIR_NEW, database);
	int rc = copy_boundary_open(source, &now, NULL, 0, &err);
	if (rc == 0)
		rc = delta_tables_look(source, NULL, &tables, &err);
	if (rc == 0)
		rc = warm_left_look(target, &now, &tables, &left, NULL, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	delta_tables_done(&tables);
	pg_close(source);
	pg_close(target);
	return left;
}

bool deaths_too_late(const struct pair *pair, const char *database)
{
	struct warm_state state;
	struct err err = {0};
	struct pg *target = pair_open(pair, PAIR_NEW, database);
	assert_int_equal(warm_state_read(target, &state, &err), 0);
	bool whole = state.n && !state.unfinished;
	warm_state_done(&state);
	pg_close(target);
	return whole;
}

void deaths_empty(const struct pair *pair, const char *database)
{
	struct err err = {0};
	struct pg *pg = pair_open(pair, PAIR_NEW, "postgres");
	pg_exec(pg, &err, "DROP DATABASE %s WITH (FORCE)", database);
	assert_string_equal(err.text, "");
	pg_exec(pg, &err, "CREATE DATABASE %s", database);
	assert_string_equal(err.text, "");
	pg_close(pg);
}

/* Some choices lie behind the last line of a small database: then it has come to its end. */
struct deaths deaths_warm(const struct pair *pair, const char *database, uint64_t (*random)(void *ctx),
			  void (*between)(void *ctx), void *ctx)
{
	struct deaths d = {0};
	for (int i = 0;; i++) {
		struct warm_left left = deaths_left(pair, database);
		if (!left.goes_on && *left.token)
			deaths_empty(pair, database);
		size_t die_at = i < DEATHS_MOST ? 1 + random(ctx) % LINES : 0;
		if (deaths_attempt(pair, database, left.goes_on, die_at, &d) == 0)
			return d;
		if (*d.said)
			fail_msg("attempt %zu says: %s", d.attempts, d.said);
		assert_int_not_equal(die_at, 0);
		if (deaths_too_late(pair, database))
			return d;
		between(ctx);
	}
}
