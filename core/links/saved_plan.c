/* Terraform's plan in JSON, format 1: see saved_plan.h. */
#include "core/links/saved_plan.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MOST = 2, VALUE_MOST = 70 };

/* Why something cannot stay, by terraform's word for it. */
static const struct reason {
	const char *name, *text;
} reasons[] = {
    {"replace_because_cannot_update", "it cannot be changed in place"},
    {"replace_because_tainted", "it is tainted"},
    {"replace_by_request", "somebody asks for it"},
    {"replace_by_triggers", "something that it depends on changes"},
    {"delete_because_no_resource_config", "its block is not in the files"},
    {"delete_because_no_module", "its module is not in the files"},
    {"delete_because_wrong_repetition", "the files have it by another index"},
    {"delete_because_count_index", "its count is smaller"},
    {"delete_because_each_key", "its key is gone"},
    {0},
};

static const char *reason_text(const char *name)
{
	for (const struct reason *r = reasons; r->name; r++)
		if (text_equal(r->name, name))
			return r->text;
	return "";
}

/* A mark is true, or a tree of them in the shape of the value. */
static bool is_marked(const struct json *mark)
{
	if (json_true(mark))
		return true;
	for (const struct json *x = json_first(mark); x; x = json_next(x))
		if (is_marked(x))
			return true;
	return false;
}

static bool is_secret(const struct json *change, const char *key)
{
	const struct json *before = json_get(change, "before_sensitive"),
			  *after = json_get(change, "after_sensitive");
	return json_true(before) || json_true(after) || is_marked(json_get(before, key)) ||
	       is_marked(json_get(after, key));
}

static void value_text(const struct json *value, char *out, size_t size)
{
	char *text = value ? json_print(value) : xstrdup("nothing");
	char clean[400];
	text_clean(clean, sizeof clean, text, strlen(text));
	text_fit(out, size, clean, VALUE_MOST);
	free(text);
}

/* The first attributes that differ, with both values where they may be seen. */
static void add_differences(const struct json *change, struct buf *text)
{
	const struct json *before = json_get(change, "before"), *after = json_get(change, "after"),
			  *unknown = json_get(change, "after_unknown");
	int shown = 0;
	for (const struct json *x = json_first(after); x && shown < SHOWN_MOST; x = json_next(x)) {
		const char *key = json_key(x);
		char was[VALUE_MOST * 4 + 8], is[VALUE_MOST * 4 + 8], name[60];
		if (!key)
			continue;
		value_text(json_get(before, key), was, sizeof was);
		value_text(x, is, sizeof is);
		text_clean(name, sizeof name, key, strlen(key));
		if (is_marked(json_get(unknown, key)))
			text_copy(is, sizeof is, "known after it is applied");
		else if (text_equal(was, is))
			continue;
		shown++;
		if (is_secret(change, key))
			buf_addf(text, "  %s (sensitive)", name);
		else
			buf_addf(text, "  %s %s → %s", name, was, is);
	}
}

static bool has_action(const struct json *actions, const char *name)
{
	for (const struct json *x = json_first(actions); x; x = json_next(x))
		if (text_equal(json_text(x), name))
			return true;
	return false;
}

/* ["triggers_replace"] of the paths that force a replacement. */
static void add_paths(const struct json *paths, struct buf *text)
{
	const struct json *name = json_first(json_first(paths));
	char clean[60];
	if (!json_text(name))
		return;
	text_clean(clean, sizeof clean, json_text(name), strlen(json_text(name)));
	buf_addf(text, ": %s", clean);
}

static void describe(const struct json *resource, const char *sign, struct saved_item *item)
{
	const struct json *change = json_get(resource, "change");
	const char *why = reason_text(json_str(resource, "action_reason", ""));
	struct buf text = {0};
	buf_addf(&text, "%s %s", sign, item->address);
	if (item->replaced) {
		buf_addf(&text, "  must be replaced%s%s", *why ? ", " : "", why);
		add_paths(json_get(change, "replace_paths"), &text);
	} else if (item->destroyed) {
		buf_addf(&text, "  would be destroyed%s%s", *why ? ", " : "", why);
	} else if (text_equal(sign, "~")) {
		add_differences(change, &text);
	}
	text_copy(item->text, sizeof item->text, buf_text(&text));
	buf_done(&text);
}

/* What goes comes first, so that it is never what found no room. */
static void keep(struct saved_plan *plan, const struct saved_item *item)
{
	bool goes = item->destroyed || item->replaced;
	size_t at = goes ? 0 : plan->n;
	plan->all++;
	if (!goes && plan->n == SAVED_ITEMS)
		return;
	plan->n -= plan->n == SAVED_ITEMS;
	if (goes)
		memmove(plan->items + 1, plan->items, plan->n * sizeof *plan->items);
	plan->items[at] = *item;
	plan->n++;
}

static int take(const struct json *resource, struct saved_plan *plan, struct err *err)
{
	const struct json *actions = json_path(resource, "change.actions");
	const char *address = json_str(resource, "address", "");
	bool creates = has_action(actions, "create"), deletes = has_action(actions, "delete"),
	     updates = has_action(actions, "update");
	struct saved_item item = {.replaced = creates && deletes, .destroyed = deletes && !creates};
	if (!*address || !json_count(actions))
		return err_set(err, ERR_WORLD, "a change of the saved plan names no resource or no action");
	plan->add += creates;
	plan->destroy += deletes;
	plan->change += updates;
	plan->replace += item.replaced;
	/* "no-op", "read"; "forget" leaves the thing as it is and only its name goes. */
	if (!creates && !deletes && !updates && !has_action(actions, "forget"))
		return 0;
	text_clean(item.address, sizeof item.address, address, strlen(address));
	describe(resource,
		 item.replaced    ? text_equal(json_text(json_first(actions)), "delete") ? "-/+" : "+/-"
		 : item.destroyed ? "-"
		 : creates        ? "+"
		 : updates        ? "~"
				  : ".",
		 &item);
	keep(plan, &item);
	return 0;
}

int saved_plan_read(const char *text, size_t len, struct saved_plan *out, struct err *err)
{
	struct err unread = {0};
	struct json *root = json_parse(text, len, &unread);
	const char *version = json_str(root, "format_version", "");
	int rc = 0;
	*out = (struct saved_plan){0};
	if (!root || !json_is_object(root))
		rc = err_set(err, ERR_WORLD, "what is said of the saved plan is no JSON that can be read");
	/* By its rules a reader of 1.0 can read all of 1.x, and nothing of 2. */
	else if (!text_starts(version, "1."))
		rc = err_set(err, ERR_WORLD,
			     "the saved plan is told in format \"%.20s\", and only format 1 is known here",
			     version);
	else if (json_bool(root, "errored", false))
		rc = err_set(err, ERR_WORLD, "the plan ended in an error, so it says only a part");
	else if (!json_is_array(json_get(root, "resource_changes")) && json_get(root, "resource_changes"))
		rc = err_set(err, ERR_WORLD, "the saved plan's resource_changes are no list");
	for (const struct json *x = json_first(json_get(root, "resource_changes")); rc == 0 && x;
	     x = json_next(x))
		rc = take(x, out, err);
	json_free(root);
	return rc;
}

void saved_plan_counts(const struct saved_plan *plan, char *out, size_t size)
{
	text_copyf(out, size, "%d to add, %d to change, %d to destroy", plan->add, plan->change,
		   plan->destroy);
}
