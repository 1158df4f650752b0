/* Maps of YAML files against tables. */
#include "core/night/schema.h"
#include "core/base/suggest.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <stdlib.h>
#include <string.h>

static const char *const secret_words[] = {"token",     "password",  "secret", "api_key",
					   "api_token", "key_value", NULL};

/* "scheme://user:password@": only the shape counts. */
static bool has_password(const char *text)
{
	const char *start = strstr(text, "://"), *at, *colon;

	if (!start)
		return false;
	start += 3;
	at = strchr(start, '@');
	colon = strchr(start, ':');
	return at && colon && colon < at && colon + 1 < at && !memchr(start, '/', (size_t)(colon - start));
}

int schema_check_secret(const struct schema_run *run, const struct yaml *scalar, struct err *err)
{
	if (!scalar || scalar->kind != YAML_SCALAR || !has_password(scalar->text))
		return 0;
	return yaml_err(
	    run->doc, scalar, err,
	    "a password is written out here; put the whole URL into an environment variable and write "
	    "\"env:NAME_OF_THE_VARIABLE\" instead.");
}

static void describe(char *out, size_t size, const char *where)
{
	if (text_starts(where, "a "))
		text_copy(out, size, where);
	else if (*where)
		text_copyf(out, size, "`%s:`", where);
	else
		text_copy(out, size, "this file");
}

static int fail_unknown(const struct schema_run *run, const struct yaml *node, const struct schema *fields,
			const char *where, struct err *err)
{
	struct suggest s = {.word = node->key};
	struct buf keys = {0};
	char place[96];

	describe(place, sizeof(place), where);
	for (const struct schema *f = fields; f->name; f++) {
		suggest_offer(&s, f->name);
		buf_addf(&keys, "%s%s", keys.len ? ", " : "", f->name);
	}
	for (size_t i = 0; secret_words[i]; i++)
		if (strcmp(node->key, secret_words[i]) == 0) {
			buf_done(&keys);
			return yaml_err_key(
			    run->doc, node, err,
			    "\"%s\" is not a key of %s: secrets do not belong in it; set an environment "
			    "variable instead.",
			    node->key, place);
		}
	if (suggest_best(&s))
		yaml_err_key(run->doc, node, err, "\"%.60s\" is not a key of %s; did you mean \"%s\"?",
			     node->key, place, suggest_best(&s));
	else
		yaml_err_key(run->doc, node, err, "\"%.60s\" is not a key of %s; its keys are %s.", node->key,
			     place, buf_text(&keys));
	buf_done(&keys);
	return -1;
}

static int fail_missing(const struct schema_run *run, const struct yaml *map, const struct schema *f,
			const char *where, struct err *err)
{
	char place[96];

	describe(place, sizeof(place), where);
	if (!map || map->key)
		return yaml_err_key(run->doc, map ? map : run->doc->root, err, "%s needs \"%s\": %s.", place,
				    f->name, f->help);
	return yaml_err(run->doc, map, err, "%s needs \"%s\": %s.", place, f->name, f->help);
}

static int fail_type(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		     const char *wanted, struct err *err)
{
	char what[128];

	return yaml_err(run->doc, node, err, "%s\"%s\" must be %s, not %s; write %s.",
			node->key ? "" : "each of ", f->name, wanted,
			yaml_what(run->doc, node, what, sizeof(what)), f->help);
}

static int check_text(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		      struct err *err)
{
	struct suggest s = {.word = node->text};
	struct buf words = {0};
	char near[96];

	if (f->length_max && strlen(node->text) >= f->length_max)
		return yaml_err(run->doc, node, err, "\"%s\" is longer than %zu bytes; shorten it.", f->name,
				f->length_max - 1);
	for (size_t i = 0; f->one_of && f->one_of[i]; i++)
		if (strcmp(node->text, f->one_of[i]) == 0)
			return 0;
	for (size_t i = 0; f->one_of && f->one_of[i]; i++) {
		suggest_offer(&s, f->one_of[i]);
		buf_addf(&words, "%s%s", words.len ? ", " : "", f->one_of[i]);
	}
	if (!f->one_of)
		return 0;
	text_copyf(near, sizeof(near), "\"%.40s\" is not one of them", node->text);
	yaml_err(run->doc, node, err, "\"%s\" is one of %s; %s%s", f->name, buf_text(&words), near,
		 suggest_text(&s, "."));
	buf_done(&words);
	return -1;
}

static int write_text(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		      struct jw *w, const char *key, struct err *err)
{
	if (node->kind != YAML_SCALAR || yaml_is_null(node))
		return fail_type(run, node, f, "a text", err);
	if (check_text(run, node, f, err) || (f->check && f->check(run, node, err)))
		return -1;
	jw_str(w, key, node->text);
	return 0;
}

static int write_int(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		     struct jw *w, const char *key, struct err *err)
{
	char wanted[80] = "a whole number";
	int64_t n;

	if (f->max)
		text_copyf(wanted, sizeof(wanted), "a whole number from %lld to %lld", (long long)f->min,
			   (long long)f->max);
	if (!yaml_int(node, &n) || (f->max && (n < f->min || n > f->max)))
		return fail_type(run, node, f, wanted, err);
	jw_int(w, key, n);
	return 0;
}

static int write_duration(const struct schema_run *run, const struct yaml *node, const struct schema *f,
			  struct jw *w, const char *key, struct err *err)
{
	int64_t ms = node->kind == YAML_SCALAR ? units_parse_duration_ms(node->text) : -1;

	if (ms < 0)
		return fail_type(run, node, f, "a duration", err);
	jw_int(w, key, ms);
	return 0;
}

static int write_flag(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		      struct jw *w, const char *key, struct err *err)
{
	bool flag;

	if (!yaml_bool(run->doc, node, &flag))
		return fail_type(run, node, f, "true or false", err);
	jw_bool(w, key, flag);
	return 0;
}

static int write_texts(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		       struct jw *w, const char *key, struct err *err)
{
	if (node->kind == YAML_SCALAR)
		return yaml_err(run->doc, node, err, "\"%s\" must be a list; write [%.60s].", f->name,
				node->text);
	if (node->kind != YAML_LIST)
		return fail_type(run, node, f, "a list", err);
	if (f->required && !node->first)
		return yaml_err(run->doc, node, err, "\"%s\" is an empty list; write %s.", f->name, f->help);
	jw_arr(w, key);
	for (const struct yaml *n = node->first; n; n = n->next)
		if (schema_check_secret(run, n, err) || write_text(run, n, f, w, NULL, err))
			return -1;
	jw_end(w);
	return 0;
}

static int write_map(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		     const char *where, struct jw *w, const char *key, struct err *err)
{
	if (node && node->kind != YAML_MAP)
		return fail_type(run, node, f, "a map", err);
	if (node && f->check && f->check(run, node, err))
		return -1;
	jw_obj(w, key);
	if (schema_write(run, node, f->fields, where, w, err))
		return -1;
	jw_end(w);
	return 0;
}

static int write_maps(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		      const char *where, struct jw *w, const char *key, struct err *err)
{
	if (node->kind != YAML_LIST)
		return fail_type(run, node, f, "a list", err);
	if (f->required && !node->first)
		return yaml_err(run->doc, node, err, "\"%s\" is an empty list; write %s.", f->name, f->help);
	jw_arr(w, key);
	for (const struct yaml *n = node->first; n; n = n->next)
		if (write_map(run, n, f, where, w, NULL, err))
			return -1;
	jw_end(w);
	return 0;
}

static int write_value(const struct schema_run *run, const struct yaml *node, const struct schema *f,
		       const char *where, struct jw *w, const char *key, struct err *err)
{
	if (schema_check_secret(run, node, err))
		return -1;
	switch (f->type) {
	case SCHEMA_TEXT: return write_text(run, node, f, w, key, err);
	case SCHEMA_INT: return write_int(run, node, f, w, key, err);
	case SCHEMA_FLAG: return write_flag(run, node, f, w, key, err);
	case SCHEMA_DURATION: return write_duration(run, node, f, w, key, err);
	case SCHEMA_TEXTS: return write_texts(run, node, f, w, key, err);
	case SCHEMA_MAP: return write_map(run, node, f, where, w, key, err);
	case SCHEMA_MAPS: return write_maps(run, node, f, where, w, key, err);
	case SCHEMA_ANY: break;
	}
	if (f->check && f->check(run, node, err))
		return -1;
	yaml_json(run->doc, node, w, key);
	return 0;
}

/* An optional map whose keys are required is all or nothing. */
static bool has_required(const struct schema *fields)
{
	for (; fields->name; fields++)
		if (fields->required)
			return true;
	return false;
}

static int write_absent(const struct schema_run *run, const struct yaml *map, const struct schema *f,
			const char *where, const char *dotted, struct jw *w, struct err *err)
{
	const char *key = f->as ? f->as : f->name;
	const char *text = run->lookup ? run->lookup(run->arg, dotted) : NULL;

	if (!text)
		text = f->otherwise;
	if (text)
		jw_raw(w, key, text, strlen(text));
	else if (f->required)
		return fail_missing(run, map, f, where, err);
	else if (f->type == SCHEMA_MAP && !has_required(f->fields))
		return write_map(run, NULL, f, dotted, w, key, err);
	return 0;
}

int schema_write(const struct schema_run *run, const struct yaml *map, const struct schema *fields,
		 const char *where, struct jw *w, struct err *err)
{
	for (const struct yaml *n = map ? map->first : NULL; n; n = n->next) {
		const struct schema *f = fields;

		while (f->name && strcmp(f->name, n->key) != 0)
			f++;
		if (!f->name)
			return fail_unknown(run, n, fields, where, err);
	}
	for (const struct schema *f = fields; f->name; f++) {
		const struct yaml *node = yaml_get(map, f->name);
		char dotted[128];
		int failed;

		text_copyf(dotted, sizeof(dotted), "%s%s%s", where, *where ? "." : "", f->name);
		failed = f->write ? f->write(run, node, w, err)
			 : yaml_is_null(node)
			     ? write_absent(run, map, f, where, dotted, w, err)
			     : write_value(run, node, f, dotted, w, f->as ? f->as : f->name, err);
		if (failed)
			return -1;
	}
	return 0;
}
