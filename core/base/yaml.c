/* YAML text into a tree: libfyaml's events, its errors collected and told in our words. */
#include "core/base/yaml.h"
#include "core/base/text.h"
#include "core/base/yaml_mend.h"
#include "core/base/yaml_tree.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1000000, LEVELS_MAX = 64, ANCHORS_MAX = 256 };

struct anchor {
	char *name;
	const struct yaml *node;
};
struct reader {
	struct yaml_doc *doc;
	struct fy_parser *parser;
	struct fy_event *event; /* the one being looked at */
	struct err *err;
	const char *text; /* NUL-terminated */
	int line, column; /* where the last event with a place was: for values that are not written */
	int level;
	struct anchor anchors[ANCHORS_MAX];
	size_t n_anchors;
};

static struct yaml *read_node(struct reader *r);

/* Places count from 0 in the library. */
static int fail_at(struct reader *r, int line, int column, const char *text)
{
	return err_set(r->err, ERR_CONFIG, "%s:%d:%d: %s.", r->doc->file, line > 0 ? line : 1,
		       column > 0 ? column : 1, text);
}

static int fail_full(struct reader *r)
{
	return fail_at(r, r->line, r->column, "there is too much in this file; 20,000 values are the most");
}

/* The library blames the text before a tab. */
static bool blame_tab(struct reader *r, int line)
{
	int column;

	if (!yaml_find_tab(r->text, &line, &column))
		return false;
	fail_at(r, line, column, "a tab is used for indentation; use spaces");
	return true;
}

/* The first error the library collected. */
static int fail_library(struct reader *r)
{
	struct fy_diag *diag = fy_parser_get_diag(r->parser);
	void *prev = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(diag, &prev);
	char text[256], what[128];

	if (!e) {
		fail_at(r, r->line, r->column,
			"this is no valid YAML from here on; check indentation and quotes");
	} else if (!blame_tab(r, e->line)) {
		text_clean(what, sizeof(what), e->msg, strlen(e->msg));
		text_copyf(text, sizeof(text), "this is no valid YAML (%s); check indentation and quotes",
			   what);
		if (yaml_mend(what))
			text_copy(text, sizeof(text), yaml_mend(what));
		fail_at(r, e->line, e->column, text);
	}
	fy_diag_unref(diag);
	return -1;
}

static int next_event(struct reader *r)
{
	const struct fy_mark *mark;

	if (r->event)
		fy_parser_event_free(r->parser, r->event);
	r->event = fy_parser_parse(r->parser);
	if (!r->event)
		return fail_library(r);
	mark = fy_event_start_mark(r->event);
	if (mark) {
		r->line = mark->line + 1;
		r->column = mark->column + 1;
	}
	return 0;
}

static struct yaml *new_node(struct reader *r, enum yaml_kind kind)
{
	struct yaml *node = yaml_node_new(r->doc, kind, r->line, r->column);

	if (!node)
		fail_full(r);
	return node;
}

static char *token_text(struct fy_token *token)
{
	const char *text = token ? fy_token_get_text0(token) : NULL;

	return xstrdup(text ? text : "");
}

/* What YAML 1.1 takes `word` for; NULL for a harmless one. */
static const char *doubtful_meaning(const char *word)
{
	static const struct {
		const char *word, *means;
	} words[] = {{"on", "true"},   {"yes", "true"}, {"y", "true"},
		     {"off", "false"}, {"no", "false"}, {"n", "false"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(word, words[i].word) == 0)
			return words[i].means;
	return NULL;
}

static struct yaml *read_scalar(struct reader *r)
{
	struct fy_token *token = r->event->scalar.value;
	struct yaml *node = new_node(r, YAML_SCALAR);
	char text[128];
	const char *means;

	if (!node)
		return NULL;
	node->text = token_text(token);
	node->quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
	means = r->doc->mode == YAML_OURS && !node->quoted ? doubtful_meaning(node->text) : NULL;
	if (means) {
		text_copyf(text, sizeof(text),
			   "`%s` means different things to different programs; write %s or \"%s\"",
			   node->text, means, node->text);
		fail_at(r, node->line, node->column, text);
		yaml_node_free(node);
		return NULL;
	}
	return node;
}

static struct yaml *read_alias(struct reader *r)
{
	char *name = token_text(r->event->alias.anchor), text[160];
	struct yaml *node = NULL;
	size_t i = r->n_anchors;

	/* The newest of the same name counts. */
	while (i > 0 && strcmp(r->anchors[i - 1].name, name) != 0)
		i--;
	if (i > 0) {
		node = yaml_node_copy(r->doc, r->anchors[i - 1].node);
		if (!node)
			fail_full(r);
	} else {
		text_copyf(text, sizeof(text),
			   "there is no finished `&%.40s` above this line; put quotes around a text that "
			   "begins with `*`",
			   name);
		fail_at(r, r->line, r->column, text);
	}
	free(name);
	return node;
}

/* One key with its value, both read; the event after it is not. */
static struct yaml *read_pair(struct reader *r, const struct yaml *map)
{
	struct yaml *key, *value = NULL;
	const struct yaml *twin;
	char text[160];

	if (r->event->type != FYET_SCALAR) {
		fail_at(r, r->line, r->column, "a key must be a single word; put quotes around it");
		return NULL;
	}
	key = read_scalar(r);
	if (!key)
		return NULL;
	twin = r->doc->mode == YAML_OURS ? yaml_get(map, key->text) : NULL;
	if (twin) {
		text_copyf(text, sizeof(text),
			   "\"%.60s\" is written twice, first in line %d; remove one of them", key->text,
			   twin->key_line);
		fail_at(r, key->line, key->column, text);
	} else if (next_event(r) == 0) {
		value = read_node(r);
	}
	if (value) {
		value->key = key->text;
		value->key_quoted = key->quoted;
		value->key_line = key->line;
		value->key_column = key->column;
		key->text = NULL;
	}
	yaml_node_free(key);
	return value;
}

/* A child into its place; `<<` takes the children of another map instead. */
static int put_child(struct reader *r, struct yaml *node, struct yaml *child, struct yaml ***tail)
{
	if (r->doc->mode == YAML_RUBY && node->kind == YAML_MAP) {
		int left = strcmp(child->key, "<<") == 0 ? yaml_node_merge(r->doc, node, child) : 1;

		if (left == 1)
			yaml_node_put(r->doc, node, child);
		else
			yaml_node_drop(r->doc, child);
		return left < 0 ? fail_full(r) : 0;
	}
	**tail = child;
	*tail = &child->next;
	return 0;
}

static int read_children(struct reader *r, struct yaml *node, enum fy_event_type end)
{
	struct yaml **tail = &node->first;
	bool first = true;

	while (next_event(r) == 0) {
		struct yaml *child;

		if (r->event->type == end)
			return 0;
		child = node->kind == YAML_MAP ? read_pair(r, node) : read_node(r);
		if (!child)
			return -1;
		/* A block begins, for people, where its first word is. */
		if (first && node->kind == YAML_MAP) {
			node->line = child->key_line;
			node->column = child->key_column;
		}
		first = false;
		if (put_child(r, node, child, &tail))
			return -1;
	}
	return -1;
}

static int keep_anchor(struct reader *r, char *name, const struct yaml *node)
{
	if (r->n_anchors == ANCHORS_MAX) {
		free(name);
		return fail_at(r, node->line, node->column,
			       "there are more than 256 `&names`; write some values out");
	}
	r->anchors[r->n_anchors++] = (struct anchor){.name = name, .node = node};
	return 0;
}

static struct yaml *read_block(struct reader *r, enum yaml_kind kind)
{
	struct yaml *node = new_node(r, kind);

	if (!node)
		return NULL;
	if (++r->level > LEVELS_MAX) {
		fail_at(r, r->line, r->column, "this is nested more than 64 levels deep; simplify it");
		yaml_node_free(node);
		return NULL;
	}
	if (read_children(r, node, kind == YAML_MAP ? FYET_MAPPING_END : FYET_SEQUENCE_END)) {
		yaml_node_free(node);
		return NULL;
	}
	r->level--;
	return node;
}

/* The node whose first event is the current one. */
static struct yaml *read_node(struct reader *r)
{
	struct fy_token *anchor = fy_event_get_anchor_token(r->event);
	char *name = anchor && r->event->type != FYET_ALIAS ? token_text(anchor) : NULL;
	struct yaml *node = NULL;

	if (r->doc->mode == YAML_OURS && fy_event_get_tag_token(r->event))
		fail_at(r, r->line, r->column,
			"`!` tags are not used here; remove the tag, or put quotes around the text");
	else if (r->event->type == FYET_SCALAR)
		node = read_scalar(r);
	else if (r->event->type == FYET_ALIAS)
		node = read_alias(r);
	else
		node = read_block(r, r->event->type == FYET_MAPPING_START ? YAML_MAP : YAML_LIST);
	if (node && name && keep_anchor(r, name, node)) {
		yaml_node_free(node);
		return NULL;
	}
	if (!node)
		free(name);
	return node;
}

/* Stream and document around the one node. */
static int read_stream(struct reader *r)
{
	bool seen = false;

	while (next_event(r) == 0) {
		switch (r->event->type) {
		case FYET_STREAM_END: return 0;
		case FYET_STREAM_START:
		case FYET_DOCUMENT_END: break;
		case FYET_DOCUMENT_START:
			if (seen && r->doc->mode == YAML_OURS)
				return fail_at(
				    r, r->line, r->column,
				    "a second document begins here; keep only one `---` in this file");
			if (seen)
				return 0;
			seen = true;
			break;
		default:
			r->doc->root = read_node(r);
			if (!r->doc->root)
				return -1;
		}
	}
	return -1;
}

/* The library reads past some of these. */
static int check_bytes(struct reader *r, const char *text, size_t len)
{
	int line, column;
	const char *what = yaml_find_bad_byte(text, len, &line, &column);

	return what ? fail_at(r, line, column, what) : 0;
}

struct yaml_doc *yaml_parse(const char *file, const char *text, size_t len, enum yaml_mode mode,
			    struct err *err)
{
	struct yaml_doc *doc = xcalloc(1, sizeof(*doc));
	char *copy = len <= BYTES_MAX ? memcpy(xcalloc(len + 1, 1), text, len) : NULL;
	struct reader r = {.doc = doc, .err = err, .text = copy, .line = 1, .column = 1};
	struct fy_diag_cfg diag_cfg = {.level = FYET_ERROR, .module_mask = ~0u};
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_SLOPPY_FLOW_INDENTATION |
					    FYPCF_COLLECT_DIAG};
	int failed = -1;

	doc->file = xstrdup(file);
	doc->mode = mode;
	if (len > BYTES_MAX) {
		fail_at(&r, 1, 1, "this file is longer than 1 MB; it cannot be a configuration");
	} else if (check_bytes(&r, text, len) == 0) {
		cfg.diag = fy_diag_create(&diag_cfg);
		fy_diag_set_collect_errors(cfg.diag, true);
		r.parser = fy_parser_create(&cfg);
		if (r.parser && fy_parser_set_string(r.parser, copy, len) == 0)
			failed = read_stream(&r);
		if (r.event)
			fy_parser_event_free(r.parser, r.event);
		for (size_t i = 0; i < r.n_anchors; i++)
			free(r.anchors[i].name);
		/* Collected errors are freed by nothing else, and hold on to the parser's text. */
		fy_diag_reset_error(cfg.diag);
		if (r.parser)
			fy_parser_destroy(r.parser);
		fy_diag_unref(cfg.diag);
	}
	free(copy);
	if (failed) {
		yaml_free(doc);
		return NULL;
	}
	return doc;
}

struct yaml_doc *yaml_load(const char *path, enum yaml_mode mode, struct err *err)
{
	struct yaml_doc *doc = NULL;
	struct buf text = {0};
	char part[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	if (!f) {
		err_set(err, ERR_CONFIG, "%s could not be opened: %s.", path, strerror(errno));
		return NULL;
	}
	while (text.len <= BYTES_MAX && (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&text, part, n);
	if (ferror(f))
		err_set(err, ERR_CONFIG, "%s could not be read: %s.", path, strerror(errno));
	else
		doc = yaml_parse(path, buf_text(&text), text.len, mode, err);
	fclose(f);
	buf_done(&text);
	return doc;
}

void yaml_free(struct yaml_doc *doc)
{
	if (!doc)
		return;
	yaml_node_free(doc->root);
	yaml_node_free(doc->dropped);
	free(doc->file);
	free(doc->over);
	free(doc);
}
