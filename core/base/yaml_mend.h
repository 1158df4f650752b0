/* Troubles of YAML texts, for core/base/yaml.c. Lines and columns from 1. */
#ifndef CORE_BASE_YAML_MEND_H
#define CORE_BASE_YAML_MEND_H

#include <stdbool.h>
#include <stddef.h>

/* Our words for what the library says; NULL for a message that is not known. */
const char *yaml_mend(const char *says);
/* A tab that indents `line` or the one after it. */
bool yaml_find_tab(const char *text, int *line, int *column);
/* NULL when all is UTF-8 without NUL, else what is wrong at the place. */
const char *yaml_find_bad_byte(const char *text, size_t len, int *line, int *column);

#endif
