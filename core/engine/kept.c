/* The newest line of each key, in a list that remembers their order, beside a hash table of places in it.
 * Nothing is ever taken out. */
#include "core/engine/inner.h"
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 64 };

/* FNV-1a: keys are short and not chosen to collide. */
static size_t hash_of(const char *key)
{
	uint64_t hash = 14695981039346656037u;
	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

/* The slot of the key, or the free one where it would be. */
static uint32_t *slot_of(const struct kept_list *l, const char *key)
{
	size_t i = hash_of(key) & (l->n_slots - 1);
	while (l->slots[i] && strcmp(l->list[l->slots[i] - 1].key, key) != 0)
		i = (i + 1) & (l->n_slots - 1);
	return &l->slots[i];
}

static void grow(struct kept_list *l)
{
	if (l->n_slots && 2 * (l->n + 1) <= l->n_slots)
		return;
	l->n_slots = l->n_slots ? 2 * l->n_slots : SLOTS_FIRST;
	free(l->slots);
	l->slots = xcalloc(l->n_slots, sizeof *l->slots);
	for (size_t i = 0; i < l->n; i++)
		*slot_of(l, l->list[i].key) = (uint32_t)(i + 1);
}

struct kept *kept_find(struct kept_list *l, const char *key)
{
	grow(l);
	uint32_t *slot = slot_of(l, key);
	if (*slot)
		return &l->list[*slot - 1];
	if ((l->n & (l->n - 1)) == 0)
		l->list = xrealloc(l->list, l->n ? 2 * l->n : 1, sizeof *l->list);
	l->list[l->n] = (struct kept){.key = xstrdup(key), .admitted_life_ms = INT64_MIN / 2};
	*slot = (uint32_t)++l->n;
	return &l->list[l->n - 1];
}

void kept_done(struct kept_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->list[i].key);
		free(l->list[i].fields);
		free(l->list[i].waiting);
		shared_unref(l->list[i].line);
	}
	free(l->list);
	free(l->slots);
	*l = (struct kept_list){.n = 0};
}
