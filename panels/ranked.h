/* Tables by how much somebody wants to see them. What is compared stands side by side, and the tables come by
 * name: ten thousand of them are sorted at each drawing. */
#ifndef PANELS_RANKED_H
#define PANELS_RANKED_H

#include <stddef.h>
#include <stdint.h>

struct ranked {
	int rank;     /* the smallest stands first */
	int64_t rows; /* of one rank, the most */
	size_t at;    /* of as many rows, the first in its own list */
};

void ranked_sort(struct ranked *list, size_t n);

#endif
