/* Random bytes as what pg_dump writes: entries and statements, or a sentence. No statement holds more than
 * there was, and taking one apart by itself gives the same one again. */
#include "core/copy/script.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct copy_entry *e)
{
	char schema[64], name[64];
	bool only;
	if (copy_entry_table(e, schema, name, &only) && (strlen(schema) > 63 || strlen(name) > 63))
		abort();
	if (copy_entry_references(e, schema, name) && strlen(name) > 63)
		abort();
	if (copy_entry_constraint(e, name) && strlen(name) > 63)
		abort();
}

/* A statement with its semicolon is one statement. */
static void again(const char *statement)
{
	struct copy_script script;
	struct err err = {0};
	size_t len = strlen(statement);
	char *text = malloc(len + 2);
	if (!text)
		abort();
	memcpy(text, statement, len);
	memcpy(text + len, ";", 2);
	if (copy_script_read(text, len + 1, &script, &err) == 0) {
		if (script.n != 1 || script.list[0].n != 1 || strcmp(script.list[0].list[0], statement) != 0)
			abort();
		copy_script_done(&script);
	} else {
		abort();
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct copy_script script;
	struct err err = {0};
	size_t total = 0;
	if (copy_script_read((const char *)data, size, &script, &err) < 0) {
		if (!err.text[0] || script.n)
			abort();
		return 0;
	}
	for (size_t i = 0; i < script.n; i++) {
		const struct copy_entry *e = &script.list[i];
		for (size_t k = 0; k < e->n; k++) {
			total += strlen(e->list[k]) + 1;
			/* A NUL cuts it, as it would on its way to the server. */
			if (!memchr(data, 0, size))
				again(e->list[k]);
		}
		look(e);
	}
	if (total > size)
		abort();
	copy_script_done(&script);
	return 0;
}
