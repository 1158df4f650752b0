/* Events as lines; the table of kinds lives in kinds/table.c. */
#include "core/night/event.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; kind_table[i]; i++)
		if (text_equal(kind_table[i]->name, name))
			return kind_table[i];
	return NULL;
}

struct event *event_parse(const char *line, size_t len, struct err *err)
{
	struct json *body = json_parse(line, len, err);
	if (!body)
		return NULL;
	const char *kind = json_str(body, "kind", "");
	int64_t seq = json_int(body, "seq", -1);
	if (!json_is_object(body) || !*kind || seq < 0) {
		json_free(body);
		err_set(err, ERR_IO, "this line is no event: it lacks \"kind\" or \"seq\"");
		return NULL;
	}
	struct event *event = xcalloc(1, sizeof *event);
	event->seq = (uint64_t)seq;
	event->at_ms = json_int(body, "at", 0);
	event->src = json_str(body, "src", "");
	event->kind = kind;
	event->body = body;
	return event;
}

void event_free(struct event *event)
{
	if (!event)
		return;
	json_free((struct json *)(uintptr_t)event->body);
	free(event);
}

void event_key(const struct event *event, const struct kind *kind, struct buf *out)
{
	buf_adds(out, event->kind);
	const char *names = kind->key ? kind->key : "";
	while (*names) {
		size_t len = strcspn(names, ",");
		char name[48];
		text_copyf(name, sizeof name, "%.*s", (int)len, names);
		buf_addc(out, '|');
		const struct json *value = json_get(event->body, name);
		if (json_is_number(value))
			buf_addf(out, "%lld", (long long)json_value(value, 0));
		else
			buf_adds(out, json_text(value) ? json_text(value) : "");
		names += len + (names[len] == ',');
	}
}
