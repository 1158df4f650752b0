/* Two clusters; see the header. */
#include "tests/copy/pair.h"
#include "core/base/text.h"
#include "core/copy/delta_guard.h"
#include "core/copy/delta_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

int pair_shell(const char *fmt, ...)
{
	struct buf command = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&command, fmt, ap);
	va_end(ap);
	int rc = system(buf_text(&command));
	buf_done(&command);
	return rc;
}

static bool start(const struct pair *p, int side)
{
	return pair_shell(
		   "cd %s && %s %s/pg_ctl -D %s/%d -w -l %s/log%d -o \"-p %d -c listen_addresses= -c "
		   "unix_socket_directories=%s -c fsync=off -c shared_buffers=32MB -c max_connections=40 -c "
		   "max_prepared_transactions=10 -c autovacuum_naptime=1s -c "
		   "autovacuum_freeze_max_age=2000000000\" start >/dev/null",
		   p->dir, p->as, p->bin, p->dir, side, p->dir, side, p->port[side], p->dir) == 0;
}

/* One leap of less than half the circle: all that is there is frozen first, or it would look like the future.
 * 32768 transactions are a page of pg_xact, 32 pages a file: the one where the next ones are kept must be
 * there. */
static bool leap(const struct pair *p, uint32_t to)
{
	return start(p, PAIR_OLD) &&
	       pair_shell(
		   "cd %s && %s/psql -XAtq -h %s -p %d -U tester -d postgres -c 'UPDATE pg_database SET "
		   "datallowconn = true' && %s/vacuumdb -q -a --freeze -h %s -p %d -U tester && %s %s/pg_ctl "
		   "-D "
		   "%s/0 -w stop >/dev/null && head -c 262144 /dev/zero | %s tee 0/pg_xact/%04X >/dev/null "
		   "&& %s "
		   "%s/pg_resetwal -x %u -e 3 -D %s/0 >/dev/null",
		   p->dir, p->bin, p->dir, p->port[0], p->bin, p->dir, p->port[0], p->as, p->bin, p->dir,
		   p->as, to / 32768 / 32, p->as, p->bin, to, p->dir) == 0;
}

int pair_up(void **state)
{
	struct pair *p = xcalloc(1, sizeof *p);
	*state = p;
	text_copy(p->dir, sizeof p->dir, "/tmp/nfcp.XXXXXX");
	FILE *found = popen("ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1", "r");
	if (found && fgets(p->bin, sizeof p->bin, found))
		p->bin[strcspn(p->bin, "\n")] = 0;
	if (found)
		pclose(found);
	if (!*p->bin || !mkdtemp(p->dir))
		return 0;
	if (geteuid() == 0) {
		text_copy(p->as, sizeof p->as, "setpriv --reuid=postgres --regid=postgres --clear-groups");
		pair_shell("chown postgres %s", p->dir);
	}
	p->up = true;
	for (int side = 0; side < 2; side++) {
		p->port[side] = 5432 + side;
		p->up =
		    p->up &&
		    pair_shell("cd %s && %s %s/initdb -D %s/%d -U tester -A trust -E UTF8 --locale=C.UTF-8 "
			       "--no-sync >/dev/null",
			       p->dir, p->as, p->bin, p->dir, side) == 0;
	}
	p->up = p->up && leap(p, 1500000000) && leap(p, 3000000000) && leap(p, 4294966000) &&
		start(p, PAIR_OLD) && start(p, PAIR_NEW);
	if (!p->up)
		pair_shell("tail -n 20 %s/log* >&2", p->dir);
	return p->up ? 0 : -1;
}

int pair_down(void **state)
{
	struct pair *p = *state;
	if (!p)
		return 0;
	for (int side = 0; side < 2 && *p->bin; side++)
		pair_shell("cd %s && %s %s/pg_ctl -D %s/%d -m immediate stop >/dev/null 2>&1", p->dir, p->as,
			   p->bin, p->dir, side);
	if (*p->bin)
		pair_shell("rm -rf %s", p->dir);
	free(p);
	return 0;
}

void pair_url(const struct pair *p, int side, const char *database, char *out, size_t size)
{
	text_copyf(out, size, "postgres://tester@%%2Ftmp%%2F%s:%d/%s", p->dir + strlen("/tmp/"),
		   p->port[side], database);
}

struct pg *pair_open(const struct pair *p, int side, const char *database)
{
	char url[160];
	struct err err = {0};
	pair_url(p, side, database, url, sizeof url);
	struct pg *pg = pg_open(NULL, side == PAIR_OLD ? "OLD" : "NEW", url, PG_ACT, &err);
	assert_string_equal(err.text, "");
	return pg;
}

void pair_schema(const struct pair *p, const char *database)
{
	char from[160], to[160];
	pair_url(p, PAIR_OLD, database, from, sizeof from);
	pair_url(p, PAIR_NEW, database, to, sizeof to);
	assert_int_equal(
	    pair_shell("%s/pg_dump --schema-only '%s' | %s/psql -XAtq -v ON_ERROR_STOP=1 '%s' >/dev/null",
		       p->bin, from, p->bin, to),
	    0);
}

void pair_equal(const struct pair *p, const char *database, const char *when)
{
	for (int side = 0; side < 2; side++) {
		char url[160];
		pair_url(p, side, database, url, sizeof url);
		/* A blob's owner line and pg_dump's own random words are no data. */
		assert_int_equal(
		    pair_shell(
			"%s/pg_dump --data-only --exclude-schema=nightferry '%s' | grep -v -e '^--' -e "
			"'^.restrict' -e '^.unrestrict' | LC_ALL=C sort >%s/dump%d",
			p->bin, url, p->dir, side),
		    0);
	}
	if (pair_shell("diff %s/dump0 %s/dump1 >%s/diff", p->dir, p->dir, p->dir) != 0) {
		pair_shell("head -n 20 %s/diff | cut -c 1-200 >&2", p->dir);
		fail_msg("%s: the two databases differ in %s", when, database);
	}
}

/* A copy as plain as can be, in one snapshot. */
void pair_warm(const struct pair *p, const char *database, void (*between)(void *ctx), void *ctx)
{
	struct err err = {0};
	struct pg *source = pair_open(p, PAIR_OLD, database), *target = pair_open(p, PAIR_NEW, database);
	struct copy_boundary boundary;
	struct delta_tables tables;
	struct delta_pair pair = {.source = source, .target = target};
	int rc = copy_boundary_open(source, &boundary, NULL, 0, &err);
	if (rc == 0)
		rc = delta_tables_look(source, NULL, &tables, &err);
	if (rc == 0)
		rc = warm_state_make(target, &boundary, tables.types, &err);
	if (rc == 0)
		rc = pg_exec(target, &err, "SET session_replication_role = replica");
	for (size_t i = 0; rc == 0 && i < tables.n; i++) {
		const struct delta_table *t = &tables.list[i];
		int64_t rows, bytes = 0;
		char *out = xasprintf("COPY (SELECT %s FROM %s) TO STDOUT", t->columns, t->from);
		char *in = xasprintf("COPY %s (%s) FROM STDIN", t->from + strlen("ONLY "), t->columns);
		struct buf again = {0};
		rc = delta_guard_hush(target, false, t, &again, &err);
		if (rc == 0)
			rc = delta_pump(&pair, out, in, &rows, &bytes, &err);
		if (rc == 0 && again.len)
			rc = pg_exec(target, &err, "%s", buf_text(&again));
		buf_done(&again);
		if (rc == 0)
			rc = warm_state_copied(target, t, boundary.xid, rows, &err);
		free(out);
		free(in);
		if (between)
			between(ctx);
	}
	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	delta_tables_done(&tables);
	pg_close(source);
	pg_close(target);
}
