/* nightferry.yml beside Kamal's file: what comes from there, what is refused, and Ruby that only Kamal can
 * read. */
#include "core/base/text.h"
#include "core/night/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

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

#define REST                                                                                      \
	"registry: {username: a, password: [SECRET]}\nbuilder: {arch: amd64}\nimage: acme/shop\n" \
	"servers:\n  web:\n    - 203.0.113.7\n  job:\n    hosts: [203.0.113.8]\n"

static void write_kamal(const char *base, const char *over)
{
	mkdir("config", 0755);
	write_file("config/deploy.yml", base);
	if (over)
		write_file("config/deploy.production.yml", over);
}

static void forget_kamal(void)
{
	unlink("config/deploy.yml");
	unlink("config/deploy.production.yml");
	rmdir("config");
}

static void test_kamal(void **state)
{
	struct err err = {0};
	struct json *config;
	const struct json *host;

	(void)state;
	write_kamal("service: shop\n" REST
		    "ssh:\n  user: deploy\n  port: 2222\n  keys: [~/.ssh/k]\n  proxy: jump\n"
		    "accessories:\n  redis: {image: redis:7, host: 203.0.113.7}\n"
		    "  pg: {image: postgres:16, host: 203.0.113.9}\n",
		    "servers:\n  web: [198.51.100.1]\n  job: [198.51.100.1, 198.51.100.2]\n");
	config = load("app: acme\nheroku: {app: x}\nkamal: {destination: production}\n", &err);
	assert_string_equal(err.text, "");
	host = json_get(config, "host");
	assert_string_equal(json_str(host, "address", ""), "198.51.100.1");
	assert_string_equal(json_str(host, "user", ""), "deploy");
	assert_string_equal(json_str(host, "key", ""), "~/.ssh/k");
	assert_string_equal(json_str(host, "proxy_jump", ""), "root@jump");
	assert_int_equal(json_int(host, "port", 0), 2222);
	assert_string_equal(json_str(json_get(config, "kamal"), "service", ""), "shop");
	assert_int_equal(json_count(json_path(config, "kamal.roles")), 2);
	assert_string_equal(json_str(json_get(config, "database"), "accessory", ""), "pg");
	assert_int_equal(json_count(json_get(config, "hosts")), 4);
	json_free(config);

	/* nightferry.yml has the last word, and only for the primary server's address. */
	config = load("app: acme\nheroku: {app: x}\nkamal: {destination: production}\n"
		      "host: {address: new.acme.com, user: ana}\n",
		      &err);
	assert_string_equal(err.text, "");
	host = json_first(json_get(config, "hosts"));
	assert_string_equal(json_str(host, "name", ""), "198.51.100.1");
	assert_string_equal(json_str(host, "address", ""), "new.acme.com");
	assert_true(json_bool(host, "primary", false));
	host = json_next(host);
	assert_string_equal(json_str(host, "address", ""), "198.51.100.2");
	assert_string_equal(json_str(host, "user", ""), "ana");
	assert_false(json_bool(host, "primary", true));
	json_free(config);
	forget_kamal();
}

#define NIGHT "app: acme\nheroku: {app: x}\ndatabase: {url: \"env:U\"}\n"

/* What is wrong in Kamal's file is told with its place, unless nightferry.yml does not need that file. */
static void test_kamal_refused(void **state)
{
	static const struct {
		const char *ours, *kamals, *message;
	} rows[] = {
	    {NIGHT, "service: shop\n" REST "proxy: {ssl: true}\n",
	     "config/deploy.yml:10:9: Kamal refuses this file: proxy: Must set a host to enable automatic "
	     "SSL."},
	    {NIGHT "kamal: {destination: staging}\n", "service: shop\n" REST,
	     "Configuration file not found in config/deploy.staging.yml. Kamal refuses to run without it; "
	     "write "
	     "it, or change `kamal:` in nightferry.yml."},
	    {NIGHT "kamal: {config: config/other.yml}\n", "service: shop\n" REST,
	     "Configuration file not found in config/other.yml. Kamal refuses to run without it; write it, "
	     "or "
	     "change `kamal:` in nightferry.yml."},
	    {NIGHT, "service: shop\n" REST "ssh: {user: <%= ENV['U'] %>}\n",
	     "config/deploy.yml:10: this line holds Ruby (<%), and only Kamal can tell what it means. Write "
	     "kamal: {ruby: true} into nightferry.yml, and the Kamal of this folder is asked, which runs "
	     "that "
	     "Ruby."},
	    {NIGHT "kamal: {accessory: pg}\n",
	     "service: shop\n" REST "accessories: {db: {image: postgres, host: h}}\n",
	     "nightferry.yml:4:20: \"pg\" is no accessory of config/deploy.yml; it has db."},
	    {NIGHT,
	     "service: shop\n" REST
	     "accessories: {a: {image: postgres, host: h}, b: {image: pgvector/pgvector:pg16, host: h}}\n",
	     "nightferry.yml:1:1: config/deploy.yml has several accessories with Postgres (a, b); write the "
	     "one "
	     "whose data moves: database: {accessory: ...}."},
	    {NIGHT, "service: [shop\n",
	     "config/deploy.yml:2:1: a list or map is not closed properly; check its commas and its `]` or "
	     "`}`."},
	    {NIGHT, "", "config/deploy.yml:1:1: Kamal's file must be a map of keys."},
	    {NIGHT "kamal: [a]\n", NULL,
	     "nightferry.yml:4:8: \"kamal\" must be a map; write {config: "
	     "config/deploy.yml}."},
	};
	struct json *config;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {0};

		if (rows[i].kamals)
			write_kamal(rows[i].kamals, NULL);
		config = load(rows[i].ours, &err);
		assert_string_equal(err.text, rows[i].message);
		assert_null(config);
		forget_kamal();
	}
	struct err err = {0};

	write_kamal("service: shop\n" REST "ssh: {user: <%= ENV['U'] %>}\n", NULL);
	config = load(NIGHT "host: {address: h}\nkamal: {service: shop, roles: [web]}\n", &err);
	assert_string_equal(err.text, "");
	assert_false(json_bool(json_get(config, "kamal"), "read", true));
	assert_true(
	    text_starts(json_str(json_get(config, "kamal"), "why", ""), "config/deploy.yml:10: this line"));
	json_free(config);
	forget_kamal();
}

static int asked;

static bool say_no(const char *question)
{
	asked += text_starts(question, "config/deploy.yml holds Ruby (line 10)");
	return false;
}

static bool say_yes(const char *question)
{
	asked += *question != '\0';
	return true;
}

/* A `ruby` that answers what Kamal would: it is the question and the reading of the answer that are ours. */
static void stand_in_ruby(const char *body)
{
	write_file("ruby", body);
	chmod("ruby", 0755);
}

static void test_kamal_ruby(void **state)
{
	char *path = xstrdup(getenv("PATH")), *with = xasprintf("%s:%s", folder, path);
	struct err err = {0};
	struct json *config;

	(void)state;
	setenv("PATH", with, 1);
	write_kamal("service: shop\n" REST "ssh: {user: <%= ENV['U'] %>}\n", NULL);
	write_file("nightferry.yml", NIGHT);

	/* Nobody says yes: nothing runs. */
	stand_in_ruby("#!/bin/sh\ntouch ran\n");
	assert_null(config_load_asking("nightferry.yml", say_no, &err));
	assert_int_equal(asked, 1);
	assert_int_equal(access("ran", F_OK), -1);

	/* The Ruby of the file may print what it likes. */
	err = (struct err){0};
	stand_in_ruby(
	    "#!/bin/sh\n[ \"$1 $3\" = '-e config/deploy.yml' ] || exit 9\n"
	    "printf 'hello {\\nnightferry reads from here:%s' '{\"service\":\"shop\",\"image\":\"a\","
	    "\"registry\":{\"username\":\"a\",\"password\":[\"P\"]},\"builder\":{\"arch\":\"amd64\"},"
	    "\"servers\":[\"203.0.113.7\"],\"ssh\":{\"user\":\"deploy\",\"port\":\"2222\"}}'\n");
	config = config_load_asking("nightferry.yml", say_yes, &err);
	assert_string_equal(err.text, "");
	assert_string_equal(json_str(json_get(config, "host"), "user", ""), "deploy");
	assert_int_equal(json_int(json_get(config, "host"), "port", 0), 2222);
	json_free(config);

	/* A standing yes asks nobody. */
	asked = 0;
	config = load(NIGHT "kamal: {ruby: true}\n", &err);
	assert_non_null(config);
	json_free(config);

	stand_in_ruby("#!/bin/sh\necho s3cret; echo s3cret >&2; exit 1\n");
	assert_null(load(NIGHT "kamal: {ruby: true}\n", &err));
	assert_string_equal(err.text,
			    "Kamal was asked for config/deploy.yml and gave no answer (exit status 1); "
			    "`kamal config` says why.");
	stand_in_ruby("#!/bin/sh\nprintf '\\nnightferry reads from here:[1, 2'\n");
	assert_null(load(NIGHT "kamal: {ruby: true}\n", &err));
	assert_string_equal(err.text,
			    "config/deploy.yml as Kamal reads it:2:1: a list or map is not closed properly; "
			    "check its commas and its `]` or `}`.");
	stand_in_ruby("#!/bin/sh\nprintf '\\nnightferry reads from here:[]'\n");
	assert_null(load(NIGHT "kamal: {ruby: true}\n", &err));
	assert_string_equal(err.text, "Kamal's answer for config/deploy.yml is no map of keys.");
	stand_in_ruby("#!/bin/sh\nexec yes\n");
	assert_null(load(NIGHT "kamal: {ruby: true}\n", &err));
	assert_string_equal(err.text,
			    "Kamal could not be asked for config/deploy.yml: `ruby` printed more than can "
			    "be right; it was ended.");
	stand_in_ruby("#!/bin/sh\nexit 42\n");
	assert_null(load(NIGHT "kamal: {ruby: true}\n", &err));
	assert_non_null(strstr(err.text, "Ruby finds no Kamal here; install it"));
	unlink("ruby");
	setenv("PATH", "/nowhere", 1);
	assert_null(load(NIGHT "kamal: {ruby: true}\n", &err));
	assert_string_equal(err.text,
			    "Kamal could not be asked for config/deploy.yml: `ruby` could not be started: "
			    "No such file or directory.");
	setenv("PATH", path, 1);
	assert_int_equal(asked, 0);
	free(path);
	free(with);
	forget_kamal();
}

/* A database that somebody else runs, and a server without Kamal. */
static void test_without_kamal(void **state)
{
	struct err err = {0};
	struct json *config = load(NIGHT, &err);

	(void)state;
	assert_string_equal(err.text, "");
	assert_string_equal(json_str(json_get(config, "host"), "address", "?"), "");
	assert_int_equal(json_count(json_get(config, "hosts")), 0);
	assert_false(json_bool(json_get(config, "kamal"), "used", true));
	json_free(config);
	config = load(NIGHT "host: {address: vps.acme.com, user: deploy}\n", &err);
	assert_string_equal(err.text, "");
	assert_int_equal(json_count(json_get(config, "hosts")), 1);
	assert_int_equal(json_count(json_get(json_first(json_get(config, "hosts")), "roles")), 0);
	assert_false(json_bool(json_get(config, "kamal"), "used", true));
	json_free(config);
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
	    cmocka_unit_test(test_kamal),
	    cmocka_unit_test(test_kamal_refused),
	    cmocka_unit_test(test_kamal_ruby),
	    cmocka_unit_test(test_without_kamal),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
