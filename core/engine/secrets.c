/* Secrets: found once, held in memory, given only to children whose table row names them, cut from every
 * event. */
#include "core/base/heroku_login.h"
#include "core/engine/inner.h"
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#define MIN_SECRET 6 /* shorter values would cut ordinary words */
#define PART_OF 16   /* and halves of shorter ones would */

static void learn_form(struct engine *e, const char *value)
{
	if (strlen(value) < MIN_SECRET)
		return;
	for (size_t i = 0; i < e->n_secrets; i++)
		if (strcmp(e->secrets[i], value) == 0)
			return;
	e->secrets = xrealloc(e->secrets, e->n_secrets + 1, sizeof *e->secrets);
	e->secrets[e->n_secrets++] = xstrdup(value);
}

/* The password part of a URL is a secret of its own. */
static void learn_password(struct engine *e, const char *url)
{
	const char *at = strrchr(url, '@'), *scheme = strstr(url, "://");
	const char *colon = scheme ? strchr(scheme + 3, ':') : NULL;
	if (!at || !colon || colon > at)
		return;
	char password[512];
	text_copyf(password, sizeof password, "%.*s", (int)(at - colon - 1), colon + 1);
	learn_form(e, password);
}

/* A key of several lines comes back line by line in logs. */
static void learn_lines(struct engine *e, const char *value)
{
	char *lines = xstrdup(value), *rest = NULL;
	for (char *line = strtok_r(lines, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
		if (!text_starts(line, "-----")) /* BEGIN and END are nobody's secret */
			learn_form(e, line);
	explicit_bzero(lines, strlen(value));
	free(lines);
}

void secrets_learn(struct engine *e, const char *value)
{
	if (!value || !*value)
		return;
	learn_form(e, value);
	if (strpbrk(value, "\r\n"))
		learn_lines(e, value);
	/* the same value as it stands inside a JSON string */
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "v", value);
	const char *text = jw_finish(&w);
	char *inner = xstrdup(text + 6);
	inner[strlen(inner) - 2] = '\0';
	learn_form(e, inner);
	free(inner);
	jw_done(&w);
	learn_password(e, value);
}

static void secrets_name(struct engine *e, const char *name, const char *value)
{
	if (!value || !*value || secrets_get(e, name))
		return;
	e->named = xrealloc(e->named, e->n_named + 1, sizeof *e->named);
	e->named[e->n_named++] = (struct named_secret){.name = xstrdup(name), .value = xstrdup(value)};
	secrets_learn(e, value);
}

/* Values are compared by digests that only this night's key makes: of no use to a later night, nor to anybody
 * who has the journal alone. Without the file a key lives as long as this engine; then digests of before it
 * look changed, and evidence is looked at anew. */
static void load_digest_key(struct engine *e)
{
	unsigned char key[32];
	char path[480], hex[2 * sizeof key + 1];
	text_copyf(path, sizeof path, "%s/digest.key", e->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool have = fd >= 0 && read(fd, key, sizeof key) == (ssize_t)sizeof key;
	if (fd >= 0)
		close(fd);
	if (!have && getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
		return;
	fd = have ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && (write(fd, key, sizeof key) != (ssize_t)sizeof key || fdatasync(fd) < 0))
		unlink(path);
	if (fd >= 0)
		close(fd);
	text_hex(hex, key, sizeof key);
	secrets_name(e, "DIGEST_KEY", hex);
	explicit_bzero(key, sizeof key);
	explicit_bzero(hex, sizeof hex);
}

typedef void name_fn(void *arg, const char *name);

static void names_of_row(const char *const *secrets, name_fn *name, void *arg)
{
	for (size_t i = 0; secrets && secrets[i]; i++)
		name(arg, secrets[i]);
}

static void names_in(const struct json *node, name_fn *name, void *arg)
{
	const char *text = json_text(node);
	if (text && text_starts(text, "env:"))
		name(arg, text + 4);
	for (const struct json *x = json_first(node); x; x = json_next(x))
		names_in(x, name, arg);
}

static void names_of_step(const struct json *step, name_fn *name, void *arg)
{
	const struct json *list = json_get(json_get(step, "with"), "secrets");
	for (const struct json *x = json_first(list); x; x = json_next(x))
		if (json_text(x))
			name(arg, json_text(x));
}

void engine_secret_names(const struct json *config, const struct json *playbook, name_fn *name, void *arg)
{
	for (size_t i = 0; step_table[i]; i++)
		names_of_row(step_table[i]->secrets, name, arg);
	for (size_t i = 0; watch_table[i]; i++)
		names_of_row(watch_table[i]->secrets, name, arg);
	for (size_t i = 0; check_table[i]; i++)
		names_of_row(check_table[i]->secrets, name, arg);
	for (size_t i = 0; line_table[i]; i++)
		names_of_row(line_table[i]->secrets, name, arg);
	names_in(config, name, arg);
	for (const struct json *p = json_first(json_get(playbook, "phases")); p; p = json_next(p))
		for (const struct json *s = json_first(json_get(p, "steps")); s; s = json_next(s))
			names_of_step(s, name, arg);
	for (const struct json *s = json_first(json_get(playbook, "rollback")); s; s = json_next(s))
		names_of_step(s, name, arg);
}

static void load_name(void *arg, const char *name)
{
	struct engine *e = arg;
	const char *part = text_equal(name, "NEW_DATABASE_URL") ? "database"
			   : text_equal(name, "NEW_REDIS_URL")  ? "redis"
								: "";
	const char *url = json_str(json_get(e->config, part), "url", "");
	/* Where the configuration names another variable, one of the usual name is somebody else's. */
	if (text_starts(url, "env:"))
		secrets_name(e, name, getenv(url + 4));
	else
		secrets_name(e, name, getenv(name));
}

void secrets_load(struct engine *e)
{
	load_digest_key(e); /* first: no variable of its name counts */
	engine_secret_names(e->config, e->playbook, load_name, e);
	char token[256];
	if (!secrets_get(e, "HEROKU_API_KEY") &&
	    heroku_login(json_str(json_get(e->config, "heroku"), "api", ""), token, sizeof token)) {
		secrets_name(e, "HEROKU_API_KEY", token);
		explicit_bzero(token, sizeof token);
	}
}

const char *secrets_get(const struct engine *e, const char *name)
{
	for (size_t i = 0; i < e->n_named; i++)
		if (text_equal(e->named[i].name, name))
			return e->named[i].value;
	return NULL;
}

/* The name of the secret that is a part of this word; NULL: none is. */
static const char *secret_in(const struct engine *e, const char *word)
{
	for (size_t i = 0; word && i < e->n_secrets; i++) {
		if (!strstr(word, e->secrets[i]))
			continue;
		for (size_t k = 0; k < e->n_named; k++)
			if (strstr(e->named[k].value, e->secrets[i]))
				return e->named[k].name;
	}
	return NULL;
}

/* What people type at gates and what everything is done to; other words may be cut. */
int secrets_stand_apart(const struct engine *e, struct err *err)
{
	static const char *const words[] = {"app", "heroku.app", "host.address", "kamal.service",
					    "kamal.destination"};
	const char *name = NULL;
	for (size_t i = 0; i < sizeof words / sizeof *words && !name; i++)
		name = secret_in(e, json_text(json_path(e->config, words[i])));
	for (const struct json *x = json_first(json_path(e->config, "dns.names")); x && !name;
	     x = json_next(x))
		name = secret_in(e, json_text(x));
	return !name
		   ? 0
		   : err_set(
			 err, ERR_CONFIG,
			 "the value of %s, or the password in it, is a part of a name in the configuration: "
			 "cut from there the night would act on another one, and uncut it would be no "
			 "secret. Give it another value; nothing was opened",
			 name);
}

/* How much of the text begins with this secret: all of it or, where the text ends in it, the larger part of
 * one that is no word. A line from outside is cut to its length before it comes here, in its child. */
static size_t secret_at(const char *secret, const char *text, size_t len)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	size_t n = strlen(secret), k = 0;
	while (k < n && k < len && text[k] == secret[k])
		k++;
	if (k == n)
		return n;
	bool ends = k == len || text[k] == '"' ||
		    (len - k > 3 && memcmp(text + k, ellipsis, 3) == 0 && text[k + 3] == '"');
	return ends && n >= PART_OF && k >= n / 2 ? k : 0;
}

void secrets_redact(const struct engine *e, const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len;) {
		size_t hit = 0;
		for (size_t s = 0; s < e->n_secrets; s++) {
			size_t n =
			    text[i] == e->secrets[s][0] ? secret_at(e->secrets[s], text + i, len - i) : 0;
			hit = n > hit ? n : hit;
		}
		if (hit)
			buf_adds(out, "[secret]");
		else
			buf_addc(out, text[i]);
		i += hit ? hit : 1;
	}
}
