/* Making, copying and merging of YAML nodes, for core/base/yaml.c. All count against the document's limit,
 * because an alias of aliases of aliases is a small file and a full memory. */
#ifndef CORE_BASE_YAML_TREE_H
#define CORE_BASE_YAML_TREE_H

#include "core/base/yaml.h"

/* NULL: the document is full. */
struct yaml *yaml_node_new(struct yaml_doc *doc, enum yaml_kind kind, int line, int column);
struct yaml *yaml_node_copy(struct yaml_doc *doc, const struct yaml *from);
/* `<<` as Ruby reads it: a map, or maps of a list, put in over what stands above. 1: it is something else and
 * stays a key. -1: the document is full. */
int yaml_node_merge(struct yaml_doc *doc, struct yaml *map, const struct yaml *from);
/* At the end, or in the place of an earlier child of the same key. */
void yaml_node_put(struct yaml_doc *doc, struct yaml *map, struct yaml *child);
/* Out of the tree; an anchor may still name it, so it lives as long as the document. */
void yaml_node_drop(struct yaml_doc *doc, struct yaml *node);
/* With its children and those after it. */
void yaml_node_free(struct yaml *node);

#endif
