/* The token that the hcloud program uses: the active context in its cli.toml. */
#ifndef CORE_LINKS_HETZNER_LOGIN_H
#define CORE_LINKS_HETZNER_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

struct job;

/* Told to job_learn_secret(). False when there is none. */
bool hetzner_token_find(struct job *job, char *out, size_t size);
/* Of the file's text; for tests. */
bool hetzner_token_of(const char *text, const char *context, char *out, size_t size);

#endif
