/* Folders for sockets: short, for the path of a socket is, and named after their process, so that those of
 * one that was killed are found and swept up. */
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include "core/links/ssh_lend.h"
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define FOLDER "/tmp/nf-ssh."

void ssh_folder_remove(const char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *x; d && (x = readdir(d));) {
		char file[400];
		text_copyf(file, sizeof file, "%s/%s", path, x->d_name);
		if (x->d_name[0] == '.' && (!x->d_name[1] || x->d_name[1] == '.'))
			continue;
		if (unlink(file) < 0 && (errno == EISDIR || errno == EPERM))
			ssh_folder_remove(file);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static bool is_ours(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == getuid();
}

static void sweep(void)
{
	DIR *d = opendir("/tmp");
	for (struct dirent *x; d && (x = readdir(d));) {
		char path[300];
		int pid;
		text_copyf(path, sizeof path, "/tmp/%s", x->d_name);
		if (text_starts(path, FOLDER) && sscanf(path + sizeof FOLDER - 1, "%d.", &pid) == 1 &&
		    pid > 0 && kill(pid, 0) < 0 && errno == ESRCH && is_ours(path))
			ssh_folder_remove(path);
	}
	if (d)
		closedir(d);
}

int ssh_folder_make(char *out, size_t size, struct err *err)
{
	sweep();
	text_copyf(out, size, FOLDER "%d.XXXXXX", (int)getpid());
	if (mkdtemp(out))
		return 0;
	*out = 0;
	return err_set(err, ERR_IO, "no folder for sockets could be made in /tmp (%s)", strerror(errno));
}

int ssh_own_folder(char *out, size_t size, struct err *err)
{
	sweep();
	text_copyf(out, size, FOLDER "%d.line", (int)getpid());
	if ((mkdir(out, 0700) < 0 && errno != EEXIST) || !is_ours(out))
		return err_set(err, ERR_IO, "the folder %s cannot be made, or is somebody else's (%s)", out,
			       strerror(errno));
	return 0;
}

void ssh_end_with(pid_t parent)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
	if (getppid() != parent)
		_exit(1);
}
