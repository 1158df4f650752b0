/* What the Heroku link makes of answers that are hostile, or only not what they should be. */
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "tests/unit/canned.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* One answer; `head` is further header lines, each with its end. To be freed. */
static char *answer(const char *status, const char *head, const char *body)
{
	return xasprintf("HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, head, strlen(body), body);
}

struct asked {
	struct server server;
	struct heroku *heroku;
	struct job *job;
	char *answers[8];
	size_t n;
	struct err err;
};

static void say(struct asked *asked, const char *status, const char *head, const char *body)
{
	asked->answers[asked->n++] = answer(status, head, body);
}

static void asked_open(struct asked *asked)
{
	asked->server = server_start((const char *const *)asked->answers, asked->n);
	asked->heroku = heroku_at(asked->server.port, &asked->job);
}

/* Gives the requests' first lines. */
static const char *asked_close(struct asked *asked)
{
	heroku_close(asked->heroku);
	job_free(asked->job);
	for (size_t i = 0; i < asked->n; i++)
		free(asked->answers[i]);
	return server_stop(&asked->server);
}

static int formation(const char *body, struct heroku_process **list, size_t *n, struct err *err)
{
	struct asked asked = {0};
	say(&asked, "200 OK", "", body);
	asked_open(&asked);
	int rc = heroku_formation(asked.heroku, list, n, err);
	asked_close(&asked);
	return rc;
}

/* A quantity that is no number would be written down as the way back, as nothing. */
static void test_formation(void **state)
{
	static const char *const bad[] = {
	    "[{\"type\":\"web\",\"quantity\":null}]",
	    "[{\"type\":\"web\"}]",
	    "[{\"type\":\"web\",\"quantity\":\"many\"}]",
	    "[{\"type\":\"web\",\"quantity\":-1}]",
	    "[{\"type\":\"web\",\"quantity\":\"4294967296\"}]",
	    "[{\"type\":\"we\\u001b[31mb\",\"quantity\":1}]",
	    "[{\"type\":\"web/../x\",\"quantity\":1}]",
	    "[{\"type\":\"a-name-that-is-so-long-that-it-would-be-cut-into-another\",\"quantity\":1}]",
	};
	struct heroku_process *list;
	struct err fine = {0};
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {0};
		assert_int_equal(formation(bad[i], &list, &n, &err), -1);
		assert_int_equal(err.kind, ERR_NET);
		assert_non_null(strstr(err.text, "its formation is not known"));
		assert_int_equal(n, 0);
	}
	assert_int_equal(formation("[{\"type\":\"web\",\"quantity\":\"2\"}]", &list, &n, &fine), 0);
	assert_int_equal(list[0].quantity, 2);
	free(list);
}

/* A name that looks like another's once it is cleaned or cut must not be stopped in its place. */
static void test_dyno_names(void **state)
{
	struct asked asked = {0};
	struct heroku_dyno *list;
	size_t n;

	(void)state;
	say(&asked, "200 OK", "",
	    "[{\"name\":\"web\\u001b[2J.1\",\"type\":\"web\",\"state\":\"\\u001b]0;x\\u0007up\"},"
	    "{\"name\":\"run.1/../../x\",\"type\":\"run\"},"
	    "{\"name\":\"a-very-long-process-type-name-of-some-app.1234567890\",\"type\":\"run\"},"
	    "{\"name\":7,\"type\":null},{\"name\":\"run.12\",\"type\":\"run\"}]");
	say(&asked, "202 Accepted", "", "{}");
	asked_open(&asked);
	assert_int_equal(heroku_dynos(asked.heroku, &list, &n, &asked.err), 0);
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++) {
		struct err err = {0};
		assert_null(strchr(list[i].name, '\033'));
		assert_null(strchr(list[i].state, '\033'));
		assert_int_equal(heroku_dyno_stop(asked.heroku, list[i].name, &err), i == 4 ? 0 : -1);
		assert_true(i == 4 || *list[i].name == '?');
	}
	free(list);
	assert_string_equal(asked_close(&asked), "GET /apps/acme/dynos HTTP/1.1\n"
						 "POST /apps/acme/dynos/run.12/actions/stop HTTP/1.1\n");
}

/* A list that changed while its pages were read gives an item twice: it counts once. */
static void test_pages_change(void **state)
{
	struct asked asked = {0};
	struct heroku_dyno *list;
	size_t n;

	(void)state;
	say(&asked, "206 Partial Content", "Next-Range: id ]a..; max=2\r\n",
	    "[{\"id\":\"a\",\"name\":\"web.1\",\"type\":\"web\"}]");
	say(&asked, "200 OK", "",
	    "[{\"id\":\"a\",\"name\":\"web.1\",\"type\":\"web\"},{\"id\":\"b\",\"name\":\"web.2\","
	    "\"type\":\"web\"}]");
	/* Round and round: each page costs one request of the account's. */
	for (int i = 0; i < 4; i++)
		say(&asked, "206 Partial Content", "Next-Range: id ]a..; max=2\r\n", "[]");
	asked_open(&asked);
	assert_int_equal(heroku_dynos(asked.heroku, &list, &n, &asked.err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[1].name, "web.2");
	free(list);
	assert_int_equal(heroku_dynos(asked.heroku, &list, &n, &asked.err), -1);
	assert_non_null(strstr(asked.err.text, "the same part of the list again"));
	assert_string_equal(asked_close(&asked),
			    "GET /apps/acme/dynos HTTP/1.1\nGET /apps/acme/dynos HTTP/1.1\n"
			    "GET /apps/acme/dynos HTTP/1.1\nGET /apps/acme/dynos HTTP/1.1\n");
}

/* None of these is an app without releases or without config vars. */
static void test_no_answers(void **state)
{
	static const char *const status[] = {"200 OK", "200 OK", "304 Not Modified", "204 No Content"};
	static const char *const body[] = {"{}", "", "", ""};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct asked asked = {0};
		struct heroku_release *releases;
		struct json *vars;
		size_t n;
		say(&asked, status[i], "", body[i]);
		say(&asked, status[i], "", i ? body[i] : "[1]");
		asked_open(&asked);
		assert_int_equal(heroku_releases(asked.heroku, 1, &releases, &n, &asked.err), -1);
		assert_int_equal(asked.err.kind, ERR_NET);
		assert_int_equal(heroku_vars(asked.heroku, &vars, &asked.err), -1);
		assert_null(vars);
		assert_false(heroku_lost(asked.heroku));
		asked_close(&asked);
	}
}

/* "The same as before" to a change, a time-out in front of it, and an answer that has no end. */
static void test_unclear_changes(void **state)
{
	static const char *const status[] = {"304 Not Modified", "408 Request Timeout", "200 OK"};
	char *endless = xmalloc((17 << 20) + 1);

	(void)state;
	memset(endless, '[', 17 << 20);
	endless[17 << 20] = '\0';
	for (size_t i = 0; i < 3; i++) {
		struct asked asked = {0};
		say(&asked, status[i], "", i == 2 ? endless : "");
		asked_open(&asked);
		assert_int_equal(heroku_maintenance_set(asked.heroku, true, &asked.err), -1);
		assert_true(heroku_lost(asked.heroku));
		assert_null(strstr(asked.err.text, "nothing was changed"));
		assert_string_equal(asked_close(&asked), "PATCH /apps/acme HTTP/1.1\n");
	}
	free(endless);
}

/* Ten megabytes of a list are read; what is nested like this is not. */
static void test_size_and_depth(void **state)
{
	struct asked asked = {0};
	struct buf large = {0}, deep = {0};
	struct heroku_domain *list;
	size_t n;

	(void)state;
	for (int i = 0; large.len < 10 << 20; i++)
		buf_addf(&large, "%c{\"id\":\"%d\",\"hostname\":\"%01000d.example\"}", i ? ',' : '[', i, i);
	buf_addc(&large, ']');
	for (int i = 0; i < 100000; i++)
		buf_adds(&deep, "[{\"id\":");
	say(&asked, "200 OK", "", buf_text(&large));
	say(&asked, "200 OK", "", buf_text(&deep));
	asked_open(&asked);
	assert_int_equal(heroku_domains(asked.heroku, &list, &n, &asked.err), 0);
	assert_in_range(n, 10000, 10500);
	free(list);
	assert_int_equal(heroku_domains(asked.heroku, &list, &n, &asked.err), -1);
	assert_int_equal(asked.err.kind, ERR_NET);
	asked_close(&asked);
	buf_done(&large);
	buf_done(&deep);
}

/* What Heroku says of itself reaches a screen: its headers and its sentences. */
static void test_words(void **state)
{
	struct asked asked = {0};
	struct heroku_account account;
	struct heroku_app app;

	(void)state;
	say(&asked, "200 OK",
	    "OAuth-Scope: \033[31mglobal\r\nX-Heroku-Warning: \033]52;c;x\007old\r\n"
	    "RateLimit-Remaining: 99999999999999\r\n",
	    "{\"email\":\"\\u001b[2Ja@b\"}");
	say(&asked, "500 Oops", "Request-Id: \033[2Jabc,def\r\n", "{\"message\":\"\\u001b[2Jno\"}");
	asked_open(&asked);
	assert_int_equal(heroku_account(asked.heroku, &account, &asked.err), 0);
	assert_null(strchr(account.scope, '\033'));
	assert_null(strchr(account.email, '\033'));
	assert_null(strchr(heroku_warning(asked.heroku), '\033'));
	assert_int_equal(heroku_remaining(asked.heroku), -1);
	assert_int_equal(heroku_app_get(asked.heroku, &app, &asked.err), -1);
	assert_non_null(strstr(asked.err.text, "abc"));
	assert_null(strchr(asked.err.text, '\033'));
	asked_close(&asked);
}

/* Numbers may come as text: a backup without its number would not be known again. */
static void test_numbers(void **state)
{
	struct asked asked = {0};
	struct heroku_transfer *list;
	struct heroku_release *releases;
	struct err err = {0};
	size_t n;

	(void)state;
	say(&asked, "200 OK", "",
	    "[{\"uuid\":\"../../x\",\"num\":\"12\",\"source_bytes\":\"8150151\",\"from_type\":\"pg_dump\","
	    "\"to_type\":\"gof3r\",\"finished_at\":5}]");
	say(&asked, "200 OK", "", "[{\"version\":\"41\",\"status\":\"succeeded\"}]");
	asked_open(&asked);
	assert_int_equal(heroku_transfers(asked.heroku, "acme", &list, &n, &asked.err), 0);
	assert_int_equal(list[0].num, 12);
	assert_int_equal(list[0].source_bytes, 8150151);
	assert_string_equal(list[0].label, "b012");
	assert_int_equal(list[0].finished_ms, 0);
	/* Its id would lead somewhere else. */
	assert_int_equal(heroku_transfer_cancel(asked.heroku, "acme", list[0].id, &err), -1);
	free(list);
	assert_int_equal(heroku_releases(asked.heroku, 1, &releases, &n, &asked.err), 0);
	assert_int_equal(releases[0].version, 41);
	free(releases);
	assert_null(strstr(asked_close(&asked), "cancel"));
}

/* ---- patient links and whole functions ---- */

static struct job *job_at(int port)
{
	char text[200];
	struct err err = {0};
	snprintf(text, sizeof text,
		 "{\"heroku\":{\"app\":\"acme\",\"api\":\"http://127.0.0.1:%d\",\"data\":\"http://"
		 "127.0.0.1:%d\"}}",
		 port, port);
	struct json *config = json_parse(text, strlen(text), &err);
	struct job *job = job_by_hand("test", config, NULL);
	json_free(config);
	return job;
}

/* A day is nothing that a step waits for, six times a minute of it neither. */
static void test_far_limit(void **state)
{
	struct asked asked = {0};
	struct heroku_app app;

	(void)state;
	for (int i = 0; i < 3; i++)
		say(&asked, "429 Too Many Requests", "Retry-After: 4294967297\r\n",
		    "{\"id\":\"rate_limit\",\"message\":\"x\"}");
	asked.server = server_start((const char *const *)asked.answers, asked.n);
	asked.job = job_at(asked.server.port);
	asked.heroku = heroku_open(asked.job, HEROKU_PATIENT, &asked.err);
	assert_int_equal(heroku_app_get(asked.heroku, &app, &asked.err), -1);
	assert_int_equal(asked.err.kind, ERR_NET);
	assert_non_null(strstr(asked.err.text, "wants no request for 71582788 minutes"));
	assert_string_equal(asked_close(&asked), "GET /apps/acme HTTP/1.1\n");
}

/* A password that ends in the middle of a code stands for itself (and is not read past its end). */
static void test_password(void **state)
{
	static const char *const urls[] = {"postgres://u:pa%a@127.0.0.1/d", "postgres://u:pa%@127.0.0.1/d",
					   "postgres://u:%2f%zz% 1@127.0.0.1/d"};
	char url[200], body[200];

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		struct asked asked = {0};
		snprintf(body, sizeof body, "{\"DATABASE_URL\":\"%s\"}", urls[i]);
		say(&asked, "200 OK", "", body);
		asked.server = server_start((const char *const *)asked.answers, asked.n);
		asked.job = job_at(asked.server.port);
		assert_int_equal(heroku_database_url(asked.job, url, sizeof url, &asked.err), 0);
		assert_string_equal(url, urls[i]);
		asked_close(&asked);
	}
}

static void token(const char *status, const char *body, int rc, bool known, int64_t left_ms)
{
	struct asked asked = {0};
	struct heroku_token out;
	say(&asked, status, "", body);
	asked_open(&asked);
	int64_t now = clock_wall_ms();
	assert_int_equal(heroku_token(asked.heroku, &out, &asked.err), rc);
	assert_int_equal(out.known, known);
	if (left_ms)
		assert_in_range(out.ends_ms, now + left_ms, now + left_ms + 20000);
	else
		assert_int_equal(out.ends_ms, 0);
	asked_close(&asked);
}

static void test_token(void **state)
{
	(void)state;
	token("200 OK", "[{\"access_token\":{\"token\":\"HRKU-test\",\"expires_in\":3600}}]", 0, true,
	      3600000);
	token("200 OK", "[{\"access_token\":{\"token\":\"HRKU-test\",\"expires_in\":\"3600\"}}]", 0, true,
	      3600000);
	token("200 OK",
	      "[{\"access_token\":null},7,{\"access_token\":{\"token\":\"HRKU-testx\",\"expires_in\":1}},"
	      "{\"access_token\":{\"token\":\"HRKU-test\",\"expires_in\":null}}]",
	      0, true, 0);
	/* An end that is not said, or cannot be, is not "for good". */
	token("200 OK", "[{\"access_token\":{\"token\":\"HRKU-test\"}}]", 0, false, 0);
	token("200 OK", "[{\"access_token\":{\"token\":\"HRKU-test\",\"expires_in\":-5}}]", 0, false, 0);
	token("200 OK", "[{\"access_token\":{\"token\":\"HRKU-test\",\"expires_in\":1e300}}]", 0, false, 0);
	token("200 OK", "[]", 0, false, 0);
	token("403 Forbidden", "{\"id\":\"forbidden\"}", 0, false, 0);
	token("500 Oops", "<html>", -1, false, 0);
	token("200 OK", "{}", -1, false, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_formation),       cmocka_unit_test(test_dyno_names),
	    cmocka_unit_test(test_pages_change),    cmocka_unit_test(test_no_answers),
	    cmocka_unit_test(test_unclear_changes), cmocka_unit_test(test_size_and_depth),
	    cmocka_unit_test(test_words),           cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_far_limit),       cmocka_unit_test(test_password),
	    cmocka_unit_test(test_token),
	};

	signal(SIGPIPE, SIG_IGN);
	setenv("HEROKU_API_KEY", "HRKU-test", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
