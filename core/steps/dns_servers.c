#include "core/steps/dns_servers.h"
#include "core/base/clock.h"

enum { PAUSE_MS = 1000 };

struct dns_left dns_servers_wait(struct job *job, struct dns_matrix *matrix, dns_left_fn *look,
				 const void *ctx, bool told_only, int64_t wait_ms)
{
	int64_t until_ms = clock_life_ms() + wait_ms;
	for (;;) {
		struct dns_left left = {0};
		look(matrix, ctx, &left);
		job_progress(job, (int64_t)(left.all - left.n), (int64_t)left.all, "items", left.who);
		if (!(told_only ? left.told : left.n) || clock_life_ms() >= until_ms ||
		    job_wait(job, PAUSE_MS))
			return left;
		if (matrix)
			dns_matrix_ask_authoritative(matrix);
	}
}

bool dns_tells_nothing(const struct dns_seen *seen)
{
	return seen->state == DNS_CELL_SILENT || seen->state == DNS_CELL_REFUSED ||
	       seen->state == DNS_CELL_FAIL;
}
