/* nightferry.yml: what is filled in, what is refused with which sentence, and the window of the night. */
#include "core/base/text.h"
#include "core/night/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#define HEAD "app: acme\nheroku: {app: acme-production}\nhost: {address: h}\ndatabase: {accessory: db}\n"

static const struct {
	const char *text, *message;
} bad[] = {
    {"#\n",
     "nightferry.yml:1:1: this file must be a map of keys; begin it with `app: ` and your app's name."},
    {"- a\n",
     "nightferry.yml:1:1: this file must be a map of keys; begin it with `app: ` and your app's name."},
    {"app: acme\n",
     "nightferry.yml:1:1: this file needs \"heroku\": the old side, for example {app: acme-production}."},
    {"heroku: {app: x}\n",
     "nightferry.yml:1:1: this file needs \"app\": a short name for your app, for example acme."},
    {"app: a b\nheroku: {app: x}\n", "nightferry.yml:1:6: \"app\" may hold letters, digits, - and _, at most "
				     "40 of them; write for example acme."},
    {"app: acme\nheroku:\n",
     "nightferry.yml:1:1: this file needs \"heroku\": the old side, for example {app: acme-production}."},
    {"app: acme\nheroku: {}\n",
     "nightferry.yml:2:1: `heroku:` needs \"app\": the Heroku app's name, for example acme-production."},
    {"app: acme\nheroku: {app: x}\n",
     "nightferry.yml:1:1: `host:` needs \"address\", the new server's name or address."},
    {"app: acme\nheroku: {app: x}\nhost: {address: h}\n",
     "nightferry.yml:1:1: this file needs `database:`; write database: {url: \"env:NEW_DATABASE_URL\"}, or "
     "{accessory: db}."},
    {"app: acme\nheroku: {app: x}\nhost: {adress: h}\n",
     "nightferry.yml:3:8: \"adress\" is not a key of `host:`; did you mean \"address\"?"},
    {"app: acme\nheroku: [x]\n", "nightferry.yml:2:9: \"heroku\" must be a map, not a list; write the old "
				 "side, for example {app: acme-production}."},
    {"app: acme\nheroku: {app: [x]}\n", "nightferry.yml:2:15: \"app\" must be a text, not a list; write the "
					"Heroku app's name, for example acme-production."},
    {"app: acme\nheroku: {app: x, token: s3cret}\n",
     "nightferry.yml:2:18: \"token\" is not a key of `heroku:`: secrets do not belong in it; set an "
     "environment variable instead."},
    {"app: acme\nheroku: {app: x}\ndatabase: {}\n",
     "nightferry.yml:3:1: `database:` needs \"url\" or \"accessory\"; write url: \"env:NEW_DATABASE_URL\", "
     "or the name of Kamal's accessory."},
    {"app: acme\nheroku: {app: x}\ndatabase: {url: postgres://u:s3cret@h/d}\n",
     "nightferry.yml:3:17: a password is written out here; put the whole URL into an environment variable "
     "and write \"env:NAME_OF_THE_VARIABLE\" instead."},
    {"app: acme\nheroku: {app: x}\ndatabase: postgres://u:s3cret@h/d\n",
     "nightferry.yml:3:11: a password is written out here; put the whole URL into an environment variable "
     "and write \"env:NAME_OF_THE_VARIABLE\" instead."},
    {"app: acme\nheroku: {app: x}\nhost: {address: ssh://u:s3cret@h}\n",
     "nightferry.yml:3:17: a password is written out here; put the whole URL into an environment variable "
     "and write \"env:NAME_OF_THE_VARIABLE\" instead."},
    {"app: acme\nheroku: {app: x}\ndatabase: {url: \"env:\"}\n",
     "nightferry.yml:3:18: after \"env:\" comes the name of an environment variable, for example "
     "env:NEW_DATABASE_URL."},
    {"app: acme\nheroku: {app: x}\ndatabase: {url: shop}\n",
     "nightferry.yml:3:17: \"url\" must be a URL, or \"env:\" and the name of a variable that holds it."},
    {"app: acme\nheroku: {app: x, scheduler: [{run: rake nightly, at: \"2:30\"}]}\n",
     "nightferry.yml:2:55: \"2:30\" is no time of Heroku Scheduler; write \"02:30\" for each day in UTC, "
     "\":10\" for each hour, or \"10m\"."},
    {"app: acme\nheroku: {app: x, scheduler: [{run: rake nightly}]}\n",
     "nightferry.yml:2:31: `heroku.scheduler:` needs \"at\": \"02:30\" each day in UTC, \":10\" each "
     "hour, or \"10m\", as Heroku's dashboard shows it."},
    {HEAD "hots: {}\n", "nightferry.yml:5:1: \"hots\" is not a key of this file; did you mean \"host\"?"},
    {HEAD "zzzzzzzz: 1\n",
     "nightferry.yml:5:1: \"zzzzzzzz\" is not a key of this file; its keys are app, heroku, kamal, host, "
     "database, redis, dns, web, smoke, canary, backup, window, people, stations, playbook, copy, env, "
     "notify, "
     "steps, group."},
    {HEAD "dns: {}\n",
     "nightferry.yml:5:1: `dns:` needs \"provider\": cloudflare, hetzner, route53, command or manual."},
    {HEAD "dns: {provider: clodflare, names: [a]}\n",
     "nightferry.yml:5:17: \"provider\" is one of cloudflare, hetzner, route53, command, manual; "
     "\"clodflare\" is not "
     "one of them; did "
     "you mean \"cloudflare\"?"},
    {HEAD "dns: {provider: cloudflare}\n",
     "nightferry.yml:5:1: `dns:` needs \"names\": the names that move, for example [www.acme.com]."},
    {HEAD "dns: {provider: cloudflare, names: www.a.com}\n",
     "nightferry.yml:5:36: \"names\" must be a list; write [www.a.com]."},
    {HEAD "dns: {provider: cloudflare, names: []}\n",
     "nightferry.yml:5:36: \"names\" is an empty list; write the names that move, for example "
     "[www.acme.com]."},
    {HEAD "dns: {provider: cloudflare, names: [\"https://www.a.com/\"]}\n",
     "nightferry.yml:5:38: \"https://www.a.com/\" is no name in DNS; write only the name, for example "
     "www.acme.com."},
    {HEAD "dns: {provider: cloudflare, names: [{a: 1}]}\n",
     "nightferry.yml:5:38: each of \"names\" must be a text, not a map; write the names that move, for "
     "example [www.acme.com]."},
    {HEAD "web: {scheme: ftp}\n", "nightferry.yml:5:15: \"scheme\" is one of https, http; \"ftp\" is not one "
				  "of them; did you mean \"http\"?"},
    {HEAD "smoke: {get: /up}\n", "nightferry.yml:5:9: \"smoke\" must be a list, not a map; write a list, for "
				 "example [{get: /up, expect: 200}]."},
    {HEAD "smoke: [/up]\n", "nightferry.yml:5:9: each of \"smoke\" must be a map, not the text \"/up\"; "
			    "write a list, for example [{get: /up, expect: 200}]."},
    {HEAD "smoke: [{expect: 200}]\n",
     "nightferry.yml:5:10: a smoke test needs either \"get\" or \"post\" with a path; write {get: /up}."},
    {HEAD "smoke: [{get: up}]\n",
     "nightferry.yml:5:15: \"get\" is a path that begins with /; the address comes from `web:` and `dns:`."},
    {HEAD "smoke: [{get: /a, post: /a}]\n",
     "nightferry.yml:5:10: a smoke test needs either \"get\" or \"post\" with a path; write {get: /up}."},
    {HEAD "smoke: [{get: /a, expct: 200}]\n",
     "nightferry.yml:5:19: \"expct\" is not a key of `smoke:`; did you mean \"expect\"?"},
    {HEAD "smoke: [{get: /a, expect: ok}]\n",
     "nightferry.yml:5:27: \"expect\" must be a whole number from 100 to 599, not the text \"ok\"; write the "
     "status, for example 200."},
    {HEAD "window: {start: \"01:00\"}\n",
     "nightferry.yml:5:1: `window:` needs \"end\": an hour of local time, for example \"02:00\"."},
    {HEAD "window: {start: 25:00, end: \"02:00\"}\n",
     "nightferry.yml:5:17: \"start\" must be an hour of local time; write it like \"01:00\"."},
    {HEAD "window: {start: \"01:00\", end: \"1:00\"}\n",
     "nightferry.yml:5:32: the window ends when it starts; write a later \"end\"."},
    {HEAD "people: two\n", "nightferry.yml:5:9: \"people\" must be a whole number from 1 to 50, not the text "
			   "\"two\"; write how many people are there this night."},
    {HEAD "people: 0\n", "nightferry.yml:5:9: \"people\" must be a whole number from 1 to 50, not the number "
			 "0; write how many people are there this night."},
    {HEAD "copy: {jobs: 2.5}\n", "nightferry.yml:5:14: \"jobs\" must be a whole number from 1 to 64, not the "
				 "number 2.5; write how many tables are restored at once."},
    {HEAD "steps: [a]\n", "nightferry.yml:5:8: `steps:` must be a map of steps; write {restore: {jobs: 4}}."},
    {HEAD "steps: {restore: 4}\n",
     "nightferry.yml:5:18: `steps.restore:` must be a map of its parameters; write {restore: {jobs: 4}}."},
    {HEAD "steps: {restore: {x: \"redis://:s3cret@h\"}}\n",
     "nightferry.yml:5:23: a password is written out here; put the whole URL into an environment variable "
     "and write \"env:NAME_OF_THE_VARIABLE\" instead."},
    {"app: acme\nheroku: {app: x}\nhost: {address: h}\ndatabase: {url: \"env:U\", container: \"a b\"}\n",
     "nightferry.yml:4:38: \"a b\" is no name of a container; `docker ps` on the server lists them."},
    {HEAD "stations: DB\n", "nightferry.yml:5:11: \"stations\" must be a list; write [DB]."},
    {HEAD "playbook: [a]\n",
     "nightferry.yml:5:11: \"playbook\" must be a text, not a list; write a playbook's name or its path."},
    {HEAD "host: {address: x}\n",
     "nightferry.yml:5:1: \"host\" is written twice, first in line 3; remove one of them."},
    {HEAD "people: on\n",
     "nightferry.yml:5:9: `on` means different things to different programs; write true or \"on\"."},
};

static char folder[] = "/tmp/nightferry-config-XXXXXX";

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct json *load(const char *text, struct err *err)
{
	write_file("nightferry.yml", text);
	return config_load("nightferry.yml", err);
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		assert_null(load(bad[i].text, &err));
		assert_string_equal(err.text, bad[i].message);
	}
}

static void test_missing(void **state)
{
	struct err err = {0};

	(void)state;
	assert_null(config_load("other.yml", &err));
	assert_string_equal(err.text, "There is no other.yml here; `nightferry init` writes a first one.");
}

static void expect(const char *text, const char *want)
{
	struct err err = {0};
	struct json *config = load(text, &err);
	char *printed;

	assert_string_equal(err.text, "");
	printed = json_print(config);
	assert_string_equal(printed, want);
	free(printed);
	json_free(config);
}

static void test_defaults(void **state)
{
	char *want = xasprintf(
	    "{\"app\":\"acme\",\"heroku\":{\"app\":\"acme-production\",\"api\":\"\",\"data\":\"\",\"status\":"
	    "\"\",\"scheduler\":[]},\"kamal\":"
	    "{"
	    "\"config\":\"config/deploy.yml\",\"destination\":\"\",\"service\":\"acme\",\"roles\":[\"web\"],"
	    "\"accessory\":\"db\",\"ruby\":false,\"used\":true,\"read\":false,\"why\":\"\",\"folder\":\"%s\","
	    "\"command\":[\"kamal\"]},\"host\":{\"address\":\"h\",\"port\":0,\"user\":\"\",\"key\":\"\","
	    "\"known_hosts\":\"\",\"proxy_jump\":\"\",\"proxy_command\":\"\"},\"database\":{\"url\":\"\","
	    "\"accessory\":\"db\",\"container\":\"\",\"app_role\":\"\"},\"redis\":{\"variable\":\"REDIS_"
	    "URL\",\"url\":\"\",\"namespace\":\"\",\"verify\":true},\"web\":{\"old\":\"\",\"new\":\"\","
	    "\"scheme\":\"https\",\"ca\":\"\",\"marker\":\"\"}"
	    ","
	    "\"smoke\":[{\"get\":\"/"
	    "up\",\"expect\":200}],\"canary\":[],\"people\":1,\"stations\":[],\"playbook\":"
	    "\"heroku-to-kamal\",\"copy\":{\"skip_data\":[],\"jobs\":2},\"env\":{\"accept\":[]},\"notify\":{"
	    "\"command\":[],\"webhook\":\"\"},\"steps\":{},"
	    "\"group\":\"\","
	    "\"hosts\":[{"
	    "\"name\":\"h\",\"address\":\"h\",\"port\":0,\"user\":\"\",\"key\":\"\",\"known_hosts\":"
	    "\"\","
	    "\"proxy_jump\":\"\",\"proxy_command\":\"\",\"roles\":[\"web\"],\"accessories\":[\"db\"],"
	    "\"primary\":true}]}",
	    folder);

	(void)state;
	expect(HEAD, want);
	free(want);
}

static void test_values(void **state)
{
	struct err err = {0};
	struct json *config = load(HEAD "steps: {restore: {jobs: 4, x: 15.10}, webhooks: {fields: [a, b]}}\n"
					"smoke: [{post: /login, expect: 302, header: \"A: b\"}]\n"
					"dns: {provider: cloudflare, names: [www.acme.com]}\n"
					"window: {start: 23:30, end: \"1:00\"}\n",
				   &err);
	char *steps;

	(void)state;
	assert_string_equal(err.text, "");
	steps = json_print(json_get(config, "steps"));
	assert_string_equal(
	    steps, "{\"restore\":{\"jobs\":\"4\",\"x\":\"15.10\"},\"webhooks\":{\"fields\":[\"a\",\"b\"]}}");
	free(steps);
	assert_string_equal(json_str(json_first(json_get(config, "smoke")), "header", ""), "A: b");
	assert_string_equal(json_str(json_get(config, "window"), "start", ""), "23:30");
	json_free(config);
	assert_string_equal(config_env_name("env:NEW_DATABASE_URL"), "NEW_DATABASE_URL");
	assert_null(config_env_name("env:"));
	assert_null(config_env_name("postgres://h/d"));
}

/* Minutes after 2026-11-21 00:00 UTC. */
static int64_t at(int64_t minutes)
{
	return 1795219200000 + minutes * 60000;
}

static void expect_window(const char *json_text, int64_t now, int64_t start, int64_t end)
{
	struct json *config = json_parse(json_text, strlen(json_text), NULL);
	int64_t start_ms = 0, end_ms = 0;

	assert_int_equal(config_window(config, at(now), &start_ms, &end_ms), 0);
	assert_int_equal(start_ms, at(start));
	assert_int_equal(end_ms, at(end));
	json_free(config);
}

static void test_window(void **state)
{
	static const char one[] = "{\"window\":{\"start\":\"01:00\",\"end\":\"02:00\"}}";
	static const char over[] = "{\"window\":{\"start\":\"23:30\",\"end\":\"1:00\"}}";
	static const char berlin[] = "{\"window\":{\"start\":\"01:30\",\"end\":\"03:30\"}}";
	struct json *none = json_parse("{}", 2, NULL);
	int64_t start, end;

	(void)state;
	assert_int_equal(config_window(none, at(0), &start, &end), -1);
	json_free(none);
	setenv("TZ", "UTC0", 1);
	tzset();
	expect_window(one, 0, 60, 120);
	expect_window(one, 90, 60, 120);
	expect_window(one, 300, 60, 120);        /* late: still tonight's */
	expect_window(one, 12 * 60, 1500, 1560); /* next night's */
	expect_window(over, 30, -30, 60);        /* it began yesterday */
	expect_window(over, 23 * 60, 23 * 60 + 30, 1500);
	expect_window(over, 23 * 60 + 45, 23 * 60 + 30, 1500);
	/* The clocks go back at 03:00 on 2026-10-25: this window is three hours long. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	expect_window(berlin, -27 * 1440 - 60, -27 * 1440 - 30, -27 * 1440 + 150);
}

/* Minutes after 2026-10-24 22:00 UTC: midnight in Berlin, of the day the clocks go back from 03:00 to 02:00;
 * or after 2027-03-27 23:00 UTC, of the day they go forward from 02:00 to 03:00. */
static void expect_berlin(bool autumn, const char *start, const char *end, int64_t now, int64_t from,
			  int64_t until)
{
	int64_t midnight = autumn ? -26 * 1440 - 120 - 1440 : 127 * 1440 - 60;
	char text[100];

	snprintf(text, sizeof text, "{\"window\":{\"start\":\"%s\",\"end\":\"%s\"}}", start, end);
	expect_window(text, midnight + now, midnight + from, midnight + until);
}

static void test_window_clock_change(void **state)
{
	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	/* back: 01:00 to 04:00 is four hours long; an hour that comes twice is the first one */
	expect_berlin(true, "01:00", "04:00", -120, 60, 300);
	expect_berlin(true, "01:00", "04:00", 200, 60, 300);
	expect_berlin(true, "01:30", "02:30", 0, 90, 150);
	expect_berlin(true, "02:15", "02:45", 0, 135, 165);
	expect_berlin(true, "02:30", "03:30", 0, 150, 270);
	expect_berlin(true, "23:00", "02:00", -30, -60, 120);
	expect_berlin(true, "22:00", "06:00", 60, -120, 420);
	/* the night after is an ordinary one again */
	expect_berlin(true, "01:00", "02:00", 1440, 60 + 60 + 1440, 60 + 120 + 1440);
	/* forward: 01:00 to 04:00 is two hours long; an hour that is left out is the moment it is */
	expect_berlin(false, "01:00", "04:00", 0, 60, 180);
	expect_berlin(false, "01:30", "02:30", 0, 90, 120);
	expect_berlin(false, "02:15", "03:30", 0, 120, 150);
	expect_berlin(false, "23:30", "03:00", 10, -30, 120);
	expect_berlin(false, "23:30", "02:59", -60, -30, 120);
	expect_berlin(false, "22:00", "06:00", 60, -120, 300);
}

static int enter(void **state)
{
	(void)state;
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int leave(void **state)
{
	(void)state;
	unlink("nightferry.yml");
	return chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad),      cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
	    cmocka_unit_test(test_window),   cmocka_unit_test(test_window_clock_change),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
