/* A growing string of bytes, always NUL-terminated. Out of memory ends the process: nothing sane can follow.
 */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL while empty */
	size_t len, cap;
};

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_adds(struct buf *buf, const char *text);
void buf_addc(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *buf, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0), nonnull));
/* Removes the first `len` bytes. */
void buf_cut(struct buf *buf, size_t len);
void buf_reset(struct buf *buf); /* empty, memory kept */
void buf_done(struct buf *buf);  /* memory freed */
/* Never NULL. */
const char *buf_text(const struct buf *buf);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *old, size_t n, size_t size);
char *xstrdup(const char *text);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
