/* The fold: random streams of events end in the same state however they were told: one by one, as a late
 * seat's snapshot (journal, newest samples, newest text), or through a parser again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/night/state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 400

static uint64_t seed;

static unsigned random_below(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

static const char *pick(const char *const *list, unsigned n)
{
	return list[random_below(n)];
}

static const char *const step_ids[] = {"one", "two", "three", "no-such-step"};
static const char *const words[] = {"",        "a",       "PASS", "FAIL", "done",
				    "failed",  "unknown", "OLD",  "NEW",  "\xc3\xbc|\"\\\n",
				    "running", "RUNNING"};

/* Fields that the folds know, with values right, wrong and absent. */
static void random_fields(struct jw *w, int depth)
{
	static const char *const keys[] = {
	    "step",          "state",   "text",  "by",    "seat",        "name",     "verdict",
	    "outcome",       "table",   "side",  "rows",  "server",      "watch",    "ok",
	    "check",         "gate",    "tag",   "level", "about",       "key",      "until_ms",
	    "done",          "total",   "lines", "seen",  "plan",        "dynos",    "formation",
	    "containers",    "writers", "data",  "names", "tables",      "path",     "stage",
	    "maintenance",   "station", "go",    "probe", "interval_ms", "ok_at_ms", "need_ms",
	    "quiet_since_ms"};
	unsigned n = random_below(9);
	for (unsigned i = 0; i < n; i++) {
		const char *key = keys[random_below(sizeof keys / sizeof *keys)];
		switch (random_below(depth > 2 ? 4 : 6)) {
		case 0: jw_str(w, key, pick(words, sizeof words / sizeof *words)); break;
		case 1: jw_int(w, key, (int64_t)random_below(100000) - 5); break;
		case 2: jw_bool(w, key, random_below(2)); break;
		case 3: jw_null(w, key); break;
		case 4:
			jw_arr(w, key);
			for (unsigned k = random_below(3); k > 0; k--) {
				jw_obj(w, NULL);
				random_fields(w, depth + 1);
				jw_end(w);
			}
			jw_end(w);
			break;
		default:
			jw_obj(w, key);
			random_fields(w, depth + 1);
			jw_end(w);
		}
	}
}

static char *random_line(uint64_t seq)
{
	size_t kinds = 0;
	while (kind_table[kinds])
		kinds++;
	const struct kind *kind = kind_table[random_below((unsigned)kinds)];
	struct jw w = {0};
	jw_open(&w);
	jw_int(&w, "seq", (int64_t)seq);
	jw_int(&w, "at", 1700000000000 + (int64_t)seq * 37);
	jw_str(&w, "src", "test");
	if (seq == 1 || text_equal(kind->name, "night.opened")) {
		jw_str(&w, "kind", "night.opened");
		jw_str(&w, "app", "acme");
		static const char playbook[] = "{\"name\":\"p\",\"phases\":[{\"name\":\"f\",\"steps\":[{"
					       "\"id\":\"one\",\"do\":\"scale\",\"gate\":\"yes\"},"
					       "{\"id\":\"two\",\"do\":\"manual\"}]}],\"rollback\":[{\"id\":"
					       "\"three\",\"do\":\"scale\"}]}";
		jw_raw(&w, "playbook", playbook, sizeof playbook - 1);
	} else {
		jw_str(&w, "kind", random_below(30) ? kind->name : "kind.of-the-future");
		jw_str(&w, "step", pick(step_ids, 4));
		random_fields(&w, 0);
	}
	char *line = xstrdup(jw_finish(&w));
	jw_done(&w);
	return line;
}

static char *dump(const struct state *state)
{
	struct jw w = {0};
	jw_open(&w);
	state_write(state, &w);
	char *text = xstrdup(jw_finish(&w));
	jw_done(&w);
	return text;
}

/* What a late seat is given: everything that is journalled, and of each sample's key only the newest. */
static char *by_snapshot(char **lines, size_t n)
{
	struct state *state = state_new();
	for (size_t i = 0; i < n; i++) {
		struct event *event = event_parse(lines[i], strlen(lines[i]), NULL);
		const struct kind *kind = kind_find(event->kind);
		bool last = true;
		struct buf key = {0}, later = {0};
		if (kind && kind->keep == KEEP_SAMPLE) {
			event_key(event, kind, &key);
			for (size_t k = i + 1; k < n && last; k++) {
				struct event *x = event_parse(lines[k], strlen(lines[k]), NULL);
				buf_reset(&later);
				if (text_equal(x->kind, event->kind))
					event_key(x, kind, &later);
				last = !text_equal(buf_text(&later), buf_text(&key));
				event_free(x);
			}
		}
		if (last)
			state_fold(state, event);
		buf_done(&key);
		buf_done(&later);
		event_free(event);
	}
	char *text = dump(state);
	state_free(state);
	return text;
}

static void run_seed(uint64_t start)
{
	seed = start;
	char *lines[EVENTS];
	struct state *state = state_new();
	for (size_t i = 0; i < EVENTS; i++) {
		lines[i] = random_line(i + 1);
		struct err err = {0};
		assert_int_equal(state_fold_line(state, lines[i], strlen(lines[i]), &err), 0);
		if (i % 67 == 0 || i == EVENTS - 1) {
			char *here = dump(state), *there = by_snapshot(lines, i + 1);
			/* the number of the newest event may be an older one in the snapshot: it is not part
			 * of what is told */
			assert_string_equal(strchr(here, ','), strchr(there, ','));
			free(here);
			free(there);
		}
	}
	state_free(state);
	for (size_t i = 0; i < EVENTS; i++)
		free(lines[i]);
}

static void test_random_streams(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 12; i++)
		run_seed(i * 7919);
}

static void test_step_runs(void **unused)
{
	(void)unused;
	static const char *const lines[] = {
	    "{\"seq\":1,\"at\":1000,\"src\":\"e\",\"kind\":\"night.opened\",\"app\":\"acme\",\"playbook\":{"
	    "\"name\":\"p\",\"phases\":[{\"name\":\"f\","
	    "\"steps\":[{\"id\":\"one\",\"do\":\"dns-point\"},{\"id\":\"two\",\"do\":\"manual\"}]}]}}",
	    "{\"seq\":2,\"at\":2000,\"src\":\"e\",\"kind\":\"attempt.started\",\"attempt\":\"a1\",\"step\":"
	    "\"one\",\"by\":\"ana\",\"plan\":{}}",
	    "{\"seq\":3,\"at\":5000,\"src\":\"e\",\"kind\":\"attempt.ended\",\"attempt\":\"a1\",\"step\":"
	    "\"one\",\"outcome\":\"done\"}",
	};
	struct state *state = state_new();
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(state_fold_line(state, lines[i], strlen(lines[i]), NULL), 0);
	const struct step_seen *one = steps_get(state, "one");
	assert_non_null(one);
	assert_int_equal(one->state, STEP_DONE);
	assert_int_equal(one->ended_at_ms - one->started_at_ms, 3000);
	assert_int_equal(state->flip_at_ms, 5000);
	assert_string_equal(steps_next(state)->id, "two");
	state_free(state);
}

static void test_no_event(void **unused)
{
	(void)unused;
	static const char *const bad[] = {
	    "", "{", "[]", "{\"seq\":1}", "{\"kind\":\"x\"}", "{\"seq\":-4,\"kind\":\"x\"}", "null"};
	struct state *state = state_new();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {0};
		assert_int_equal(state_fold_line(state, bad[i], strlen(bad[i]), &err), -1);
		assert_true(*err.text);
	}
	assert_int_equal(state->seq, 0);
	state_free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_streams),
	    cmocka_unit_test(test_step_runs),
	    cmocka_unit_test(test_no_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
