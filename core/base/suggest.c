/* The nearest right word, by edit distance. */
#include "core/base/suggest.h"
#include "core/base/text.h"

#include <string.h>

enum { WORD_MAX = 48, FAR = 1000 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t row[3][WORD_MAX + 1], na = strlen(a), nb = strlen(b);
	size_t *before = row[0], *last = row[1], *now = row[2];

	if (na > WORD_MAX || nb > WORD_MAX)
		return strcmp(a, b) ? FAR : 0;
	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *oldest = before;

		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] =
			    least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[nb];
}

void suggest_offer(struct suggest *s, const char *right)
{
	size_t distance = suggest_distance(s->word, right);

	/* `image-name` for `image` is a longer way, but clearly meant. */
	if (distance > 2 && strlen(s->word) >= 3 &&
	    (text_starts(right, s->word) || text_starts(s->word, right)))
		distance = 2;
	if (!s->best || distance < s->distance) {
		s->best = right;
		s->distance = distance;
	}
}

const char *suggest_best(const struct suggest *s)
{
	size_t len = strlen(s->word);
	size_t allowed = len < 3 ? 1 : len < 6 ? 2 : len < 12 ? 3 : 4;

	return s->best && s->distance <= allowed && s->distance < len ? s->best : NULL;
}

const char *suggest_text(struct suggest *s, const char *otherwise)
{
	const char *best = suggest_best(s);

	if (!best)
		return otherwise;
	text_copyf(s->text, sizeof(s->text), "; did you mean \"%s\"?", best);
	return s->text;
}
