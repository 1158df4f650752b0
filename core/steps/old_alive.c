#include "core/steps/old_alive.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

/* A partitioned table is one table here, as it is for those who count it. */
static const char written_sql[] = "SELECT n.nspname, c.relname, sum(s.n_tup_ins + s.n_tup_upd + "
				  "s.n_tup_del)::bigint FROM pg_stat_user_tables s "
				  "JOIN pg_class c ON c.oid = coalesce(pg_partition_root(s.relid), s.relid) "
				  "JOIN pg_namespace n ON n.oid = c.relnamespace GROUP BY 1, 2 ORDER BY 1, 2";

int old_alive_record(struct job *job, struct pg *old, struct err *err)
{
	char label[130];
	struct jw w;
	if (!job_rehearsal(job))
		return 0;
	struct pg_result *r = pg_query(old, written_sql, NULL, err);
	if (!r)
		return -1;
	jw_fact(&w, "source-written", "");
	jw_obj(&w, "tables");
	for (size_t i = 0; i < pg_rows(r); i++) {
		pg_label(label, sizeof label, pg_get(r, i, 0), pg_get(r, i, 1));
		jw_int(&w, label, pg_get_int(r, i, 2));
	}
	jw_end(&w);
	pg_result_free(r);
	return job_record(job, &w, err);
}

void old_alive_look(struct job *job, struct pg *old, struct old_alive *out)
{
	const struct json *was = json_get(job_fact(job, "source-written", ""), "tables");
	*out = (struct old_alive){.rehearsal = job_rehearsal(job)};
	if (!out->rehearsal)
		return;
	struct pg_result *r = pg_query(old, written_sql, NULL, NULL);
	out->moved.list = xcalloc(pg_rows(r) + 1, sizeof *out->moved.list);
	for (size_t i = 0; i < pg_rows(r); i++) {
		struct pg_table *t = &out->moved.list[out->moved.n];
		pg_label(t->label, sizeof t->label, pg_get(r, i, 0), pg_get(r, i, 1));
		t->rows = pg_get_int(r, i, 2) - json_int(was, t->label, INT64_MAX / 2);
		out->moved.n += t->rows > 0;
	}
	pg_result_free(r);
}

bool old_alive_moved(const struct old_alive *alive, const char *label, int64_t was, int64_t is)
{
	if (!alive->rehearsal || was < 0 || is < 0)
		return false;
	bool moved = was != is;
	for (size_t i = 0; i < alive->moved.n && !moved; i++)
		moved = text_equal(alive->moved.list[i].label, label);
	return moved;
}

void old_alive_done(struct old_alive *alive)
{
	free(alive->moved.list);
	*alive = (struct old_alive){0};
}
