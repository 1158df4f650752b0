/* ~/.netrc as the Heroku CLI writes it, and as people do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/heroku_login.h"
#include "core/base/netrc.h"
#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_forms(void **unused)
{
	(void)unused;
	char out[64];
	static const char *const same[] = {
	    "machine api.heroku.com\n  login ops@example.com\n  password HRKU-1\nmachine git.heroku.com\n  "
	    "password HRKU-2\n",
	    "machine api.heroku.com login ops@example.com password HRKU-1",
	    "# password of machine api.heroku.com password no\nmachine other login a password b\n"
	    "machine api.heroku.com password HRKU-1\nmachine api.heroku.com password HRKU-3\n",
	    "default login x password y\nmachine api.heroku.com\tlogin\tmachine\tpassword\tHRKU-1\r\n",
	};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		assert_true(netrc_find(same[i], "api.heroku.com", out, sizeof out));
		assert_string_equal(out, "HRKU-1");
	}
	static const char *const none[] = {"",
					   "machine",
					   "machine api.heroku.com",
					   "machine api.heroku.com password",
					   "machine api.heroku.com login a default password b",
					   "machine other password x"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(netrc_find(none[i], "api.heroku.com", out, sizeof out));
}

/* ---- as the CLI finds its login: stand-ins for programs that only a desktop has ---- */

static void put(const char *path, mode_t mode, const char *text)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void expect_login(const char *api, const char *token, const char *where)
{
	char out[64];
	const char *found = heroku_login(api, out, sizeof out);
	if (!where) {
		assert_null(found);
		assert_string_equal(out, "");
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, where);
	assert_string_equal(out, token);
}

static void test_order(void **unused)
{
	char home[] = "/tmp/nf-login.XXXXXX", *path;
	(void)unused;
	assert_non_null(mkdtemp(home));
	assert_int_equal(chdir(home), 0);
	path = xasprintf("%s:%s", home, getenv("PATH"));
	setenv("PATH", path, 1);
	free(path);
	setenv("HOME", home, 1);
	setenv("XDG_DATA_HOME", home, 1);
	unsetenv("HEROKU_API_KEY");
	unsetenv("HEROKU_NETRC_WRITE");
	put("heroku", 0755, "#!/bin/sh\nexit 100\n");
	expect_login("", NULL, NULL);
	/* The last resort, and what is no token. */
	put("heroku", 0755, "#!/bin/sh\n[ \"$1\" = auth:token ] && echo HRKU-cli\n");
	expect_login("", "HRKU-cli", "`heroku auth:token`");
	put("heroku", 0755, "#!/bin/sh\necho you are not logged in\n");
	expect_login("", NULL, NULL);
	put(".netrc", 0600,
	    "machine api.heroku.com login a password HRKU-netrc\nmachine 127.0.0.1:5187 password "
	    "HRKU-local\n");
	expect_login(NULL, "HRKU-netrc", "~/.netrc");
	expect_login("http://127.0.0.1:5187/", "HRKU-local", "~/.netrc");
	put("gpg", 0755, "#!/bin/sh\nfor f; do :; done; sed s/HRKU-/HRKU-gpg-/ $f\n");
	put(".netrc.gpg", 0600, "machine api.heroku.com password HRKU-1\n");
	expect_login("", "HRKU-gpg-1", "~/.netrc.gpg");
	/* The keychain only for an account that the CLI has named. */
	put("secret-tool", 0755,
	    "#!/bin/sh\n[ \"$*\" = 'lookup service heroku-cli account ops@acme.example' ] && printf "
	    "HRKU-key\n");
	expect_login("", "HRKU-gpg-1", "~/.netrc.gpg");
	assert_int_equal(mkdir("heroku.d", 0700), 0);
	setenv("XDG_DATA_HOME", "heroku.d", 1);
	assert_int_equal(mkdir("heroku.d/heroku", 0700), 0);
	put("heroku.d/heroku/login.json", 0600, "{\"account\":\"ops@acme.example\"}");
	expect_login("", "HRKU-key", "the keychain");
	setenv("HEROKU_NETRC_WRITE", "true", 1);
	expect_login("", "HRKU-gpg-1", "~/.netrc.gpg");
	setenv("HEROKU_API_KEY", "HRKU-env", 1);
	expect_login("", "HRKU-env", "HEROKU_API_KEY");
	assert_int_equal(chdir("/"), 0);
	pid_t pid = fork();
	if (pid == 0)
		execl("/bin/rm", "rm", "-rf", home, (char *)NULL);
	waitpid(pid, NULL, 0);
}

static void test_remotes(void **unused)
{
	char out[64], why[200];
	(void)unused;
	assert_true(heroku_remote_app("https://git.heroku.com/acme-production.git", out, sizeof out));
	assert_string_equal(out, "acme-production");
	assert_true(heroku_remote_app("git@heroku.com:acme.git", out, sizeof out));
	assert_true(heroku_remote_app("ssh://git@heroku.com/acme.git", out, sizeof out));
	assert_false(heroku_remote_app("https://git.heroku.com.evil.example/acme.git", out, sizeof out));
	assert_false(heroku_remote_app("https://github.com/acme/git.heroku.com/", out, sizeof out));
	assert_false(heroku_remote_app("https://git.heroku.com/a b", out, sizeof out) && strchr(out, ' '));
	setenv("HEROKU_APP", "acme-env", 1);
	assert_string_equal(heroku_app_here(NULL, out, sizeof out, why, sizeof why), "acme-env");
	unsetenv("HEROKU_APP");
	assert_null(heroku_app_here("/", out, sizeof out, why, sizeof why));
	assert_non_null(strstr(why, "no git remote leads to Heroku"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_order),
					   cmocka_unit_test(test_remotes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
