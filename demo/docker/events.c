/* docker events: what has happened, then what happens, filtered as docker does. */
#include "demo/docker/cmds.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Filters of one kind are alternatives, filters of different kinds must all fit; labels must all fit. */
static int event_passes(const cJSON *event, const struct texts *filters)
{
	const cJSON *actor = cJSON_GetObjectItemCaseSensitive(event, "Actor");
	const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(actor, "Attributes");
	const char *kinds[] = {"event=", "type=", "container="};
	int asked[3] = {0}, passed[3] = {0};
	for (int i = 0; i < filters->count; i++) {
		const char *filter = filters->item[i];
		if (!strncmp(filter, "label=", 6)) {
			char key[256];
			const char *want = filter + 6, *equals = strchr(want, '=');
			snprintf(key, sizeof key, "%.*s", (int)strcspn(want, "="), want);
			const cJSON *label = cJSON_GetObjectItemCaseSensitive(attributes, key);
			if (!label || (equals && strcmp(label->valuestring, equals + 1) != 0))
				return 0;
		}
		for (int k = 0; k < 3; k++) {
			size_t length = strlen(kinds[k]);
			if (strncmp(filter, kinds[k], length))
				continue;
			const char *want = filter + length;
			asked[k] = 1;
			passed[k] |= k == 0   ? !strcmp(text_of(event, "Action"), want)
				     : k == 1 ? !strcmp(text_of(event, "Type"), want)
					      : !strcmp(text_of(attributes, "name"), want) ||
						    !strncmp(text_of(event, "id"), want, strlen(want));
		}
	}
	for (int k = 0; k < 3; k++)
		if (asked[k] && !passed[k])
			return 0;
	return 1;
}

static void event_print(const cJSON *event, const char *line, const char *format)
{
	const cJSON *attribute, *actor = cJSON_GetObjectItemCaseSensitive(event, "Actor");
	if (format && (!strcmp(format, "{{json .}}") || !strcmp(format, "json"))) {
		/* The line as it was written, because its 19-digit time would not survive a parser. */
		fputs(line, stdout);
	} else if (format) {
		format_print(format, event, NULL, TEMPLATE_ROW);
	} else {
		printf("%lld container %s %s (", number_of(event, "time"), text_of(event, "Action"),
		       text_of(event, "id"));
		const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(actor, "Attributes");
		cJSON_ArrayForEach(attribute, attributes)
		{
			printf("%s%s=%s", attribute == attributes->child ? "" : ", ", attribute->string,
			       attribute->valuestring);
		}
		puts(")");
	}
	fflush(stdout);
}

static double moment(const char *text)
{
	char *end;
	double number = strtod(text, &end);
	if (!*end)
		return number;
	if (end[1] == 0)
		return time_now() - number * (*end == 'h' ? 3600 : *end == 'm' ? 60 : 1);
	return time_parse(text);
}

int cmd_events(int argc, char **argv)
{
	struct texts filters = {0};
	const char *format = NULL, *since = NULL, *until = NULL;
	const struct option_row rows[] = {{"filter", 'f', 'l', &filters},
					  {"format", 0, 's', &format},
					  {"since", 0, 's', &since},
					  {"until", 0, 's', &until}};
	if (OPTIONS(rows, argc, argv, 0) < 0)
		return 125;
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *file = fopen(store_path(path, "events"), "a+e");
	double since_at = since ? moment(since) : 0, until_at = until ? moment(until) : 0;
	if (!file)
		return 1;
	fseek(file, 0, since ? SEEK_SET : SEEK_END);
	for (;;) {
		long start = ftell(file);
		if (getline(&line, &room, file) <= 0 || line[strlen(line) - 1] != '\n') {
			if (until && time_now() >= until_at)
				break;
			clearerr(file);
			fseek(file, start, SEEK_SET);
			poll(NULL, 0, 40);
			/* Only a world that is gone ends the events, as only a daemon's end does. */
			if (access(path, F_OK))
				break;
			continue;
		}
		cJSON *event = cJSON_Parse(line);
		if (event && (double)number_of(event, "time") >= since_at && event_passes(event, &filters))
			event_print(event, line, format);
		cJSON_Delete(event);
	}
	free(line);
	fclose(file);
	return 0;
}
