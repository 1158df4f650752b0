/* Reading JSON: cJSON behind a scanner that refuses what cJSON would take. */
#include "core/base/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 64, TEXT_MAX = 64 * 1024 * 1024 };

static const cJSON *tree(const struct json *node)
{
	return (const cJSON *)(const void *)node;
}

static const struct json *node_of(const cJSON *item)
{
	return (const struct json *)(const void *)item;
}

/* Before parsing: cJSON recurses, stops quietly at NUL bytes and turns \u0000 into the end of a string. */
static const char *scan(const char *text, size_t len)
{
	bool string = false;
	int level = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0')
			return "it holds a NUL byte";
		if (string && text[i] == '\\') {
			if (len - i > 5 && memcmp(text + i, "\\u0000", 6) == 0)
				return "it holds a NUL character";
			i++;
			if (i < len && text[i] == '\0')
				return "it holds a NUL byte";
		} else if (text[i] == '"') {
			string = !string;
		} else if (!string && (text[i] == '{' || text[i] == '[')) {
			if (++level > LEVELS_MAX)
				return "it is nested more than 64 levels deep";
		} else if (!string && (text[i] == '}' || text[i] == ']')) {
			level--;
		}
	}
	return NULL;
}

struct json *json_parse(const char *text, size_t len, struct err *err)
{
	const char *end = NULL, *bad;
	cJSON *root;

	if (len > TEXT_MAX) {
		err_set(err, ERR_NET, "This JSON text was not read: it is longer than 64 MB.");
		return NULL;
	}
	bad = scan(text, len);
	if (bad) {
		err_set(err, ERR_NET, "This JSON text was not read: %s.", bad);
		return NULL;
	}
	root = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!root) {
		err_set(err, ERR_NET, "This is no valid JSON: it breaks at byte %zu of %zu.",
			end ? (size_t)(end - text) : (size_t)0, len);
		return NULL;
	}
	while (end < text + len && strchr(" \t\r\n", *end))
		end++;
	if (end < text + len) {
		err_set(err, ERR_NET, "This is no valid JSON: there is more text after its end, at byte %zu.",
			(size_t)(end - text));
		cJSON_Delete(root);
		return NULL;
	}
	return (struct json *)(void *)root;
}

void json_free(struct json *root)
{
	cJSON_Delete((cJSON *)(void *)root);
}

static void wipe_strings(cJSON *item)
{
	for (; item; item = item->next) {
		if (cJSON_IsString(item))
			explicit_bzero(item->valuestring, strlen(item->valuestring));
		wipe_strings(item->child);
	}
}

void json_wipe(struct json *root)
{
	wipe_strings((cJSON *)(void *)root);
	json_free(root);
}

const struct json *json_get(const struct json *object, const char *key)
{
	return object ? node_of(cJSON_GetObjectItemCaseSensitive(tree(object), key)) : NULL;
}

const struct json *json_path(const struct json *object, const char *dotted)
{
	char key[128];

	while (object && *dotted) {
		size_t n = strcspn(dotted, ".");

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, dotted, n);
		key[n] = '\0';
		object = json_get(object, key);
		dotted += n + (dotted[n] == '.');
	}
	return object;
}

const char *json_str(const struct json *object, const char *key, const char *otherwise)
{
	const char *text = json_text(json_get(object, key));

	return text ? text : otherwise;
}

int64_t json_int(const struct json *object, const char *key, int64_t otherwise)
{
	return json_value(json_get(object, key), otherwise);
}

double json_num(const struct json *object, const char *key, double otherwise)
{
	const struct json *node = json_get(object, key);

	return json_is_number(node) ? tree(node)->valuedouble : otherwise;
}

bool json_bool(const struct json *object, const char *key, bool otherwise)
{
	const struct json *node = json_get(object, key);

	return json_is_bool(node) ? json_true(node) : otherwise;
}

const struct json *json_first(const struct json *node)
{
	return json_is_object(node) || json_is_array(node) ? node_of(tree(node)->child) : NULL;
}

const struct json *json_next(const struct json *node)
{
	return node ? node_of(tree(node)->next) : NULL;
}

size_t json_count(const struct json *node)
{
	size_t n = 0;

	for (node = json_first(node); node; node = json_next(node))
		n++;
	return n;
}

const char *json_key(const struct json *node)
{
	return node ? tree(node)->string : NULL;
}

const char *json_text(const struct json *node)
{
	return json_is_string(node) ? tree(node)->valuestring : NULL;
}

const char **json_texts(const struct json *array)
{
	const char **list = xcalloc(json_count(array) + 1, sizeof *list);
	size_t n = 0;
	for (const struct json *item = json_first(array); item; item = json_next(item))
		if (json_text(item))
			list[n++] = json_text(item);
	return list;
}

int64_t json_value(const struct json *node, int64_t otherwise)
{
	double value;

	if (!json_is_number(node))
		return otherwise;
	value = tree(node)->valuedouble;
	return value > -9.2e18 && value < 9.2e18 ? (int64_t)value : otherwise;
}

bool json_is_string(const struct json *node)
{
	return node && cJSON_IsString(tree(node));
}

bool json_is_number(const struct json *node)
{
	return node && cJSON_IsNumber(tree(node));
}

bool json_is_bool(const struct json *node)
{
	return node && cJSON_IsBool(tree(node));
}

bool json_is_null(const struct json *node)
{
	return !node || cJSON_IsNull(tree(node));
}

bool json_is_object(const struct json *node)
{
	return node && cJSON_IsObject(tree(node));
}

bool json_is_array(const struct json *node)
{
	return node && cJSON_IsArray(tree(node));
}

bool json_true(const struct json *node)
{
	return node && cJSON_IsTrue(tree(node));
}

char *json_quote(const char *text)
{
	struct jw w;
	char *quoted;

	jw_open(&w);
	jw_str(&w, "", text);
	quoted = xstrdup(buf_text(&w.buf) + strlen("{\"\":"));
	jw_done(&w);
	return quoted;
}

char *json_print(const struct json *node)
{
	struct jw w;
	char *text;

	jw_open(&w);
	jw_json(&w, "", node);
	/* Without the `{"":` before it. */
	text = xstrdup(buf_text(&w.buf) + strlen("{\"\":"));
	jw_done(&w);
	return text;
}

double json_number(const struct json *node)
{
	return json_is_number(node) ? tree(node)->valuedouble : 0;
}
