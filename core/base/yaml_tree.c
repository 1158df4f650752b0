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
	node->file = from->file;
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

void yaml_node_drop(struct yaml_doc *doc, struct yaml *node)
{
	node->next = doc->dropped;
	doc->dropped = node;
}

void yaml_node_put(struct yaml_doc *doc, struct yaml *map, struct yaml *child)
{
	struct yaml **at = &map->first, *old;

	while (*at && (map->kind != YAML_MAP || strcmp((*at)->key, child->key) != 0))
		at = &(*at)->next;
	old = *at;
	child->next = old ? old->next : NULL;
	*at = child;
	if (old)
		yaml_node_drop(doc, old);
}

static int put_copy(struct yaml_doc *doc, struct yaml *map, const struct yaml *from)
{
	struct yaml *copy = yaml_node_copy(doc, from);

	if (!copy)
		return -1;
	copy_key(copy, from);
	yaml_node_put(doc, map, copy);
	return 0;
}

static bool can_merge(const struct yaml *from)
{
	const struct yaml *n = from->first;

	while (from->kind == YAML_LIST && n && n->kind == YAML_MAP)
		n = n->next;
	return from->kind == YAML_MAP || (from->kind == YAML_LIST && !n);
}

int yaml_node_merge(struct yaml_doc *doc, struct yaml *map, const struct yaml *from)
{
	if (!can_merge(from))
		return 1;
	if (from->kind == YAML_LIST) {
		/* The first of the list has the last word. */
		for (size_t left = yaml_count(from); left > 0; left--) {
			const struct yaml *n = from->first;

			for (size_t i = 1; i < left; i++)
				n = n->next;
			if (yaml_node_merge(doc, map, n))
				return -1;
		}
		return 0;
	}
	for (const struct yaml *n = from->first; n; n = n->next)
		if (put_copy(doc, map, n))
			return -1;
	return 0;
}

static void mark_file(struct yaml *node, const char *file)
{
	for (; node; node = node->next) {
		node->file = file;
		mark_file(node->first, file);
	}
}

static int lay_over(struct yaml_doc *doc, struct yaml *map, const struct yaml *from)
{
	for (const struct yaml *n = from->first; n; n = n->next) {
		struct yaml *at = map->first;

		while (at && strcmp(at->key, n->key) != 0)
			at = at->next;
		if (at && at->kind == YAML_MAP && n->kind == YAML_MAP ? lay_over(doc, at, n)
								      : put_copy(doc, map, n))
			return -1;
	}
	return 0;
}

int yaml_overlay(struct yaml_doc *doc, struct yaml_doc *over, struct err *err)
{
	free(doc->over);
	doc->over = xstrdup(over->file);
	mark_file(over->root, doc->over);
	if (doc->root && over->root && doc->root->kind == YAML_MAP && over->root->kind == YAML_MAP &&
	    lay_over(doc, doc->root, over->root) == 0)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "%s cannot be laid over %s: both must be maps, with 20,000 values together at most.",
		       over->file, doc->file);
}

struct yaml_doc *yaml_layered(const struct yaml_doc *doc, const struct yaml *base, const struct yaml *over)
{
	struct yaml_doc *out = xcalloc(1, sizeof(*out));

	out->file = xstrdup(doc->file);
	out->mode = doc->mode;
	out->root = base && base->kind == YAML_MAP ? yaml_node_copy(out, base)
						   : yaml_node_new(out, YAML_MAP, base ? base->line : 1, 1);
	if (out->root && (!over || over->kind != YAML_MAP || lay_over(out, out->root, over) == 0))
		return out;
	yaml_free(out);
	return NULL;
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
