/* Making, copying and merging of YAML nodes, for core/base/yaml.c. All count against the document's limit,
 * because an alias of aliases of aliases is a small file and a full memory. */
#ifndef CORE_BASE_YAML_TREE_H
#define CORE_BASE_YAML_TREE_H

#include "core/base/yaml.h"

/* NULL: the document is full. */
struct yaml *yaml_node_new(struct yaml_doc *doc, enum yaml_kind kind, int line, int column);
struct yaml *yaml_node_copy(struct yaml_doc *doc, const struct yaml *from);
/* `<<`: copies what `map` does not say itself, from a map or a list of maps. -1: the document is full. */
int yaml_node_merge(struct yaml_doc *doc, struct yaml *map, const struct yaml *from);
/* With its children and those after it. */
void yaml_node_free(struct yaml *node);

#endif
