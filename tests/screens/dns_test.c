/* The DNS panel through a flip, with a few caches and with many: golden pictures in golden/dns/. UPDATE=1
 * draws them anew: look at every difference before you commit it. */
#include "core/base/buf.h"
#include "core/base/text.h"
#include "panels/dns_card.h"
#include "tests/screens/drawing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static const char *const phases[] = {"before", "flip", "half", "end"};

struct crowd {
	const char *name;
	int caches, names;
};
static const struct crowd crowds[] = {{"few", 6, 2}, {"many", 50, 20}};

struct answer {
	const char *state;
	int left_s; /* 0: none */
};

/* Made up, and always the same: what cache `s` says of name `n`. */
static struct answer answer_of(const char *phase, int s, int n)
{
	int life = 5 + (s * 17 + n * 23) % 54;

	if (s == 3)
		return (struct answer){"SILENT", 0};
	if (s == 11)
		return (struct answer){"REFUSED", 0};
	if (text_equal(phase, "before"))
		return s % 5 == 4 ? (struct answer){"COLD", 0} : (struct answer){"OLD", life};
	if (text_equal(phase, "flip"))
		return s % 5 == 4 ? (struct answer){"NEW", 60} : (struct answer){"OLD", life};
	if (s == 17)
		return (struct answer){"FLOOR", 240};
	if (text_equal(phase, "end") || (s * 7 + n * 3) % 10 < 6)
		return (struct answer){"NEW", 60 - life % 50};
	if (s == 5)
		return (struct answer){"MIXED", 18};
	return s % 13 == 7 ? (struct answer){"RELEARNED", life} : (struct answer){"OLD", life % 20 + 1};
}

static void add_cell(struct night *night, const char *phase, int s, int n, bool auth)
{
	static const char *const known[] = {"Cloudflare", "Google",  "Quad9",
					    "OpenDNS",    "Telekom", "Vodafone"};
	char fields[900], label[32], server[32];
	bool flipped = !text_equal(phase, "before");
	bool lags = auth && s == 1 && text_equal(phase, "flip");
	struct answer a = auth ? (struct answer){lags      ? "LAGGING"
						 : flipped ? "NEW"
							   : "OLD",
						 0}
			       : answer_of(phase, s, n);
	long long dies = a.left_s ? night->now_ms + a.left_s * 1000 : 0;
	/* One cache whose IPv6 answer is older than its IPv4 one. */
	const char *six = !auth && s == 2 && n == 0 && text_equal(phase, "end") ? "OLD" : a.state;

	if (auth)
		snprintf(label, sizeof(label), "ns%d.acme.com", s + 1);
	else if (s < 6)
		snprintf(label, sizeof(label), "%s", known[s]);
	else
		snprintf(label, sizeof(label), "203.0.113.%d", s);
	snprintf(server, sizeof(server), auth ? "192.0.2.%d" : "198.51.100.%d", s + 1);
	snprintf(
	    fields, sizeof(fields),
	    "\"server\":\"%s\",\"label\":\"%s\",\"auth\":%s,\"name\":\"n%d.acme.com\",\"state\":\"%s\","
	    "\"value\":\"%s\",\"ttl_s\":%d,\"expires_ms\":%lld,\"rtt_ms\":%d,\"why\":\"\",\"site\":\"fra%d\","
	    "\"six\":{\"state\":\"%s\",\"value\":\"2001:db8::1\",\"ttl_s\":60,\"expires_ms\":%lld,\"why\":"
	    "\"\"}",
	    server, label, auth ? "true" : "false", n + 1, a.state,
	    text_equal(a.state, "NEW") ? "cutover.acme.com" : "acme.herokudns.com", a.left_s ? a.left_s : -1,
	    dies, text_equal(a.state, "SILENT") ? -1 : 3 + s, s, six,
	    text_equal(six, a.state) ? dies : (long long)night->now_ms + 31000);
	night_event(night, flipped ? "01:21:51" : "00:59:29", "dns.cell", fields);
}

static struct night make(const struct crowd *crowd, const char *phase)
{
	bool flipped = !text_equal(phase, "before");
	struct night night = night_new(flipped ? STAGE_WATCH : STAGE_PREPARE);
	struct buf plan = {0};
	int64_t end_ms = !flipped || text_equal(phase, "flip") ? 0
			 : text_equal(phase, "half")           ? night.now_ms + 38000
							       : night.now_ms - 4000;

	night.state->dns.n = 0;
	buf_adds(&plan, "\"names\":[");
	for (int n = 0; n < crowd->names; n++)
		buf_addf(&plan,
			 "%s{\"name\":\"n%d.acme.com\",\"old\":\"acme.herokudns.com\",\"new\":\"cutover.acme."
			 "com\","
			 "\"ttl_s\":60}",
			 n ? "," : "", n + 1);
	buf_addf(&plan, "],\"safe_from_ms\":%lld,\"old_die_ms\":%lld", (long long)night_ms("00:31:00"),
		 (long long)end_ms);
	night_event(&night, flipped ? "01:21:51" : "00:59:29", "dns.plan", buf_text(&plan));
	buf_done(&plan);
	for (int s = 0; s < 2 + crowd->caches; s++)
		for (int n = 0; n < crowd->names; n++)
			add_cell(&night, phase, s < 2 ? s : s - 2, n, s < 2);
	return night;
}

static void add_rows(const struct canvas *canvas, struct buf *out)
{
	static char text[16384];

	for (int row = 0; row < canvas->size.rows; row++) {
		canvas_row_text(canvas, row, text, sizeof(text));
		for (size_t len = strlen(text); len && text[len - 1] == ' ';)
			text[--len] = '\0';
		buf_addf(out, "%s\n", text);
	}
}

static void read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *file = fopen(path, "re");

	while (file && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(out, chunk, n);
	if (file)
		fclose(file);
}

static void expect_picture(const char *name, const struct canvas *canvas)
{
	char path[200];
	struct buf drawn = {0}, golden = {0};

	snprintf(path, sizeof(path), "tests/screens/golden/dns/%s.txt", name);
	add_rows(canvas, &drawn);
	if (getenv("UPDATE")) {
		FILE *file;

		mkdir("tests/screens/golden/dns", 0777);
		file = fopen(path, "we");
		assert_non_null(file);
		fputs(buf_text(&drawn), file);
		assert_int_equal(fclose(file), 0);
	}
	read_file(path, &golden);
	if (!text_equal(buf_text(&drawn), buf_text(&golden)))
		fail_msg("%s is drawn differently:\n%s", path, buf_text(&drawn));
	buf_done(&drawn);
	buf_done(&golden);
}

static void test_pictures(void **state)
{
	static const struct {
		struct size size;
		const char *zoom, *name;
	} looks[] = {
	    {{80, 24}, NULL, "80x24"}, {{80, 24}, "dns", "80x24.zoom"}, {{200, 50}, "dns", "200x50.zoom"}};

	(void)state;
	for (size_t c = 0; c < 2; c++)
		for (size_t p = 0; p < 4; p++) {
			struct night night = make(&crowds[c], phases[p]);
			void *views[VIEWS];

			views_new(views);
			for (size_t i = 0; i < 3; i++) {
				struct canvas *canvas;
				char name[100];

				snprintf(name, sizeof(name), "%s.%s.%s", crowds[c].name, phases[p],
					 looks[i].name);
				draw(&night, views, looks[i].size, "watch", looks[i].zoom, false, &canvas);
				expect_picture(name, canvas);
				canvas_free(canvas);
			}
			draw_cards(&night, views, (struct size){80, 24});
			views_free(views);
			night_free(&night);
		}
}

/* Who still leads visitors to the old side, and until when, can be read without a key. */
static void test_says(void **state)
{
	struct night night = make(&crowds[0], "half");
	void *views[VIEWS];
	struct canvas *canvas;

	(void)state;
	views_new(views);
	draw(&night, views, (struct size){80, 24}, "watch", "dns", false, &canvas);
	assert_true(has(canvas, "old answers die by 01:22:30"));
	assert_true(has(canvas, "still OLD  "));
	assert_true(has(canvas, "visitors NEW 246/min   OLD 101/min   last on OLD 01:21:50"));
	canvas_free(canvas);
	night_free(&night);
	night = make(&crowds[0], "flip");
	draw(&night, views, (struct size){120, 40}, "watch", "dns", false, &canvas);
	assert_true(has(canvas, "ns2.acme.com says OLD: no end of old answers until it follows"));
	canvas_free(canvas);
	night_free(&night);
	night = make(&crowds[1], "end");
	draw(&night, views, (struct size){80, 24}, "watch", "dns", false, &canvas);
	assert_true(has(canvas, "v6 OLD 1"));
	canvas_free(canvas);
	views_free(views);
	night_free(&night);
}

/* One server whole: which of its machines spoke, both families, until when. */
static void test_card(void **state)
{
	struct night night = make(&crowds[0], "end");
	void *views[VIEWS];
	struct canvas *canvas = canvas_new((struct size){76, 20}, false);
	struct scene scene;

	(void)state;
	views_new(views);
	scene = scene_of(&night, views);
	dns_card_draw(&scene, canvas, "198.51.100.3");
	assert_rows(canvas);
	expect_picture("card.end.76x20", canvas);
	assert_true(has(canvas, "it calls itself fra2"));
	assert_true(has(canvas, "OLD  2001:db8::1, gone from this cache at 01:22:23"));
	canvas_clear(canvas);
	dns_card_draw(&scene, canvas, "198.51.100.4");
	assert_true(has(canvas, "and no answer came"));
	canvas_free(canvas);
	views_free(views);
	night_free(&night);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures), cmocka_unit_test(test_says),
					   cmocka_unit_test(test_card)};

	in_utc();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
