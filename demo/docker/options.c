/* The command line as docker's own parser takes it, from a table of options. */
#include "demo/docker/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row *row_find(const struct option_row *rows, size_t count, const char *name,
					 size_t length, char letter)
{
	for (size_t i = 0; i < count; i++) {
		if (letter ? rows[i].letter == letter
			   : strlen(rows[i].name) == length && !strncmp(rows[i].name, name, length))
			return &rows[i];
	}
	return NULL;
}

static void row_take(const struct option_row *row, const char *value)
{
	if (row->kind == 'b')
		*(int *)row->into = !value || strcmp(value, "false") != 0;
	else if (row->kind == 's')
		*(const char **)row->into = value;
	else if (row->kind == 'l') {
		struct texts *texts = row->into;
		if (texts->count < TEXTS_MAX)
			texts->item[texts->count++] = value;
	}
}

static int takes_value(const struct option_row *row)
{
	return row->kind == 's' || row->kind == 'l' || row->kind == 'S';
}

/* `--name`, `--name=value`, `--name value`. Returns how many arguments it ate, or -1. */
static int long_option(const struct option_row *rows, size_t count, int left, char **argv)
{
	const char *name = argv[0] + 2, *value = strchr(name, '=');
	size_t length = value ? (size_t)(value - name) : strlen(name);
	const struct option_row *row = row_find(rows, count, name, length, 0);
	if (!row) {
		fprintf(stderr, "unknown flag: --%.*s\n", (int)length, name);
		return -1;
	}
	if (value || !takes_value(row)) {
		row_take(row, value ? value + 1 : NULL);
		return 1;
	}
	if (left < 2) {
		fprintf(stderr, "flag needs an argument: --%s\n", name);
		return -1;
	}
	row_take(row, argv[1]);
	return 2;
}

/* `-aq`, `-f value`, `-fvalue`. Returns how many arguments it ate, or -1. */
static int short_options(const struct option_row *rows, size_t count, int left, char **argv)
{
	for (const char *at = argv[0] + 1; *at; at++) {
		const struct option_row *row = row_find(rows, count, NULL, 0, *at);
		if (!row) {
			fprintf(stderr, "unknown shorthand flag: '%c' in %s\n", *at, argv[0]);
			return -1;
		}
		if (!takes_value(row)) {
			row_take(row, NULL);
			continue;
		}
		if (at[1]) {
			row_take(row, at[1] == '=' ? at + 2 : at + 1);
			return 1;
		}
		if (left < 2) {
			fprintf(stderr, "flag needs an argument: '%c' in %s\n", *at, argv[0]);
			return -1;
		}
		row_take(row, argv[1]);
		return 2;
	}
	return 1;
}

int options_parse(const struct option_row *rows, size_t row_count, int argc, char **argv, int first)
{
	int kept = 0, i = 1, rest = 0;
	while (i < argc) {
		if (rest || argv[i][0] != '-' || !argv[i][1]) {
			argv[kept++] = argv[i++];
			rest |= first;
			continue;
		}
		if (!strcmp(argv[i], "--")) {
			rest = 1;
			i++;
			continue;
		}
		int ate = argv[i][1] == '-' ? long_option(rows, row_count, argc - i, argv + i)
					    : short_options(rows, row_count, argc - i, argv + i);
		if (ate < 0)
			return -1;
		i += ate;
	}
	argv[kept] = NULL;
	return kept;
}

int no_such(const char *ref)
{
	fprintf(stderr, "Error response from daemon: No such container: %s\n", ref);
	return 1;
}

int format_print(const char *format, const cJSON *root, const cJSON *labels, enum template_mode mode)
{
	char *text = NULL, error[512];
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int failed = template_run(out, format, root, labels, mode, error, sizeof error);
	if (failed && mode == TEMPLATE_INSPECT) {
		/* Docker tries the raw JSON when a name does not fit its structs. */
		rewind(out);
		failed = template_run(out, format, root, labels, TEMPLATE_RAW, error, sizeof error);
	}
	long length = ftell(out);
	fclose(out);
	if (failed)
		fprintf(stderr, "template parsing error: %s\n", error);
	else
		printf("%.*s\n", (int)length, text);
	free(text);
	return failed;
}
