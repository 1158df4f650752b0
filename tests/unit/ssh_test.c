/* The parts of ssh and docker that need no host: known_hosts, keys, docker's and kamal-proxy's answers,
 * pg_restore's words. */
#include "core/links/docker.h"
#include "core/links/ssh_known.h"
#include "core/steps/restore_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <cmocka.h>

static const unsigned char key[] = "\0\0\0\x0bssh-ed25519\0\0\0\x04"
				   "abcd";
static const unsigned char other[] = "\0\0\0\x0bssh-ed25519\0\0\0\x04"
				     "abce";
enum { KEY_LEN = sizeof key - 1 };
#define KEY_TEXT "AAAAC3NzaC1lZDI1NTE5AAAABGFiY2Q="

static enum known look(const char *text, const char *host, int port, const unsigned char *blob, int *line)
{
	char types[200];
	struct known_host h = {
	    .host = host, .port = port, .type = "ssh-ed25519", .key = blob, .key_len = KEY_LEN};
	return known_look(text, &h, line, types, sizeof types);
}

static void test_known_hosts(void **state)
{
	int line;
	const char *text = "# a comment\n"
			   "other.example ssh-ed25519 " KEY_TEXT "\n"
			   "new.example,203.0.113.9 ssh-ed25519 " KEY_TEXT " ann\n"
			   "[new.example]:2222 ssh-ed25519 " KEY_TEXT "\r\n"
			   "*.wild.example,!not.wild.example ssh-ed25519 " KEY_TEXT "\n";
	(void)state;
	assert_int_equal(look(text, "new.example", 22, key, &line), KNOWN_SAME);
	assert_int_equal(line, 3);
	assert_int_equal(look(text, "203.0.113.9", 22, key, &line), KNOWN_SAME);
	assert_int_equal(look(text, "NEW.example", 2222, key, &line), KNOWN_SAME);
	assert_int_equal(look(text, "new.example", 23, key, &line), KNOWN_NOT);
	assert_int_equal(look(text, "new.example", 22, other, &line), KNOWN_OTHER);
	assert_int_equal(line, 3);
	assert_int_equal(look(text, "a.wild.example", 22, key, &line), KNOWN_SAME);
	assert_int_equal(look(text, "not.wild.example", 22, key, &line), KNOWN_NOT);
	assert_int_equal(look("", "new.example", 22, key, &line), KNOWN_NOT);
}

static void test_known_hosts_revoked(void **state)
{
	int line;
	const char *text = "new.example ssh-ed25519 " KEY_TEXT "\n@revoked * ssh-ed25519 " KEY_TEXT "\n";
	(void)state;
	assert_int_equal(look(text, "new.example", 22, key, &line), KNOWN_REVOKED);
	assert_int_equal(look(text, "new.example", 22, other, &line), KNOWN_OTHER);
	assert_int_equal(look("@cert-authority * ssh-ed25519 " KEY_TEXT "\n", "new.example", 22, key, &line),
			 KNOWN_NOT);
}

static void test_known_line(void **state)
{
	struct buf out = {0};
	struct known_host h = {
	    .host = "new.example", .port = 2222, .type = "ssh-ed25519", .key = key, .key_len = KEY_LEN};
	int line;
	(void)state;
	known_line(&out, &h);
	assert_string_equal(buf_text(&out), "[new.example]:2222 ssh-ed25519 " KEY_TEXT "\n");
	assert_int_equal(look(buf_text(&out), "new.example", 2222, key, &line), KNOWN_SAME);
	buf_done(&out);
}

static void test_private_keys(void **state)
{
	int rsa, locked;
	(void)state;
	known_private("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", &rsa, &locked);
	assert_true(rsa && locked);
	known_private("-----BEGIN EC PRIVATE KEY-----\n", &rsa, &locked);
	assert_false(rsa || locked);
	known_private("", &rsa, &locked);
	assert_false(rsa || locked);
}

static void test_quote(void **state)
{
	struct buf out = {0};
	(void)state;
	ssh_quote(&out, "it's $(x) `y`");
	assert_string_equal(buf_text(&out), "'it'\\''s $(x) `y`'");
	buf_done(&out);
}

#define ID "0123456789ab0123456789ab0123456789ab0123456789ab0123456789ab0000"
#define ROW(id, name, role, status, started)                         \
	id "|" name "|acme|" role "||" status "||0|false|0|" started \
	   "|0001-01-01T00:00:00Z|acme:v|172.18.0.2 |{}\n"

static void test_containers(void **state)
{
	struct docker_names names = {
	    .service = "acme", .accessory = "acme-db", .roles = {"web", "job"}, .n_roles = 2};
	struct docker_container *list;
	struct err err = {0};
	size_t n;
	const char *text =
	    ROW("a" ID, "acme-web-v1_replaced_0123456789abcdef", "web", "running", "2026-11-20T12:00:00Z")
		ROW("b" ID, "acme-web-v2", "web", "running", "2026-11-20T11:00:00Z")
		    ROW("c" ID, "acme-job-v2", "job", "exited", "2026-11-20T11:00:00.5Z") ID
	    "|acme-db|acme-db|||running||0|false|0|2026-11-20T11:00:00Z|x|postgres:15| |"
	    "{\"5432/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"5432\"}]}\n";
	char where[80];
	(void)state;
	assert_int_equal(docker_containers_read(text, &names, &list, &n, &err), 0);
	assert_int_equal(n, 4);
	assert_string_equal(list[0].name, "acme-web-v2");
	assert_string_equal(list[0].version, "v2");
	assert_false(list[0].stale);
	assert_true(list[1].replaced && list[1].stale);
	assert_string_equal(list[1].version, "v1");
	assert_int_equal(list[2].started_ms % 1000, 500);
	assert_true(docker_exposed(docker_find(list, n, "acme-db"), where, sizeof where));
	assert_string_equal(where, "0.0.0.0:5432");
	free(list);
	assert_int_equal(docker_containers_read("nonsense\n", &names, &list, &n, &err), -1);
	assert_null(list);
}

static void test_times(void **state)
{
	(void)state;
	assert_int_equal(docker_time_ms("1970-01-01T00:00:01.25Z"), 1250);
	assert_int_equal(docker_time_ms("1970-01-01T02:00:01.123456789+02:00"), 1123);
	assert_int_equal(docker_time_ms("0001-01-01T00:00:00Z"), 0);
	assert_int_equal(docker_time_ms("soon"), 0);
}

static void test_routes(void **state)
{
	struct docker_route *routes;
	struct json *all = NULL;
	struct buf options = {0};
	struct err err = {0};
	size_t n;
	const char *text =
	    "[{\"name\":\"acme-web\",\"options\":{\"hosts\":[\"a.example\",\"b.example\"],\"tls_enabled\":"
	    "true},"
	    "\"target_options\":{\"health_check_config\":{\"path\":\"/up\",\"interval\":1000000000}},"
	    "\"active_targets\":[\"cf68c8ad131a:80\"],\"pause_controller\":{\"state\":2}}]";
	(void)state;
	assert_int_equal(docker_routes_read(text, strlen(text), &routes, &n, &all, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(routes[0].hosts, "a.example,b.example");
	assert_string_equal(routes[0].state, "stopped");
	assert_true(routes[0].tls);
	docker_route_options(json_first(all), &options);
	assert_non_null(strstr(buf_text(&options), "--host='b.example'"));
	assert_non_null(strstr(buf_text(&options), "--health-check-interval='1000ms'"));
	free(routes);
	json_free(all);
	buf_done(&options);
	assert_int_equal(docker_routes_read("{}", 2, &routes, &n, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_WORLD);
}

static void test_lock(void **state)
{
	struct docker_lock lock;
	(void)state;
	/* Locked by: Ann at 2026-11-20T12:05:57Z, Version: v, Message: Moving */
	docker_lock_read("1795255063\nTG9ja2VkIGJ5OiBBbm4gYXQgMjAyNi0xMS0yMFQxMjowNTo1N1oKVmVyc2lvbjogdgpNZXN"
			 "zYWdlOiBNb3Zpbmc=\n",
			 &lock);
	assert_true(lock.held);
	assert_string_equal(lock.by, "Ann");
	assert_string_equal(lock.why, "Moving");
	docker_lock_read("", &lock);
	assert_false(lock.held);
	docker_lock_read("1795255063\n\n", &lock);
	assert_true(lock.held);
	assert_non_null(strstr(lock.why, "rmdir"));
}

static const char toc[] = ";     Dumped by pg_dump version: 15.20 (Debian)\n"
			  "10; 2615 16386 SCHEMA - heroku_ext postgres\n"
			  "20; 1259 16718 TABLE public users ann\n"
			  "30; 0 16718 TABLE DATA public users ann\n"
			  "31; 0 16719 TABLE DATA billing Odd Name ann\n"
			  "40; 1259 16800 INDEX public users_email ann\n"
			  "50; 2606 16900 FK CONSTRAINT public orders orders_fk ann\n";

static void test_restore_log(void **state)
{
	struct restore_log log = {0};
	size_t done;
	const char *text = "pg_restore: processing item 20 TABLE users\n"
			   "pg_restore: launching item 30 TABLE DATA users\n"
			   "pg_restore: launching item 31 TABLE DATA Odd Name\n"
			   "pg_restore: finished item 30 TABLE DATA users\n";
	(void)state;
	assert_true(restore_log_toc(&log, toc));
	assert_int_equal(log.dumped_major, 15);
	assert_int_equal(restore_log_count(&log, RESTORE_DATA, &done), 2);
	assert_non_null(restore_log_table(&log, "billing", "Odd Name"));
	restore_log_feed(&log, text, strlen(text));
	restore_log_count(&log, RESTORE_DATA, &done);
	assert_int_equal(done, 1);
	assert_int_equal(restore_log_table(&log, "billing", "Odd Name")->state, RESTORE_UNDER_WAY);
	/* The line that says so was torn by another job's. */
	text = "pg_restore: pg_restore: processing data\nfinished item 31 TABLE DATA Odd Name\n";
	restore_log_feed(&log, text, strlen(text));
	assert_int_equal(restore_log_table(&log, "billing", "Odd Name")->state, RESTORE_DONE);
	restore_log_done(&log);
}

static void test_restore_errors(void **state)
{
	struct restore_log log = {0};
	const struct restore_error *first;
	const char *text =
	    "pg_restore: from TOC entry 10; 2615 16386 SCHEMA heroku_ext postgres\n"
	    "pg_restore: error: could not execute query: ERROR:  schema \"heroku_ext\" already exists\n"
	    "pg_restore: from TOC entry 20; 1259 16718 TABLE users ann\n"
	    "pg_restore: error: could not execute query: ERROR:  schema \"heroku_ext\" does not exist\n"
	    "pg_restore: from TOC entry 30; 0 16718 TABLE DATA users ann\n"
	    "pg_restore: error: could not execute query: ERROR:  relation \"public.users\" does not exist\n";
	(void)state;
	assert_true(restore_log_toc(&log, toc));
	restore_log_feed(&log, text, strlen(text));
	assert_int_equal(log.n_errors, 3);
	assert_int_equal(restore_log_harm(&log, &first), 2);
	assert_string_equal(first->label, "users");
	restore_log_finish(&log);
	assert_int_equal(restore_log_item(&log, 20)->state, RESTORE_FAILED);
	restore_log_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_hosts),    cmocka_unit_test(test_known_hosts_revoked),
	    cmocka_unit_test(test_known_line),     cmocka_unit_test(test_private_keys),
	    cmocka_unit_test(test_quote),          cmocka_unit_test(test_containers),
	    cmocka_unit_test(test_times),          cmocka_unit_test(test_routes),
	    cmocka_unit_test(test_lock),           cmocka_unit_test(test_restore_log),
	    cmocka_unit_test(test_restore_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
