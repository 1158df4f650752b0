/* What terraform says in JSON of a plan that it has saved: what would be added, changed, destroyed, and what
 * can only be replaced. Values that it marks as sensitive are never taken over. */
#ifndef CORE_LINKS_SAVED_PLAN_H
#define CORE_LINKS_SAVED_PLAN_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>

enum { SAVED_ITEMS = 40 };

struct saved_item {
	char address[200]; /* "cloudflare_record.www" */
	bool replaced, destroyed;
	char text[320]; /* "~ cloudflare_record.www  content \"a\" → \"b\"" */
};
struct saved_plan {
	int add, change, destroy; /* as terraform counts: a replacement is one added and one destroyed */
	int replace;
	struct saved_item items[SAVED_ITEMS]; /* what goes first: destroyed and replaced ones */
	size_t n, all;                        /* all: also those that found no room */
};
/* `text` is what `terraform show -json FILE` printed. -1 and err: it is none of that, or of a version that
 * nobody here knows, or the plan itself ended in an error. */
int saved_plan_read(const char *text, size_t len, struct saved_plan *out, struct err *err);
/* "0 to add, 1 to change, 0 to destroy" */
void saved_plan_counts(const struct saved_plan *plan, char *out, size_t size);

#endif
