#include "core/night/signature.h"
#include "core/base/text.h"
#include <stddef.h>

const struct signature *signature_of(const char *line)
{
	for (const struct signature *s = signature_table; s->id; s++)
		for (size_t i = 0; i < SIGNATURE_MATCHES && s->match[i]; i++)
			if (text_like(line, s->match[i]))
				return s;
	return NULL;
}
