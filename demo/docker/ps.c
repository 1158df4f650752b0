/* docker ps: its filters, its table and its words for a state. */
#include "demo/docker/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <regex.h>

/* A span of time as docker words it. */
static void duration_text(double seconds, char text[48])
{
	long s = seconds > 0 ? (long)seconds : 0, m = s / 60, h = (s + 1800) / 3600;
	if (s < 1)
		snprintf(text, 48, "Less than a second");
	else if (s < 60)
		snprintf(text, 48, s == 1 ? "1 second" : "%ld seconds", s);
	else if (m < 60)
		snprintf(text, 48, m == 1 ? "About a minute" : "%ld minutes", m);
	else if (h < 48)
		snprintf(text, 48, h == 1 ? "About an hour" : "%ld hours", h);
	else if (h < 24 * 14)
		snprintf(text, 48, "%ld days", h / 24);
	else
		snprintf(text, 48, "%ld weeks", h / 24 / 7);
}

static void status_text(const cJSON *container, char text[96])
{
	char span[48];
	const char *status = text_of(container, "status"), *health = text_of(container, "health");
	int up = !strcmp(status, "running");
	duration_text(time_now() - time_parse(text_of(container, up ? "started_at" : "finished_at")), span);
	if (up)
		snprintf(text, 96, "Up %s%s%s%s", span, *health ? " (" : "", health, *health ? ")" : "");
	else if (!strcmp(status, "created"))
		snprintf(text, 96, "Created");
	else
		snprintf(text, 96, "%s (%lld) %s ago", !strcmp(status, "exited") ? "Exited" : "Restarting",
			 number_of(container, "exit_code"), span);
}

static void command_text(const cJSON *container, int full, char text[512])
{
	const cJSON *word;
	size_t used = (size_t)snprintf(text, 512, "\"");
	cJSON_ArrayForEach(word, cJSON_GetObjectItem(container, "command"))
	{
		if (used < 400)
			used += (size_t)snprintf(text + used, 512 - used, "%s%.100s", used > 1 ? " " : "",
						 word->valuestring);
	}
	if (!full && used > 20)
		snprintf(text + 20, 8, "…\"");
	else
		snprintf(text + used, 512 - used, "\"");
}

static void labels_text(const cJSON *labels, char *text, size_t size)
{
	const cJSON *label;
	size_t used = 0;
	text[0] = 0;
	cJSON_ArrayForEach(label, labels)
	{
		int more = snprintf(text + used, size - used, "%s%s=%s", used ? "," : "", label->string,
				    label->valuestring);
		if (more < 0 || (size_t)more >= size - used)
			break;
		used += (size_t)more;
	}
}

cJSON *view_row(const cJSON *container, int full_ids)
{
	char text[2048], id[65], span[48];
	cJSON *row = cJSON_CreateObject();
	snprintf(id, sizeof id, "%.*s", full_ids ? 64 : 12, text_of(container, "id"));
	text_set(row, "ID", id);
	text_set(row, "Image", text_of(container, "image"));
	command_text(container, full_ids, text);
	text_set(row, "Command", text);
	text_set(row, "CreatedAt", text_of(container, "created_at"));
	duration_text(time_now() - time_parse(text_of(container, "created_at")), span);
	snprintf(text, sizeof text, "%s ago", span);
	text_set(row, "RunningFor", text);
	status_text(container, text);
	text_set(row, "Status", text);
	text_set(row, "State", text_of(container, "status"));
	text[0] = 0;
	if (is_running(container) && number_of(container, "port"))
		snprintf(text, sizeof text, "%s:%lld->%s", text_of(container, "host_ip"),
			 number_of(container, "port"), text_of(container, "inside_port"));
	text_set(row, "Ports", text);
	text_set(row, "Names", text_of(container, "name"));
	labels_text(cJSON_GetObjectItem(container, "labels"), text, sizeof text);
	text_set(row, "Labels", text);
	text_set(row, "Networks", "kamal");
	text_set(row, "Mounts", "");
	text_set(row, "LocalVolumes", "0");
	text_set(row, "Size", "0B");
	return row;
}

static int label_passes(const cJSON *container, const char *want)
{
	char key[256];
	const char *equals = strchr(want, '=');
	snprintf(key, sizeof key, "%.*s", (int)(equals ? equals - want : (long)strlen(want)), want);
	const cJSON *label = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(container, "labels"), key);
	return label && (!equals || !strcmp(label->valuestring, equals + 1));
}

static int name_passes(const cJSON *container, const char *want)
{
	char slashed[300];
	regex_t regex;
	if (regcomp(&regex, want, REG_EXTENDED | REG_NOSUB))
		return 0;
	snprintf(slashed, sizeof slashed, "/%s", text_of(container, "name"));
	int passes = !regexec(&regex, slashed + 1, 0, NULL, 0) || !regexec(&regex, slashed, 0, NULL, 0);
	regfree(&regex);
	return passes;
}

static int ancestor_passes(const cJSON *container, const char *want)
{
	char name[256], id[65];
	if (!strcmp(image_resolve(want, name), text_of(container, "image")))
		return 1;
	image_id(text_of(container, "image"), id);
	if (!strncmp(want, "sha256:", 7))
		want += 7;
	return strlen(want) >= 6 && !strncmp(id, want, strlen(want));
}

int filters_pass(const cJSON *container, const struct texts *filters)
{
	/* Labels must all fit; of names, states, ids and images one of each kind is enough. */
	const char *kinds[] = {"name=", "status=", "id=", "ancestor="};
	int asked[4] = {0}, passed[4] = {0};
	for (int i = 0; i < filters->count; i++) {
		const char *filter = filters->item[i];
		if (!strncmp(filter, "label=", 6) && !label_passes(container, filter + 6))
			return 0;
		for (int k = 0; k < 4; k++) {
			size_t length = strlen(kinds[k]);
			if (strncmp(filter, kinds[k], length))
				continue;
			const char *want = filter + length;
			asked[k] = 1;
			passed[k] |= k == 0   ? name_passes(container, want)
				     : k == 1 ? !strcmp(text_of(container, "status"), want)
				     : k == 2 ? !strncmp(text_of(container, "id"), want, strlen(want))
					      : ancestor_passes(container, want);
		}
	}
	for (int k = 0; k < 4; k++)
		if (asked[k] && !passed[k])
			return 0;
	return 1;
}

static void table_print(cJSON *const *rows, int count)
{
	static const struct {
		const char *title, *key;
	} columns[] = {{"CONTAINER ID", "ID"},    {"IMAGE", "Image"},   {"COMMAND", "Command"},
		       {"CREATED", "RunningFor"}, {"STATUS", "Status"}, {"PORTS", "Ports"},
		       {"NAMES", "Names"}};
	for (int row = -1; row < count; row++) {
		for (size_t c = 0; c < 7; c++) {
			size_t width = strlen(columns[c].title);
			for (int i = 0; i < count; i++) {
				size_t length = strlen(text_of(rows[i], columns[c].key));
				width = length > width ? length : width;
			}
			const char *text = row < 0 ? columns[c].title : text_of(rows[row], columns[c].key);
			printf("%-*s%s", c < 6 ? (int)width : 0, text, c < 6 ? "   " : "\n");
		}
	}
}

int cmd_ps(int argc, char **argv)
{
	int all_states = 0, quiet = 0, full = 0, latest = 0, status = 0, count = 0;
	const char *format = NULL, *last = NULL;
	struct texts filters = {0};
	const struct option_row rows[] = {
	    {"all", 'a', 'b', &all_states}, {"quiet", 'q', 'b', &quiet}, {"no-trunc", 0, 'b', &full},
	    {"latest", 'l', 'b', &latest},  {"last", 'n', 's', &last},   {"filter", 'f', 'l', &filters},
	    {"format", 0, 's', &format},    {"size", 's', 'B', NULL},
	};
	if (OPTIONS(rows, argc, argv, 0) < 0)
		return 125;
	int state_asked = 0, most = latest ? 1 : last ? atoi(last) : 256;
	for (int i = 0; i < filters.count; i++)
		state_asked |= !strncmp(filters.item[i], "status=", 7);
	cJSON *all = store_load(), *container, *shown[256];
	cJSON_ArrayForEach(container, all)
	{
		int state_fits = all_states || latest || last || state_asked || is_running(container);
		if (count < most && state_fits && filters_pass(container, &filters))
			shown[count++] = container;
	}
	cJSON *views[256];
	for (int i = 0; i < count; i++)
		views[i] = view_row(shown[i], full);
	if (format && !strncmp(format, "table ", 6))
		format += 6;
	for (int i = 0; i < count && (quiet || format); i++) {
		const char *use = quiet ? "{{.ID}}" : strcmp(format, "json") ? format : "{{json .}}";
		status |= format_print(use, views[i], cJSON_GetObjectItem(shown[i], "labels"), TEMPLATE_ROW);
	}
	if (!quiet && !format)
		table_print(views, count);
	for (int i = 0; i < count; i++)
		cJSON_Delete(views[i]);
	cJSON_Delete(all);
	return status ? 1 : 0;
}
