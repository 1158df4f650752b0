/* Playbooks: what the engine gets, what is refused with which sentence, and that the shipped one is read. */
#include "core/night/playbook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

static const struct param scale_params[] = {
    {"all", "int", "", "how many dynos of each type"},
    {"to", "text", "", "recorded: as they were"},
    {"force", "flag", "false", "true or false"},
    {0},
};
static const struct param quiet_params[] = {{"for", "duration", "60s", "how long"}, {0}};
static const struct param point_params[] = {{"to", "text", NULL, "new or old"}, {0}};
static const struct param card_params[] = {
    {"card", "text", NULL, "what to do"}, {"fields", "any", "", "a list of names"}, {0}};

static const struct step *const steps[] = {
    &(const struct step){
	.name = "scale", .help = "changes the dynos", .gate = GATE_YES, .params = scale_params},
    &(const struct step){.name = "wait-quiet", .help = "waits", .params = quiet_params},
    &(const struct step){.name = "dns-point", .help = "points", .gate = GATE_TYPE, .params = point_params},
    &(const struct step){.name = "manual", .help = "a card for people", .params = card_params},
    &(const struct step){.name = "capture", .help = ""},
    NULL,
};
static const struct check *const checks[] = {&(const struct check){.name = "ttl"}, NULL};
static const struct playbook_kinds kinds = {.steps = steps, .checks = checks};

#define STEP(text) "phases:\n- phase: one\n  steps:\n  - {" text "}\n"

static const struct {
	const char *text, *overrides, *message;
} bad[] = {
    {"#\n", NULL, "night.yml:1:1: a playbook must be a map; begin it with `phases:`."},
    {"- phase: one\n", NULL, "night.yml:1:1: a playbook must be a map; begin it with `phases:`."},
    {"name: x\n", NULL,
     "night.yml:1:1: a playbook needs `phases:`, a list; begin each with `- phase: ` and its name."},
    {"phases: {}\n", NULL,
     "night.yml:1:9: a playbook needs `phases:`, a list; begin each with `- phase: ` and its name."},
    {"phases: [one]\n", NULL,
     "night.yml:1:10: a phase must be a map; write - {phase: freeze, steps: [...]}."},
    {"phases:\n- steps: []\n", NULL, "night.yml:2:3: a phase needs \"phase\": its name, for example freeze."},
    {"phases:\n- phase: one\n", NULL,
     "night.yml:2:3: this phase has no steps; write `steps:` with a list below it."},
    {"phases:\n- {phase: one, steps: x}\n", NULL,
     "night.yml:2:4: this phase has no steps; write `steps:` with a list below it."},
    {"phases:\n- {phase: one, stesp: []}\n", NULL,
     "night.yml:2:16: \"stesp\" is not a key of a phase; did you mean \"steps\"?"},
    {"phases:\n- {phase: one, steps: [x]}\n", NULL,
     "night.yml:2:24: a step must be a map; write - {id: quiet, do: wait-quiet}."},
    {"phases:\n- {phase: a-phase-with-a-name-that-is-far-too-long, steps: []}\n", NULL,
     "night.yml:2:11: \"phase\" is longer than 31 bytes; shorten it."},
    {"phase:\n- x\n", NULL, "night.yml:1:1: \"phase\" is not a key of this file; did you mean \"phases\"?"},
    {STEP("id: a"), NULL, "night.yml:4:6: a step needs \"do\": the kind of step, for example scale."},
    {STEP("do: scale"), NULL,
     "night.yml:4:6: a step needs \"id\": a short name of its own, for example scale-to-zero."},
    {STEP("id: A b, do: scale"), NULL,
     "night.yml:4:10: an id holds small letters, digits and -; \"A b\" does not fit, write for example "
     "scale-to-zero."},
    {STEP("id: a, do: scal"), NULL, "night.yml:4:17: \"scal\" is no kind of step; did you mean \"scale\"?"},
    {STEP("id: a, do: explode"), NULL,
     "night.yml:4:17: \"explode\" is no kind of step; there are scale, wait-quiet, dns-point, manual, "
     "capture."},
    {STEP("id: a, do: scale, wiht: {}"), NULL,
     "night.yml:4:24: \"wiht\" is not a key of a step; did you mean \"with\"?"},
    {STEP("id: a, do: scale, with: 0"), NULL,
     "night.yml:4:30: `with:` must be a map of parameters; write {name: value}."},
    {STEP("id: a, do: scale, with: {al: 0}"), NULL,
     "night.yml:4:31: \"al\" is no parameter of scale; did you mean \"all\"?"},
    {STEP("id: a, do: scale, with: {speed: 0}"), NULL,
     "night.yml:4:31: \"speed\" is no parameter of scale; its parameters are all, to, force."},
    {STEP("id: a, do: capture, with: {x: 1}"), NULL,
     "night.yml:4:33: \"x\" is no parameter of capture; it has none, remove this."},
    {STEP("id: a, do: scale, with: {all: many}"), NULL,
     "night.yml:4:36: \"all\" must be a whole number, not the text \"many\" (how many dynos of each type)."},
    {STEP("id: a, do: scale, with: {all: [1]}"), NULL,
     "night.yml:4:36: \"all\" must be a whole number, not a list (how many dynos of each type)."},
    {STEP("id: a, do: scale, with: {force: 1}"), NULL,
     "night.yml:4:38: \"force\" must be true or false, not the number 1 (true or false)."},
    {STEP("id: a, do: scale, with: {to: {}}"), NULL,
     "night.yml:4:35: \"to\" must be a text, not a map (recorded: as they were)."},
    {STEP("id: a, do: wait-quiet, with: {for: soon}"), NULL,
     "night.yml:4:41: \"for\" must be a duration such as 90s, 5m or 1h30m, not the text \"soon\" (how "
     "long)."},
    {STEP("id: a, do: dns-point"), NULL,
     "night.yml:4:6: the step \"a\" needs \"to\" in `with:`: new or old."},
    {STEP("id: a, do: dns-point, with: {to: \"http://u:s3cret@h\"}"), NULL,
     "night.yml:4:40: a password is written out here; put the whole URL into an environment variable and "
     "write \"env:NAME_OF_THE_VARIABLE\" instead."},
    {STEP("id: a, do: dns-point, with: {to: new}, gate: \"yes\""), NULL,
     "night.yml:4:52: the gate of dns-point is at least \"type\"; a playbook can only raise it, so remove "
     "this."},
    {STEP("id: a, do: scale, gate: yes"), NULL,
     "night.yml:4:30: `yes` means different things to different programs; write true or \"yes\"."},
    {STEP("id: a, do: scale, gate: always"), NULL,
     "night.yml:4:30: \"gate\" is one of none, \"yes\", type, poll."},
    {STEP("id: a, do: scale, budget: soon"), NULL,
     "night.yml:4:32: \"budget\" must be a duration, not the text \"soon\"; write for example 90s or 5m."},
    {STEP("id: a, do: scale, auto: 1"), NULL,
     "night.yml:4:30: \"auto\" must be true or false, not the number 1; write true when it may start by "
     "itself after the one before."},
    {STEP("id: a, do: scale, checks: [tll]"), NULL,
     "night.yml:4:33: there is no check \"tll\"; did you mean \"ttl\"?"},
    {STEP("id: a, do: scale, checks: [zzzzz]"), NULL,
     "night.yml:4:33: there is no check \"zzzzz\"; remove it."},
    {STEP("id: a, do: scale, checks: ttl"), NULL, "night.yml:4:32: \"checks\" must be a list; write [ttl]."},
    {STEP("id: a, do: scale, title: [x]"), NULL,
     "night.yml:4:31: \"title\" must be a text; write one short line."},
    {STEP("id: a, do: scale, title: \"a title that goes on and on and on and on and on and on and on and "
	  "on\""),
     NULL, "night.yml:4:32: \"title\" is longer than 63 bytes; shorten it."},
    {"phases:\n- phase: one\n  steps:\n  - {id: a, do: scale}\n  - {id: a, do: scale}\n", NULL,
     "night.yml:5:10: there is a step \"a\" already, in line 4; give this one another id."},
    {"phases:\n- phase: one\n  steps:\n  - {id: a, do: scale}\nrollback:\n  - {id: a, do: scale}\n", NULL,
     "night.yml:6:10: there is a step \"a\" already, in line 4; give this one another id."},
    {"phases:\n- phase: one\n  steps:\n  - {id: a, do: scale}\nrollback: x\n", NULL,
     "night.yml:5:11: `rollback:` must be a list of steps; begin each with `- {id: `."},
    {STEP("id: restore, do: scale"), "{\"steps\":{\"restor\":{}}}",
     "nightferry.yml: \"steps.restor\" is no step of night.yml; did you mean \"restore\"?"},
    {STEP("id: a, do: scale"), "{\"steps\":{\"zzzzzz\":{}}}",
     "nightferry.yml: \"steps.zzzzzz\" is no step of night.yml; remove it."},
    {STEP("id: a, do: scale"), "{\"steps\":{\"a\":{\"al\":\"1\"}}}",
     "nightferry.yml: \"steps.a.al\" is no parameter of scale; did you mean \"all\"?"},
    {STEP("id: a, do: scale"), "{\"steps\":{\"a\":{\"all\":\"x\"}}}",
     "nightferry.yml: \"steps.a.all\" must be a whole number, not the text \"x\" (how many dynos of each "
     "type)."},
    {STEP("id: a, do: scale"), "{\"steps\":{\"a\":{\"all\":[1]}}}",
     "nightferry.yml: \"steps.a.all\" must be a single value (how many dynos of each type)."},
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct json *resolve(const char *text, const char *overrides, struct err *err)
{
	struct json *config = overrides ? json_parse(overrides, strlen(overrides), NULL) : NULL;
	struct json *playbook;

	write_file("night.yml", text);
	playbook = playbook_resolve("night.yml", &kinds, config, err);
	json_free(config);
	return playbook;
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		assert_null(resolve(bad[i].text, bad[i].overrides, &err));
		assert_string_equal(err.text, bad[i].message);
	}
}

static void expect(const char *text, const char *overrides, const char *want)
{
	struct err err = {0};
	struct json *playbook = resolve(text, overrides, &err);
	char *printed;

	assert_string_equal(err.text, "");
	printed = json_print(playbook);
	assert_string_equal(printed, want);
	free(printed);
	json_free(playbook);
}

static void test_good(void **state)
{
	(void)state;
	expect(STEP("id: a, do: scale, with: {all: 0}, budget: 90s, say: Hm., auto: false, checks: [ttl], "
		    "title: T"),
	       NULL,
	       "{\"name\":\"night\",\"help\":\"\",\"unattended\":false,\"done_status\":\"\",\"rollback_"
	       "status\":\"\",\"rolled_back_status\":\"\",\"phases\":[{\"name\":\"one\",\"status\":\"\","
	       "\"steps\":[{\"id\":\"a\","
	       "\"do\":\"scale\",\"title\":\"T\",\"with\":{\"all\":0,\"force\":false},\"gate\":\"yes\","
	       "\"budget_ms\":90000,"
	       "\"estimate_ms\":-1,\"say\":\"Hm.\",\"auto\":false,\"checks\":[\"ttl\"]}]}],\"rollback\":[]}");
	expect("name: late\nunattended: true\n" STEP(
		   "id: a, do: wait-quiet") "rollback:\n- {id: b, do: capture, gate: poll}\n",
	       NULL,
	       "{\"name\":\"late\",\"help\":\"\",\"unattended\":true,\"done_status\":\"\",\"rollback_"
	       "status\":\"\",\"rolled_back_status\":\"\",\"phases\":[{\"name\":\"one\",\"status\":\"\","
	       "\"steps\":[{"
	       "\"id\":\"a\","
	       "\"do\":\"wait-quiet\",\"title\":\"waits\",\"with\":{\"for\":\"60s\"},\"gate\":\"none\","
	       "\"budget_ms\":-1,"
	       "\"estimate_ms\":-1,\"say\":\"\",\"auto\":true,\"checks\":[]}]}],\"rollback\":[{\"id\":\"b\","
	       "\"do\":"
	       "\"capture\",\"title\":\"b\",\"with\":{},\"gate\":\"poll\",\"budget_ms\":-1,\"estimate_ms\":-"
	       "1,\"say\":\"\","
	       "\"auto\":true,\"checks\":[]}]}");
}

/* The `with` of the first step of the first phase. */
static void expect_with(const char *text, const char *overrides, const char *want)
{
	struct err err = {0};
	struct json *playbook = resolve(text, overrides, &err);
	const struct json *steps_of;
	char *printed;

	assert_string_equal(err.text, "");
	steps_of = json_get(json_first(json_get(playbook, "phases")), "steps");
	printed = json_print(json_get(json_first(steps_of), "with"));
	assert_string_equal(printed, want);
	free(printed);
	json_free(playbook);
}

static void test_overrides(void **state)
{
	(void)state;
	expect_with(STEP("id: a, do: scale, with: {all: 0}"),
		    "{\"steps\":{\"a\":{\"all\":\"2\",\"force\":\"true\"}}}", "{\"all\":2,\"force\":true}");
	expect_with(STEP("id: a, do: wait-quiet"), "{\"steps\":{\"a\":{\"for\":\"2m\"}}}",
		    "{\"for\":\"2m\"}");
	expect_with(STEP("id: a, do: manual, with: {card: Hm, fields: [x]}"),
		    "{\"steps\":{\"a\":{\"fields\":[\"y\",\"z\"]}}}",
		    "{\"card\":\"Hm\",\"fields\":[\"y\",\"z\"]}");
	/* An override can also give what the playbook leaves open. */
	expect_with(STEP("id: a, do: dns-point"), "{\"steps\":{\"a\":{\"to\":\"new\"}}}", "{\"to\":\"new\"}");
}

static void test_find(void **state)
{
	struct err err = {0};
	char *path;

	(void)state;
	mkdir("playbooks", 0755);
	write_file("playbooks/my-night.yml", "phases: []\n");
	path = playbook_find("my-night", &err);
	assert_string_equal(path, "playbooks/my-night.yml");
	free(path);
	assert_null(playbook_find("my-nihgt", &err));
	assert_string_equal(err.text, "There is no playbook \"my-nihgt\"; did you mean \"my-night\"?");
	assert_null(playbook_find("zzzzzzzzzz", &err));
	assert_string_equal(
	    err.text,
	    "There is no playbook \"zzzzzzzzzz\"; write playbooks/zzzzzzzzzz.yml, or name another one.");
	assert_null(playbook_find("./no.yml", &err));
	assert_string_equal(err.text, "The playbook ./no.yml cannot be read; correct its path.");
	unlink("playbooks/my-night.yml");
	rmdir("playbooks");
}

/* Against the real tables; what they do not have yet is the one error allowed. */
static void test_shipped(void **state)
{
	struct err err = {0};
	struct json *playbook = playbook_load("heroku-to-kamal", NULL, &err);

	(void)state;
	if (!playbook) {
		assert_non_null(strstr(err.text, "is no kind of step"));
		return;
	}
	assert_int_equal(json_count(json_get(playbook, "phases")), 8);
	assert_int_equal(json_count(json_get(playbook, "rollback")), 9);
	json_free(playbook);
}

/* "# - id: x" and what is indented below it, at the begin of a line: a step that is offered, not run. */
static size_t take_marks_away(const char *path, const char *to)
{
	FILE *in = fopen(path, "re"), *out = fopen(to, "we");
	char line[1000];
	size_t marks = 0;
	bool offered = false;

	assert_non_null(in);
	assert_non_null(out);
	while (fgets(line, sizeof line, in)) {
		char *mark = line + strspn(line, " ");
		/* What is indented without a step before it is only a comment. */
		offered = strncmp(mark, "# - id:", 7) == 0 || (offered && strncmp(mark, "#   ", 4) == 0);
		if (offered) {
			memmove(mark, mark + 2, strlen(mark + 2) + 1);
			marks++;
		}
		fputs(line, out);
	}
	fclose(in);
	assert_int_equal(fclose(out), 0);
	return marks;
}

static const struct json *step_at(const struct json *list, const char *id)
{
	const struct json *step = json_first(list);

	while (step && strcmp(json_str(step, "id", ""), id) != 0)
		step = json_next(step);
	return step;
}

/* Steps that are offered behind marks make a whole playbook once the marks are gone. Every night that stops
 * the old app pauses its backups, sees the one-offs out, and offers the fence; its way back takes all of it
 * back. */
static void test_offered(void **state)
{
	static const char *const names[] = {"heroku-to-kamal", "heroku-to-kamal-stream",
					    "heroku-to-kamal-warm", "heroku-to-vps"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct err err = {0};
		char *path = playbook_find(names[i], &err);
		assert_non_null(path);
		assert_true(take_marks_away(path, "night.yml") >= 12);
		struct json *playbook = playbook_load("./night.yml", NULL, &err);
		if (!playbook)
			fail_msg("%s: %s", names[i], err.text);
		const struct json *phase = json_first(json_get(playbook, "phases")), *freeze = NULL;
		bool paused = false;
		for (; phase && !freeze; phase = json_next(phase)) {
			paused = paused || step_at(json_get(phase, "steps"), "pause-backups");
			freeze = strcmp(json_str(phase, "name", ""), "freeze") == 0 ? phase : NULL;
		}
		const struct json *stops = json_get(freeze, "steps"), *back = json_get(playbook, "rollback");
		assert_true(paused);
		const struct json *fence = json_next(step_at(stops, "one-offs"));
		assert_string_equal(json_str(fence, "id", ""), "fence");
		assert_string_equal(json_str(json_next(fence), "id", ""), "quiet");
		assert_string_equal(json_str(json_next(step_at(back, "back-fence")), "id", ""), "back-scale");
		assert_string_equal(json_str(json_next(step_at(back, "back-maintenance")), "id", ""),
				    "back-backups");
		json_free(playbook);
		free(path);
	}
}

static char folder[] = "/tmp/nightferry-playbook-XXXXXX";

static int enter(void **state)
{
	(void)state;
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int leave(void **state)
{
	(void)state;
	unlink("night.yml");
	return chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad),  cmocka_unit_test(test_good),    cmocka_unit_test(test_overrides),
	    cmocka_unit_test(test_find), cmocka_unit_test(test_shipped), cmocka_unit_test(test_offered),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
