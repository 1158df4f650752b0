/* The same said in less room: what is cut here is whole behind Enter. */
#ifndef PANELS_BRIEF_H
#define PANELS_BRIEF_H

#include "panels/canvas.h"

#include <stddef.h>
#include <stdint.h>

/* Commits and container ids, 12 hex digits or more, become their first seven: acme-web-4f2c91a. */
char *brief_ids(char *out, size_t size, const char *text);
/* A log line without the time it carries itself when that is the line's own, and a router's line in the order
 * one reads it: "H80 Maintenance mode  GET /cart  503  www.acme.com". */
char *brief_log(char *out, size_t size, const char *text, int64_t at_ms);
/* Within `cells`, if it can be by shortening the longest word of it; else cut at the end. */
char *brief_fit(const struct canvas *canvas, char *out, size_t size, const char *text, int cells);
/* How long something took: "<1 s" where a clock would say 0:00. */
char *brief_took(char *out, size_t size, int64_t ms);

#endif
