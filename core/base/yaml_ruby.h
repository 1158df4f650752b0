/* What Ruby makes of a plain YAML scalar. Kamal asks its values for their Ruby class, so that `port: "5432"`
 * and `port: 5432` are two things to it, and `0755` or `22:22` are numbers. */
#ifndef CORE_BASE_YAML_RUBY_H
#define CORE_BASE_YAML_RUBY_H

#include "core/base/yaml.h"

enum ruby_type {
	RUBY_NIL = 0,
	RUBY_BOOL,
	RUBY_INT,
	RUBY_FLOAT,
	RUBY_TEXT,
	RUBY_SYMBOL, /* :name */
	RUBY_DATE,   /* a day or a time */
	RUBY_LIST,
	RUBY_MAP,
};
/* RUBY_NIL also for NULL. `number`, when asked for, gets the value of an int; 0 for any other and for one
 * that does not fit. */
enum ruby_type ruby_type(const struct yaml *node, int64_t *number);
/* The value as Ruby prints it ("493" for 0755, "true" for yes); "" for nil, lists and maps. Returns `out`. */
const char *ruby_text(const struct yaml *node, char *out, size_t size);
bool ruby_true(const struct yaml *node);  /* anything but nil and false */
bool ruby_blank(const struct yaml *node); /* nil, false, empty, or nothing but blanks */

#endif
