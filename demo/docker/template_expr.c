/* A template's expressions: operands, fields, variables and pipelines. */
#include "demo/docker/template_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const cJSON *template_keep(struct template *t, cJSON *item)
{
	if (t->made_count == TEMPLATE_MADE) {
		template_fail(t, "template: :1: too many values");
		cJSON_Delete(item);
		return NULL;
	}
	return t->made[t->made_count++] = item;
}

const cJSON *template_text(struct template *t, const char *text)
{
	return template_keep(t, cJSON_CreateString(text));
}

void template_variable(struct template *t, const char *name, const cJSON *value)
{
	if (t->variable_count == TEMPLATE_VARIABLES) {
		template_fail(t, "template: :1: too many variables");
		return;
	}
	memcpy(t->variable[t->variable_count].name, name, 32);
	t->variable[t->variable_count++].value = value;
}

/* Reads an identifier, with its $ or without; 1 when there was one. */
int template_name(struct template *t, char name[32])
{
	size_t length = 0;
	if (*t->at == '$')
		name[length++] = *t->at++;
	while ((isalnum((unsigned char)*t->at) || *t->at == '_') && length < 31)
		name[length++] = *t->at++;
	memset(name + length, 0, 32 - length);
	return length > 0;
}

static int one_of(const char *name, const char *words)
{
	size_t length = strlen(name);
	for (const char *at = words; (at = strstr(at, name)); at += length)
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return 1;
	return 0;
}

/* Docker's own structs have fixed fields, its maps have not: only the first make a name an error. */
static const cJSON *field(struct template *t, const cJSON *object, const char *name)
{
	const cJSON *found;
	if (t->failed)
		return NULL;
	if (!cJSON_IsObject(object)) {
		template_fail(t,
			      "template: :1:%d: executing \"\" at <.%s>: nil data; no entry for key \"%s\"",
			      (int)(t->at - t->text), name, name);
		return NULL;
	}
	if (t->mode == TEMPLATE_ROW && object == t->root)
		found = cJSON_GetObjectItem(object, name);
	else if (t->mode == TEMPLATE_INSPECT && object == t->root && one_of(name, "ID Id"))
		found = !strcmp(name, "ID") ? cJSON_GetObjectItemCaseSensitive(object, "Id") : NULL;
	else
		found = cJSON_GetObjectItemCaseSensitive(object, name);
	if (found || (object == t->root && t->labels && !strcmp(name, "Label")))
		return found;
	if (t->mode != TEMPLATE_RAW) {
		if (object->string && one_of(object->string, "Labels Networks Ports Attributes Options"))
			return template_text(t, "");
		if (one_of(name, "Health Healthcheck Error Domainname Entrypoint Driver"))
			return NULL;
	}
	template_fail(t, "template: :1:%d: executing \"\" at <.%s>: map has no entry for key \"%s\"",
		      (int)(t->at - t->text), name, name);
	return NULL;
}

static const cJSON *fields(struct template *t, const cJSON *value, int live)
{
	char name[32];
	while (*t->at == '.' && (isalpha((unsigned char)t->at[1]) || t->at[1] == '_')) {
		t->at++;
		template_name(t, name);
		if (live && !strcmp(name, "Label") && t->labels)
			return t->labels;
		value = live ? field(t, value, name) : NULL;
	}
	return value;
}

static const cJSON *quoted(struct template *t)
{
	char quote = *t->at++, text[1024];
	size_t length = 0;
	while (*t->at && *t->at != quote && length < sizeof text - 1) {
		char c = *t->at++;
		if (c == '\\' && quote != '`') {
			c = *t->at++;
			c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
		}
		text[length++] = c;
	}
	text[length] = 0;
	if (*t->at == quote)
		t->at++;
	else
		template_fail(t, "template: :1: unterminated quoted string");
	return template_text(t, text);
}

static const cJSON *dollar(struct template *t)
{
	char name[32];
	template_name(t, name);
	if (!name[1])
		return t->root;
	for (int i = t->variable_count - 1; i >= 0; i--)
		if (!strcmp(t->variable[i].name, name))
			return t->variable[i].value;
	template_fail(t, "template: :1: undefined variable \"%s\"", name);
	return NULL;
}

/* One operand. A function's name is left in function[], which is else empty. */
static const cJSON *operand(struct template *t, const cJSON *dot, int live, char function[32])
{
	const cJSON *value = NULL;
	function[0] = 0;
	template_space(t);
	if (*t->at == '(') {
		t->at++;
		value = template_pipeline(t, dot, live, NULL);
		template_space(t);
		if (*t->at == ')')
			t->at++;
		return fields(t, value, live);
	}
	if (*t->at == '.') {
		if (!isalpha((unsigned char)t->at[1]) && t->at[1] != '_') {
			t->at++;
			return dot;
		}
		return fields(t, dot, live);
	}
	if (*t->at == '$')
		return fields(t, live ? dollar(t) : (dollar(t), (const cJSON *)NULL), live);
	if (*t->at == '"' || *t->at == '`')
		return quoted(t);
	if (isdigit((unsigned char)*t->at) || (*t->at == '-' && isdigit((unsigned char)t->at[1]))) {
		char *end;
		double number = strtod(t->at, &end);
		t->at = end;
		return template_keep(t, cJSON_CreateNumber(number));
	}
	if (!template_name(t, function)) {
		template_fail(t, "template: :1: unexpected \"%.8s\" in command", t->at);
		t->at += strlen(t->at);
	} else if (one_of(function, "true false nil")) {
		if (*function != 'n')
			value = template_keep(t, cJSON_CreateBool(*function == 't'));
		function[0] = 0;
	}
	return value;
}

static int command_ends(struct template *t)
{
	template_space(t);
	return !*t->at || *t->at == '|' || *t->at == ')' || !strncmp(t->at, "}}", 2) ||
	       !strncmp(t->at, "-}}", 3);
}

static const cJSON *command(struct template *t, const cJSON *dot, int live, const cJSON *piped, int has_piped)
{
	char function[32], ignored[32];
	const cJSON *args[TEMPLATE_ARGS];
	int count = 0;
	const cJSON *first = operand(t, dot, live, function);
	int label = live && first && first == t->labels;
	while (!t->failed && !command_ends(t) && count < TEMPLATE_ARGS - 1) {
		args[count++] = operand(t, dot, live, ignored);
		if (ignored[0] && live)
			args[count - 1] = template_call(t, ignored, NULL, 0);
	}
	if (has_piped)
		args[count++] = piped;
	if (!live || t->failed)
		return NULL;
	if (label && count) {
		const char *key = cJSON_GetStringValue(args[0]);
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(t->labels, key ? key : "");
		return value ? value : template_text(t, "");
	}
	return function[0] ? template_call(t, function, args, count) : first;
}

const cJSON *template_pipeline(struct template *t, const cJSON *dot, int live, int *assigned)
{
	char name[32] = "";
	template_space(t);
	const char *start = t->at;
	int variable = 0;
	if (*t->at == '$' && template_name(t, name)) {
		template_space(t);
		variable = !strncmp(t->at, ":=", 2) ? 2 : *t->at == '=';
		t->at = variable ? t->at + variable : start;
	}
	const cJSON *value = command(t, dot, live, NULL, 0);
	while (!t->failed && (template_space(t), *t->at == '|')) {
		t->at++;
		value = command(t, dot, live, value, 1);
	}
	if (variable)
		template_variable(t, name, value);
	if (assigned)
		*assigned = variable != 0;
	return value;
}
