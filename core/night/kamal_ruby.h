/* Ruby inside Kamal's file. */
#ifndef CORE_NIGHT_KAMAL_RUBY_H
#define CORE_NIGHT_KAMAL_RUBY_H

#include "core/base/yaml.h"
#include "core/night/kamal.h"

/* The first line whose value depends on Ruby, from 1; 0 for none. An `<%= %>` in a comment does not count.
 * `doc` is the same text as a tree, or NULL when it is no YAML. */
int kamal_ruby_line(const char *text, const struct yaml_doc *doc);
/* Asks the repository's Kamal for the merged configuration. NULL and a sentence when it does not tell. */
struct yaml_doc *kamal_ruby_read(const struct kamal_source *source, struct err *err);

#endif
