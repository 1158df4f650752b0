/* Nodes of YAML trees. No library in here. */
#include "core/base/yaml_tree.h"

#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 20000 };

struct yaml *yaml_node_new(struct yaml_doc *doc, enum yaml_kind kind, int line, int column)
{
	struct yaml *node;

	if (doc->nodes >= NODES_MAX)
		return NULL;
	doc->nodes++;
	node = xcalloc(1, sizeof(*node));
	*node = (struct yaml){.kind = kind, .line = line, .column = column};
	return node;
}

static void copy_key(struct yaml *to, const struct yaml *from)
{
	to->key = from->key ? xstrdup(from->key) : NULL;
	to->key_quoted = from->key_quoted;
	to->key_line = from->key_line;
	to->key_column = from->key_column;
}

struct yaml *yaml_node_copy(struct yaml_doc *doc, const struct yaml *from)
{
	struct yaml *node = yaml_node_new(doc, from->kind, from->line, from->column), **tail;

	if (!node)
		return NULL;
	node->quoted = from->quoted;
	node->text = from->text ? xstrdup(from->text) : NULL;
	tail = &node->first;
	for (const struct yaml *child = from->first; child; child = child->next) {
		*tail = yaml_node_copy(doc, child);
		if (!*tail) {
			yaml_node_free(node);
			return NULL;
		}
		copy_key(*tail, child);
		tail = &(*tail)->next;
	}
	return node;
}

int yaml_node_merge(struct yaml_doc *doc, struct yaml *map, const struct yaml *from)
{
	struct yaml **tail = &map->first;

	if (from->kind == YAML_LIST) {
		for (const struct yaml *n = from->first; n; n = n->next)
			if (yaml_node_merge(doc, map, n))
				return -1;
		return 0;
	}
	while (*tail)
		tail = &(*tail)->next;
	for (const struct yaml *n = from->first; n; n = n->next) {
		if (!n->key || yaml_get(map, n->key))
			continue;
		*tail = yaml_node_copy(doc, n);
		if (!*tail)
			return -1;
		copy_key(*tail, n);
		tail = &(*tail)->next;
	}
	return 0;
}

void yaml_node_free(struct yaml *node)
{
	while (node) {
		struct yaml *next = node->next;

		yaml_node_free(node->first);
		free(node->text);
		free(node->key);
		free(node);
		node = next;
	}
}
