#include "demo/docker/template_impl.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum stop { STOP_EOF, STOP_END, STOP_ELSE, STOP_ELSE_IF };

static enum stop run_block(struct template *t, const cJSON *dot, int live);

void template_fail(struct template *t, const char *format, ...)
{
	if (t->failed)
		return;
	t->failed = 1;
	va_list args;
	va_start(args, format);
	vsnprintf(t->error, t->error_size, format, args);
	va_end(args);
}

void template_space(struct template *t)
{
	while (isspace((unsigned char)*t->at))
		t->at++;
}

static void close_action(struct template *t)
{
	template_space(t);
	int trim = t->at[0] == '-' && t->at[1] == '}';
	if (trim)
		t->at++;
	if (t->at[0] != '}' || t->at[1] != '}') {
		template_fail(t, "template: :1: unexpected \"%.10s\" in operand", t->at);
		t->at += strlen(t->at);
		return;
	}
	t->at += 2;
	if (trim)
		template_space(t);
}

static int keyword(struct template *t, const char *word)
{
	size_t length = strlen(word);
	if (strncmp(t->at, word, length) || isalnum((unsigned char)t->at[length]))
		return 0;
	t->at += length;
	template_space(t);
	return 1;
}

static void run_if(struct template *t, const cJSON *dot, int live, int with)
{
	int done = 0;
	enum stop stop;
	do {
		const cJSON *value = template_pipeline(t, dot, live && !done, NULL);
		close_action(t);
		int taken = live && !done && template_true(value);
		stop = run_block(t, with ? value : dot, taken);
		done |= taken;
	} while (stop == STOP_ELSE_IF && !t->failed);
	if (stop == STOP_ELSE)
		stop = run_block(t, dot, live && !done);
	if (stop != STOP_END)
		template_fail(t, "template: :1: unexpected EOF");
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

static enum stop range_items(struct template *t, const cJSON *list, char names[2][32], int name_count)
{
	const cJSON *item, *items[512];
	int count = 0;
	const char *body = t->at;
	enum stop stop = STOP_EOF;
	cJSON_ArrayForEach(item, list)
	{
		if (count < 512)
			items[count++] = item;
	}
	if (cJSON_IsObject(list))
		qsort(items, (size_t)count, sizeof *items, by_key);
	for (int i = 0; i < count && !t->failed; i++) {
		int mark = t->variable_count;
		t->at = body;
		if (name_count == 2)
			template_variable(t, names[0],
					  cJSON_IsObject(list) ? template_text(t, items[i]->string)
							       : template_keep(t, cJSON_CreateNumber(i)));
		if (name_count)
			template_variable(t, names[name_count - 1], items[i]);
		stop = run_block(t, items[i], 1);
		t->variable_count = mark;
	}
	return stop;
}

static void run_range(struct template *t, const cJSON *dot, int live)
{
	char names[2][32];
	int name_count = 0;
	const char *start = t->at;
	while (name_count < 2 && *t->at == '$' && template_name(t, names[name_count])) {
		name_count++;
		template_space(t);
		if (*t->at != ',')
			break;
		t->at++;
		template_space(t);
	}
	if (name_count && t->at[0] == ':' && t->at[1] == '=') {
		t->at += 2;
	} else {
		t->at = start;
		name_count = 0;
	}
	const cJSON *list = template_pipeline(t, dot, live, NULL);
	close_action(t);
	int some = live && list && list->child;
	enum stop stop = some ? range_items(t, list, names, name_count) : run_block(t, dot, 0);
	if (stop == STOP_ELSE)
		stop = run_block(t, dot, live && !some);
	if (stop != STOP_END)
		template_fail(t, "template: :1: unexpected EOF");
}

/* Writes the text up to the next action; 0 at the end of the template. */
static int run_text(struct template *t, int live)
{
	const char *open = strstr(t->at, "{{"), *end = open ? open : t->at + strlen(t->at);
	const char *next = open ? open + 2 : end;
	if (open && next[0] == '-' && isspace((unsigned char)next[1])) {
		next++;
		while (end > t->at && isspace((unsigned char)end[-1]))
			end--;
	}
	if (live)
		fwrite(t->at, 1, (size_t)(end - t->at), t->out);
	t->at = next;
	return open != NULL;
}

static enum stop run_block(struct template *t, const cJSON *dot, int live)
{
	int mark = t->variable_count, assigned = 0;
	while (!t->failed && run_text(t, live)) {
		template_space(t);
		if (!strncmp(t->at, "/*", 2)) {
			const char *end = strstr(t->at, "*/");
			t->at = end ? end + 2 : t->at + strlen(t->at);
			close_action(t);
		} else if (keyword(t, "end")) {
			close_action(t);
			t->variable_count = mark;
			return STOP_END;
		} else if (keyword(t, "else")) {
			t->variable_count = mark;
			if (keyword(t, "if"))
				return STOP_ELSE_IF;
			close_action(t);
			return STOP_ELSE;
		} else if (keyword(t, "if")) {
			run_if(t, dot, live, 0);
		} else if (keyword(t, "with")) {
			run_if(t, dot, live, 1);
		} else if (keyword(t, "range")) {
			run_range(t, dot, live);
		} else {
			const cJSON *value = template_pipeline(t, dot, live, &assigned);
			close_action(t);
			if (live && !assigned && !t->failed)
				template_print(t->out, value);
		}
	}
	return STOP_EOF;
}

int template_run(FILE *out, const char *text, const cJSON *root, const cJSON *labels, enum template_mode mode,
		 char *error, size_t error_size)
{
	struct template *t = calloc(1, sizeof *t);
	if (!t)
		abort();
	t->text = t->at = text;
	t->out = out;
	t->root = root;
	t->labels = labels;
	t->mode = mode;
	t->error = error;
	t->error_size = error_size;
	if (run_block(t, root, 1) != STOP_EOF)
		template_fail(t, "template: :1: unexpected {{end}}");
	for (int i = 0; i < t->made_count; i++)
		cJSON_Delete(t->made[i]);
	int failed = t->failed;
	free(t);
	return failed ? -1 : 0;
}
