/* Objects of both sides, held side by side: see objects.h. */
#include "core/base/text.h"
#include "core/copy/objects_inner.h"
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const struct object_entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->definition, y->definition);
}

int object_entries_look(struct pg *pg, const char *sql, const char *const *args, struct object_entries *out,
			struct err *err)
{
	*out = (struct object_entries){.result = pg_query(pg, sql, args, err)};
	if (!out->result)
		return -1;
	out->n = pg_rows(out->result);
	out->list = xcalloc(out->n + 1, sizeof *out->list);
	for (size_t i = 0; i < out->n; i++)
		out->list[i] = (struct object_entry){pg_get(out->result, i, 0), pg_get(out->result, i, 1),
						     pg_get_bool(out->result, i, 2)};
	qsort(out->list, out->n, sizeof *out->list, by_name);
	return 0;
}

void object_entries_done(struct object_entries *entries)
{
	free(entries->list);
	pg_result_free(entries->result);
}

static void clean(char *out, size_t size, const char *text)
{
	text_clean(out, size, text, strlen(text));
}

/* Schemas that extensions live in, on either side: "heroku_ext.". */
struct object_schemas {
	char list[32][72];
	size_t n;
};

static int look_schemas(struct pg *pg, struct object_schemas *out, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT DISTINCT quote_ident(n.nspname) || '.' FROM pg_extension e JOIN "
		     "pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname <> 'pg_catalog'",
		     NULL, err);
	for (size_t i = 0; i < pg_rows(r) && out->n < sizeof out->list / sizeof *out->list; i++)
		text_copy(out->list[out->n++], sizeof *out->list, pg_get(r, i, 0));
	pg_result_free(r);
	return r ? 0 : -1;
}

static void add_without(struct buf *out, const char *text, const struct object_schemas *schemas)
{
	while (*text) {
		size_t skip = 0;
		for (size_t i = 0; i < schemas->n && !skip; i++)
			skip = text_starts(text, schemas->list[i]) ? strlen(schemas->list[i]) : 0;
		if (!skip)
			buf_addc(out, *text++);
		text += skip;
	}
}

/* What an extension brings is the same in whatever schema it was put. */
static bool same_definition(const char *a, const char *b, const struct object_schemas *schemas)
{
	struct buf x = {0}, y = {0};
	if (text_equal(a, b) || !schemas)
		return text_equal(a, b);
	add_without(&x, a, schemas);
	add_without(&y, b, schemas);
	bool same = text_equal(buf_text(&x), buf_text(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

struct copy_kind *objects_kind(struct copy_objects *out, const char *kind, const char *plural)
{
	struct copy_kind *k = &out->kinds[out->n_kinds++];
	*k = (struct copy_kind){.kind = kind, .plural = plural};
	return k;
}

struct copy_object *objects_note(struct copy_objects *out, struct copy_kind *kind, enum copy_how how,
				 bool grave, const char *name)
{
	kind->grave += grave;
	kind->slight += !grave;
	out->grave += grave;
	out->slight += !grave;
	if (out->n == COPY_OBJECTS_MAX)
		return NULL;
	out->list = xrealloc(out->list, out->n + 1, sizeof *out->list);
	struct copy_object *o = &out->list[out->n++];
	*o = (struct copy_object){.kind = kind->kind, .how = how, .grave = grave};
	clean(o->name, sizeof o->name, name);
	return o;
}

/* Long definitions are told from a little before where they part. */
static void clean_from(char *out, size_t size, const char *text, const char *other)
{
	enum { BEFORE = 20 };
	size_t same = 0, len = strlen(text);
	while (text[same] && text[same] == other[same])
		same++;
	size_t at = len < size || same < BEFORE ? 0 : same - BEFORE;
	while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
		at--;
	text_copy(out, size, at ? "…" : "");
	size_t head = strlen(out);
	clean(out + head, size - head, text + at);
}

static void differs(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		    const struct object_entry *a, const struct object_entry *b,
		    const struct object_pair *pair)
{
	char was[70], is[70];
	bool behind = look->data && strtoll(b->definition, NULL, 10) < strtoll(a->definition, NULL, 10);
	if (look->data ? !behind : same_definition(a->definition, b->definition, pair->schemas))
		return;
	bool grave = !look->slight && (pair->same_major || !look->printed);
	struct copy_object *o = objects_note(out, kind, behind ? COPY_BROKEN : COPY_DIFFERS, grave, a->name);
	if (!o)
		return;
	clean_from(was, sizeof was, a->definition, b->definition);
	clean_from(is, sizeof is, b->definition, a->definition);
	if (look->hidden)
		text_copyf(o->text, sizeof o->text,
			   "%s %s differs in its options, which are not shown, as they may hold secrets: %s",
			   look->kind, o->name, look->mend);
	else if (behind)
		text_copyf(o->text, sizeof o->text, "%s %s is behind: %s on OLD, %s on NEW; %s", look->kind,
			   o->name, was, is, look->mend);
	else
		text_copyf(o->text, sizeof o->text, "%s %s differs: OLD \"%s\", NEW \"%s\"%s", look->kind,
			   o->name, was, is,
			   grave || look->slight ? "" : "; other majors may print the same in another way");
}

static void only(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		 const struct object_entry *e, bool on_old)
{
	if (look->follows)
		return;
	bool grave = !look->slight && (on_old || look->extra_grave);
	struct copy_object *o = objects_note(out, kind, on_old ? COPY_MISSING : COPY_EXTRA, grave, e->name);
	if (o && on_old)
		text_copyf(o->text, sizeof o->text, "%s %s is not on NEW: %s", look->kind, o->name,
			   look->mend);
	else if (o)
		text_copyf(o->text, sizeof o->text, "%s %s is only on NEW", look->kind, o->name);
}

static void broken(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		   const struct object_entry *e)
{
	struct copy_object *o = objects_note(out, kind, COPY_BROKEN, !look->slight, e->name);
	if (o)
		text_copyf(o->text, sizeof o->text, "%s %s %s", look->kind, o->name, look->broken);
}

/* What nobody misses: tools of Heroku's own, which its servers all have. */
static bool heroku_only(const struct object_look *look, const struct object_entry *e)
{
	return (text_equal(look->kind, "extension") && text_equal(e->name, "pg_stat_statements")) ||
	       (text_equal(look->kind, "schema") && text_equal(e->name, "heroku_ext"));
}

void objects_hold(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		  const struct object_pair *pair)
{
	const struct object_entries *a = pair->old_side, *b = pair->new_side;
	struct object_look mild = *look;
	mild.slight = true;
	for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
		int order = i == a->n ? 1 : j == b->n ? -1 : strcmp(a->list[i].name, b->list[j].name);
		if (order < 0) {
			only(out, heroku_only(look, &a->list[i]) ? &mild : look, kind, &a->list[i], true);
			i++;
		} else if (order > 0) {
			only(out, look, kind, &b->list[j++], false);
		} else {
			differs(out, look, kind, &a->list[i], &b->list[j], pair);
			/* Not valid on OLD either is as it was. */
			if (b->list[j].broken && !a->list[i].broken)
				broken(out, look, kind, &b->list[j]);
			i++, j++;
		}
	}
}

static int grave_first(const void *a, const void *b)
{
	const struct copy_object *x = a, *y = b;
	if (x->grave != y->grave)
		return x->grave ? -1 : 1;
	if (x->how != y->how)
		return (int)x->how - (int)y->how;
	int order = strcmp(x->kind, y->kind);
	return order ? order : strcmp(x->name, y->name);
}

struct sides {
	struct pg *old_pg, *new_pg;
	struct object_schemas schemas;
	bool same_major;
};

static int compare_one(const struct sides *sides, const struct object_look *look, struct copy_objects *out,
		       struct err *err)
{
	struct object_entries a = {0}, b = {0};
	int rc = object_entries_look(sides->old_pg, look->sql, NULL, &a, err);
	if (rc == 0)
		rc = object_entries_look(sides->new_pg, look->sql, NULL, &b, err);
	if (rc == 0) {
		struct copy_kind *kind = objects_kind(out, look->kind, look->plural);
		kind->old_n = a.n;
		kind->new_n = b.n;
		objects_hold(out, look, kind,
			     &(struct object_pair){&a, &b, sides->same_major, &sides->schemas});
	} else {
		err_wrap(err, "The %s could not be compared", look->plural);
	}
	object_entries_done(&a);
	object_entries_done(&b);
	return rc;
}

int copy_objects_compare(struct pg *old_pg, struct pg *new_pg, struct copy_objects *out, struct err *err)
{
	struct sides sides = {
	    .old_pg = old_pg, .new_pg = new_pg, .same_major = pg_major(old_pg) == pg_major(new_pg)};
	*out = (struct copy_objects){0};
	int rc = look_schemas(old_pg, &sides.schemas, err);
	if (rc == 0)
		rc = look_schemas(new_pg, &sides.schemas, err);
	const struct {
		const struct object_look *list;
		size_t n;
	} all[] = {{object_looks, n_object_looks},
		   {object_looks_rare, n_object_looks_rare},
		   {object_looks_beside, n_object_looks_beside},
		   {object_looks_settings, n_object_looks_settings}};
	for (size_t k = 0; k < sizeof all / sizeof *all; k++)
		for (size_t i = 0; i < all[k].n && rc == 0; i++)
			rc = compare_one(&sides, &all[k].list[i], out, err);
	if (rc == 0)
		rc = objects_large(old_pg, new_pg, out, err);
	if (out->n)
		qsort(out->list, out->n, sizeof *out->list, grave_first);
	return rc;
}

void copy_objects_done(struct copy_objects *objects)
{
	free(objects->list);
	*objects = (struct copy_objects){0};
}
