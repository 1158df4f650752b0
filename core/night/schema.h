/* A map of a YAML file, described by a table: types, defaults and the sentences of wrong ones come from its
 * rows. */
#ifndef CORE_NIGHT_SCHEMA_H
#define CORE_NIGHT_SCHEMA_H

#include "core/base/yaml.h"

enum schema_type {
	SCHEMA_TEXT = 0,
	SCHEMA_INT,
	SCHEMA_FLAG,
	SCHEMA_DURATION, /* "90s" in the file, milliseconds in the result */
	SCHEMA_TEXTS,    /* a list of texts */
	SCHEMA_MAP,      /* by its own `fields` */
	SCHEMA_MAPS,     /* a list of those */
	SCHEMA_ANY,      /* as written */
};

struct schema_run;
struct schema {
	const char *name;
	enum schema_type type;
	bool required;
	const char *otherwise; /* the default as JSON text; NULL: left out of the result */
	const char *help;      /* what to write, for the sentence about a missing or wrong one */
	const struct schema *fields;
	const char *const *one_of;
	int64_t min, max;  /* of an int, when max is not 0 */
	size_t length_max; /* of a text in bytes, when not 0 */
	const char *as;    /* the name in the result, when it is another */
	/* One more look at a scalar, at each text of a list, or at a map. 0 or yaml_err(). */
	int (*check)(const struct schema_run *, const struct yaml *, struct err *);
	/* Writes the field itself, present or not (node NULL), instead of everything above. */
	int (*write)(const struct schema_run *, const struct yaml *node, struct jw *, struct err *);
};
struct schema_run {
	const struct yaml_doc *doc;
	/* A default from elsewhere for "host.address", as JSON text that stays valid; NULL for none. May be
	 * NULL. */
	const char *(*lookup)(void *arg, const char *dotted);
	void *arg;
};

/* Writes the fields of `map` (NULL: only defaults) into the open object of `w`. `where` is "" for the whole
 * file, else the dotted way to the map. Returns 0, or -1 and the first error. */
int schema_write(const struct schema_run *run, const struct yaml *map, const struct schema *fields,
		 const char *where, struct jw *w, struct err *err);
/* Refuses a scalar that holds a password (a URL with one): it must never get as far as an error's text. */
int schema_check_secret(const struct schema_run *run, const struct yaml *scalar, struct err *err);

#endif
