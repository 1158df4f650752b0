/* The words of the provider `command`: terraform's own, or the user's. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_command_inner.h"
#include "core/links/dns_provider.h"
#include <stdlib.h>
#include <string.h>

void words_done(struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->list[i]);
	*words = (struct words){0};
}

void words_text(const struct words *words, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < words->n; i++)
		buf_addf(&text, "%s%s", i ? " " : "", words->list[i]);
	text_clean(out, size, buf_text(&text), text.len);
	buf_done(&text);
}

static int add(struct words *words, char *take_word, struct err *err)
{
	if (words->n == COMMAND_WORDS) {
		free(take_word);
		words_done(words);
		return err_set(err, ERR_CONFIG, "dns.command: a program gets more than %d words",
			       COMMAND_WORDS);
	}
	words->list[words->n++] = take_word;
	return 0;
}

static int add_all(struct words *words, const char *const *list, struct err *err)
{
	for (size_t i = 0; list[i]; i++)
		if (add(words, xstrdup(list[i]), err) < 0)
			return -1;
	return 0;
}

/* Every {plan} in a word becomes the file. */
static char *with_file(const char *word, const char *file, bool *named)
{
	struct buf out = {0};
	for (const char *at; (at = strstr(word, "{plan}")) != NULL; word = at + 6) {
		buf_add(&out, word, (size_t)(at - word));
		buf_adds(&out, file);
		*named = true;
	}
	buf_adds(&out, word);
	char *text = xstrdup(buf_text(&out));
	buf_done(&out);
	return text;
}

static int own_words(const struct json *config, const char *name, const char *file, struct words *out,
		     struct err *err)
{
	bool named = false;
	*out = (struct words){0};
	for (const struct json *x = json_first(json_get(config, name)); x; x = json_next(x))
		if (add(out, with_file(json_text(x) ? json_text(x) : "", file, &named), err) < 0)
			return -1;
	if (out->n && *out->list[0] && named)
		return 0;
	words_done(out);
	return err_set(
	    err, ERR_CONFIG,
	    "dns.command.%s names no program, or not the file: write {plan} where the saved plan's "
	    "path goes, for example [./records, %s, \"{plan}\"]",
	    name, name);
}

bool command_is_terraform(const struct json *config)
{
	return !json_count(json_get(config, "apply"));
}

const char *command_name(const struct json *config)
{
	const struct json *apply = json_get(config, "apply");
	const char *name = command_is_terraform(config) ? json_str(config, "program", "terraform")
							: json_text(json_first(apply));
	const char *slash = name ? strrchr(name, '/') : NULL;
	return slash ? slash + 1 : name ? name : "the program";
}

static int add_variables(const struct json *config, bool back, struct words *out, struct err *err)
{
	const char *name = back ? "old" : "new";
	const struct json *map = json_get(config, name);
	for (const struct json *x = json_first(map); x; x = json_next(x)) {
		char *value = json_text(x) ? xstrdup(json_text(x)) : json_print(x);
		bool good = json_key(x) && (json_text(x) || json_is_number(x) || json_is_bool(x)) &&
			    !text_starts(value, "env:");
		int rc = good ? add(out, xstrdup("-var"), err) : -1;
		if (rc == 0)
			rc = add(out, xasprintf("%s=%s", json_key(x), value), err);
		free(value);
		if (!good) {
			words_done(out);
			return err_set(
			    err, ERR_CONFIG,
			    "dns.command.%s is a map of terraform's variables to plain values, for "
			    "example {target: cutover.acme.com}; a secret comes by TF_VAR_NAME from "
			    "the environment",
			    name);
		}
		if (rc < 0)
			return -1;
	}
	if (json_count(map))
		return 0;
	words_done(out);
	return err_set(
	    err, ERR_CONFIG,
	    "dns.command needs %s: the variables with which terraform leads the names to the %s side, "
	    "for example {target: cutover.acme.com}",
	    name, name);
}

int command_plan_words(const struct json *config, bool back, const char *file, struct words *out,
		       struct err *err)
{
	const char *program = json_str(config, "program", "terraform");
	*out = (struct words){0};
	if (!command_is_terraform(config))
		return own_words(config, back ? "back" : "plan", file, out, err);
	const char *const first[] = {
	    program, "plan", "-input=false", "-no-color", "-detailed-exitcode", "-lock-timeout=20s", NULL,
	};
	if (add_all(out, first, err) < 0 || add(out, xasprintf("-out=%s", file), err) < 0)
		return -1;
	return add_variables(config, back, out, err);
}

int command_show_words(const struct json *config, const char *file, struct words *out, struct err *err)
{
	const char *const words[] = {
	    json_str(config, "program", "terraform"), "show", "-json", "-no-color", file, NULL,
	};
	*out = (struct words){0};
	if (command_is_terraform(config))
		return add_all(out, words, err);
	if (!json_count(json_get(config, "show")))
		return 1;
	return own_words(config, "show", file, out, err);
}

int command_apply_words(const struct json *config, const char *file, struct words *out, struct err *err)
{
	const char *const words[] = {
	    json_str(config, "program", "terraform"),
	    "apply",
	    "-input=false",
	    "-no-color",
	    "-lock-timeout=20s",
	    file,
	    NULL,
	};
	*out = (struct words){0};
	if (command_is_terraform(config))
		return add_all(out, words, err);
	return own_words(config, "apply", file, out, err);
}

static void add_secret(struct job *job, const char *name, struct command_env *env, size_t *n)
{
	const char *value = name ? job_secret(job, name) : NULL;
	if (!value || !*value || *n == COMMAND_SECRETS)
		return;
	env->secrets[*n] = value;
	env->list[(*n)++] = xasprintf("%s=%s", name, value);
}

void command_env_make(struct job *job, struct command_env *env)
{
	static const char *const quiet[] = {
	    "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1", "TERM=dumb", "NO_COLOR=1", NULL,
	};
	size_t n = 0;
	*env = (struct command_env){0};
	for (size_t i = 0; dns_secrets[i]; i++)
		add_secret(job, dns_secrets[i], env, &n);
	for (const struct json *x = json_first(json_get(job_params(job), "secrets")); x; x = json_next(x))
		add_secret(job, json_text(x), env, &n);
	for (size_t i = 0; quiet[i]; i++)
		env->list[n++] = xstrdup(quiet[i]);
}

void command_env_done(struct command_env *env)
{
	for (size_t i = 0; env->list[i]; i++) {
		explicit_bzero(env->list[i], strlen(env->list[i]));
		free(env->list[i]);
	}
	*env = (struct command_env){0};
}
