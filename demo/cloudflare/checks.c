#include "checks.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TTL_MOST = 86400, COMMENT_MOST = 100 };

static const char *const fields[] = {
    "id",       "name", "type",   "content",    "ttl",         "proxied", "priority",  "comment", "tags",
    "settings", "meta", "locked", "created_on", "modified_on", "zone_id", "zone_name", "data",    "proxiable",
};

static const char *const types[] = {"A", "AAAA", "CNAME", "MX", "TXT", "CAA", "NS", "HTTPS"};

int problem_set(struct problem *problem, int status, int code, const char *format, ...)
{
	va_list list;
	*problem = (struct problem){.status = status, .code = code};
	va_start(list, format);
	vsnprintf(problem->message, sizeof(problem->message), format, list);
	va_end(list);
	return -1;
}

int problem_invalid(struct problem *problem, int chain_code, const char *format, ...)
{
	va_list list;
	problem_set(problem, 400, 1004, "DNS Validation Error");
	problem->chain_code = chain_code;
	va_start(list, format);
	vsnprintf(problem->chain, sizeof(problem->chain), format, list);
	va_end(list);
	return -1;
}

static int check_keys(const cJSON *body, struct problem *problem)
{
	const cJSON *item;
	if (!cJSON_IsObject(body))
		return problem_set(problem, 400, 9207, "Request body is invalid.");
	cJSON_ArrayForEach(item, body)
	{
		size_t i = 0, count = sizeof(fields) / sizeof(*fields);
		while (i < count && strcmp(fields[i], item->string))
			i++;
		if (i == count)
			return problem_set(problem, 400, 9207,
					   "Request body is invalid: unknown field \"%.60s\".", item->string);
	}
	return 0;
}

static bool is_host(const char *name, bool wildcard)
{
	size_t length = strlen(name), label = 0;
	if (!length || length > 253)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];
		if (c == '.') {
			if (!label)
				return false;
			label = 0;
		} else if (isalnum((unsigned char)c) || c == '-' || c == '_' ||
			   (wildcard && c == '*' && i == 0)) {
			if (++label > 63 || (c == '-' && label == 1))
				return false;
		} else {
			return false;
		}
	}
	return label > 0;
}

/* A name of another domain is taken as relative too: that is what Cloudflare does, and it has surprised
 * people. */
static int take_name(const struct zone_rules *rules, struct record *record, const char *given,
		     struct problem *problem)
{
	char name[sizeof(record->name)];
	size_t length = strlen(given), zone = strlen(rules->zone);
	if (length && given[length - 1] == '.')
		length--;
	bool apex = length == 1 && given[0] == '@';
	bool full = length >= zone && !strncasecmp(given + length - zone, rules->zone, zone) &&
		    (length == zone || given[length - zone - 1] == '.');
	int size;
	if (apex)
		size = snprintf(name, sizeof(name), "%s", rules->zone);
	else
		size = snprintf(name, sizeof(name), "%.*s%s%s", (int)length, given, full ? "" : ".",
				full ? "" : rules->zone);
	if (size < 0 || size >= (int)sizeof(name) || !is_host(name, true))
		return problem_set(problem, 400, 9000, "DNS name is invalid.");
	for (int i = 0; i <= size; i++)
		record->name[i] = (char)tolower((unsigned char)name[i]);
	return 0;
}

static int take_type(struct record *record, const char *given, struct problem *problem)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(given, types[i])) {
			snprintf(record->type, sizeof(record->type), "%s", given);
			return 0;
		}
	return problem_invalid(problem, 9002, "DNS record type \"%.20s\" is invalid or not served here.",
			       given);
}

static int take_number(const cJSON *item, long *value)
{
	if (!cJSON_IsNumber(item) || item->valuedouble != (double)(long)item->valuedouble)
		return -1;
	*value = (long)item->valuedouble;
	return 0;
}

static int take_ttl(const struct zone_rules *rules, struct record *record, const cJSON *item,
		    struct problem *problem)
{
	if (take_number(item, &record->ttl) == 0 &&
	    (record->ttl == TTL_AUTOMATIC || (record->ttl >= rules->ttl_least && record->ttl <= TTL_MOST)))
		return 0;
	return problem_invalid(problem, 9021,
			       "Invalid TTL. Must be between %ld and %d seconds, or 1 for Automatic.",
			       rules->ttl_least, TTL_MOST);
}

static int take_rest(const struct zone_rules *rules, struct record *record, const cJSON *body,
		     struct problem *problem)
{
	const cJSON *item;
	long priority;
	if ((item = cJSON_GetObjectItemCaseSensitive(body, "ttl")) &&
	    take_ttl(rules, record, item, problem) < 0)
		return -1;
	if ((item = cJSON_GetObjectItemCaseSensitive(body, "proxied"))) {
		if (!cJSON_IsBool(item))
			return problem_invalid(problem, 9003, "Invalid 'proxied' value, must be a boolean.");
		record->proxied = cJSON_IsTrue(item);
	}
	if ((item = cJSON_GetObjectItemCaseSensitive(body, "priority"))) {
		if (take_number(item, &priority) < 0 || priority < 0 || priority > 65535)
			return problem_invalid(problem, 9101,
					       "priority must be a number between 0 and 65535.");
		record->priority = (int)priority;
	}
	if ((item = cJSON_GetObjectItemCaseSensitive(body, "comment"))) {
		const char *text = cJSON_IsNull(item) ? "" : cJSON_GetStringValue(item);
		if (!text || strlen(text) > COMMENT_MOST)
			return problem_invalid(
			    problem, 9313, "Comment must be text of at most %d characters.", COMMENT_MOST);
		snprintf(record->comment, sizeof(record->comment), "%s", text);
	}
	if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(body, "tags")) > 0)
		return problem_invalid(problem, 9300, "DNS record has 1 tags, exceeding the quota of 0.");
	if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(body, "data")) > 0)
		return problem_invalid(problem, 9101, "data is not known to the demo; give content.");
	return 0;
}

static int check_text(struct record *record, struct problem *problem)
{
	for (const char *c = record->content; *c; c++)
		if (iscntrl((unsigned char)*c))
			return problem_invalid(problem, 9101, "content must not hold control characters.");
	if (!strcmp(record->type, "TXT") && record->content[0] != '"') {
		char bare[sizeof(record->content)];
		if (strpbrk(record->content, "\"\\") || strlen(record->content) > 255)
			return problem_invalid(problem, 9101, "content of a TXT record must be quoted.");
		memcpy(bare, record->content, sizeof(bare));
		snprintf(record->content, sizeof(record->content), "\"%.255s\"", bare);
	}
	if (!strcmp(record->type, "CAA") && !isdigit((unsigned char)record->content[0]))
		return problem_invalid(problem, 9101, "content of a CAA record starts with its flags.");
	return 0;
}

static int check_content(struct record *record, struct problem *problem)
{
	unsigned char address[16];
	size_t length = strlen(record->content);
	if (!strcmp(record->type, "A"))
		return inet_pton(AF_INET, record->content, address) == 1
			   ? 0
			   : problem_set(problem, 400, 9005,
					 "Content for A record must be a valid IPv4 address.");
	if (!strcmp(record->type, "AAAA"))
		return inet_pton(AF_INET6, record->content, address) == 1
			   ? 0
			   : problem_set(problem, 400, 9006,
					 "Content for AAAA record must be a valid IPv6 address.");
	if (!strcmp(record->type, "CNAME") || !strcmp(record->type, "NS") || !strcmp(record->type, "MX")) {
		if (length && record->content[length - 1] == '.')
			record->content[length - 1] = '\0';
		if (!is_host(record->content, false))
			return problem_set(problem, 400, 9007, "Content for %s record is invalid.",
					   record->type);
		if (!strcasecmp(record->content, record->name))
			return problem_set(problem, 400, 9039, "%s content cannot reference itself.",
					   record->type);
		return 0;
	}
	return check_text(record, problem);
}

int check_fields(const struct zone_rules *rules, struct record *record, const cJSON *body, enum how how,
		 struct problem *problem)
{
	if (check_keys(body, problem) < 0)
		return -1;
	if (how == HOW_NEW) {
		record->ttl = TTL_AUTOMATIC;
		record->proxied = false;
		record->priority = 0;
		record->comment[0] = record->name[0] = record->type[0] = record->content[0] = '\0';
	}
	static const char *const names[] = {"name", "type", "content"};
	const char *values[3] = {NULL};
	for (size_t i = 0; i < 3; i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, names[i]);
		values[i] = cJSON_GetStringValue(item);
		if ((item && !values[i]) || (!item && how == HOW_NEW))
			return problem_invalid(problem, 9101, "%s is a required field.", names[i]);
	}
	if (values[0] && take_name(rules, record, values[0], problem) < 0)
		return -1;
	if (values[1] && take_type(record, values[1], problem) < 0)
		return -1;
	if (values[2] && snprintf(record->content, sizeof(record->content), "%s", values[2]) >=
			     (int)sizeof(record->content))
		return problem_invalid(problem, 9101, "content is too long.");
	if (take_rest(rules, record, body, problem) < 0 || check_content(record, problem) < 0)
		return -1;
	if (record->proxied && !record_has_address(record) && strcmp(record->type, "CNAME"))
		return problem_invalid(problem, 9004, "This record type cannot be proxied.");
	if (record->proxied)
		record->ttl = TTL_AUTOMATIC;
	if (strcmp(record->type, "MX"))
		record->priority = 0;
	return 0;
}

int check_place(const struct record_set *set, const struct record *record, struct problem *problem)
{
	bool cname = !strcmp(record->type, "CNAME");
	for (size_t i = 0; i < set->count; i++) {
		const struct record *other = &set->list[i];
		if (!strcmp(other->id, record->id) || strcasecmp(other->name, record->name))
			continue;
		if (!strcmp(other->type, record->type) && !strcmp(other->content, record->content))
			return problem_set(problem, 400, 81058, "An identical record already exists.");
		if (cname && (record_has_address(other) || !strcmp(other->type, "CNAME")))
			return problem_set(
			    problem, 400, 81053,
			    "An A, AAAA, or CNAME record with that host already exists. For more details, "
			    "refer to <https://developers.cloudflare.com/dns/manage-dns-records/"
			    "troubleshooting/records-with-same-name/>.");
		if (cname || !strcmp(other->type, "CNAME"))
			return problem_set(problem, 400, 81054,
					   "A CNAME record with that host already exists.");
	}
	return 0;
}
