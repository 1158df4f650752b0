/* Several hands at one engine, at a real socket: the wheel, votes, HOLD, waivers, skips.
 * Time runs twenty times as fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/hands.h"

static const char config_text[] =
    "{\"app\":\"acme\",\"people\":2,\"stations\":[\"DB\",\"APP\"],\"heroku\":{\"app\":\"acme-production\"}}";
static const char playbook_text[] = "{\"name\":\"t\",\"phases\":[{\"name\":\"go\",\"steps\":["
				    "{\"id\":\"count\",\"do\":\"count-rows\",\"title\":\"rows on both "
				    "sides\"},{\"id\":\"say\",\"do\":\"note\"},"
				    "{\"id\":\"flip\",\"do\":\"dns-point\",\"gate\":\"poll\"}]}],"
				    "\"rollback\":[{\"id\":\"back-dns\",\"do\":\"dns-point\"}]}";

static struct engine *engine;

static int setup(void **unused)
{
	(void)unused;
	engine = hands_begin(config_text, playbook_text);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	return hands_end(engine);
}

static struct person *sit(const char *name, const char *station, bool observer)
{
	return hands_sit(engine, name, station, observer);
}

static size_t events(const char *kind, const char *part)
{
	return hands_events(engine, kind, part);
}

static void cmd(struct person *p, const char *name)
{
	hands_tell(p, "{\"t\":\"cmd\",\"cmd\":\"%s\"}", name);
}

/* A gate that, once passed, changes nothing but the journal. */
static void open_gate(enum gate level, const char *seen)
{
	struct act_now *act = &engine->act;
	char plan[600];
	text_copyf(plan, sizeof plan,
		   "{\"target\":\"acme-production\",\"verb\":\"MOVES TRAFFIC\",\"seen\":[%s]}", seen);
	text_copy(act->step, sizeof act->step, "flip");
	text_copy(act->verb, sizeof act->verb, "run");
	act->level = level;
	act->plan_text = xstrdup(plan);
	act->plan = json_parse(plan, strlen(plan), NULL);
	assert_non_null(act->plan);
	assert_int_equal(gate_open(engine, NULL), 0);
	hands_turn(engine, 3);
}

static void change_gate(const char *seen)
{
	struct act_now *act = &engine->act;
	char plan[600];
	text_copyf(plan, sizeof plan,
		   "{\"target\":\"acme-production\",\"verb\":\"MOVES TRAFFIC\",\"seen\":[%s]}", seen);
	json_free(act->plan);
	act->plan = json_parse(plan, strlen(plan), NULL);
	gate_refresh(engine);
	hands_turn(engine, 3);
}

static void phrase(struct person *p)
{
	hands_tell(p, "{\"t\":\"cmd\",\"cmd\":\"phrase\",\"gate\":\"%s\",\"text\":\"%s %s\"}",
		   engine->act.gate_id, json_str(engine->act.plan, "target", ""), engine->act.tag);
}

static void vote(struct person *p, const char *station, bool go, const char *reason)
{
	hands_tell(p, "{\"t\":\"cmd\",\"cmd\":\"vote\",\"station\":\"%s\",\"go\":%s,\"reason\":\"%s\"}",
		   station, go ? "true" : "false", reason);
}

static void wheel(struct person *p, const char *action)
{
	hands_tell(p, "{\"t\":\"cmd\",\"cmd\":\"wheel\",\"action\":\"%s\"}", action);
}

static bool drives(const struct person *p)
{
	return text_equal(engine->state->people.driver, p->id);
}

/* ---- */

static void test_wheel_three_keys(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false), *bea = sit("bea", "", false), *raj = sit("raj", "", true);
	assert_true(drives(ana));
	cmd(ana, "arm");
	wheel(bea, "take");
	assert_true(drives(ana) && hands_heard(bea, "has not given"));
	wheel(bea, "ask");
	wheel(bea, "take");
	assert_true(drives(ana));
	wheel(raj, "ask");
	assert_true(hands_heard(raj, "observers never drive"));
	wheel(ana, "give");
	hands_listen(bea);
	hands_listen(raj);
	assert_true(hands_heard(bea, "gives you the wheel") && hands_heard(raj, "gives the wheel to bea"));
	/* Arming again is driving on. */
	cmd(ana, "arm");
	wheel(bea, "take");
	assert_true(drives(ana));
	wheel(bea, "ask");
	wheel(ana, "give");
	cmd(ana, "run");
	assert_true(hands_heard(ana, "read-only"));
	wheel(bea, "take");
	assert_true(drives(bea));
	assert_int_equal(events("wheel.asked", "bea"), 2);
	assert_int_equal(events("wheel.offered", "\"by\":\"ana\""), 2);
	assert_int_equal(events("wheel.kept", "ana"), 1);
	assert_int_equal(events("wheel.given", "\"from\":\"ana\""), 1);
	hands_leave(ana);
	hands_leave(bea);
	hands_leave(raj);
}

/* One asks at a time, and the driver gives it to whom he saw. */
static void test_two_ask(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false), *bea = sit("bea", "", false),
		      *cyd = sit("cyd", "", false);
	wheel(bea, "ask");
	wheel(cyd, "ask");
	assert_true(hands_heard(cyd, "bea asks for the wheel already") && events("wheel.asked", "") == 1);
	hands_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"wheel\",\"action\":\"give\",\"to\":\"s77\"}");
	assert_true(hands_heard(ana, "bea asks for the wheel now") && events("wheel.offered", "") == 0);
	hands_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"wheel\",\"action\":\"give\",\"to\":\"%s\"}", bea->id);
	assert_int_equal(events("wheel.offered", bea->id), 1);
	hands_leave(ana);
	hands_leave(bea);
	hands_leave(cyd);
}

static void test_lost_driver(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false), *bea = sit("bea", "", false), *raj = sit("raj", "", true);
	open_gate(GATE_TYPE, "");
	cmd(ana, "arm");
	phrase(ana);
	assert_true(engine->act.count_until_life_ms > 0);
	hands_leave(ana);
	/* Mid-count: nothing passes while nobody drives. */
	assert_int_equal(engine->act.count_until_life_ms, 0);
	assert_int_equal(events("gate.stopped", ""), 1);
	assert_int_equal(events("wheel.lost", "\"name\":\"ana\""), 1);
	assert_string_equal(engine->state->people.lost_name, "ana");
	wheel(bea, "ask");
	assert_true(hands_heard(bea, "ana may come back"));
	/* Somebody new does not get it by walking in. */
	struct person *eve = sit("eve", "", false);
	assert_false(drives(eve));
	ana = sit("ana", "", false);
	assert_true(drives(ana) && hands_heard(ana, "have the wheel again"));
	hands_leave(ana);
	hands_wait(engine, WHEEL_WAITS_MS + 100);
	wheel(raj, "ask");
	assert_string_equal(engine->state->people.driver, "");
	wheel(bea, "ask");
	assert_true(drives(bea));
	assert_int_equal(events("wheel.given", "\"from\":\"ana\""), 1);
	assert_int_equal(events("gate.passed", ""), 0);
	hands_leave(bea);
	hands_leave(raj);
	hands_leave(eve);
}

static void check_seen(const char *name, const char *verdict, const char *fact)
{
	char text[300];
	text_copyf(text, sizeof text,
		   "{\"kind\":\"check.seen\",\"check\":\"%s\",\"verdict\":\"%s\",\"lines\":[{\"verdict\":\"%"
		   "s\",\"name\":\"x\","
		   "\"text\":\"t\",\"fact\":\"%s\"}]}",
		   name, verdict, verdict, fact);
	hands_emit(engine, text);
}

static void test_poll(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false), *bea = sit("bea", "DB", false),
		      *raj = sit("raj", "APP", true);
	cmd(ana, "arm");
	check_seen("collation", "PASS", "same");
	vote(bea, "", true, ""); /* early, for her own station */
	assert_int_equal(events("vote.given", "PASS check:collation"), 1);
	open_gate(GATE_POLL, "");
	phrase(ana);
	assert_true(hands_heard(ana, "APP has not voted"));
	struct person *odd = sit("odd", "GARDEN", true);
	assert_true(hands_heard(odd, "GARDEN is no station of this night (DB, APP)"));
	hands_leave(odd);
	vote(raj, "app", false, "");
	assert_true(hands_heard(raj, "wants its reason"));
	vote(raj, "app", false, "checkout is red");
	phrase(ana);
	assert_true(hands_heard(ana, "NO-GO of APP by raj: checkout is red"));
	vote(raj, "APP", true, "green again");
	vote(raj, "GARDEN", true, "");
	assert_true(hands_heard(raj, "no station"));
	/* What she said go for has changed. */
	check_seen("collation", "FAIL", "differs");
	assert_int_equal(events("vote.fallen", "collation was PASS, is FAIL"), 1);
	phrase(ana);
	assert_true(hands_heard(ana, "the go of DB has fallen"));
	check_seen("collation", "PASS", "same");
	phrase(ana);
	assert_true(hands_heard(ana, "the go of DB has fallen"));
	vote(bea, "DB", true, "");
	phrase(ana);
	assert_true(engine->act.count_until_life_ms > 0);
	/* A no-go within the three seconds stops the count. */
	vote(raj, "APP", false, "wait");
	assert_int_equal(engine->act.count_until_life_ms, 0);
	vote(raj, "APP", true, "");
	phrase(ana);
	hands_wait(engine, 6000);
	/* All from one login: passed, and the journal says what the second person is worth. */
	assert_int_equal(events("gate.passed", "\"by_name_only\":true"), 1);
	assert_string_equal(engine->state->people.driver, ana->id);
	assert_true(steps_get(engine->state, "flip")->second_by_name_only);
	/* A go is for one decision: the next poll asks anew. */
	assert_non_null(strstr(vote_get(engine->state, "DB")->fallen_why, "it was for flip"));
	hands_leave(ana);
	hands_leave(bea);
	hands_leave(raj);
}

static void test_poll_second_person(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false), *too = sit("ana", "", false);
	struct poll_look look;
	cmd(ana, "arm");
	open_gate(GATE_POLL, "");
	vote(ana, "DB", true, "");
	vote(too, "APP", true, ""); /* the same person at another seat */
	phrase(ana);
	assert_true(hands_heard(ana, "a second person"));
	/* The same name from another login is another person. */
	hands_emit(engine,
		   "{\"kind\":\"vote.given\",\"by\":\"ana\",\"seat\":\"s9\",\"uid\":4711,\"login\":\"bea\","
		   "\"station\":\"APP\","
		   "\"go\":true,\"reason\":\"\",\"seen\":[]}");
	poll_look(engine->state, &look);
	assert_true(look.ready && look.second && !look.by_name_only);
	cmd(too, "repoll");
	assert_true(hands_heard(too, "the driver asks"));
	cmd(ana, "repoll");
	poll_look(engine->state, &look);
	assert_false(look.ready);
	assert_int_equal(events("vote.fallen", "ana asks again"), 2);
	hands_leave(ana);
	hands_leave(too);
}

static void test_hold(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false), *bea = sit("bea", "", true), *raj = sit("raj", "", false);
	cmd(ana, "arm");
	open_gate(GATE_TYPE, "");
	phrase(ana);
	hands_tell(bea, "{\"t\":\"cmd\",\"cmd\":\"hold\",\"why\":\"orders are odd\"}");
	assert_true(engine->state->people.hold);
	assert_int_equal(engine->act.count_until_life_ms, 0);
	phrase(ana);
	assert_true(hands_heard(ana, "HOLD by bea"));
	hands_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"run\",\"step\":\"say\"}");
	assert_int_equal(events("attempt.started", ""), 0);
	hands_tell(raj, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"fine\"}");
	assert_true(hands_heard(raj, "released by bea or the driver"));
	hands_leave(bea);
	cmd(ana, "release");
	assert_true(hands_heard(ana, "in words"));
	hands_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"looked, fine\"}");
	assert_false(engine->state->people.hold);
	assert_true(hands_heard(ana, "whose seat is gone"));
	assert_int_equal(events("hold.released", "\"caller_gone\":true"), 1);
	/* The caller who comes back is still the caller. */
	cmd(raj, "hold");
	hands_leave(raj);
	raj = sit("raj", "", false);
	hands_tell(raj, "{\"t\":\"cmd\",\"cmd\":\"release\",\"reason\":\"back\"}");
	assert_false(engine->state->people.hold);
	assert_int_equal(events("hold.released", "\"caller_gone\":false"), 1);
	hands_leave(ana);
	hands_leave(raj);
}

/* A look that was under way when the count began. */
static void test_change_stops_count(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false);
	cmd(ana, "arm");
	open_gate(GATE_TYPE, "{\"verdict\":\"PASS\",\"name\":\"ttl\",\"text\":\"60 s\",\"fact\":\"60\"}");
	phrase(ana);
	assert_true(engine->act.count_until_life_ms > 0);
	change_gate("{\"verdict\":\"PASS\",\"name\":\"ttl\",\"text\":\"3600 s\",\"fact\":\"3600\"}");
	assert_int_equal(engine->act.count_until_life_ms, 0);
	hands_wait(engine, 6000);
	assert_int_equal(events("gate.passed", ""), 0);
	hands_leave(ana);
}

static void waive(struct person *p, const char *about, const char *reason)
{
	hands_tell(p, "{\"t\":\"cmd\",\"cmd\":\"waive\",\"about\":\"%s\",\"reason\":\"%s\"}", about, reason);
}

static void test_waiver(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false);
	cmd(ana, "arm");
	open_gate(GATE_TYPE, "{\"verdict\":\"FAIL\",\"name\":\"ttl\",\"text\":\"3600 s\",\"fact\":\"3600\"}");
	phrase(ana);
	assert_true(hands_heard(ana, "stays shut"));
	waive(ana, "seen:nothing", "x");
	assert_true(hands_heard(ana, "nothing called"));
	waive(ana, "seen:ttl", "we wait it out");
	change_gate("{\"verdict\":\"FAIL\",\"name\":\"ttl\",\"text\":\"3600 s\",\"fact\":\"3600\"}");
	assert_int_equal(events("gate.changed", "waived by ana"), 1);
	phrase(ana);
	assert_true(engine->act.count_until_life_ms > 0);
	/* The fact moves: the count stops and the waiver is gone. */
	change_gate("{\"verdict\":\"FAIL\",\"name\":\"ttl\",\"text\":\"7200 s\",\"fact\":\"7200\"}");
	assert_int_equal(engine->act.count_until_life_ms, 0);
	assert_int_equal(events("waiver.fallen", "seen:ttl"), 1);
	phrase(ana);
	assert_true(hands_heard(ana, "stays shut"));
	/* Rows: a difference may be waived and is shown, a missing table may not. */
	hands_emit(
	    engine,
	    "{\"kind\":\"rows.verdict\",\"table\":\"orders\",\"verdict\":\"FAIL\",\"old\":10,\"new\":9,"
	    "\"old_rows\":10,"
	    "\"new_rows\":9,\"cause\":\"\"}");
	struct state *s = engine->state;
	assert_int_equal(s->rows.n, 1);
	s->rows.tables[0].old_rows = 10;
	s->rows.tables[0].new_rows = -1;
	waive(ana, "rows:orders", "no");
	assert_true(hands_heard(ana, "is missing on NEW"));
	s->rows.tables[0].new_rows = 9;
	waive(ana, "rows:orders", "a test order");
	change_gate("");
	assert_true(strstr(engine->act.seen.data, "rows:orders") &&
		    strstr(engine->act.seen.data, "a test order"));
	phrase(ana);
	assert_true(engine->act.count_until_life_ms > 0);
	s->rows.tables[0].new_rows = 8;
	hands_turn(engine, 3);
	assert_int_equal(events("waiver.fallen", "rows:orders"), 1);
	assert_int_equal(engine->act.count_until_life_ms, 0);
	assert_int_equal(events("gate.stopped", "a waiver has fallen"), 2);
	waive(ana, "check:target-empty", "no");
	assert_true(hands_heard(ana, "cannot be waived"));
	hands_leave(ana);
}

static void skip_step(struct person *p, const char *step, const char *reason)
{
	hands_tell(p, "{\"t\":\"cmd\",\"cmd\":\"skip\",\"step\":\"%s\",\"reason\":\"%s\"}", step, reason);
}

static void test_skip(void **unused)
{
	(void)unused;
	struct person *ana = sit("ana", "", false);
	const struct step_seen *count = steps_get(engine->state, "count");
	cmd(ana, "arm");
	hands_emit(engine,
		   "{\"kind\":\"step.state\",\"step\":\"count\",\"state\":\"failed\",\"text\":\"3 rows\"}");
	skip_step(ana, "say", "");
	assert_true(hands_heard(ana, "reason in words"));
	skip_step(ana, "say", "said on the phone");
	assert_int_equal(steps_get(engine->state, "say")->state, STEP_SKIPPED);
	skip_step(ana, "count", "counted by hand");
	assert_int_equal(count->state, STEP_FAILED);
	assert_int_equal(engine->act.level, GATE_TYPE);
	assert_string_equal(json_str(engine->act.plan, "target", ""), "count");
	/* Left: it is what it was. */
	hands_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"leave-gate\",\"gate\":\"%s\"}", engine->act.gate_id);
	assert_int_equal(count->state, STEP_FAILED);
	assert_string_equal(count->text, "3 rows");
	skip_step(ana, "count", "counted by hand");
	phrase(ana);
	hands_wait(engine, 6000);
	assert_int_equal(count->state, STEP_SKIPPED);
	open_gate(GATE_TYPE, "");
	assert_true(strstr(engine->act.seen.data, "skipped by ana") &&
		    strstr(engine->act.seen.data, "counted by hand"));
	hands_tell(ana, "{\"t\":\"cmd\",\"cmd\":\"cancel\",\"step\":\"count\"}");
	assert_true(hands_heard(ana, "no longer runs"));
	assert_int_equal(engine->act.phase, ACT_GATE);
	hands_leave(ana);
}

int main(void)
{
	setenv("NIGHTFERRY_CLOCK", "0,20", 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_wheel_three_keys, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_two_ask, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_driver, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_poll, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_poll_second_person, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_change_stops_count, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_waiver, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_skip, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
