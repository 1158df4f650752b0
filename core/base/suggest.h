/* "did you mean ...?": the nearest of the words that would have been right. */
#ifndef CORE_BASE_SUGGEST_H
#define CORE_BASE_SUGGEST_H

#include <stddef.h>

/* Usage: struct suggest s = {.word = typed}; suggest_offer(&s, "each right word"); suggest_best(&s). */
struct suggest {
	const char *word;
	const char *best; /* borrowed from suggest_offer() */
	size_t distance;
	char text[96];
};
void suggest_offer(struct suggest *s, const char *right);
/* NULL when nothing is near enough to be meant. */
const char *suggest_best(const struct suggest *s);
/* `; did you mean "best"?`, or `otherwise` when nothing is near. */
const char *suggest_text(struct suggest *s, const char *otherwise);
/* Insertions, deletions, replacements and swaps of neighbours, each 1. Long words count as far away. */
size_t suggest_distance(const char *a, const char *b);

#endif
