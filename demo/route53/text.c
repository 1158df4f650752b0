/* A text that grows, escaped for XML where it has to be. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *text, const char *format, ...)
{
	va_list list, again;
	va_start(list, format);
	va_copy(again, list);
	int need = vsnprintf(NULL, 0, format, list);
	va_end(list);
	if (text->len + (size_t)need + 1 > text->room) {
		text->room = (text->len + (size_t)need + 1) * 2;
		text->data = realloc(text->data, text->room);
		if (!text->data)
			abort();
	}
	vsnprintf(text->data + text->len, text->room - text->len, format, again);
	va_end(again);
	text->len += (size_t)need;
}

void text_add_escaped(struct text *text, const char *value)
{
	text_add(text, "%s", "");
	for (; *value; value++) {
		if (*value == '&')
			text_add(text, "&amp;");
		else if (*value == '<')
			text_add(text, "&lt;");
		else if (*value == '>')
			text_add(text, "&gt;");
		else
			text_add(text, "%c", *value);
	}
}
