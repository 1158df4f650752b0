/* YAML read into a plain tree that knows its lines and columns, so that every error can name the place and
 * the mend. At most 1 MB, 64 levels and 20,000 nodes after aliases are copied out. */
#ifndef CORE_BASE_YAML_H
#define CORE_BASE_YAML_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yaml_kind { YAML_SCALAR = 0, YAML_MAP, YAML_LIST };

/* YAML_OURS refuses what YAML's versions read differently (on, off, yes, no without quotes), tags and a
 * second document. YAML_RUBY is for files of Ruby tools, such as Kamal's: takes them, reads yes/no/on/off as
 * booleans, follows `<<` merges, and of a key that is written twice the last one counts. */
enum yaml_mode { YAML_OURS = 0, YAML_RUBY };

struct yaml {
	enum yaml_kind kind;
	bool quoted;      /* a scalar in quotes or a block: text and nothing else */
	int line, column; /* from 1 */
	const char *file; /* NULL: the document's own; else the one that was laid over it */
	char *text;       /* of a scalar, never NULL there */
	char *key;        /* inside a map, else NULL */
	bool key_quoted;
	int key_line, key_column;
	struct yaml *first, *next;
};
struct yaml_doc {
	char *file; /* the name that errors show */
	char *over; /* the name of the file that was laid over it, or NULL */
	enum yaml_mode mode;
	struct yaml *root;    /* NULL: nothing but comments */
	struct yaml *dropped; /* replaced by later values */
	size_t nodes;
};

struct yaml_doc *yaml_load(const char *path, enum yaml_mode mode, struct err *err);
struct yaml_doc *yaml_parse(const char *file, const char *text, size_t len, enum yaml_mode mode,
			    struct err *err);
void yaml_free(struct yaml_doc *doc);
/* Lays one document over another: maps grow together key by key at every depth, everything else, an empty
 * value too, is replaced whole. Errors name the file that a value came from. -1: more than 20,000 nodes. */
int yaml_overlay(struct yaml_doc *doc, struct yaml_doc *over, struct err *err);
/* The same for two maps of one document (NULL or no map: empty), as a document of its own that must not
 * outlive `doc`. NULL: too large. */
struct yaml_doc *yaml_layered(const struct yaml_doc *doc, const struct yaml *base, const struct yaml *over);

/* NULL for "not there", also when `map` is NULL or no map. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);
/* The scalar's text; `otherwise` for anything else and for an empty value. */
const char *yaml_str(const struct yaml *map, const char *key, const char *otherwise);
size_t yaml_count(const struct yaml *node);
/* NULL, or a plain scalar that is empty, ~ or null: a key without a value. */
bool yaml_is_null(const struct yaml *node);
/* Plain scalars only; true when `out` was filled. */
bool yaml_int(const struct yaml *node, int64_t *out);
bool yaml_num(const struct yaml *node, double *out);
bool yaml_bool(const struct yaml_doc *doc, const struct yaml *node, bool *out);
/* Writes the node with the types its text has. */
void yaml_json(const struct yaml_doc *doc, const struct yaml *node, struct jw *w, const char *key);
/* "a map", "a list", "the number 7", "the text \"x\"", "empty", for sentences. */
const char *yaml_what(const struct yaml_doc *doc, const struct yaml *node, char *out, size_t size);

/* ERR_CONFIG "FILE:LINE:COLUMN: sentence" at a value or at its key. Returns -1. */
int yaml_err(const struct yaml_doc *doc, const struct yaml *node, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int yaml_err_key(const struct yaml_doc *doc, const struct yaml *node, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
