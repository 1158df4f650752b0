/* Two databases held side by side, for make bench and by hand.
 *
 *   compare OLD_URL NEW_URL [counts]     prints the seconds it took; 1 when they are not equal */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/compare.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	struct err err = {0};
	struct copy_compared compared = {0};
	const struct copy_compare_options options = {.content = argc == 3};
	int64_t began_ms = clock_life_ms();
	struct pg *old_pg = pg_open(NULL, "OLD", argv[1], PG_LOOK, &err);
	struct pg *new_pg = old_pg ? pg_open(NULL, "NEW", argv[2], PG_LOOK, &err) : NULL;
	int rc = new_pg ? copy_compare_run(old_pg, new_pg, &options, &compared, &err) : -1;
	if (rc == 0)
		printf("%.3f\n", (double)(clock_life_ms() - began_ms) / 1000);
	else
		fprintf(stderr, "%s\n", err.text);
	bool equal = rc == 0 && copy_all_equal(&compared);
	copy_compared_done(&compared);
	pg_close(old_pg);
	pg_close(new_pg);
	return equal ? 0 : 1;
}
