/* The looks of objects.c. */
#ifndef CORE_COPY_OBJECTS_INNER_H
#define CORE_COPY_OBJECTS_INNER_H

#include "core/copy/objects.h"

struct object_look {
	const char *kind, *plural;
	/* name, definition, "t" when it is broken; in any order. */
	const char *sql;
	const char *broken; /* what broken means, after the name */
	const char *mend;   /* for what is missing or differs */
	bool slight;        /* no difference of it is grave */
	bool extra_grave;   /* one that only NEW has is grave as well */
	/* Printed by the server from its own form: another major may print the same in another way. */
	bool printed;
	bool follows; /* there whenever its object is, and that is told by another look */
	bool data;    /* the definition is a number that only must not be behind */
	bool hidden;  /* the definition may hold a secret, and is never shown */
};
/* What makes a row be what it is, and what few apps have beside that; then who may do what with it and what
 * stands beside it, and how it is set. */
extern const struct object_look object_looks[], object_looks_rare[], object_looks_beside[],
    object_looks_settings[];
extern const size_t n_object_looks, n_object_looks_rare, n_object_looks_beside, n_object_looks_settings;

/* One side's answer to a look, by name. */
struct object_entry {
	const char *name, *definition;
	bool broken;
};
struct object_entries {
	struct pg_result *result;
	struct object_entry *list;
	size_t n;
};
/* Where both sides differ goes to `out` and is counted in `kind`. */
struct object_schemas;
struct object_pair {
	const struct object_entries *old_side, *new_side;
	bool same_major;                      /* what one prints the other prints alike */
	const struct object_schemas *schemas; /* of extensions, left out of definitions; NULL: none */
};
int object_entries_look(struct pg *pg, const char *sql, const char *const *args, struct object_entries *out,
			struct err *err);
void object_entries_done(struct object_entries *entries);
void objects_hold(struct copy_objects *out, const struct object_look *look, struct copy_kind *kind,
		  const struct object_pair *pair);
struct copy_object *objects_note(struct copy_objects *out, struct copy_kind *kind, enum copy_how how,
				 bool grave, const char *name);
struct copy_kind *objects_kind(struct copy_objects *out, const char *kind, const char *plural);

/* Large objects, by content. Adds a kind of its own. */
int objects_large(struct pg *old_pg, struct pg *new_pg, struct copy_objects *out, struct err *err);

/* ---- words of the looks ---- */

#define USERS " n.nspname NOT IN ('information_schema', '_heroku') AND n.nspname !~ '^pg_' "
#define OWN(class, oid)                                                                                   \
	" NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '" class "'::regclass AND x.objid = " oid \
									 " AND x.deptype = 'e') "
/* What people call a relation: public is not said. */
#define REL(n, c) " CASE " n ".nspname WHEN 'public' THEN '' ELSE " n ".nspname || '.' END || " c ".relname "
#define IN_SCHEMA " CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END "
#define FUNCTION IN_SCHEMA "|| p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' "
#define WHO(oid) " CASE " oid " WHEN 0 THEN 'everybody' ELSE " ROLE(oid) " END "
/* Left out are rights of an owner and of the app's own role, which repair gives and proves, and MAINTAIN,
 * which servers before 17 do not have. */
#define OTHERS(owner)                                                                                     \
	" a.grantee <> " owner " AND a.privilege_type <> 'MAINTAIN' AND a.grantee <> (SELECT m.oid FROM " \
	"pg_roles m WHERE m.rolname = current_user) "
#define GRANTED " string_agg(a.privilege_type, ',' ORDER BY a.privilege_type COLLATE \"C\"), false "
#define ROLE(oid)                                                                                       \
	" CASE WHEN " oid " = (SELECT m.oid FROM pg_roles m WHERE m.rolname = current_user) THEN 'the " \
	"app''s role' ELSE pg_get_userbyid(" oid ") "                                                   \
	"END "

#endif
