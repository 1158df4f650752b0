#include "core/steps/earlier.h"
#include "core/base/text.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_BYTES = 1 << 20, NIGHTS_MOST = 50 };
#define JOURNAL_BYTES (256LL << 20)

static bool take_pace(const struct json *data, void *pace)
{
	struct earlier_pace *out = pace;
	if (json_int(data, "bytes", 0) <= 0 || json_int(data, "ms", 0) <= 0 || json_int(data, "errors", 0) ||
	    json_bool(data, "only_missing", false))
		return false;
	*out = (struct earlier_pace){.bytes = json_int(data, "bytes", 0),
				     .ms = json_int(data, "ms", 0),
				     .at_ms = json_int(data, "at_ms", 0)};
	return true;
}

/* The last one in it counts. A journal that is torn or not ours tells nothing, and that is no trouble. */
static bool read_journal(const char *path, const char *fact, bool (*take)(const struct json *, void *),
			 void *out)
{
	struct stat st;
	char *line = NULL, mark[80];
	size_t size = 0;
	ssize_t len;
	bool found = false;
	FILE *file = stat(path, &st) == 0 && st.st_size < JOURNAL_BYTES ? fopen(path, "re") : NULL;
	text_copyf(mark, sizeof mark, "\"name\":\"%s\"", fact);
	while (file && (len = getline(&line, &size, file)) > 0) {
		if (len > LINE_BYTES || !strstr(line, mark))
			continue;
		struct json *event = json_parse(line, (size_t)len, NULL);
		if (text_equal(json_str(event, "kind", ""), "fact") &&
		    text_equal(json_str(event, "name", ""), fact))
			found = take(json_get(event, "data"), out) || found;
		json_free(event);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

bool earlier_fact(struct job *job, const char *fact, bool (*take)(const struct json *, void *), void *out,
		  char *night, size_t size)
{
	struct dirent **nights = NULL;
	char *parent = xasprintf("%s/..", job_dir(job));
	bool found = take(job_fact(job, fact, ""), out);
	text_copy(night, size, "");
	/* Nights are named by their day and hour, so the newest comes last. */
	int n = !found && *job_dir(job) ? scandir(parent, &nights, NULL, alphasort) : 0;
	for (int i = n - 1; i >= 0; i--) {
		char *path = xasprintf("%s/%s/journal.jsonl", parent, nights[i]->d_name);
		if (!found && *nights[i]->d_name != '.' && i >= n - NIGHTS_MOST) {
			found = read_journal(path, fact, take, out);
			text_copy(night, size, found ? nights[i]->d_name : "");
		}
		free(path);
		free(nights[i]);
	}
	free(nights);
	free(parent);
	return found;
}

bool earlier_pace(struct job *job, const char *fact, struct earlier_pace *out)
{
	char night[4];
	return earlier_fact(job, fact, take_pace, out, night, sizeof night);
}

int64_t earlier_ms(const struct earlier_pace *pace, int64_t bytes)
{
	return (int64_t)((double)bytes * (double)pace->ms / (double)pace->bytes);
}
