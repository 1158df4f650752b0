/* Many statements over a few connections, all in one poll(). */
#include "core/links/postgres_inner.h"
#include <stdlib.h>

static int lane_start(struct pg_lane *lane, const struct pg_errand *errand, struct err *err)
{
	struct buf sql = {0};
	int rc = 0;
	if (!errand->next(errand->ctx, lane, &sql)) {
		lane->spent = true;
	} else {
		rc = pg_send(lane->pg, buf_text(&sql), NULL, err);
		lane->busy = rc == 0;
	}
	buf_done(&sql);
	return rc;
}

/* A lost connection ends everything; a statement that was refused is the errand's to judge. */
static int lane_take(struct pg_lane *lane, const struct pg_errand *errand, struct err *err)
{
	struct err local = {0};
	struct pg_result *result = pg_take(lane->pg, &local);
	lane->busy = false;
	int rc = 0;
	if (!result && !pg_alive(lane->pg)) {
		rc = err_set(err, local.kind, "%s", local.text);
	} else if (errand->done(errand->ctx, lane, result, &local) < 0) {
		rc = err_set(err, local.kind, "%s", local.text);
	}
	pg_result_free(result);
	return rc;
}

static int lanes_step(struct pg_lane *lanes, size_t n, const struct pg_errand *errand, bool *idle,
		      struct err *err)
{
	*idle = true;
	for (size_t i = 0; i < n; i++) {
		if (!lanes[i].busy && !lanes[i].spent && lane_start(&lanes[i], errand, err) < 0)
			return -1;
		if (lanes[i].busy)
			*idle = false;
	}
	return 0;
}

static int lanes_wait(struct pg_lane *lanes, size_t n, const struct pg_errand *errand, struct err *err)
{
	struct pollfd *fds = xcalloc(n + 2, sizeof *fds);
	for (size_t i = 0; i < n; i++)
		fds[i] =
		    (struct pollfd){.fd = lanes[i].busy ? PQsocket(lanes[i].pg->conn) : -1, .events = POLLIN};
	int rc = pg_wait(lanes[0].pg, fds, n, 0);
	if (rc < 0)
		err_set(err, ERR_CANCELLED, PG_STOPPED, pg_name(lanes[0].pg));
	for (size_t i = 0; i < n && rc >= 0; i++) {
		if (lanes[i].busy && fds[i].revents && pg_pump(lanes[i].pg) != 0)
			rc = lane_take(&lanes[i], errand, err);
	}
	free(fds);
	return rc < 0 ? -1 : 0;
}

int pg_together(struct pg_lane *lanes, size_t n, const struct pg_errand *errand, struct err *err)
{
	bool idle = false;
	int rc = 0;
	for (size_t i = 0; i < n; i++)
		lanes[i].busy = lanes[i].spent = false;
	while (rc == 0 && n) {
		rc = lanes_step(lanes, n, errand, &idle, err);
		if (rc < 0 || idle)
			break;
		rc = lanes_wait(lanes, n, errand, err);
	}
	for (size_t i = 0; i < n; i++) {
		if (lanes[i].busy)
			pg_cancel(lanes[i].pg);
		lanes[i].busy = false;
	}
	return rc;
}
