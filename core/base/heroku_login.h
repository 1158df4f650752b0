/* Where the Heroku CLI keeps its login, and which app a git remote leads to. */
#ifndef CORE_BASE_HEROKU_LOGIN_H
#define CORE_BASE_HEROKU_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

/* The token as the CLI finds it: HEROKU_API_KEY, the system's keychain when the CLI's login.json names an
 * account,
 * ~/.netrc.gpg or ~/.netrc, and at last `heroku auth:token`. `api`: another address of the API, "" or NULL
 * for Heroku's own, whose host and port name the entry of ~/.netrc. Returns where it was found, for sentences
 * ("~/.netrc"); NULL when nowhere. May run programs and wait for them, 15 s each at the most. The caller
 * wipes `out`. */
const char *heroku_login(const char *api, char *out, size_t size);

/* https://git.heroku.com/APP.git, git@heroku.com:APP.git, ssh://git@heroku.com/APP.git. False for any other.
 */
bool heroku_remote_app(const char *url, char *out, size_t size);
/* The app of HEROKU_APP, else the one that all git remotes of a folder (NULL: here) lead to. NULL when none
 * is found, or several: then `why` says so in a sentence. */
const char *heroku_app_here(const char *folder, char *out, size_t size, char *why, size_t why_size);

#endif
