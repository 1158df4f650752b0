/* The fact "source": what the old database was when nobody wrote any more. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pg_tables.h"
#include <stdlib.h>
#include <string.h>

static int look_extensions(struct pg *pg, struct pg_source *out, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT e.extname, n.nspname, e.extversion FROM pg_extension e "
		     "JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql' ORDER BY 1",
		     NULL, err);
	if (!r)
		return -1;
	out->n_extensions = pg_rows(r);
	out->extensions = xcalloc(out->n_extensions ? out->n_extensions : 1, sizeof *out->extensions);
	for (size_t i = 0; i < out->n_extensions; i++) {
		struct pg_extension *e = &out->extensions[i];
		text_copy(e->name, sizeof e->name, pg_get(r, i, 0));
		text_copy(e->schema, sizeof e->schema, pg_get(r, i, 1));
		text_copy(e->version, sizeof e->version, pg_get(r, i, 2));
	}
	pg_result_free(r);
	return 0;
}

/* What a server may keep to itself; a copy goes well without knowing it. */
static void look_server(struct pg *pg, struct pg_source *out)
{
	pg_value(pg, "SELECT system_identifier FROM pg_control_system()", NULL, out->cluster,
		 sizeof out->cluster, NULL);
	pg_value(
	    pg,
	    "SELECT current_setting('shared_preload_libraries') WHERE pg_has_role('pg_read_all_settings', "
	    "'USAGE')",
	    NULL, out->preload, sizeof out->preload, NULL);
	if (pg_major(pg) >= 15)
		pg_value(pg,
			 "SELECT coalesce(pg_database_collation_actual_version(oid), '') FROM pg_database "
			 "WHERE datname = current_database()",
			 NULL, out->actual, sizeof out->actual, NULL);
}

/* reset_val is what a new session of this login starts with, whatever ours has set. */
static int look_database(struct pg *pg, struct pg_source *out, struct err *err)
{
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT current_setting('server_version'), pg_encoding_to_char(d.encoding), d.datcollate, "
	    "d.datctype, "
	    "pg_database_size(d.oid), (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), "
	    "CASE coalesce(j->>'datlocprovider', 'c') WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu ' || "
	    "coalesce(j->>'datlocale', j->>'daticulocale', '') ELSE 'builtin ' || coalesce(j->>'datlocale', "
	    "'') "
	    "END, coalesce(j->>'datcollversion', '') "
	    "FROM pg_database d, LATERAL to_jsonb(d) j WHERE d.datname = current_database()",
	    NULL, err);
	if (!r)
		return -1;
	text_clean(out->server_version, sizeof out->server_version, pg_get(r, 0, 0),
		   strcspn(pg_get(r, 0, 0), " "));
	text_copy(out->encoding, sizeof out->encoding, pg_get(r, 0, 1));
	text_copy(out->collate, sizeof out->collate, pg_get(r, 0, 2));
	text_copy(out->ctype, sizeof out->ctype, pg_get(r, 0, 3));
	out->size_bytes = pg_get_int(r, 0, 4);
	text_copy(out->search_path, sizeof out->search_path, pg_get(r, 0, 5));
	text_copy(out->provider, sizeof out->provider, pg_get(r, 0, 6));
	text_copy(out->made, sizeof out->made, pg_get(r, 0, 7));
	out->major = pg_major(pg);
	text_copy(out->database, sizeof out->database, pg_database(pg));
	pg_result_free(r);
	return 0;
}

int pg_source_look(struct pg *pg, struct pg_source *out, struct err *err)
{
	*out = (struct pg_source){.at_ms = clock_wall_ms()};
	if (pg_stand(pg, &out->stand, err) < 0 || look_database(pg, out, err) < 0 ||
	    look_extensions(pg, out, err) < 0 || pg_access_look(pg, &out->access, err) < 0 ||
	    pg_sequences_look(pg, &out->sequences, err) < 0 || pg_tables_look(pg, &out->tables, err) < 0)
		return -1;
	look_server(pg, out);
	return 0;
}

void pg_source_write(struct jw *w, const struct pg_source *source)
{
	jw_arr(w, "tables");
	for (size_t i = 0; i < source->tables.n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "schema", source->tables.list[i].schema);
		jw_str(w, "name", source->tables.list[i].name);
		jw_int(w, "rows", source->tables.list[i].rows);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "sequences");
	for (size_t i = 0; i < source->sequences.n; i++) {
		const struct pg_sequence *s = &source->sequences.list[i];
		jw_obj(w, NULL);
		jw_str(w, "schema", s->schema);
		jw_str(w, "name", s->name);
		if (s->called)
			jw_strf(w, "last", "%lld", (long long)s->last);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "extensions");
	for (size_t i = 0; i < source->n_extensions; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", source->extensions[i].name);
		jw_str(w, "schema", source->extensions[i].schema);
		jw_str(w, "version", source->extensions[i].version);
		jw_end(w);
	}
	jw_end(w);
	jw_str(w, "database", source->database);
	jw_str(w, "server_version", source->server_version);
	jw_int(w, "major", source->major);
	jw_str(w, "encoding", source->encoding);
	jw_str(w, "collate", source->collate);
	jw_str(w, "ctype", source->ctype);
	jw_str(w, "search_path", source->search_path);
	jw_int(w, "size_bytes", source->size_bytes);
	jw_int(w, "at_ms", source->at_ms);
	jw_int(w, "rows", pg_tables_rows(&source->tables));
	jw_str(w, "cluster", source->cluster);
	jw_str(w, "provider", source->provider);
	jw_str(w, "collation_version", source->made);
	jw_str(w, "preload", source->preload);
	pg_access_write(w, &source->access);
	jw_strf(w, "stand", "%lld", (long long)source->stand);
}

static void read_tables(const struct json *list, struct pg_tables *out)
{
	out->list = xcalloc(json_count(list) + 1, sizeof *out->list);
	for (const struct json *t = json_first(list); t; t = json_next(t)) {
		struct pg_table *table = &out->list[out->n++];
		text_copy(table->schema, sizeof table->schema, json_str(t, "schema", ""));
		text_copy(table->name, sizeof table->name, json_str(t, "name", ""));
		pg_label(table->label, sizeof table->label, table->schema, table->name);
		table->rows = json_int(t, "rows", -1);
	}
	pg_tables_sort(out);
}

static void read_sequences(const struct json *list, struct pg_sequences *out)
{
	out->list = xcalloc(json_count(list) + 1, sizeof *out->list);
	for (const struct json *s = json_first(list); s; s = json_next(s)) {
		struct pg_sequence *sequence = &out->list[out->n++];
		text_copy(sequence->schema, sizeof sequence->schema, json_str(s, "schema", ""));
		text_copy(sequence->name, sizeof sequence->name, json_str(s, "name", ""));
		pg_label(sequence->label, sizeof sequence->label, sequence->schema, sequence->name);
		sequence->called = json_get(s, "last") != NULL;
		sequence->last = strtoll(json_str(s, "last", "0"), NULL, 10);
		sequence->most = INT64_MIN;
	}
}

bool pg_source_read(const struct json *fact, struct pg_source *out)
{
	*out = (struct pg_source){0};
	if (!json_get(fact, "tables"))
		return false;
	read_tables(json_get(fact, "tables"), &out->tables);
	read_sequences(json_get(fact, "sequences"), &out->sequences);
	const struct json *list = json_get(fact, "extensions");
	out->extensions = xcalloc(json_count(list) + 1, sizeof *out->extensions);
	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		struct pg_extension *extension = &out->extensions[out->n_extensions++];
		text_copy(extension->name, sizeof extension->name, json_str(e, "name", ""));
		text_copy(extension->schema, sizeof extension->schema, json_str(e, "schema", "public"));
		text_copy(extension->version, sizeof extension->version, json_str(e, "version", ""));
	}
	text_copy(out->database, sizeof out->database, json_str(fact, "database", ""));
	text_copy(out->server_version, sizeof out->server_version, json_str(fact, "server_version", ""));
	out->major = (int)json_int(fact, "major", strtol(out->server_version, NULL, 10));
	text_copy(out->encoding, sizeof out->encoding, json_str(fact, "encoding", ""));
	text_copy(out->collate, sizeof out->collate, json_str(fact, "collate", ""));
	text_copy(out->ctype, sizeof out->ctype, json_str(fact, "ctype", ""));
	text_copy(out->search_path, sizeof out->search_path, json_str(fact, "search_path", ""));
	text_copy(out->cluster, sizeof out->cluster, json_str(fact, "cluster", ""));
	text_copy(out->provider, sizeof out->provider, json_str(fact, "provider", ""));
	text_copy(out->made, sizeof out->made, json_str(fact, "collation_version", ""));
	text_copy(out->preload, sizeof out->preload, json_str(fact, "preload", ""));
	pg_access_read(fact, &out->access);
	out->size_bytes = json_int(fact, "size_bytes", 0);
	out->at_ms = json_int(fact, "at_ms", 0);
	out->stand = strtoll(json_str(fact, "stand", "0"), NULL, 10);
	return true;
}

void pg_source_done(struct pg_source *source)
{
	pg_tables_done(&source->tables);
	free(source->sequences.list);
	free(source->extensions);
	pg_access_done(&source->access);
	*source = (struct pg_source){0};
}

bool pg_same_locale(const char *a, const char *b)
{
	for (; *a || *b; a++, b++) {
		while (*a == '-')
			a++;
		while (*b == '-')
			b++;
		if ((*a | 32) != (*b | 32))
			return false;
		if (!*a || !*b)
			return *a == *b;
	}
	return true;
}
