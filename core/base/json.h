/* JSON. Read through a tree (cJSON behind it), written by a writer, never by trees.
 * Getters are case-sensitive, take NULL for "not there" and give the default for a wrong type.
 * 64-bit ids are strings: numbers are exact only up to 2^53. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct json; /* a node of a parsed text */

/* Refuses NUL bytes, more than 64 levels, and anything after the value. Free with json_free(). */
struct json *json_parse(const char *text, size_t len, struct err *err);
void json_free(struct json *root);
/* Frees a tree that holds secrets: every string in it is overwritten first. */
void json_wipe(struct json *root);

const struct json *json_get(const struct json *object, const char *key);
/* "a.b.c" through objects. */
const struct json *json_path(const struct json *object, const char *dotted);
const char *json_str(const struct json *object, const char *key, const char *otherwise);
int64_t json_int(const struct json *object, const char *key, int64_t otherwise);
double json_num(const struct json *object, const char *key, double otherwise);
bool json_bool(const struct json *object, const char *key, bool otherwise);

/* Children of an array or object in order: for (n = json_first(x); n; n = json_next(n)). */
const struct json *json_first(const struct json *node);
const struct json *json_next(const struct json *node);
size_t json_count(const struct json *node);
const char *json_key(const struct json *node);  /* NULL in arrays */
const char *json_text(const struct json *node); /* NULL unless a string */
/* The strings of an array, NULL-ended; what is no string is left out. For free(); the strings stay the
 * array's. */
const char **json_texts(const struct json *array);
int64_t json_value(const struct json *node, int64_t otherwise);
double json_number(const struct json *node); /* 0 unless a number */
bool json_is_string(const struct json *node);
bool json_is_number(const struct json *node);
bool json_is_bool(const struct json *node);
bool json_is_null(const struct json *node); /* NULL or the null value */
bool json_is_object(const struct json *node);
bool json_is_array(const struct json *node);
bool json_true(const struct json *node);
/* A string with its quotes, to be freed. */
char *json_quote(const char *text);
/* Compact text, to be freed. */
char *json_print(const struct json *node);

/* The writer. `key` is NULL inside arrays. jw_open() starts with "{". Each jw_obj()/jw_arr() needs its
 * jw_end(). */
struct jw {
	struct buf buf;
	bool comma;
	unsigned depth;
	char close[72];
};
void jw_open(struct jw *w);
void jw_str(struct jw *w, const char *key,
	    const char *value); /* NULL becomes null; bad UTF-8 becomes U+FFFD */
void jw_strf(struct jw *w, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void jw_strn(struct jw *w, const char *key, const char *value, size_t len);
void jw_int(struct jw *w, const char *key, int64_t value);
void jw_num(struct jw *w, const char *key, double value);
void jw_bool(struct jw *w, const char *key, bool value);
void jw_null(struct jw *w, const char *key);
void jw_json(struct jw *w, const char *key, const struct json *node);          /* NULL becomes null */
void jw_raw(struct jw *w, const char *key, const char *json_text, size_t len); /* already JSON */
void jw_obj(struct jw *w, const char *key);
void jw_arr(struct jw *w, const char *key);
void jw_end(struct jw *w);
/* Closes what is open and gives the text, which the writer still owns. */
const char *jw_finish(struct jw *w);
void jw_done(struct jw *w);

#endif
