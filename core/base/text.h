/* Text as cells on a screen: UTF-8, widths by our own table (never wcwidth), cleaning of hostile bytes. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one code point; returns the bytes used (at least 1), U+FFFD for a broken sequence. len > 0. */
size_t text_decode(const char *text, size_t len, uint32_t *code);
size_t text_encode(uint32_t code, char out[4]);
/* 0 for combining marks, 2 for wide East Asian and emoji, else 1; controls count 1 (they are drawn as a
 * mark). */
int text_code_width(uint32_t code);
size_t text_width(const char *text); /* in cells */

/* Copies what fits, always terminates, never cuts inside a code point. Returns true when all of it fitted. */
bool text_copy(char *out, size_t size, const char *text);
bool text_copyf(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Shortens to `cells`, the last one an ellipsis when cut. */
void text_fit(char *out, size_t size, const char *text, size_t cells);
/* Makes text from outside harmless: C0, C1, escape sequences, bidi controls, invalid UTF-8. Tabs become one
 * space. Writes at most size bytes with the NUL; returns the length. */
size_t text_clean(char *out, size_t size, const char *text, size_t len);
bool text_equal(const char *a, const char *b); /* NULL equals NULL */
bool text_starts(const char *text, const char *prefix);
/* Case-insensitive (ASCII) search; NULL when not found. */
const char *text_find(const char *text, const char *needle);
/* The text has the pattern's pieces, in order; `*` between them is any text, also none. Case counts. */
bool text_like(const char *text, const char *pattern);
void text_lower(char *text);
/* Where a name is in a sorted list of `n` records of `size` bytes that begin with their name, or where it
 * would go; *found says which. */
size_t text_place(const void *list, size_t n, size_t size, const char *name, bool *found);
/* Lower-case hex, out needs 2*len+1. */
void text_hex(char *out, const unsigned char *data, size_t len);

#endif
