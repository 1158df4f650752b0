/* Known errors: every entry of the table is found by a real line of the program that writes it, and by no
 * other's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/text.h"
#include "core/night/signature.h"
#include "core/night/state.h"
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *id, *line;
} real[] = {
    {"heroku-ext",
     "pg_restore: error: could not execute query: ERROR:  schema \"heroku_ext\" does not exist"},
    {"uuid-ossp", "ERROR:  function uuid_generate_v4() does not exist at character 42"},
    {"uuid-ossp", "PG::UndefinedFunction: ERROR:  function heroku_ext.uuid_generate_v4() does not exist"},
    {"extension-missing", "ERROR:  could not open extension control file "
			  "\"/usr/share/postgresql/15/extension/vector.control\": No such file or directory"},
    {"extension-missing", "ERROR:  extension \"vector\" is not available"},
    {"type-missing",
     "pg_restore: error: could not execute query: ERROR:  type \"public.citext\" does not exist"},
    {"archive-version", "pg_restore: error: unsupported version (1.16) in file header"},
    {"server-version", "pg_dump: error: aborting because of server version mismatch"},
    {"restore-errors", "pg_restore: warning: errors ignored on restore: 14"},
    {"archive-cut", "pg_restore: error: could not read from input file: end of file"},
    {"parallel-stdin", "pg_restore: error: parallel restore from standard input is not supported"},
    {"pg-collation", "WARNING:  database \"shop_production\" has a collation version mismatch"},
    {"pg-too-many", "FATAL:  sorry, too many clients already"},
    {"pg-too-many",
     "FATAL:  remaining connection slots are reserved for non-replication superuser connections"},
    {"pg-password", "FATAL:  password authentication failed for user \"shop\""},
    {"pg-hba",
     "FATAL:  no pg_hba.conf entry for host \"203.0.113.9\", user \"u1\", database \"d1\", no encryption"},
    {"pg-no-ssl",
     "PG::ConnectionBad: connection to server at \"172.18.0.3\", port 5432 failed: server does not "
     "support SSL, but SSL was required"},
    {"pg-ssl-closed", "PG::ConnectionBad: SSL connection has been closed unexpectedly"},
    {"pg-lost", "PG::ConnectionBad: PQconsumeInput() server closed the connection unexpectedly"},
    {"pg-ended", "FATAL:  terminating connection due to administrator command"},
    {"pg-refused",
     "PG::ConnectionBad: connection to server at \"172.18.0.3\", port 5432 failed: Connection refused"},
    {"pg-name", "could not translate host name \"acme-db\" to address: Temporary failure in name resolution"},
    {"pg-starting", "FATAL:  the database system is starting up"},
    {"pg-no-database", "FATAL:  database \"shop_production\" does not exist"},
    {"pg-no-role", "pg_restore: error: could not execute query: ERROR:  role \"u4f2c\" does not exist"},
    {"pg-no-relation", "ERROR:  relation \"orders\" does not exist at character 15"},
    {"pg-permission", "PG::InsufficientPrivilege: ERROR:  permission denied for table orders"},
    {"pg-sequence",
     "PG::UniqueViolation: ERROR:  duplicate key value violates unique constraint \"orders_pkey\""},
    {"pg-read-only", "PG::ReadOnlySqlTransaction: ERROR:  cannot execute INSERT in a read-only transaction"},
    {"pg-timeout", "PG::QueryCanceled: ERROR:  canceling statement due to statement timeout"},
    {"pg-memory", "LOG:  server process (PID 412) was terminated by signal 9: Killed"},
    {"pg-files", "FATAL:  database files are incompatible with server"},
    {"pg-uninitialized", "Error: Database is uninitialized and superuser password is not specified."},
    {"decryption",
     "ActiveRecord::Encryption::Errors::Decryption (ActiveRecord::Encryption::Errors::Decryption):"},
    {"master-key",
     "Missing encryption key to decrypt file with. Ask your team for your master key and write it to "
     "/rails/config/master.key or put it in the ENV['RAILS_MASTER_KEY']."},
    {"migrations",
     "ActiveRecord::PendingMigrationError (Migrations are pending. To resolve this issue, run:"},
    {"hosts", "[ActionDispatch::HostAuthorization::DefaultResponseApp] Blocked hosts: www.acme.com"},
    {"port-taken", "Address already in use - bind(2) for \"0.0.0.0\" port 3000 (Errno::EADDRINUSE)"},
    {"redis", "RedisClient::CannotConnectError (Connection refused - connect(2) for 127.0.0.1:6379)"},
    {"protected-env",
     "ActiveRecord::ProtectedEnvironmentError: You are attempting to run a destructive action "
     "against your 'production' database."},
    {"kamal-lock",
     "  ERROR (Kamal::Cli::LockError): Deploy lock found. Run 'kamal lock help' for more information"},
    {"kamal-lock", "Deploy lock already in place!"},
    {"kamal-unhealthy", "Error: target failed to become healthy within configured timeout (30s)"},
    {"kamal-secret",
     "  ERROR (Kamal::ConfigurationError): Secret 'DATABASE_URL' not found in .kamal/secrets"},
    {"kamal-label", "Image registry.acme.example/acme:4f2c91a is missing the 'service' label"},
    {"kamal-proxy-old",
     "kamal-proxy version v0.8.2 is too old, run `kamal proxy reboot` in order to update to at "
     "least v0.9.0"},
    {"kamal-no-accessory", "No accessory by the name of 'database' (options: db)"},
    {"disk-full", "write /var/lib/docker/tmp/GetImageBlob1: no space left on device"},
    {"disk-full", "PANIC:  could not write to file \"pg_wal/xlogtemp.71\": No space left on device"},
    {"image-lowercase", "invalid reference format: repository name (Acme/shop) must be lowercase"},
    {"image-lowercase", "invalid reference format: repository name must be lowercase"},
    {"docker-denied",
     "Error response from daemon: pull access denied for acme/shop, repository does not exist or "
     "may require 'docker login'"},
    {"docker-rate", "toomanyrequests: You have reached your pull rate limit."},
    {"docker-no-image",
     "Error response from daemon: manifest for acme/shop:4f2c91a not found: manifest unknown"},
    {"docker-port", "Error response from daemon: driver failed programming external connectivity on endpoint "
		    "kamal-proxy: Bind for 0.0.0.0:80 failed: port is already allocated"},
    {"docker-name",
     "docker: Error response from daemon: Conflict. The container name \"/acme-web-4f2c91a\" is already "
     "in use by container \"cf68c8ad131a\"."},
    {"docker-daemon",
     "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"},
    {"docker-arch", "exec /rails/bin/docker-entrypoint: exec format error"},
    {"docker-env", "docker: bufio.Scanner: token too long."},
    {"docker-tls",
     "unable to resolve docker endpoint: failed to load TLS config: open ca.pem: no such file or directory"},
    {"proxy-no-challenge",
     "http: TLS handshake error from 198.51.100.7:40112: acme/autocert: unable to satisfy "
     "\"https://acme-v02.api.letsencrypt.org/acme/authz/1\" for domain \"www.acme.com\": no viable "
     "challenge type found"},
    {"proxy-acme-limit", "429 urn:ietf:params:acme:error:rateLimited: too many failed authorizations (5) for "
			 "\"www.acme.com\" in the last 1h0m0s"},
    {"proxy-target", "Error while proxying acme-web /: dial tcp: lookup cf68c8ad131a: no such host"},
    {"heroku-h10",
     "at=error code=H10 desc=\"App crashed\" method=GET path=\"/\" host=www.acme.com status=503"},
    {"heroku-h12",
     "at=error code=H12 desc=\"Request timeout\" method=POST path=\"/cart\" dyno=web.1 status=503"},
    {"heroku-memory", "Error R14 (Memory quota exceeded)"},
    {"heroku-boot",
     "Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch"},
    {"heroku-l10",
     "Error L10 (output buffer overflow): 500 messages dropped since 2026-11-20T01:00:00+00:00."},
};

static const char *const quiet[] = {
    "",
    "Completed 200 OK in 22ms (Views: 9.1ms | ActiveRecord: 4.0ms)",
    "LOG:  checkpoint starting: wal",
    "at=info method=GET path=\"/\" host=www.acme.com dyno=web.1 service=22ms status=200",
    "at=error code=H80 desc=\"Maintenance mode\" method=GET path=\"/\" status=503",
    "acme-web: version 4f2c91a does not exist yet as a release note",
    "GET /docs/no-space-left 200",
    "***",
    "* \"*\" does not exist",
    "schema \"public\" does exist",
};

static void test_each_has_a_real_line(void **unused)
{
	(void)unused;
	for (const struct signature *s = signature_table; s->id; s++) {
		size_t lines = 0;
		for (size_t i = 0; i < sizeof real / sizeof *real; i++)
			lines += text_equal(real[i].id, s->id);
		if (!lines)
			fail_msg("%s has no real line in this test", s->id);
	}
	for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
		const struct signature *s = signature_of(real[i].line);
		if (!s || !text_equal(s->id, real[i].id))
			fail_msg("\"%s\" is %s instead of %s", real[i].line, s ? s->id : "nothing",
				 real[i].id);
	}
}

static void test_usual_lines_are_none(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
		if (signature_of(quiet[i]))
			fail_msg("\"%s\" is taken for %s", quiet[i], signature_of(quiet[i])->id);
}

/* They go into fixed fields of the state, where nothing may be cut. */
static void test_texts_fit(void **unused)
{
	(void)unused;
	struct signature_seen room;
	for (const struct signature *s = signature_table; s->id; s++) {
		assert_true(strlen(s->id) < sizeof room.id);
		assert_true(strlen(s->title) <= 64);
		if (strlen(s->cause) >= sizeof room.cause || strlen(s->fix) >= sizeof room.fix)
			fail_msg("%s: cause or fix is too long", s->id);
		assert_true(s->match[0] && *s->match[0] && *s->cause && *s->fix);
		for (size_t i = 0; i < SIGNATURE_MATCHES && s->match[i]; i++)
			assert_true(strlen(s->match[i]) < sizeof room.match[0]);
		for (const struct signature *t = signature_table; t < s; t++)
			assert_string_not_equal(s->id, t->id);
	}
}

static void test_pieces(void **unused)
{
	(void)unused;
	assert_true(text_like("abc", "b"));
	assert_true(text_like("abc", ""));
	assert_true(text_like("a \"x\" b", "a \"*\" b"));
	assert_true(text_like("a \"\" b", "a \"*\" b"));
	assert_false(text_like("a \" b", "a \"*\" b"));
	assert_false(text_like("b a", "a*b"));
	assert_false(text_like("", "a"));
	assert_true(text_like("xay", "*a*"));
	assert_false(text_like("ABC", "b"));
}

/* A line, then a thousand of the same: one entry, one line of its own in the log, a figure that only grows.
 */
static void test_again_counts(void **unused)
{
	(void)unused;
	static const char *const events[] = {
	    "{\"seq\":1,\"at\":1000,\"kind\":\"log.lines\",\"lines\":[{\"at_ms\":900,\"side\":\"NEW\","
	    "\"source\":\"pg\","
	    "\"level\":\"error\",\"text\":\"x: No space left on device\"}]}",
	    "{\"seq\":2,\"at\":1000,\"kind\":\"log.signature\",\"id\":\"disk-full\",\"title\":\"the disk is "
	    "full\","
	    "\"match\":[\"No space left on device\"],\"side\":\"NEW\",\"source\":\"pg\",\"line_at_ms\":900}",
	    "{\"seq\":3,\"at\":1000,\"kind\":\"log.again\",\"id\":\"disk-full\",\"count\":1001,\"line_at_"
	    "ms\":990}",
	    "{\"seq\":4,\"at\":1000,\"kind\":\"log.signature\",\"id\":\"disk-full\",\"title\":\"the disk is "
	    "full\"}",
	    "{\"seq\":5,\"at\":1000,\"kind\":\"log.again\",\"id\":\"disk-full\",\"count\":7}",
	    "{\"seq\":6,\"at\":1000,\"kind\":\"log.again\",\"id\":\"nobody\",\"count\":-7}",
	};
	struct state *state = state_new();
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		assert_int_equal(state_fold_line(state, events[i], strlen(events[i]), NULL), 0);
	assert_int_equal(state->logs.n_signatures, 1);
	assert_int_equal(state->logs.signatures[0].count, 1001);
	assert_int_equal(state->logs.signatures[0].last_at_ms, 990);
	assert_int_equal(state->logs.lines.n, 2);
	assert_ptr_equal(log_signature(&state->logs, log_at(&state->logs.lines, 0)),
			 &state->logs.signatures[0]);
	assert_ptr_equal(log_signature(&state->logs, log_at(&state->logs.lines, 1)),
			 &state->logs.signatures[0]);
	assert_int_equal(state->logs.errors, 1);
	state_free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_has_a_real_line),
	    cmocka_unit_test(test_usual_lines_are_none),
	    cmocka_unit_test(test_texts_fit),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_again_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
