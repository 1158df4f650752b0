/* What an extension needs on the new side, and what stands in its way. */
#include "core/links/pg_extensions.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

static bool is_skipped(const struct json *skip, const char *name)
{
	if (json_is_array(skip)) {
		for (const struct json *s = json_first(skip); s; s = json_next(s)) {
			if (text_equal(json_text(s), name))
				return true;
		}
		return false;
	}
	size_t len = strlen(name);
	for (const char *at = json_text(skip); at && (at = strstr(at, name)); at += len) {
		bool head = at == json_text(skip) || strchr(", ", at[-1]),
		     tail = !at[len] || strchr(", ", at[len]);
		if (head && tail)
			return true;
	}
	return false;
}

/* "1.10" is newer than "1.9". */
static int version_order(const char *a, const char *b)
{
	return strverscmp(a, b);
}

static void say(struct pg_want *w, enum verdict verdict, const char *text)
{
	w->verdict = verdict;
	text_copyf(w->text, sizeof w->text, "%s %s in %s: %s", w->name, w->version, w->schema, text);
	text_copyf(w->fact, sizeof w->fact, "%s %s", w->name, verdict_name(verdict));
}

static void judge(struct pg_want *w, const struct pg *pg)
{
	char text[160];
	const char *version = *w->has ? w->has : w->offered;
	if (w->skipped) {
		say(w, VERDICT_WARN, "left out on request");
	} else if (!w->installed && !*w->offered) {
		say(w, VERDICT_FAIL, "not available on NEW");
		text_copyf(w->fix, sizeof w->fix,
			   "The server of NEW does not offer the extension %s, which OLD uses: install its "
			   "package there (Debian: "
			   "postgresql-contrib or postgresql-%d-%s; in Docker: an image that has it), or set "
			   "prepare-target's skip if the "
			   "app does not need it.",
			   w->name, pg_major(pg), w->name);
	} else if (!w->installed && !w->may) {
		say(w, VERDICT_FAIL, "only a superuser may create it");
		text_copyf(w->fix, sizeof w->fix,
			   "Role %s may not create the extension %s on NEW: let a superuser run CREATE "
			   "EXTENSION in database %s, or use a "
			   "URL of a role that may.",
			   pg_user(pg), w->name, pg_database(pg));
	} else if (w->installed && !w->right_schema && !w->relocatable) {
		say(w, VERDICT_FAIL, "is in another schema on NEW and cannot be moved");
		text_copyf(w->fix, sizeof w->fix,
			   "The extension %s sits in another schema on NEW and cannot be moved to %s: run "
			   "wipe-target, "
			   "which removes it, then plan again.",
			   w->name, w->schema);
	} else if (version_order(version, w->version) < 0) {
		text_copyf(text, sizeof text, "NEW has only %s: newer functions of it would be missing",
			   version);
		say(w, VERDICT_WARN, text);
	} else {
		text_copyf(text, sizeof text, "%s %s",
			   !w->installed     ? "available as"
			   : w->right_schema ? "there as"
					     : "to be moved, there as",
			   version);
		say(w, VERDICT_PASS, text);
	}
}

static int look_one(struct pg *pg, struct pg_want *w, struct err *err)
{
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT coalesce(a.default_version, ''), coalesce(e.extversion, ''), coalesce(n.nspname, ''), "
	    "coalesce(e.extrelocatable, false), "
	    "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR coalesce((SELECT bool_or(NOT "
	    "v.superuser OR v.trusted) "
	    " FROM pg_available_extension_versions v WHERE v.name = $1 AND v.version = a.default_version), "
	    "false) "
	    " AND has_database_privilege(current_database(), 'CREATE') "
	    "FROM (SELECT $1::name AS name) q LEFT JOIN pg_available_extensions a ON a.name = q.name "
	    "LEFT JOIN pg_extension e ON e.extname = q.name LEFT JOIN pg_namespace n ON n.oid = "
	    "e.extnamespace",
	    PG_ARGS(w->name), err);
	if (!r)
		return -1;
	text_copy(w->offered, sizeof w->offered, pg_get(r, 0, 0));
	text_copy(w->has, sizeof w->has, pg_get(r, 0, 1));
	w->installed = *w->has;
	w->right_schema = text_equal(pg_get(r, 0, 2), w->schema);
	w->relocatable = pg_get_bool(r, 0, 3);
	w->may = pg_get_bool(r, 0, 4);
	pg_result_free(r);
	judge(w, pg);
	return 0;
}

int pg_wants_look(struct pg *pg, const struct pg_source *source, const struct json *skip,
		  struct pg_wants *out, struct err *err)
{
	*out = (struct pg_wants){.list = xcalloc(source->n_extensions + 1, sizeof *out->list)};
	for (size_t i = 0; i < source->n_extensions; i++) {
		struct pg_want *w = &out->list[out->n++];
		text_copy(w->name, sizeof w->name, source->extensions[i].name);
		text_copy(w->schema, sizeof w->schema, source->extensions[i].schema);
		text_copy(w->version, sizeof w->version, source->extensions[i].version);
		w->skipped = is_skipped(skip, w->name);
		if (look_one(pg, w, err) < 0)
			return -1;
		out->missing += !w->skipped && (!w->installed || !w->right_schema);
	}
	return 0;
}

void pg_wants_done(struct pg_wants *wants)
{
	free(wants->list);
	*wants = (struct pg_wants){0};
}

bool pg_want_sql(const struct pg_want *want, struct buf *sql)
{
	if (want->skipped || want->verdict == VERDICT_FAIL || (want->installed && want->right_schema))
		return false;
	if (!text_equal(want->schema, "public") && !text_equal(want->schema, "pg_catalog")) {
		buf_adds(sql, "CREATE SCHEMA IF NOT EXISTS ");
		pg_add_name(sql, want->schema);
		buf_adds(sql, "; GRANT USAGE ON SCHEMA ");
		pg_add_name(sql, want->schema);
		buf_adds(sql, " TO PUBLIC; ");
	}
	buf_adds(sql, want->installed ? "ALTER EXTENSION " : "CREATE EXTENSION IF NOT EXISTS ");
	pg_add_name(sql, want->name);
	buf_adds(sql, want->installed ? " SET SCHEMA " : " SCHEMA ");
	pg_add_name(sql, want->schema);
	return true;
}
