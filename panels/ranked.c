#include "panels/ranked.h"
#include <stdlib.h>

static int by_interest(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank - y->rank;
	if (x->rows != y->rows)
		return x->rows < y->rows ? 1 : -1;
	return (x->at > y->at) - (x->at < y->at);
}

void ranked_sort(struct ranked *list, size_t n)
{
	qsort(list, n, sizeof(*list), by_interest);
}
