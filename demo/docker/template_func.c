/* A template's functions, and how its values are printed and compared. */
#include "demo/docker/template_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int template_true(const cJSON *value)
{
	if (!value || cJSON_IsNull(value) || cJSON_IsFalse(value))
		return 0;
	if (cJSON_IsString(value))
		return value->valuestring[0] != 0;
	if (cJSON_IsNumber(value))
		return value->valuedouble != 0;
	return cJSON_IsTrue(value) || value->child != NULL;
}

void template_print(FILE *out, const cJSON *value)
{
	const cJSON *item;
	if (!value)
		fputs("<no value>", out);
	else if (cJSON_IsNull(value))
		fputs("<nil>", out);
	else if (cJSON_IsString(value) || cJSON_IsRaw(value))
		fputs(value->valuestring, out);
	else if (cJSON_IsNumber(value))
		fprintf(out, "%.15g", value->valuedouble);
	else if (cJSON_IsBool(value))
		fputs(cJSON_IsTrue(value) ? "true" : "false", out);
	if (!value || (!cJSON_IsArray(value) && !cJSON_IsObject(value)))
		return;
	fputs(cJSON_IsObject(value) ? "map[" : "[", out);
	cJSON_ArrayForEach(item, value)
	{
		if (item != value->child)
			fputc(' ', out);
		if (cJSON_IsObject(value))
			fprintf(out, "%s:", item->string);
		template_print(out, item);
	}
	fputc(']', out);
}

static const char *text(const cJSON *value)
{
	const char *string = cJSON_GetStringValue(value);
	return string ? string : "";
}

static const cJSON *call_json(struct template *t, const cJSON *value)
{
	char *printed = value ? cJSON_PrintUnformatted(value) : NULL;
	const cJSON *result = template_text(t, printed ? printed : "null");
	free(printed);
	return result;
}

static const cJSON *call_index(struct template *t, const cJSON **args, int count)
{
	const cJSON *value = args[0];
	for (int i = 1; i < count && !t->failed; i++) {
		if (!value || cJSON_IsNull(value))
			return template_text(t, "");
		if (cJSON_IsNumber(args[i])) {
			value = cJSON_GetArrayItem(value, (int)args[i]->valuedouble);
			if (!value)
				template_fail(
				    t,
				    "template: :1: executing \"\" at <index>: error calling index: reflect: "
				    "slice index out of range");
		} else {
			value = cJSON_GetObjectItemCaseSensitive(value, text(args[i]));
			if (!value)
				return template_text(t, "");
		}
	}
	return value;
}

static const cJSON *call_slice(struct template *t, const cJSON **args, int count)
{
	const char *whole = text(args[0]);
	size_t length = strlen(whole), from = count > 1 ? (size_t)cJSON_GetNumberValue(args[1]) : 0;
	size_t to = count > 2 ? (size_t)cJSON_GetNumberValue(args[2]) : length;
	if (from > to || to > length) {
		template_fail(
		    t,
		    "template: :1: executing \"\" at <slice>: error calling slice: index out of range: %zu",
		    to);
		return NULL;
	}
	char *part = strndup(whole + from, to - from);
	const cJSON *result = template_text(t, part);
	free(part);
	return result;
}

static const cJSON *call_split(struct template *t, const cJSON **args)
{
	const char *at = text(args[0]), *by = text(args[1]);
	cJSON *list = cJSON_CreateArray();
	for (const char *next; *by && (next = strstr(at, by)); at = next + strlen(by)) {
		char *part = strndup(at, (size_t)(next - at));
		cJSON_AddItemToArray(list, cJSON_CreateString(part));
		free(part);
	}
	cJSON_AddItemToArray(list, cJSON_CreateString(at));
	return template_keep(t, list);
}

/* The functions that write text: print, println, printf, join, lower, upper. */
static const cJSON *call_text(struct template *t, const char *function, const cJSON **args, int count)
{
	char *result = NULL;
	size_t size = 0;
	const cJSON *item;
	FILE *out = open_memstream(&result, &size);
	if (!strcmp(function, "printf")) {
		int next = 1;
		for (const char *at = text(args[0]); *at; at++) {
			if (*at != '%' || !at[1]) {
				fputc(*at, out);
			} else if (*++at == '%') {
				fputc('%', out);
			} else {
				at += strspn(at, "-+ 0123456789.");
				fputs(*at == 'q' ? "\"" : "", out);
				template_print(out, next < count ? args[next++] : NULL);
				fputs(*at == 'q' ? "\"" : "", out);
			}
		}
	} else if (!strcmp(function, "join")) {
		cJSON_ArrayForEach(item, args[0])
		{
			fputs(item == args[0]->child ? "" : text(args[1]), out);
			template_print(out, item);
		}
	} else if (!strcmp(function, "lower") || !strcmp(function, "upper")) {
		for (const char *at = text(args[0]); *at; at++)
			fputc(*function == 'l' ? tolower((unsigned char)*at) : toupper((unsigned char)*at),
			      out);
	} else {
		for (int i = 0; i < count; i++) {
			if (i && !strcmp(function, "println"))
				fputc(' ', out);
			template_print(out, args[i]);
		}
		if (!strcmp(function, "println"))
			fputc('\n', out);
	}
	fclose(out);
	const cJSON *made = template_text(t, result);
	free(result);
	return made;
}

static const cJSON *call_compare(struct template *t, const char *function, const cJSON **args, int count)
{
	int order = 0, equal = 0;
	for (int i = 1; i < count; i++) {
		if (cJSON_IsNumber(args[0]) && cJSON_IsNumber(args[i]))
			order = (args[0]->valuedouble > args[i]->valuedouble) -
				(args[0]->valuedouble < args[i]->valuedouble);
		else if (cJSON_IsString(args[0]) && cJSON_IsString(args[i]))
			order = strcmp(text(args[0]), text(args[i]));
		else
			order = !cJSON_Compare(args[0], args[i], 1);
		equal |= order == 0;
	}
	int result = !strcmp(function, "eq")   ? equal
		     : !strcmp(function, "ne") ? !equal
		     : *function == 'l'        ? order < 0 || (function[1] == 'e' && !order)
					       : order > 0 || (function[1] == 'e' && !order);
	return template_keep(t, cJSON_CreateBool(result));
}

const cJSON *template_call(struct template *t, const char *function, const cJSON **args, int count)
{
	if (count && !strcmp(function, "json"))
		return call_json(t, args[0]);
	if (count && !strcmp(function, "index"))
		return call_index(t, args, count);
	if (count && !strcmp(function, "slice"))
		return call_slice(t, args, count);
	if (count > 1 && !strcmp(function, "split"))
		return call_split(t, args);
	if (count && !strcmp(function, "not"))
		return template_keep(t, cJSON_CreateBool(!template_true(args[0])));
	if (count && !strcmp(function, "len")) {
		const char *string = cJSON_GetStringValue(args[0]);
		return template_keep(
		    t, cJSON_CreateNumber(string ? (double)strlen(string) : cJSON_GetArraySize(args[0])));
	}
	if (count && (!strcmp(function, "and") || !strcmp(function, "or"))) {
		int i = 0;
		while (i < count - 1 && template_true(args[i]) == (*function == 'a'))
			i++;
		return args[i];
	}
	if (count > 1 && strstr(" eq ne lt le gt ge ", function))
		return call_compare(t, function, args, count);
	if (!strncmp(function, "print", 5) || (count && strstr(" lower upper ", function)) ||
	    (count > 1 && !strcmp(function, "join")))
		return call_text(t, function, args, count);
	template_fail(t, "template: :1: function \"%s\" not defined", function);
	return NULL;
}
