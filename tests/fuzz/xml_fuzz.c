/* Random bytes as an answer of Amazon's: a tree, or a sentence. */
#include "core/links/xml.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	/* As an HTTP body comes: with a NUL behind it. */
	char *text = malloc(size + 1);
	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	struct json *root = xml_parse(text, size, &err);
	if (!root && !err.text[0])
		abort();
	for (const struct json *x = xml_child(root, "a"); x; x = xml_next(x, "a"))
		xml_text(x, "b");
	json_free(root);
	free(text);
	return 0;
}
