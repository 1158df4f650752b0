#include "core/links/pg_access.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

static const char roles_sql[] =
    "WITH mine AS (SELECT c.oid, c.relowner, c.relacl FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' "
    "AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = "
    "'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')), "
    "seen AS (SELECT relowner AS role, oid, 1 AS owns, 0 AS granted FROM mine UNION ALL "
    "SELECT DISTINCT a.grantee, mine.oid, 0, 1 FROM mine, aclexplode(mine.relacl) a WHERE a.grantee <> 0 AND "
    "a.grantee "
    "<> mine.relowner) "
    "SELECT pg_get_userbyid(role), sum(owns), sum(granted) FROM seen GROUP BY 1 ORDER BY 1";

int pg_access_look(struct pg *pg, struct pg_access *out, struct err *err)
{
	*out = (struct pg_access){0};
	struct pg_result *r = pg_query(pg, roles_sql, NULL, err);
	if (!r)
		return -1;
	out->n = pg_rows(r);
	out->list = xcalloc(out->n + 1, sizeof *out->list);
	for (size_t i = 0; i < out->n; i++) {
		text_clean(out->list[i].name, sizeof out->list[i].name, pg_get(r, i, 0),
			   strlen(pg_get(r, i, 0)));
		out->list[i].owns = pg_get_int(r, i, 1);
		out->list[i].granted = pg_get_int(r, i, 2);
	}
	pg_result_free(r);
	return pg_number(pg, "SELECT count(*) FROM pg_default_acl", NULL, &out->defaults, err);
}

void pg_access_write(struct jw *w, const struct pg_access *access)
{
	jw_arr(w, "roles");
	for (size_t i = 0; i < access->n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", access->list[i].name);
		jw_int(w, "owns", access->list[i].owns);
		jw_int(w, "granted", access->list[i].granted);
		jw_end(w);
	}
	jw_end(w);
	jw_int(w, "default_privileges", access->defaults);
}

void pg_access_read(const struct json *fact, struct pg_access *out)
{
	const struct json *list = json_get(fact, "roles");
	*out = (struct pg_access){.list = xcalloc(json_count(list) + 1, sizeof *out->list)};
	for (const struct json *r = json_first(list); r; r = json_next(r)) {
		struct pg_role *role = &out->list[out->n++];
		text_copy(role->name, sizeof role->name, json_str(r, "name", ""));
		role->owns = json_int(r, "owns", 0);
		role->granted = json_int(r, "granted", 0);
	}
	out->defaults = json_int(fact, "default_privileges", 0);
}

void pg_access_done(struct pg_access *access)
{
	free(access->list);
	*access = (struct pg_access){0};
}
