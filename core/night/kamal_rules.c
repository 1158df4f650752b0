/* A part of Kamal's file against its rows. The order of the questions, and with it which trouble is told
 * first, is Kamal's, and so are the words behind the place: they are what people find when they look for
 * help. */
#include "core/night/kamal_rules.h"
#include "core/base/text.h"
#include "core/base/yaml_ruby.h"

#include <stdarg.h>
#include <string.h>

int kamal_refuse(const struct kamal_look *look, const struct yaml *node, const char *where, const char *fmt,
		 ...)
{
	struct buf text = {0};
	char clean[300];
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	text_clean(clean, sizeof(clean), buf_text(&text), text.len);
	buf_done(&text);
	return yaml_err_key(look->doc, node ? node : look->doc->root, look->err,
			    "Kamal refuses this file: %.120s%s%s%s", where, *where ? ": " : "", clean,
			    *clean && clean[strlen(clean) - 1] == '.' ? "" : ".");
}

const char *kamal_where(char *out, size_t size, const char *where, const char *key)
{
	char clean[100];

	text_clean(clean, sizeof(clean), key, strlen(key));
	text_copyf(out, size, "%s%s%s", where, *where && *clean ? "/" : "", clean);
	return out;
}

static bool is_a(const struct yaml *node, enum ruby_type wanted)
{
	enum ruby_type type = ruby_type(node, NULL);

	if (wanted == RUBY_TEXT)
		return type == RUBY_TEXT || type == RUBY_SYMBOL || type == RUBY_INT || type == RUBY_FLOAT ||
		       type == RUBY_BOOL;
	return type == wanted;
}

static int want(const struct kamal_look *look, const struct yaml *node, const char *where,
		enum ruby_type wanted, const char *words)
{
	return is_a(node, wanted) ? 0 : kamal_refuse(look, node, where, "should be %s", words);
}

/* The place of a list's item: its number from 0. */
static const char *where_item(char *out, size_t size, const char *where, size_t i)
{
	text_copyf(out, size, "%s/%zu", where, i);
	return out;
}

int kamal_check_texts(const struct kamal_look *look, const struct yaml *list, const char *where)
{
	char place[160];
	size_t i = 0;

	if (want(look, list, where, RUBY_LIST, "an array"))
		return -1;
	for (const struct yaml *n = list->first; n; n = n->next)
		if (want(look, n, where_item(place, sizeof(place), where, i++), RUBY_TEXT, "a string"))
			return -1;
	return 0;
}

int kamal_check_text_map(const struct kamal_look *look, const struct yaml *map, const char *where)
{
	char place[160];

	if (want(look, map, where, RUBY_MAP, "a hash"))
		return -1;
	for (const struct yaml *n = map->first; n; n = n->next)
		if (want(look, n, kamal_where(place, sizeof(place), where, n->key), RUBY_TEXT, "a string"))
			return -1;
	return 0;
}

static int check_host(const struct kamal_look *look, const struct yaml *host, const char *where)
{
	char place[160];

	if (host->kind != YAML_MAP)
		return is_a(host, RUBY_TEXT)
			   ? 0
			   : kamal_refuse(look, host, where, "should be a string or a hash");
	if (yaml_count(host) != 1)
		return kamal_refuse(look, host, where, "multiple hosts found");
	kamal_where(place, sizeof(place), where, host->first->key);
	if (host->first->kind == YAML_LIST)
		return kamal_check_texts(look, host->first, place);
	return is_a(host->first, RUBY_TEXT)
		   ? 0
		   : kamal_refuse(look, host->first, place, "should be a string or an array");
}

int kamal_check_hosts(const struct kamal_look *look, const struct yaml *list, const char *where)
{
	char place[160];
	size_t i = 0;

	if (want(look, list, where, RUBY_LIST, "an array"))
		return -1;
	for (const struct yaml *n = list->first; n; n = n->next)
		if (check_host(look, n, where_item(place, sizeof(place), where, i++)))
			return -1;
	return 0;
}

static int check_paths(const struct kamal_look *look, const struct yaml *list, const char *where)
{
	static const char *const keys[] = {"local", "remote", "mode", "owner", "options"};
	char item[160], place[200];
	size_t i = 0;

	if (want(look, list, where, RUBY_LIST, "an array"))
		return -1;
	for (const struct yaml *n = list->first; n; n = n->next) {
		where_item(item, sizeof(item), where, i++);
		if (n->kind != YAML_MAP && !is_a(n, RUBY_TEXT))
			return kamal_refuse(look, n, item, "should be a string or a hash");
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (yaml_get(n, keys[k]) &&
			    want(look, yaml_get(n, keys[k]), kamal_where(place, sizeof(place), item, keys[k]),
				 RUBY_TEXT, "a string"))
				return -1;
	}
	return 0;
}

static int check_ssh_files(const struct kamal_look *look, const struct yaml *node, const char *where)
{
	enum ruby_type type = ruby_type(node, NULL);

	if (type == RUBY_LIST)
		return kamal_check_texts(look, node, where);
	if (type == RUBY_BOOL || type == RUBY_TEXT)
		return 0;
	return kamal_refuse(look, node, where, "should be a boolean or a string or an array");
}

static int check_value(const struct kamal_look *look, const struct yaml *node, const struct kamal_rule *rule,
		       const char *where)
{
	enum ruby_type type = ruby_type(node, NULL);

	switch (rule->wants) {
	case WANTS_OWN: return 0;
	case WANTS_TEXT: return want(look, node, where, RUBY_TEXT, "a string");
	case WANTS_INT: return want(look, node, where, RUBY_INT, "an integer");
	case WANTS_FLAG: return want(look, node, where, RUBY_BOOL, "a boolean");
	case WANTS_TEXTS: return kamal_check_texts(look, node, where);
	case WANTS_HOSTS: return kamal_check_hosts(look, node, where);
	case WANTS_MAP:
	case WANTS_PART: return want(look, node, where, RUBY_MAP, "a hash");
	case WANTS_TEXT_MAP: return kamal_check_text_map(look, node, where);
	case WANTS_FIELDS: return kamal_check_map(look, node, rule->fields, where);
	case WANTS_PATHS: return check_paths(look, node, where);
	case WANTS_SSH_FILES: return check_ssh_files(look, node, where);
	case WANTS_PART_FLAG: return type == RUBY_BOOL ? 0 : want(look, node, where, RUBY_MAP, "a hash");
	case WANTS_PART_LIST:
		return type == RUBY_LIST ? 0 : want(look, node, where, RUBY_MAP, "an array or a hash");
	case WANTS_TLS:
		return type == RUBY_BOOL ? 0 : want(look, node, where, RUBY_MAP, "a boolean or a hash");
	case WANTS_LOUDNESS:
		return type == RUBY_MAP ? kamal_check_text_map(look, node, where)
					: want(look, node, where, RUBY_TEXT, "a string or a symbol");
	case WANTS_TEXT_OR_TEXTS:
		if (type == RUBY_LIST &&
		    !kamal_check_texts(&(struct kamal_look){.doc = look->doc}, node, where))
			return 0;
		return want(look, node, where, RUBY_TEXT, "an array or a string");
	}
	return 0;
}

static const struct kamal_rule *find_rule(const struct kamal_rule *rules, const char *key)
{
	for (; rules->key; rules++)
		if (strcmp(rules->key, key) == 0)
			return rules;
	return NULL;
}

static int check_keys(const struct kamal_look *look, const struct yaml *map, const struct kamal_rule *rules,
		      const char *where)
{
	struct buf unknown = {0};
	const struct yaml *first = NULL;
	size_t n = 0;

	for (const struct yaml *node = map->first; node; node = node->next) {
		if (find_rule(rules, node->key) ||
		    (rules == kamal_root_rules && text_starts(node->key, "x-")))
			continue;
		first = first ? first : node;
		buf_addf(&unknown, "%s%.60s", n++ ? ", " : "", node->key);
	}
	if (n)
		kamal_refuse(look, first, where, "unknown key%s: %.200s", n > 1 ? "s" : "",
			     buf_text(&unknown));
	buf_done(&unknown);
	return n ? -1 : 0;
}

int kamal_check_map(const struct kamal_look *look, const struct yaml *map, const struct kamal_rule *rules,
		    const char *where)
{
	char place[160];

	if (want(look, map, where, RUBY_MAP, "a hash") || check_keys(look, map, rules, where))
		return -1;
	for (const struct yaml *n = map->first; n; n = n->next) {
		const struct kamal_rule *rule = find_rule(rules, n->key);

		if (rule && check_value(look, n, rule, kamal_where(place, sizeof(place), where, n->key)))
			return -1;
	}
	return 0;
}
