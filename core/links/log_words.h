/* What a container's line of text says about itself. */
#ifndef CORE_LINKS_LOG_WORDS_H
#define CORE_LINKS_LOG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* "error", "warn" or "": by the words that Rails, Postgres, Go and JSON loggers use. Raw text will do. */
const char *log_words_level(const char *text, size_t len);
/* A JSON line of kamal-proxy as people read it: "www.acme.com GET /up 200 12 ms"; cleaned. False: it is no
 * JSON. */
bool log_words_proxy(const char *line, size_t len, char *out, size_t size, const char **level);

#endif
