/* The little of XML that an API answers with: elements and text. Attributes, comments and processing
 * instructions are passed over; a document type is refused, so that nothing can be expanded. */
#ifndef CORE_LINKS_XML_H
#define CORE_LINKS_XML_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stddef.h>

/* The root element as {"name", "text", "kids": [...]}, to be freed with json_free(). NULL and err when it is
 * no whole document, or deeper than 24 elements. */
struct json *xml_parse(const char *text, size_t len, struct err *err);
/* The first element of that name in it; NULL for none. Elements may be NULL. */
const struct json *xml_child(const struct json *element, const char *name);
const struct json *xml_next(const struct json *element, const char *name); /* its next sister */
/* The text of the first element of that name in it, "" for none. Borrowed. */
const char *xml_text(const struct json *element, const char *name);

#endif
