/* Errors: one sentence, set where it happened. */
#include "core/base/err.h"
#include "core/base/text.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {
    [ERR_NONE] = "none", [ERR_USAGE] = "usage",         [ERR_CONFIG] = "config", [ERR_NET] = "net",
    [ERR_AUTH] = "auth", [ERR_REFUSED] = "refused",     [ERR_WORLD] = "world",   [ERR_IO] = "io",
    [ERR_BUG] = "bug",   [ERR_CANCELLED] = "cancelled",
};

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	/* By way of a copy: the arguments may point into err->text itself. */
	char text[sizeof(err->text) * 2];
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	err->kind = kind;
	text_copy(err->text, sizeof(err->text), text);
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->text)], prefix[sizeof(err->text)];
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	if (vsnprintf(prefix, sizeof(prefix), fmt, ap) < 0)
		prefix[0] = '\0';
	va_end(ap);
	text_copyf(text, sizeof(text), "%s: %s", prefix, err->text);
	text_copy(err->text, sizeof(err->text), text);
	return -1;
}

const char *err_kind_name(enum err_kind kind)
{
	size_t i = (size_t)kind;

	return i < sizeof(names) / sizeof(names[0]) && names[i] ? names[i] : "?";
}
