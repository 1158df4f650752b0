/* The vocabulary: JSON, figures, errors, suggestions, options. */
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/scheduler.h"
#include "core/base/suggest.h"
#include "core/base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static void test_json_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *message;
	} rows[] = {
	    {"{} x", 4, "This is no valid JSON: there is more text after its end, at byte 3."},
	    {"{}{}", 4, "This is no valid JSON: there is more text after its end, at byte 2."},
	    {"\"a\0b\"", 5, "This JSON text was not read: it holds a NUL byte."},
	    {"{}\0", 3, "This JSON text was not read: it holds a NUL byte."},
	    {"\"\\u0000\"", 8, "This JSON text was not read: it holds a NUL character."},
	    {"", 0, "This is no valid JSON: it breaks at byte 0 of 0."},
	    {"{\"a\":}", 6, "This is no valid JSON: it breaks at byte 5 of 6."},
	    {"[1,", 3, "This is no valid JSON: it breaks at byte 2 of 3."},
	    {"\"open", 5, "This is no valid JSON: it breaks at byte 1 of 5."},
	};
	char deep[200];
	struct err err = {0};
	struct json *json;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(json_parse(rows[i].text, rows[i].len, &err));
		assert_string_equal(err.text, rows[i].message);
	}
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	assert_null(json_parse(deep, 130, &err));
	assert_string_equal(err.text, "This JSON text was not read: it is nested more than 64 levels deep.");
	json = json_parse(deep + 1, 128, &err);
	assert_non_null(json);
	json_free(json);
	/* Brackets in a text nest nothing. */
	memset(deep + 1, '[', 150);
	deep[0] = deep[151] = '"';
	json = json_parse(deep, 152, &err);
	assert_non_null(json);
	json_free(json);
}

static void test_json_read(void **state)
{
	static const char text[] =
	    "{\"a\":{\"b\":{\"c\":7}},\"A\":1,\"s\":\"x\",\"n\":null,\"t\":true,\"l\":[1,\"2\",{}],"
	    "\"big\":\"9007199254740993\",\"d\":1.5}";
	struct err err = {0};
	struct json *json = json_parse(text, sizeof(text) - 1, &err);
	char *again;

	(void)state;
	assert_int_equal(json_value(json_path(json, "a.b.c"), -1), 7);
	assert_null(json_path(json, "a.x.c"));
	assert_int_equal(json_int(json, "A", -1), 1);
	assert_int_equal(json_int(json, "s", -1), -1);
	assert_string_equal(json_str(json, "s", "-"), "x");
	assert_string_equal(json_str(json, "A", "-"), "-");
	assert_string_equal(json_str(json, "big", "-"), "9007199254740993");
	assert_true(json_is_null(json_get(json, "n")));
	assert_true(json_is_null(json_get(json, "nothing")));
	assert_true(json_bool(json, "t", false));
	assert_int_equal(json_count(json_get(json, "l")), 3);
	assert_true(json_num(json, "d", 0) == 1.5);
	again = json_print(json);
	assert_string_equal(again, text);
	free(again);
	json_free(json);
	assert_null(json_get(NULL, "a"));
	assert_int_equal(json_count(NULL), 0);
}

static void test_json_write(void **state)
{
	struct jw w;
	struct err err = {0};
	struct json *json;

	(void)state;
	jw_open(&w);
	jw_str(&w, "esc", "\"\\\n\x1b[31m\x7f\xff\xc3");
	jw_strn(&w, "nul", "a\0b", 3);
	jw_arr(&w, "list");
	jw_int(&w, NULL, INT64_MAX);
	jw_obj(&w, NULL);
	jw_end(&w);
	jw_num(&w, NULL, 0.1);
	jw_num(&w, NULL, 0.0 / 1.0 - 5);
	jw_end(&w);
	jw_str(&w, "none", NULL);
	assert_string_equal(jw_finish(&w),
			    "{\"esc\":\"\\\"\\\\\\n\\u001b[31m\\u007f\xef\xbf\xbd\xef\xbf\xbd\",\"nul\":"
			    "\"a\xef\xbf\xbd"
			    "b\",\"list\":[9223372036854775807,{},0.1,-5],\"none\":null}");
	json = json_parse(w.buf.data, w.buf.len, &err);
	assert_non_null(json);
	json_free(json);
	jw_done(&w);
}

static void test_units(void **state)
{
	char out[UNITS_MAX];

	(void)state;
	assert_string_equal(units_count(out, 7442615), "7,442,615");
	assert_string_equal(units_count(out, 0), "0");
	assert_string_equal(units_count(out, INT64_MIN), "-9,223,372,036,854,775,808");
	assert_string_equal(units_size(out, 3801234567), "3.8 GB");
	assert_string_equal(units_size(out, 999), "999 B");
	assert_string_equal(units_size(out, 999999), "1.0 MB");
	assert_string_equal(units_rate(out, 19e6), "19 MB/s");
	assert_string_equal(units_duration(out, 4000), "0:04");
	assert_string_equal(units_duration(out, 1867000), "31:07");
	assert_string_equal(units_duration(out, 8047000), "2:14:07");
	assert_string_equal(units_duration(out, -61000), "-1:01");
	assert_string_equal(units_age(out, 59999), "59s");
	assert_string_equal(units_age(out, 600000), "10m");
	assert_string_equal(units_age(out, 7300000), "2h");
	assert_string_equal(units_age(out, 3 * 86400000LL), "3d");
	assert_string_equal(units_iso(out, 1795223647000), "2026-11-21T01:14:07Z");
	setenv("TZ", "UTC-2", 1);
	tzset();
	assert_string_equal(units_clock(out, 1795223647000), "03:14:07");
	assert_string_equal(units_clock_hm(out, 1795223647000), "03:14");
	assert_int_equal(units_percent(999999, 1000000), 99);
	assert_int_equal(units_percent(1, 0), 0);
	assert_int_equal(units_percent(5, 5), 100);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
	    {"90s", 90000},    {"5m", 300000}, {"1h30m", 5400000}, {"250ms", 250}, {"60", 60000},
	    {"2d", 172800000}, {"", -1},       {"m", -1},          {"5 m", -1},    {"5m1h", -1},
	    {"5x", -1},        {"1h30", -1},   {"-5s", -1},        {"1.5h", -1},   {"99999999999999999h", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(units_parse_duration_ms(rows[i].text), rows[i].ms);
	assert_int_equal(units_parse_duration_ms(NULL), -1);
	assert_int_equal(units_parse_int(" 42 containers", -1), 42);
	assert_int_equal(units_parse_int("-7", 0), -7);
	assert_int_equal(units_parse_int("many", 3), 3);
	assert_int_equal(units_parse_int(NULL, 3), 3);
	assert_int_equal(units_parse_int("9999999999999999999999", 3), 3);
}

static void test_err(void **state)
{
	struct err err = {0};
	char long_text[2000];

	(void)state;
	assert_int_equal(err_set(&err, ERR_NET, "No answer from %s.", "Heroku"), -1);
	err_wrap(&err, "capture %d", 2);
	assert_string_equal(err.text, "capture 2: No answer from Heroku.");
	assert_int_equal(err.kind, ERR_NET);
	err_set(&err, ERR_IO, "again: %s", err.text);
	assert_string_equal(err.text, "again: capture 2: No answer from Heroku.");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	err_set(&err, ERR_IO, "%s", long_text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err_set(NULL, ERR_IO, "x"), -1);
}

static void test_suggest(void **state)
{
	struct suggest s = {.word = "adress"};

	(void)state;
	suggest_offer(&s, "user");
	suggest_offer(&s, "address");
	assert_string_equal(suggest_best(&s), "address");
	assert_string_equal(suggest_text(&s, "."), "; did you mean \"address\"?");
	s = (struct suggest){.word = "zzz"};
	suggest_offer(&s, "address");
	assert_null(suggest_best(&s));
	assert_int_equal(suggest_distance("scale", "sclae"), 1);
	assert_int_equal(suggest_distance("", "abc"), 3);
}

static void test_cli(void **state)
{
	static const struct cli_option options[] = {{"config", "FILE", "the configuration"},
						    {"with", "K=V", "a parameter"},
						    {"plan", NULL, "only plans"},
						    {0}};
	static const struct cli_command command = {.name = "step",
						   .args = "NAME",
						   .help = "Plans a step.",
						   .options = options,
						   .args_min = 1,
						   .args_max = 1};
	char *good[] = {"step", "--config=a.yml", "scale", "--with", "all=0", "--plan", "--with=x=1"};
	char *bad[][3] = {{"step", "--confg", "x"},
			  {"step", "a", "b"},
			  {"step", "a", "--config"},
			  {"step", "a", "-x"},
			  {"step", "a", "--plan=1"}};
	char *dashes[] = {"step", "--", "--plan"};
	struct cli cli;

	(void)state;
	assert_int_equal(cli_parse(&cli, &command, 7, good), -1);
	assert_string_equal(cli_get(&cli, "config", ""), "a.yml");
	assert_string_equal(cli_arg(&cli, 0, ""), "scale");
	assert_string_equal(cli_at(&cli, "with", 0), "all=0");
	assert_string_equal(cli_at(&cli, "with", 1), "x=1");
	assert_null(cli_at(&cli, "with", 2));
	assert_true(cli_has(&cli, "plan"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cli_parse(&cli, &command, 3, bad[i]), 2);
	assert_int_equal(cli_parse(&cli, &command, 1, good), 2);
	assert_int_equal(cli_parse(&cli, &command, 3, dashes), -1);
	assert_string_equal(cli_arg(&cli, 0, ""), "--plan");
}

static void test_clock(void **state)
{
	int64_t life = clock_life_ms(), wall = clock_wall_ms();

	(void)state;
	/* main() set the clock 50 times faster before anything asked for it. */
	assert_int_equal(clock_real_ms(5000), 100);
	assert_int_equal(clock_real_ms(1), 1);
	assert_int_equal(clock_real_ms(0), 0);
	clock_sleep_ms(1000);
	assert_true(clock_life_ms() - life >= 1000);
	assert_true(clock_wall_ms() - wall >= 950);
	/* Children must begin where this process began. */
	assert_string_not_equal(getenv("NIGHTFERRY_CLOCK"), "0,50");
	assert_non_null(strstr(getenv("NIGHTFERRY_CLOCK"), ",50"));
}

static void test_scheduler(void **state)
{
	const int64_t day_ms = 86400000, base_ms = 20000 * day_ms; /* a midnight in UTC */
	static const char *const bad[] = {"",    "2:30", "24:00", "02:60", "02:30 ", "02:3",  ":5",
					  ":60", ":10x", "10",    "1h",    "-1:00",  "99:99", "0a:00"};

	(void)state;
	assert_int_equal(scheduler_next_ms("02:30", base_ms), base_ms + 9000000);
	assert_int_equal(scheduler_next_ms("02:30", base_ms + 9000000), base_ms + day_ms + 9000000);
	assert_int_equal(scheduler_next_ms("00:00", base_ms), base_ms + day_ms);
	assert_int_equal(scheduler_next_ms(":10", base_ms + 600000), base_ms + 3600000 + 600000);
	assert_int_equal(scheduler_next_ms(":10", base_ms + 599999), base_ms + 600000);
	assert_int_equal(scheduler_next_ms("10m", base_ms + 1), base_ms + 600000);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(scheduler_next_ms(bad[i], base_ms), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json_refused), cmocka_unit_test(test_json_read),
	    cmocka_unit_test(test_json_write),   cmocka_unit_test(test_units),
	    cmocka_unit_test(test_durations),    cmocka_unit_test(test_err),
	    cmocka_unit_test(test_suggest),      cmocka_unit_test(test_cli),
	    cmocka_unit_test(test_clock),        cmocka_unit_test(test_scheduler),
	};

	setenv("NIGHTFERRY_CLOCK", "0,50", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
