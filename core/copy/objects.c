/* Objects of both sides, held side by side: see objects.h. */
#include "core/base/text.h"
#include "core/copy/objects_inner.h"
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *name, *definition;
	bool broken;
};
struct entries {
	struct pg_result *result;
	struct entry *list;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->definition, y->definition);
}

static int look(struct pg *pg, const struct object_look *kind, struct entries *out, struct err *err)
{
	*out = (struct entries){.result = pg_query(pg, kind->sql, NULL, err)};
	if (!out->result)
		return -1;
	out->n = pg_rows(out->result);
	out->list = xcalloc(out->n + 1, sizeof *out->list);
	for (size_t i = 0; i < out->n; i++)
		out->list[i] = (struct entry){pg_get(out->result, i, 0), pg_get(out->result, i, 1),
					      pg_get_bool(out->result, i, 2)};
	qsort(out->list, out->n, sizeof *out->list, by_name);
	return 0;
}

static void entries_done(struct entries *entries)
{
	free(entries->list);
	pg_result_free(entries->result);
}

static void clean(char *out, size_t size, const char *text)
{
	text_clean(out, size, text, strlen(text));
}

/* Schemas that extensions live in, on either side: "heroku_ext.". */
struct schemas {
	char list[32][72];
	size_t n;
};

static int look_schemas(struct pg *pg, struct schemas *out, struct err *err)
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

static void add_without(struct buf *out, const char *text, const struct schemas *schemas)
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
static bool same_definition(const char *a, const char *b, const struct schemas *schemas)
{
	struct buf x = {0}, y = {0};
	if (text_equal(a, b))
		return true;
	add_without(&x, a, schemas);
	add_without(&y, b, schemas);
	bool same = text_equal(buf_text(&x), buf_text(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

struct both {
	struct schemas schemas;
	bool same_major; /* what one prints the other prints alike */
};

static struct copy_object *note(struct copy_objects *out, struct copy_kind *kind, enum copy_how how,
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

static void differs(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		    const struct entry *a, const struct entry *b, const struct both *both)
{
	char was[70], is[70];
	bool behind = look->data && strtoll(b->definition, NULL, 10) < strtoll(a->definition, NULL, 10);
	if (look->data ? !behind : same_definition(a->definition, b->definition, &both->schemas))
		return;
	bool grave = !look->slight && (both->same_major || !look->printed);
	struct copy_object *o = note(out, kind, behind ? COPY_BROKEN : COPY_DIFFERS, grave, a->name);
	if (!o)
		return;
	clean(was, sizeof was, a->definition);
	clean(is, sizeof is, b->definition);
	if (behind)
		text_copyf(o->text, sizeof o->text, "%s %s is behind: %s on OLD, %s on NEW; %s", look->kind,
			   o->name, was, is, look->mend);
	else
		text_copyf(o->text, sizeof o->text, "%s %s differs: OLD \"%s\", NEW \"%s\"%s", look->kind,
			   o->name, was, is,
			   grave || look->slight ? "" : "; other majors may print the same in another way");
}

static void only(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		 const struct entry *e, bool on_old)
{
	bool grave = !look->slight && (on_old || look->extra_grave);
	struct copy_object *o = note(out, kind, on_old ? COPY_MISSING : COPY_EXTRA, grave, e->name);
	if (o && on_old)
		text_copyf(o->text, sizeof o->text, "%s %s is not on NEW: %s", look->kind, o->name,
			   look->mend);
	else if (o)
		text_copyf(o->text, sizeof o->text, "%s %s is only on NEW", look->kind, o->name);
}

static void broken(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		   const struct entry *e)
{
	struct copy_object *o = note(out, kind, COPY_BROKEN, !look->slight, e->name);
	if (o)
		text_copyf(o->text, sizeof o->text, "%s %s %s", look->kind, o->name, look->broken);
}

/* What nobody misses: tools of Heroku's own, which its servers all have. */
static bool heroku_only(const struct object_look *look, const struct entry *e)
{
	return (text_equal(look->kind, "extension") && text_equal(e->name, "pg_stat_statements")) ||
	       (text_equal(look->kind, "schema") && text_equal(e->name, "heroku_ext"));
}

static void hold(struct copy_objects *out, const struct object_look *look, const struct entries *a,
		 const struct entries *b, const struct both *both)
{
	struct copy_kind *kind = &out->kinds[out->n_kinds++];
	*kind = (struct copy_kind){look->kind, look->plural, a->n, b->n, 0, 0};
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
			differs(out, look, kind, &a->list[i], &b->list[j], both);
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

int copy_objects_compare(struct pg *old_pg, struct pg *new_pg, struct copy_objects *out, struct err *err)
{
	struct both both = {.same_major = pg_major(old_pg) == pg_major(new_pg)};
	*out = (struct copy_objects){0};
	int rc = look_schemas(old_pg, &both.schemas, err);
	if (rc == 0)
		rc = look_schemas(new_pg, &both.schemas, err);
	for (size_t i = 0; i < n_object_looks && rc == 0; i++) {
		struct entries a = {0}, b = {0};
		rc = look(old_pg, &object_looks[i], &a, err);
		if (rc == 0)
			rc = look(new_pg, &object_looks[i], &b, err);
		if (rc == 0)
			hold(out, &object_looks[i], &a, &b, &both);
		else
			err_wrap(err, "The %s could not be compared", object_looks[i].plural);
		entries_done(&a);
		entries_done(&b);
	}
	if (out->n)
		qsort(out->list, out->n, sizeof *out->list, grave_first);
	return rc;
}

void copy_objects_done(struct copy_objects *objects)
{
	free(objects->list);
	*objects = (struct copy_objects){0};
}
