/* ~/.netrc as the Heroku CLI writes it, and as people do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/netrc.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
