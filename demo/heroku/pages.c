/* Long lists in pages, by Range and Next-Range. */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_DEFAULT = 200, PAGE_LIMIT = 1000 };

/* "version 12..; max=15, order=desc" taken apart. */
struct range {
	char prop[32], from[128];
	bool after; /* "]12.." leaves 12 itself out */
	bool descending;
	int max;
};

static void range_parse(struct range *r, const char *text, const char *prop)
{
	const char *p;
	char *dots;

	*r = (struct range){.max = PAGE_DEFAULT};
	snprintf(r->prop, sizeof r->prop, "%s", prop);
	if (!text)
		return;
	if (sscanf(text, "%31[a-z_] %127[^;]", r->prop, r->from) == 2) {
		dots = strstr(r->from, "..");
		if (dots)
			*dots = '\0';
		if (*r->from == ']') {
			r->after = true;
			memmove(r->from, r->from + 1, strlen(r->from));
		}
	}
	p = strstr(text, "max=");
	if (p)
		r->max = atoi(p + 4);
	r->descending = strstr(text, "order=desc") != NULL;
	if (r->max < 1 || r->max > PAGE_LIMIT)
		r->max = PAGE_LIMIT;
}

static void prop_text(const cJSON *item, const char *prop, char *out, size_t size)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, prop);

	out[0] = '\0';
	if (cJSON_IsNumber(value))
		snprintf(out, size, "%.0f", value->valuedouble);
	else if (cJSON_IsString(value))
		snprintf(out, size, "%s", value->valuestring);
}

/* Numbers by value, all else by text. */
static int text_compare(const char *a, const char *b)
{
	char *end_a, *end_b;
	double x = strtod(a, &end_a), y = strtod(b, &end_b);

	if (*a && *b && !*end_a && !*end_b)
		return (x > y) - (x < y);
	return strcmp(a, b);
}

/* The item that comes first in the order and is not before the start; taken out of the list. */
static cJSON *page_next(cJSON *list, const struct range *r)
{
	char best[160] = "", text[160];
	int at = -1, index = 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		prop_text(item, r->prop, text, sizeof text);
		int side = text_compare(text, r->from) * (r->descending ? -1 : 1);
		bool inside = !*r->from || side > 0 || (side == 0 && !r->after);
		if (inside && (at < 0 || text_compare(text, best) * (r->descending ? -1 : 1) < 0)) {
			at = index;
			snprintf(best, sizeof best, "%s", text);
		}
		index++;
	}
	return at < 0 ? NULL : cJSON_DetachItemFromArray(list, at);
}

void reply_page(struct http_request *req, struct http_reply *reply, cJSON *take_list, const char *prop)
{
	struct range r;
	cJSON *page = cJSON_CreateArray(), *item;
	char first[160] = "", last[160] = "";
	int count = 0;
	bool more = false;

	range_parse(&r, http_header(req, "Range"), prop);
	if (H.control.page_max > 0 && H.control.page_max < r.max)
		r.max = H.control.page_max;
	while ((item = page_next(take_list, &r)) != NULL) {
		if (count == r.max) {
			more = true;
			cJSON_Delete(item);
			break;
		}
		prop_text(item, r.prop, last, sizeof last);
		if (count++ == 0)
			snprintf(first, sizeof first, "%s", last);
		cJSON_AddItemToArray(page, item);
	}
	cJSON_Delete(take_list);
	http_reply_json(reply, more ? 206 : 200, page);
	http_reply_header(reply, "Accept-Ranges", "id, %s", strcmp(prop, "id") == 0 ? "name" : prop);
	http_reply_header(reply, "Content-Range", "%s %s..%s", r.prop, first, last);
	if (more)
		http_reply_header(reply, "Next-Range", "%s ]%s..; max=%d%s", r.prop, last, r.max,
				  r.descending ? ", order=desc" : "");
}
