/* The provider `command`: the words of its programs, and the plan that one of them saves to a file. */
#ifndef CORE_LINKS_DNS_COMMAND_INNER_H
#define CORE_LINKS_DNS_COMMAND_INNER_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

enum { COMMAND_WORDS = 96, COMMAND_SECRETS = 24 };

struct words {
	char *list[COMMAND_WORDS + 1]; /* NULL-ended */
	size_t n;
};
void words_done(struct words *words);
/* "terraform plan -input=false", as people read it. */
void words_text(const struct words *words, char *out, size_t size);

/* From dns.command of nightferry.yml. FILE stands for "{plan}" in the user's own words. -1 and err: the
 * configuration cannot be used. */
int command_plan_words(const struct json *config, bool back, const char *file, struct words *out,
		       struct err *err);
/* 1: none are named, so nobody can read the saved plan. */
int command_show_words(const struct json *config, const char *file, struct words *out, struct err *err);
int command_apply_words(const struct json *config, const char *file, struct words *out, struct err *err);
bool command_is_terraform(const struct json *config);
/* The program's name, for sentences. */
const char *command_name(const struct json *config);

/* "NAME=VALUE" for the programs: the secrets that the step has, and what keeps terraform from asking. */
struct command_env {
	char *list[COMMAND_SECRETS + 8];
	const char *secrets[COMMAND_SECRETS + 1]; /* values, borrowed */
};
void command_env_make(struct job *job, struct command_env *out);
void command_env_done(struct command_env *env);

struct saved_file {
	char path[512], sha256[65];
	int64_t made_ms;
	bool empty; /* the program says that there is nothing to change */
};
/* A saved plan of this way that was made at most five minutes ago, or a new one. Without a night (by hand)
 * `temporary` is true, and it goes with saved_file_drop(). */
int saved_file_make(struct job *job, const struct json *config, bool back, struct saved_file *out,
		    bool *temporary, struct err *err);
void saved_file_drop(const struct saved_file *file);
/* Is it still what was approved? Sets err when not. */
int saved_file_check(const char *path, const char *sha256, struct err *err);
/* What `show` says of it, to be freed with buf_done(). 1: no `show` is named. */
int saved_file_show(struct job *job, const struct json *config, const struct saved_file *file,
		    struct buf *out, struct err *err);

#endif
