/* What links/http and links/heroku make of answers, broken answers and none at all. */
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/heroku_logs.h"
#include "core/links/http.h"
#include "tests/unit/canned.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- without a network ---- */

static void test_where(void **state)
{
	static const struct {
		const char *url, *host;
		int port;
		bool loopback;
	} rows[] = {
	    {"https://api.heroku.com/apps", "api.heroku.com", 443, false},
	    {"http://127.0.0.1:5000", "127.0.0.1", 5000, true},
	    {"http://[::1]:81/x", "::1", 81, true},
	    {"http://localhost/?a=b", "localhost", 80, true},
	    {"http://127.evil.example/", "127.evil.example", 80, false},
	    {"https://api.heroku.com@evil.example/", NULL, 0, false},
	    {"ftp://a/", NULL, 0, false},
	    {"https://:443/", NULL, 0, false},
	    {"https://a:70000/", NULL, 0, false},
	    {"", NULL, 0, false},
	};
	struct http_where where;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(http_where(rows[i].url, &where), rows[i].host != NULL);
		if (!rows[i].host)
			continue;
		assert_string_equal(where.host, rows[i].host);
		assert_int_equal(where.port, rows[i].port);
		assert_int_equal(where.loopback, rows[i].loopback);
	}
}

static void test_trusted(void **state)
{
	(void)state;
	assert_true(heroku_trusted("https://api.heroku.com"));
	assert_true(heroku_trusted("https://heroku.com/x"));
	assert_true(heroku_trusted("http://127.0.0.1:1"));
	assert_false(heroku_trusted("http://api.heroku.com"));
	assert_false(heroku_trusted("https://evilheroku.com"));
	assert_false(heroku_trusted("https://api.heroku.com.evil.example"));
	assert_false(heroku_trusted("http://localhost.evil.example"));
}

static void test_times(void **state)
{
	(void)state;
	assert_int_equal(heroku_time_ms("2024-05-28 11:19:37 +0000"), 1716895177000);
	assert_int_equal(heroku_time_ms("2024-05-28T11:19:37Z"), 1716895177000);
	assert_int_equal(heroku_time_ms("2024-05-28T13:19:37.209776+02:00"), 1716895177209);
	assert_int_equal(heroku_time_ms("2024-05-28 06:49:37 -0430"), 1716895177000);
	assert_int_equal(heroku_time_ms(""), 0);
	assert_int_equal(heroku_time_ms("yesterday"), 0);
	assert_int_equal(heroku_time_ms(NULL), 0);

	struct heroku_schedule daily = {.hour = 2, .timezone = "UTC"},
			       sunday = {.hour = 23, .timezone = "UTC", .days = "Sun"};
	assert_int_equal(heroku_schedule_next_ms(&daily, 1716895177000), 1716948000000);  /* 29th, 02:00 */
	assert_int_equal(heroku_schedule_next_ms(&sunday, 1716895177000), 1717369200000); /* 2nd of June */
	daily.hour = 12;
	assert_int_equal(heroku_schedule_next_ms(&daily, 1716895177000), 1716897600000); /* in 40 minutes */
	snprintf(daily.timezone, sizeof daily.timezone, "../../etc/passwd");
	assert_int_equal(heroku_schedule_next_ms(&daily, 1716895177000), 0);
}

static void test_log_lines(void **state)
{
	static const char line[] =
	    "2024-10-17T22:23:22.209776+00:00 heroku[router]: at=info method=GET path=\"/a?status=500 x\" "
	    "host=www.acme.example request_id=1 fwd=\"9.9.9.9\" dyno=web.1 connect=0ms service=12ms "
	    "status=200 "
	    "bytes=77 protocol=https";
	char text[400];
	struct heroku_log_line out;
	struct heroku_router_line router;

	(void)state;
	assert_true(heroku_log_parse(line, strlen(line), &out, text, sizeof text));
	assert_int_equal(out.at_us, 1729203802209776);
	assert_string_equal(out.source, "heroku");
	assert_string_equal(out.process, "router");
	assert_true(heroku_router_parse(out.text, &router));
	assert_string_equal(router.path, "/a?status=500 x");
	assert_int_equal(router.service_ms, 12);
	assert_int_equal(router.bytes, 77);
	static const char plain[] = "2024-10-17T22:23:22.209776+00:00 app[web.1]: hi \033[31mred";
	assert_true(heroku_log_parse(plain, strlen(plain), &out, text, sizeof text));
	assert_null(strchr(out.text, '\033'));
	assert_false(heroku_router_parse(out.text, &router));
	assert_false(heroku_log_parse("nonsense", 8, &out, text, sizeof text));
	assert_false(heroku_log_parse("", 0, &out, text, sizeof text));
}

static void pick(const char *vars, const char *want, enum err_kind kind)
{
	char url[300];
	struct err err = {0};
	struct json *json = json_parse(vars, strlen(vars), &err);
	assert_non_null(json);
	int rc = heroku_pick_url(json, "acme", url, sizeof url, &err);
	json_free(json);
	assert_int_equal(err.kind, kind);
	assert_int_equal(rc, kind ? -1 : 0);
	if (want)
		assert_string_equal(url, want);
	assert_null(strstr(err.text, "secret"));
}

static void test_database_url(void **state)
{
	(void)state;
	pick("{\"DATABASE_URL\":\"postgres://u:secret@db.example:5432/d\"}",
	     "postgres://u:secret@db.example:5432/d?sslmode=require", ERR_NONE);
	pick("{\"DATABASE_URL\":\"postgres://u:secret@db.example/d?a=b\"}",
	     "postgres://u:secret@db.example/d?a=b&sslmode=require", ERR_NONE);
	pick("{\"DATABASE_URL\":\"postgres://u:secret@db.example/d?sslmode=verify-full\"}",
	     "postgres://u:secret@db.example/d?sslmode=verify-full", ERR_NONE);
	pick("{\"DATABASE_URL\":\"postgres://u:secret@127.0.0.1:5432/d\"}",
	     "postgres://u:secret@127.0.0.1:5432/d", ERR_NONE);
	pick("{\"DATABASE_URL\":\"postgres://u:secret@db:6/d\",\"DATABASE_CONNECTION_POOL_URL\":\"postgres://"
	     "u:secret@db:6/d\"}",
	     NULL, ERR_WORLD);
	pick("{\"DATABASE_URL\":\"mysql://u:secret@db/d\"}", NULL, ERR_WORLD);
	pick("{}", NULL, ERR_WORLD);
}

/* ---- with the server above ---- */

/* A kept connection that died must not make libcurl send a POST again by itself. */
static void test_sent_once(void **state)
{
	static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
	static const char *const answers[] = {kept, NULL, NULL, NULL};
	struct server server = server_start(answers, 4);
	struct http *http = http_open(NULL);
	struct http_reply reply;
	struct err err = {0};
	char url[64];

	(void)state;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/x", server.port);
	assert_int_equal(http_perform(http, &(struct http_request){.url = url}, &reply, &err), 0);
	assert_int_equal(reply.status, 200);
	http_reply_done(&reply);
	assert_int_equal(
	    http_perform(http, &(struct http_request){.method = "POST", .url = url}, &reply, &err), -1);
	assert_int_equal(reply.end, HTTP_LOST);
	assert_int_equal(err.kind, ERR_NET);
	assert_non_null(strstr(err.text, "look before trying again"));
	http_reply_done(&reply);
	http_close(http);
	assert_string_equal(server_stop(&server), "GET /x HTTP/1.1\nPOST /x HTTP/1.1\n");
}

static void test_not_sent(void **state)
{
	struct http_reply reply;
	struct err err = {0};

	(void)state;
	assert_int_equal(http_once(NULL,
				   &(struct http_request){.method = "POST", .url = "http://127.0.0.1:1/"},
				   &reply, &err),
			 -1);
	assert_int_equal(reply.end, HTTP_NOT_SENT);
	assert_null(strstr(err.text, "lost"));
	http_reply_done(&reply);
}

static void test_lies(void **state)
{
	/* The data API's real 404, a 500 after a POST, and HTML where a list should be. */
	static const char *const answers[] = {
	    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n<h1>Not "
	    "Found</h1>",
	    "HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nRequest-Id: abc,def\r\nContent-Length: "
	    "9\r\n\r\n<h1>x</h1",
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n<html>",
	    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	};
	struct server server = server_start(answers, 4);
	struct job *job;
	struct heroku *heroku = heroku_at(server.port, &job);
	struct heroku_database database = {.id = "db", .app = "acme"};
	struct heroku_database_info info;
	struct heroku_transfer transfer, *list;
	struct err err = {0};
	size_t n;

	(void)state;
	assert_int_equal(heroku_database_info(heroku, &database, &info, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	err = (struct err){0};
	assert_int_equal(heroku_capture(heroku, &database, &transfer, &err), -1);
	assert_true(heroku_lost(heroku));
	assert_non_null(strstr(err.text, "abc"));
	err = (struct err){0};
	assert_int_equal(heroku_transfers(heroku, "acme", &list, &n, &err), -1);
	assert_int_equal(err.kind, ERR_NET);
	assert_false(heroku_lost(heroku));
	/* An answer without a name for the backup is no answer to build on. */
	err = (struct err){0};
	assert_int_equal(heroku_capture(heroku, &database, &transfer, &err), -1);
	heroku_close(heroku);
	job_free(job);
	server_stop(&server);
}

static void test_pages(void **state)
{
	static const char *const answers[] = {
	    "HTTP/1.1 206 Partial Content\r\nNext-Range: id ]1..; max=1\r\nContent-Length: 49\r\n\r\n"
	    "[{\"type\":\"web\",\"quantity\":\"2\",\"size\":\"Basic\"}]    ",
	    "HTTP/1.1 200 OK\r\nRateLimit-Remaining: 7\r\nX-Heroku-Warning: soon gone\r\nContent-Length: "
	    "46\r\n\r\n"
	    "[{\"type\":\"worker\",\"quantity\":1,\"size\":\"Eco\"}]  ",
	};
	struct server server = server_start(answers, 2);
	struct job *job;
	struct heroku *heroku = heroku_at(server.port, &job);
	struct heroku_process *list;
	struct err err = {0};
	size_t n;

	(void)state;
	assert_int_equal(heroku_formation(heroku, &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].quantity, 2);
	assert_int_equal(list[1].quantity, 1);
	assert_int_equal(heroku_remaining(heroku), 7);
	assert_string_equal(heroku_warning(heroku), "soon gone");
	free(list);
	heroku_close(heroku);
	job_free(job);
	server_stop(&server);
}

/* The second answer says "the same", and the list is there all the same; what is no list, or half of one, is
 * none. */
static void test_kept_and_whole(void **state)
{
	static const char *const answers[] = {
	    "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: 27\r\n\r\n[{\"name\":\"web.1\",\"x\":true}]",
	    "HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
	    "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n[]",
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	};
	struct server server = server_start(answers, 5);
	struct job *job;
	struct heroku *heroku = heroku_at(server.port, &job);
	struct heroku_dyno *list;
	size_t n;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct err err = {0};
		assert_int_equal(heroku_dynos(heroku, &list, &n, &err), 0);
		assert_int_equal(n, 1);
		assert_string_equal(list[0].name, "web.1");
		free(list);
	}
	for (int i = 0; i < 3; i++) {
		struct err err = {0};
		assert_int_equal(heroku_dynos(heroku, &list, &n, &err), -1);
		assert_int_equal(err.kind, ERR_NET);
	}
	heroku_close(heroku);
	job_free(job);
	server_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_where),        cmocka_unit_test(test_trusted),
	    cmocka_unit_test(test_times),        cmocka_unit_test(test_log_lines),
	    cmocka_unit_test(test_database_url), cmocka_unit_test(test_sent_once),
	    cmocka_unit_test(test_not_sent),     cmocka_unit_test(test_lies),
	    cmocka_unit_test(test_pages),        cmocka_unit_test(test_kept_and_whole),
	};

	signal(SIGPIPE, SIG_IGN);
	setenv("HEROKU_API_KEY", "HRKU-test", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
