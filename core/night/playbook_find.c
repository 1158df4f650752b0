/* Where playbooks are. */
#include "core/night/playbook.h"
#include "core/base/suggest.h"
#include "core/base/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const folders[] = {"playbooks", NIGHTFERRY_SOURCE "/playbooks"};

/* Keeps the nearest name in `best`: directory entries do not outlive their folder. */
static void look_in(const char *folder, const char *word, struct buf *best)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		struct suggest s = {.word = word};

		if (len <= 4 || strcmp(entry->d_name + len - 4, ".yml") != 0)
			continue;
		entry->d_name[len - 4] = '\0';
		if (best->len)
			suggest_offer(&s, buf_text(best));
		suggest_offer(&s, entry->d_name);
		if (s.best == entry->d_name && suggest_best(&s)) {
			buf_reset(best);
			buf_adds(best, entry->d_name);
		}
	}
	if (dir)
		closedir(dir);
}

static char *fail_find(const char *name, struct err *err)
{
	struct buf best = {0};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		look_in(folders[i], name, &best);
	if (best.len)
		err_set(err, ERR_CONFIG, "There is no playbook \"%s\"; did you mean \"%s\"?", name,
			buf_text(&best));
	else
		err_set(err, ERR_CONFIG,
			"There is no playbook \"%s\"; write playbooks/%s.yml, or name another one.", name,
			name);
	buf_done(&best);
	return NULL;
}

char *playbook_find(const char *name_or_path, struct err *err)
{
	size_t len = strlen(name_or_path);

	if (strchr(name_or_path, '/') || (len > 4 && strcmp(name_or_path + len - 4, ".yml") == 0)) {
		if (access(name_or_path, R_OK) == 0)
			return xstrdup(name_or_path);
		err_set(err, ERR_CONFIG, "The playbook %s cannot be read; correct its path.", name_or_path);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = xasprintf("%s/%s.yml", folders[i], name_or_path);

		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return fail_find(name_or_path, err);
}
