/* The Host and Logs panels: what a tired person has to see there, and where the cursor stays. */
#include "core/base/text.h"
#include "tests/screens/drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define V "4f2c91a07d1138e6b5a9c2f40e7d8b13a6c5f902"

static size_t panel_index(const char *name)
{
	size_t i = 0;

	while (panel_table[i] != panel_find(name))
		i++;
	return i;
}

struct stand {
	struct night night;
	void *views[VIEWS];
	size_t panel;
};

static void stand_new(struct stand *s, const char *panel)
{
	s->night = night_new(STAGE_WATCH);
	s->panel = panel_index(panel);
	views_new(s->views);
}

static void stand_free(struct stand *s)
{
	views_free(s->views);
	night_free(&s->night);
}

static struct canvas *stand_draw(struct stand *s, struct size size, bool card)
{
	struct canvas *canvas = canvas_new(size, false);
	struct scene scene = scene_of(&s->night, s->views);

	scene.view = s->views[s->panel];
	scene.focus = true;
	canvas_clear(canvas);
	if (card)
		panel_table[s->panel]->card(&scene, canvas);
	else
		panel_table[s->panel]->draw(&scene, canvas);
	assert_rows(canvas);
	return canvas;
}

static void stand_act(struct stand *s, struct act act)
{
	panel_table[s->panel]->act(s->views[s->panel], s->night.state, &act, (struct size){80, 12});
}

static void stand_key(struct stand *s, const char *cmd)
{
	stand_act(s, (struct act){.kind = ACT_KEY, .text = cmd});
}

static void expect(struct stand *s, struct size size, bool card, const char *text)
{
	struct canvas *canvas = stand_draw(s, size, card);
	char row[2000];

	if (!has(canvas, text)) {
		for (int i = 0; i < canvas->size.rows; i++) {
			canvas_row_text(canvas, i, row, sizeof(row));
			fprintf(stderr, "|%s\n", row);
		}
		fail_msg("\"%s\" is not there", text);
	}
	canvas_free(canvas);
}

static void tail_is(struct stand *s, const char *text)
{
	struct scene scene = scene_of(&s->night, s->views);
	char tail[80];

	scene.view = s->views[s->panel];
	panel_table[s->panel]->tail(&scene, tail, sizeof(tail));
	assert_string_equal(tail, text);
}

#define CONTAINER(name, role, more)                                                             \
	"{\"id\":\"0123456789ab\",\"name\":\"" name "\",\"role\":\"" role "\",\"version\":\"" V \
	"\",\"log\":\"" role "\"," more "}"

static const char hosts[] =
    "\"address\":\"203.0.113.42\",\"pg_version\":\"15.9\",\"cores\":2,\"containers\":"
    "[" CONTAINER("acme-web-" V, "web", "\"status\":\"running\",\"health\":\"healthy\",\"started_ms\":@01:19:51@") "," CONTAINER(
	"acme-web-" V "_replaced_0123456789abcdef", "web",
	"\"status\":\"running\",\"stale\":true,\"replaced\":true,\"started_ms\":@01:"
	"00:00@") "," CONTAINER("acme-job-" V, "job",
				"\"status\":\"restarting\",\"looping\":true,"
				"\"restarts\":17,\"exit_code\":1,\"started_ms\":@01:"
				"21:40@,"
				"\"finished_ms\":@01:21:41@") "," CONTAINER("acme-"
									    "big-" V,
									    "big",
									    "\"status"
									    "\":"
									    "\"exited"
									    "\","
									    "\"oom\":"
									    "true,"
									    "\"exit_"
									    "code\":"
									    "137,"
									    "\"finish"
									    "ed_ms\":"
									    "@01:20:"
									    "00@") "," CONTAINER("acme-db",
												 "db",
												 "\"status\":"
												 "\"running\""
												 ",\"open\":"
												 "\"0.0.0.0:"
												 "5432\","
												 "\"started_"
												 "ms\":@00:"
												 "00:00@") "]"
													   ","
													   "\"routes\":[{\"service\":\"acme-web\",\"hosts\":\"www.acme.com\",\"target\":\"0123456789ab:80\","
													   "\"container\":\"acme-web-" V
													   "\",\"version\":\"" V
													   "\",\"state\":\"stopped\",\"tls\":true,\"path\":\"/up\"}],"
													   "\"lock\":{\"held\":true,\"by\":\"tom\",\"since_ms\":@00:58:00@,\"why\":\"Automatic deploy lock\"}";

static void test_host(void **unused)
{
	struct stand s;
	struct size size = {80, 20}, card = {80, 30};

	(void)unused;
	stand_new(&s, "host");
	night_event(&s.night, "01:21:51", "host.seen", hosts);
	night_event(&s.night, "01:21:51", "host.load",
		    "\"load\":1.5,\"mem_used\":1000000000,\"mem_total\":4000000000,\"disk_free\":900000000,"
		    "\"disk_total\":80000000000,\"disks\":[{\"path\":\"/var/lib/"
		    "docker\",\"free\":900000000,\"total\":"
		    "80000000000},{\"path\":\"/\",\"free\":50000000000,\"total\":80000000000}]");
	night_event(
	    &s.night, "01:21:51", "host.audit",
	    "\"lines\":[\"[2026-11-20T12:04:45Z] [ann] Booted db accessory\",\"[2026-11-20T12:04:46Z] [ann] "
	    "[web] Booted app version " V "\"]");
	expect(&s, size, false, "crash loop");
	expect(&s, size, false, "exited 137 OOM");
	expect(&s, size, false, "replaced, runs");
	expect(&s, size, false, "OPEN :5432");
	expect(&s, size, false, "on /var/lib/docker");
	expect(&s, size, false, "www.acme.com → acme-web-4f2c91a  stopped (503)  TLS");
	expect(&s, size, false, "held by tom since 00:58:00: Automatic deploy lock");
	expect(&s, card, true, "acme-web-" V);
	expect(&s, card, true, "health path /up");
	expect(&s, card, true, "its last lines");
	stand_act(&s, (struct act){.kind = ACT_MOVE, .move = MOVE_DOWN});
	expect(&s, card, true, "--stop, once the new one is healthy.");
	stand_act(&s, (struct act){.kind = ACT_MOVE, .move = MOVE_DOWN});
	expect(&s, card, true, "crash loop, restarting, 17 restarts");
	stand_key(&s, "audit");
	expect(&s, (struct size){120, 20}, false, "Booted app version " V);
	stand_key(&s, "audit");
	expect(&s, size, false, "crash loop");
	stand_free(&s);
}

/* A second host has a block of its own; the primary one's lock is not repeated. */
static void test_hosts(void **unused)
{
	struct stand s;
	struct size size = {120, 24};

	(void)unused;
	stand_new(&s, "host");
	night_event(&s.night, "01:21:51", "host.seen", hosts);
	night_event(&s.night, "01:21:51", "host.seen",
		    "\"host\":\"203.0.113.43\",\"address\":\"203.0.113.43\",\"containers\":[" CONTAINER(
			"acme-web-" V, "web", "\"status\":\"running\",\"started_ms\":@01:19:51@") "]");
	night_event(&s.night, "01:21:51", "host.load",
		    "\"host\":\"203.0.113.43\",\"load\":0.25,\"mem_used\":1,\"mem_total\":2");
	expect(&s, size, false, "2 hosts");
	expect(&s, size, false, "203.0.113.43  load 0.25");
	expect(&s, size, false, "crash loop");
	stand_act(&s, (struct act){.kind = ACT_MOVE, .move = MOVE_LAST});
	expect(&s, (struct size){80, 20}, true, "web on 203.0.113.43");
	stand_act(&s, (struct act){.kind = ACT_MOVE, .move = MOVE_FIRST});
	expect(&s, (struct size){80, 20}, true, "CLOCK");
	stand_free(&s);
}

static void line(struct stand *s, const char *at, const char *side, const char *source, const char *level,
		 const char *text)
{
	char fields[600];

	snprintf(
	    fields, sizeof(fields),
	    "\"lines\":[{\"at_ms\":@%s@,\"side\":\"%s\",\"source\":\"%s\",\"level\":\"%s\",\"text\":\"%s\"}]",
	    at, side, source, level, text);
	night_event(&s->night, "01:21:52", "log.lines", fields);
}

/* A line that comes late stands in its place; the selected one stays selected. */
static void test_logs_by_time(void **unused)
{
	struct stand s;
	struct scene scene;
	char before[64], after[64];

	(void)unused;
	stand_new(&s, "logs");
	line(&s, "01:21:50", "NEW", "web", "", "first of web");
	line(&s, "01:21:55", "NEW", "web", "", "second of web");
	stand_act(&s, (struct act){.kind = ACT_MOVE, .move = MOVE_UP});
	stand_act(&s, (struct act){.kind = ACT_MOVE, .move = MOVE_DOWN});
	scene = scene_of(&s.night, s.views);
	scene.view = s.views[s.panel];
	panel_table[s.panel]->selected(&scene, before, sizeof(before));
	line(&s, "01:21:53", "OLD", "router", "", "late of router");
	panel_table[s.panel]->selected(&scene, after, sizeof(after));
	assert_string_equal(before, after);
	const struct log_ring *ring = &s.night.state->logs.lines;
	assert_string_equal(log_at(ring, ring->n - 1)->text, "second of web");
	assert_string_equal(log_at(ring, ring->n - 2)->text, "late of router");
	/* A clock that is far off does not throw everything about. */
	line(&s, "00:10:00", "NEW", "job", "", "from long ago");
	assert_string_equal(log_at(ring, ring->n - 1)->text, "from long ago");
	tail_is(&s, "STOPPED +2 new, f follows");
	stand_key(&s, "follow");
	tail_is(&s, "FOLLOW");
	stand_free(&s);
}

static void test_logs_sources(void **unused)
{
	struct stand s;
	struct size size = {100, 20};
	const struct logs_state *logs;
	size_t n, seen = 0;

	(void)unused;
	stand_new(&s, "logs");
	line(&s, "01:21:55", "NEW", "web stale", "warn", "who is still here");
	line(&s, "01:21:56", "", "restore", "", "processing data for table events");
	logs = &s.night.state->logs;
	n = logs->n_sources;
	assert_true(n > 3);
	stand_key(&s, "source");
	stand_key(&s, "source");
	for (size_t i = 0; i < n; i++) {
		struct canvas *canvas;

		stand_key(&s, "source");
		canvas = stand_draw(&s, size, false);
		seen += has(canvas, "who is still here") + has(canvas, "processing data for table events");
		canvas_free(canvas);
	}
	/* Each of the two in its own source's turn only. */
	assert_int_equal(seen, 2);
	stand_key(&s, "source");
	expect(&s, size, false, "who is still here");
	stand_act(&s, (struct act){.kind = ACT_HIDE, .text = "still"});
	expect(&s, size, false, " 1 hidden");
	stand_act(&s, (struct act){.kind = ACT_KEEP, .text = ""});
	stand_act(&s, (struct act){.kind = ACT_SEARCH, .text = "no such words"});
	expect(&s, size, false, "no other \"no such words\" that way");
	stand_free(&s);
}

static void test_logs_known(void **unused)
{
	struct stand s;
	struct size size = {100, 20};

	(void)unused;
	stand_new(&s, "logs");
	line(&s, "01:21:55", "NEW", "pg", "error", "PANIC: could not write: No space left on device");
	night_event(&s.night, "01:21:55", "log.signature",
		    "\"id\":\"disk-full\",\"title\":\"the disk is full\",\"cause\":\"Images and logs share "
		    "it.\",\"fix\":\"docker "
		    "image prune\",\"match\":[\"No space left on "
		    "device\"],\"side\":\"NEW\",\"source\":\"pg\",\"text\":\"PANIC: could "
		    "not write: No space left on device\",\"line_at_ms\":@01:21:55@");
	night_event(&s.night, "01:21:56", "log.again",
		    "\"id\":\"disk-full\",\"count\":37,\"line_at_ms\":@01:21:56@");
	line(&s, "01:21:57", "NEW", "web", "", "all is well");
	expect(&s, size, false, "the disk is full. Enter: cause and fix");
	expect(&s, size, false, "known 1");
	stand_key(&s, "prev-error");
	expect(&s, size, true, "docker image prune");
	expect(&s, size, true, "37 times, first 01:21:55, last 01:21:56");
	stand_key(&s, "prev-error");
	expect(&s, size, true, "PANIC: could not write");
	expect(&s, size, true, "Images and logs share it.");
	stand_free(&s);
}

static void test_logs_left_out(void **unused)
{
	struct stand s;

	(void)unused;
	stand_new(&s, "logs");
	night_event(&s.night, "01:21:58", "log.lines",
		    "\"lines\":[{\"at_ms\":@01:21:58@,\"side\":\"NEW\",\"source\":\"web\",\"level\":\"warn\","
		    "\"text\":\"83,214 lines left "
		    "out here\",\"left\":83214},{\"at_ms\":@01:21:58@,\"left\":-5},{\"left\":\"x\"}]");
	expect(&s, (struct size){100, 20}, false, "83,214 left out");
	stand_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_host),         cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_logs_by_time), cmocka_unit_test(test_logs_sources),
	    cmocka_unit_test(test_logs_known),   cmocka_unit_test(test_logs_left_out),
	};

	in_utc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
