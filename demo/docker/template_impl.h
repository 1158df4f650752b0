/* Shared by the template's three files: blocks, expressions, functions. */
#ifndef DEMO_DOCKER_TEMPLATE_IMPL_H
#define DEMO_DOCKER_TEMPLATE_IMPL_H

#include "demo/docker/template.h"

enum { TEMPLATE_VARIABLES = 32, TEMPLATE_MADE = 4096, TEMPLATE_ARGS = 16 };

/* A value is a cJSON item, and NULL is nil. Made values live in `made` until the run ends. */
struct template
{
	const char *text, *at;
	FILE *out;
	const cJSON *root, *labels;
	enum template_mode mode;
	struct {
		char name[32];
		const cJSON *value;
	} variable[TEMPLATE_VARIABLES];
	int variable_count;
	cJSON *made[TEMPLATE_MADE];
	int made_count;
	int failed;
	char *error;
	size_t error_size;
};

void template_fail(struct template *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Keeps the item until the end of the run and returns it. */
const cJSON *template_keep(struct template *t, cJSON *item);
const cJSON *template_text(struct template *t, const char *text);
void template_space(struct template *t);
/* Parses and, when live, evaluates `[$x :=] command | command`; *assigned tells of a variable. */
const cJSON *template_pipeline(struct template *t, const cJSON *dot, int live, int *assigned);
void template_variable(struct template *t, const char *name, const cJSON *value);
int template_name(struct template *t, char name[32]);
const cJSON *template_call(struct template *t, const char *function, const cJSON **args, int count);
int template_true(const cJSON *value);
/* Prints a value as Go's %v. */
void template_print(FILE *out, const cJSON *value);

#endif
