/* A login at Amazon, found where Amazon's own tools find it: the environment, the profile's key pair in the
 * credentials file or the config file, its credential_process, and for everything else (single sign-on,
 * roles) the `aws` program, whose business that is. */
#ifndef CORE_LINKS_AWS_LOGIN_H
#define CORE_LINKS_AWS_LOGIN_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct job;

struct aws_login {
	char key_id[140], key[260];
	char *token;    /* of a session; NULL for none */
	char from[120]; /* "the profile acme", for people */
};
/* -1 and err when there is none. Everything secret is told to job_learn_secret(). */
int aws_login_find(struct job *job, struct aws_login *out, struct err *err);
void aws_login_done(struct aws_login *login);

/* The value of `key` in `[section]` of an INI text; "" for none. True when the section is there. For tests.
 */
bool aws_ini_find(const char *text, const char *section, const char *key, char *out, size_t size);

#endif
