/* A rehearsal: its database's name, its playbook, what it leaves out, and what it teaches the night. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/job.h"
#include "core/night/rehearsal.h"
#include "core/night/rehearsed.h"
#include "core/night/state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json *parse(const char *text)
{
	struct json *x = json_parse(text, strlen(text), NULL);
	assert_non_null(x);
	return x;
}

static void expect_name(const char *app, const char *night, const char *name)
{
	char text[400];
	text_copyf(text, sizeof text, "{\"app\":\"%s\",\"rehearsal\":{\"database\":\"old\"}}", app);
	struct json *config = parse(text), *made = rehearsal_config(config, night);
	assert_string_equal(json_str(json_get(made, "rehearsal"), "database", ""), name);
	assert_string_equal(json_str(made, "app", ""), app);
	json_free(made);
	json_free(config);
}

static void test_name(void **unused)
{
	(void)unused;
	char longest[101];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	expect_name("acme", "2026-11-21T0104-rehearsal", "acme_rehearsal_20261121_0104");
	expect_name("acme", "2026-11-21T0104-02-rehearsal", "acme_rehearsal_20261121_010402");
	expect_name("Acme.Shop; DROP", "2026-11-21T0104-rehearsal",
		    "acme_shop__drop_rehearsal_20261121_0104");
	/* Cut in the middle of the app, never in the mark: without it the database would never be dropped. */
	char text[200];
	text_copyf(text, sizeof text, "{\"app\":\"%s\"}", longest);
	struct json *config = parse(text), *made = rehearsal_config(config, "2026-11-21T0104-rehearsal");
	const char *name = json_str(json_get(made, "rehearsal"), "database", "");
	assert_int_equal(strlen(name), 63);
	assert_string_equal(strstr(name, "_rehearsal_"), "_rehearsal_20261121_0104");
	json_free(made);
	json_free(config);
}

static void test_playbook(void **unused)
{
	(void)unused;
	struct json *book = parse("{\"name\":\"b\",\"phases\":[{\"name\":\"copy\",\"steps\":[{\"id\":"
				  "\"restore\",\"do\":\"restore\"}]}],"
				  "\"rollback\":[{\"id\":\"back-dns\",\"do\":\"dns-point\"},{\"id\":\"back-"
				  "unlock\",\"do\":\"kamal-unlock\"}],"
				  "\"unattended\":true}");
	struct json *made = rehearsal_playbook(book);
	const struct json *phases = json_get(made, "phases"), *first = json_first(phases), *last = NULL;
	for (const struct json *x = first; x; x = json_next(x))
		last = x;
	assert_int_equal(json_count(phases), 3);
	assert_string_equal(json_str(json_first(json_get(first, "steps")), "do", ""), "rehearsal-create");
	assert_string_equal(json_str(json_first(json_get(last, "steps")), "do", ""), "rehearsal-drop");
	assert_string_equal(json_str(json_first(json_get(json_next(first), "steps")), "id", ""), "restore");
	/* The way back gives back the lock and clears away; it never moves names. */
	const struct json *back = json_first(json_get(made, "rollback"));
	assert_int_equal(json_count(json_get(made, "rollback")), 2);
	assert_string_equal(json_str(back, "id", ""), "back-unlock");
	assert_string_equal(json_str(json_next(back), "do", ""), "rehearsal-drop");
	assert_true(json_bool(made, "unattended", false));
	json_free(made);
	json_free(book);
}

/* A kind that says nothing is left out, and says so. That every row says something, and that what is seen
 * outside says SKIP, is a rule of tests/lint. */
static void test_left_out(void **unused)
{
	(void)unused;
	static const struct step silent = {.name = "new"}, same = {.name = "same", .rehearse = REHEARSE_SAME},
				 throwaway = {.name = "throwaway", .rehearse = REHEARSE_THROWAWAY},
				 skip = {.name = "skip", .rehearse = REHEARSE_SKIP};
	assert_non_null(strstr(rehearsal_omits(&silent), "does not say"));
	assert_non_null(strstr(rehearsal_omits(NULL), "does not say"));
	assert_non_null(rehearsal_omits(&skip));
	assert_null(rehearsal_omits(&same));
	assert_null(rehearsal_omits(&throwaway));
}

static const char opened[] =
    "{\"seq\":1,\"at\":1000,\"src\":\"engine\",\"kind\":\"night.opened\",\"app\":\"acme\",\"night\":\"n\",%s"
    "\"playbook\":{\"name\":\"b\",\"phases\":[{\"name\":\"copy\",\"steps\":[{\"id\":\"restore\",\"do\":"
    "\"restore\"},"
    "{\"id\":\"app-boot\",\"do\":\"app-boot\",\"estimate_ms\":9},{\"id\":\"q\",\"do\":\"quiet-timer\","
    "\"with\":{\"for\":\"10m\"}}]}],"
    "\"rollback\":[]}}";

static const struct step_seen *fold_opened(struct state *state, const char *folder)
{
	struct jw w = {0};
	struct buf line = {0};
	jw_open(&w);
	rehearsed_write(folder, &w);
	/* {"rehearsed":{...}} -> the member and a comma */
	const char *text = jw_finish(&w);
	char *member = strdup(text + 1);
	member[strlen(member) - 1] = *text && text[1] != '}' ? ',' : '\0';
	buf_addf(&line, opened, member);
	assert_int_equal(state_fold_line(state, buf_text(&line), line.len, NULL), 0);
	free(member);
	buf_done(&line);
	jw_done(&w);
	return state->steps.steps;
}

static void test_teaches(void **unused)
{
	(void)unused;
	char folder[] = "/tmp/nf-rehearsed-XXXXXX", path[80];
	struct jw w;
	assert_non_null(mkdtemp(folder));
	text_copyf(path, sizeof path, "%s/rehearsed.jsonl", folder);
	struct state *state = state_new();
	const struct step_seen *steps = fold_opened(state, folder);
	assert_string_equal(state->rehearsed.night, "");
	assert_int_equal(steps[0].estimate_ms, -1);
	assert_int_equal(steps[0].rehearsed_ms, -1);
	assert_int_equal(steps[2].estimate_ms, 600000);
	state_free(state);

	FILE *f = fopen(path, "w");
	/* An older one of the same step, hostile lines, a torn one, and a step of another kind. */
	fputs("{\"night\":\"a-rehearsal\",\"what\":\"step\",\"step\":\"restore\",\"kind\":\"restore\",\"ms\":"
	      "1,\"bytes\":1}\n"
	      "\n[]\n{}\nnull\n{\"night\":3}\n\xff\xfe\n{\"night\":\"a-rehearsal\",\"what\":\"step\","
	      "\"step\":\"app-boot\","
	      "\"kind\":\"kamal\",\"ms\":77}\n"
	      "{\"night\":\"a-rehearsal\",\"what\":\"waiver\",\"about\":\"check:ttl\",\"by\":\"bea\","
	      "\"reason\":\"old\"}\n"
	      "{\"night\":\"a-rehearsal\",\"what\":\"dump\",\"backup\":\"b1\",\"label\":\"b001\"}\n"
	      "{\"night\":\"a-rehearsal\",\"what\":\"step\",\"step\":\"q\",\"kind\":\"quiet-timer\",\"ms\":-"
	      "5}\n"
	      "{\"night\":\"b-reh",
	      f);
	fputc('\n', f);
	fclose(f);
	rehearsed_line(&w, "b-rehearsal", "step");
	jw_str(&w, "step", "restore");
	jw_str(&w, "kind", "restore");
	jw_int(&w, "ms", 60000);
	jw_int(&w, "look_ms", 2000);
	jw_int(&w, "bytes", 1000);
	jw_bool(&w, "by_size", true);
	assert_int_equal(rehearsed_add(folder, &w, NULL), 0);
	rehearsed_line(&w, "b-rehearsal", "waiver");
	jw_str(&w, "about", "check:aaaa");
	jw_str(&w, "by", "ana");
	jw_str(&w, "reason", "no IPv6 here");
	assert_int_equal(rehearsed_add(folder, &w, NULL), 0);

	state = state_new();
	steps = fold_opened(state, folder);
	assert_string_equal(state->rehearsed.night, "b-rehearsal");
	assert_int_equal(state->rehearsed.n_waivers, 1);
	assert_string_equal(state->rehearsed.waivers[0].about, "check:aaaa");
	assert_int_equal(steps[0].rehearsed_ms, 60000);
	assert_int_equal(steps[0].estimate_ms, 62000);
	assert_int_equal(steps[1].rehearsed_ms, -1); /* another kind of step had that id */
	assert_int_equal(steps[1].estimate_ms, 9);
	assert_int_equal(steps[2].rehearsed_ms, -1);
	/* Tonight there is half as much again. */
	static const char source[] =
	    "{\"seq\":2,\"at\":2000,\"src\":\"engine\",\"kind\":\"fact\",\"name\":\"source\",\"key\":\"\","
	    "\"data\":{\"size_bytes\":1500}}";
	assert_int_equal(state_fold_line(state, source, sizeof source - 1, NULL), 0);
	assert_int_equal(state->steps.steps[0].estimate_ms, 92000);
	assert_int_equal(state->steps.steps[0].rehearsed_ms, 60000);
	/* Its looks are over when it begins, and what a plan reckons is believed less than what was measured.
	 */
	static const char began[] =
	    "{\"seq\":3,\"at\":3000,\"src\":\"engine\",\"kind\":\"attempt.started\",\"attempt\":\"a1\","
	    "\"step\":\"restore\",\"verb\":\"run\",\"plan\":{\"estimate_ms\":5}}";
	assert_int_equal(state_fold_line(state, began, sizeof began - 1, NULL), 0);
	assert_int_equal(state->steps.steps[0].estimate_ms, 90000);
	state_free(state);
	unlink(path);
	rmdir(folder);
}

/* Years of rehearsals: what is kept teaches the same, and the file is short. */
static void test_kept_short(void **unused)
{
	(void)unused;
	char folder[] = "/tmp/nf-rehearsed-XXXXXX", path[80], name[40];
	struct jw w, before = {0}, after = {0};
	assert_non_null(mkdtemp(folder));
	text_copyf(path, sizeof path, "%s/rehearsed.jsonl", folder);
	for (int i = 0; i < 200; i++) {
		text_copyf(name, sizeof name, "n%d-rehearsal", i);
		for (int step = 0; step < 4; step++) {
			rehearsed_line(&w, name, "step");
			jw_strf(&w, "step", "s%d", step);
			jw_int(&w, "ms", i * 10 + step);
			assert_int_equal(rehearsed_add(folder, &w, NULL), 0);
		}
		rehearsed_line(&w, name, "waiver");
		jw_str(&w, "about", i % 2 ? "check:ttl" : "check:aaaa");
		assert_int_equal(rehearsed_add(folder, &w, NULL), 0);
		rehearsed_line(&w, name, "dump");
		jw_strf(&w, "backup", "b%d", i);
		assert_int_equal(rehearsed_add(folder, &w, NULL), 0);
	}
	jw_open(&before);
	rehearsed_write(folder, &before);
	struct json *was = parse(jw_finish(&before));
	assert_int_equal(rehearsed_trim(folder, NULL), 0);
	jw_open(&after);
	rehearsed_write(folder, &after);
	struct json *is = parse(jw_finish(&after));
	char *steps_was = json_print(json_path(was, "rehearsed.steps")),
	     *steps_is = json_print(json_path(is, "rehearsed.steps")),
	     *waivers_was = json_print(json_path(was, "rehearsed.waivers")),
	     *waivers_is = json_print(json_path(is, "rehearsed.waivers"));
	assert_string_equal(steps_is, steps_was);
	assert_string_equal(waivers_is, waivers_was);
	assert_string_equal(json_str(json_get(is, "rehearsed"), "night", ""), "n199-rehearsal");
	assert_int_equal(json_count(json_path(was, "rehearsed.dumps")), 200);
	assert_int_equal(json_count(json_path(is, "rehearsed.dumps")), 100);
	assert_string_equal(json_str(json_first(json_path(is, "rehearsed.dumps")), "backup", ""), "b100");
	/* 4 steps, 1 waiver, 100 dumps; and a short file is left alone. */
	FILE *f = fopen(path, "r");
	int lines = 0;
	for (int c; (c = fgetc(f)) != EOF;)
		lines += c == '\n';
	fclose(f);
	assert_int_equal(lines, 105);
	assert_int_equal(rehearsed_trim(folder, NULL), 0);
	free(steps_was);
	free(steps_is);
	free(waivers_was);
	free(waivers_is);
	json_free(was);
	json_free(is);
	jw_done(&before);
	jw_done(&after);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

/* A full or shut disk is told, and costs nothing but the figures. */
static void test_not_kept(void **unused)
{
	(void)unused;
	struct err err = {0};
	struct jw w;
	rehearsed_line(&w, "n", "step");
	assert_int_equal(rehearsed_add("/nowhere/at/all", &w, &err), -1);
	assert_non_null(strstr(err.text, "the rehearsal itself goes on"));
	/* Room for a part of a line: nothing of it stays, or the next one would be glued to it. */
	char folder[] = "/tmp/nfreh.XXXXXX", path[80];
	struct rlimit before, small;
	struct stat st;
	assert_non_null(mkdtemp(folder));
	text_copyf(path, sizeof path, "%s/rehearsed.jsonl", folder);
	rehearsed_line(&w, "n", "step");
	assert_int_equal(rehearsed_add(folder, &w, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)st.st_size + 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rehearsed_line(&w, "n", "step");
	int rc = rehearsed_add(folder, &w, &err);
	off_t size = st.st_size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, size);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_name),     cmocka_unit_test(test_playbook),
	    cmocka_unit_test(test_left_out), cmocka_unit_test(test_teaches),
	    cmocka_unit_test(test_not_kept), cmocka_unit_test(test_kept_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
