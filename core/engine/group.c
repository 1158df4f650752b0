/* `group:` of the configuration: a second login may join. The night's folder and its socket are opened to
 * that group and to nobody else; without a group they are the owner's alone. */
#include "core/engine/inner.h"
#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

static int hand_over(const char *path, gid_t gid, mode_t mode, const char *group, struct err *err)
{
	if (chown(path, (uid_t)-1, gid) < 0 && errno == EPERM)
		return err_set(err, ERR_CONFIG,
			       "%s cannot be given to the group %s: you are no member of it. Log in as a "
			       "member, or leave "
			       "`group:` out",
			       path, group);
	if (chmod(path, mode) < 0)
		return err_set(err, ERR_IO, "%s cannot be opened to the group %s: %s", path, group,
			       strerror(errno));
	return 0;
}

static bool passes(const struct stat *st, gid_t gid)
{
	return (st->st_mode & S_IXOTH) || (st->st_gid == gid && (st->st_mode & S_IXGRP));
}

/* The two folders above the night are nightferry's own; further up they are somebody else's to open. */
static int open_above(const char *dir, gid_t gid, const char *group, struct err *err)
{
	char path[400];
	struct stat st;
	text_copy(path, sizeof path, dir);
	for (int up = 1;; up++) {
		char *slash = strrchr(path, '/');
		if (!slash || slash == path)
			return 0;
		*slash = '\0';
		if (stat(path, &st) < 0)
			return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		bool listed = (st.st_mode & S_IROTH) || (st.st_gid == gid && (st.st_mode & S_IRGRP));
		if (passes(&st, gid) && (listed || up > 1))
			continue;
		if (up > 2 || st.st_uid != geteuid() || text_equal(path, "/tmp"))
			return err_set(err, ERR_CONFIG,
				       "members of %s cannot reach this night: %s is closed to them. Set "
				       "NIGHTFERRY_STATE to a "
				       "folder that they can enter, such as /var/lib/nightferry",
				       group, path);
		if (hand_over(path, gid, (st.st_mode & 07777) | S_IRGRP | S_IXGRP, group, err) < 0)
			return -1;
	}
}

/* 0 and *group "" when none is configured. */
static int find(const struct json *config, const char **group, gid_t *gid, struct err *err)
{
	*group = json_str(config, "group", "");
	const struct group *gr = **group ? getgrnam(*group) : NULL;
	if (**group && !gr)
		return err_set(err, ERR_CONFIG,
			       "`group: %s` of nightferry.yml: this machine has no such group. `getent "
			       "group` lists them; "
			       "`groupadd` makes one",
			       *group);
	*gid = gr ? gr->gr_gid : 0;
	return 0;
}

int group_folder(const struct json *config, const char *dir, struct err *err)
{
	const char *group;
	gid_t gid;
	if (find(config, &group, &gid, err) < 0)
		return -1;
	if (!*group)
		return 0;
	if (open_above(dir, gid, group, err) < 0)
		return -1;
	return hand_over(dir, gid, 0770, group, err);
}

int group_socket(const struct engine *e, struct err *err)
{
	const char *group;
	gid_t gid;
	if (find(e->config, &group, &gid, err) < 0)
		return -1;
	if (!*group)
		return 0;
	/* `status` and `attach` of a member find the night by its journal. */
	static const char *const files[] = {"journal.jsonl", "trace.jsonl"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[512];
		text_copyf(path, sizeof path, "%s/%s", e->dir, files[i]);
		if (hand_over(path, gid, 0640, group, err) < 0)
			return -1;
	}
	return hand_over(e->socket_path, gid, 0660, group, err);
}
