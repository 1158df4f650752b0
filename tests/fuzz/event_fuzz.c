/* Random lines into the fold: total, deterministic, and the state it leaves can always be written. */
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/night/state.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fold_lines(struct state *state, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		struct err err = {0};
		state_fold_line(state, text, line, &err);
		text += line + (end != NULL);
		len -= line + (end != NULL);
	}
}

/* The caller ends `w` with jw_done(). */
static const char *write_state(const uint8_t *data, size_t size, struct jw *w)
{
	struct state *state = state_new();
	fold_lines(state, (const char *)data, size);
	jw_open(w);
	state_write(state, w);
	state_free(state);
	return jw_finish(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jw a = {0}, b = {0};
	struct err err = {0};
	const char *one = write_state(data, size, &a), *two = write_state(data, size, &b);
	if (strcmp(one, two) != 0)
		abort();
	struct json *json = json_parse(one, strlen(one), &err);
	if (!json)
		abort();
	json_free(json);
	jw_done(&a);
	jw_done(&b);
	return 0;
}
