/* Hostile bytes as text for a screen: what comes out is valid, harmless and no longer than allowed. */
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool harmless(uint32_t code)
{
	bool bidi = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
	return code >= 0x20 && code != 0x7F && !(code >= 0x80 && code < 0xA0) && !bidi;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[200], fit[200], again[200];
	size_t room = size ? 1 + data[0] % sizeof out : sizeof out;
	size_t len = text_clean(out, room, (const char *)data, size);
	if (len >= room || strlen(out) != len)
		abort();
	for (size_t i = 0; i < len;) {
		uint32_t code;
		size_t used = text_decode(out + i, len - i, &code);
		if (!used || !harmless(code))
			abort();
		i += used;
	}
	text_clean(again, sizeof again, out, len);
	if (strcmp(again, out) != 0)
		abort();
	text_fit(fit, sizeof fit, out, 20);
	if (text_width(fit) > 20)
		abort();
	return 0;
}
