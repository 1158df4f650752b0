/* The sockets at which a line lends: made, guarded, and taken away again. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_lend_inner.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static int listen_at(const char *path, unsigned long *ino, struct err *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	if (!text_copy(addr.sun_path, sizeof addr.sun_path, path))
		return err_set(err, ERR_CONFIG,
			       "%s is too long for a socket (%zu bytes); set NIGHTFERRY_STATE to a "
			       "shorter folder",
			       path, sizeof addr.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	/* Whoever can connect acts on the host with our key: never the group, whatever the night's folder
	 * allows. */
	mode_t before = umask(0177);
	int bad = fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, BACKLOG) < 0;
	int why = errno;
	umask(before);
	if (bad) {
		if (fd >= 0)
			close(fd);
		return err_set(err, ERR_IO, "the socket %s cannot be made: %s", path, strerror(why));
	}
	*ino = stat(path, &st) == 0 ? (unsigned long)st.st_ino : 0;
	return fd;
}

/* A newer line may have put its own socket there. */
static void unlink_own(const char *path, unsigned long ino)
{
	struct stat st;
	if (path && stat(path, &st) == 0 && (unsigned long)st.st_ino == ino)
		unlink(path);
}

static int make_pg_folder(const char *path, struct err *err)
{
	char folder[200];
	text_copy(folder, sizeof folder, path);
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = 0;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "the folder %s cannot be made: %s", folder, strerror(errno));
	return 0;
}

void lend_hang_up(struct lend *l)
{
	const int fds[] = {l->ctl, l->pg};
	unlink_own(l->ctl >= 0 ? l->what->ctl : NULL, l->ctl_ino);
	unlink_own(l->pg >= 0 ? l->what->pg : NULL, l->pg_ino);
	for (size_t i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	l->ctl = l->pg = -1;
}

int lend_listen(struct lend *l, struct err *err)
{
	const struct ssh_lend *what = l->what;
	l->ctl = listen_at(what->ctl, &l->ctl_ino, err);
	if (l->ctl < 0)
		return -1;
	if (!what->pg)
		return 0;
	l->pg = make_pg_folder(what->pg, err) < 0 ? -1 : listen_at(what->pg, &l->pg_ino, err);
	if (l->pg >= 0)
		return 0;
	lend_hang_up(l);
	return -1;
}

void lend_accept(struct lend *l)
{
	const int fds[] = {l->ctl, l->pg};
	for (size_t i = 0; i < 2; i++) {
		int fd = -1;
		while (fds[i] >= 0 && (fd = accept4(fds[i], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
			struct borrower *b = xcalloc(1, sizeof *b);
			*b = (struct borrower){.next = l->borrowers,
					       .fd = fd,
					       .raw = i == 1,
					       .since_ms = clock_life_ms(),
					       .state = i ? BORROWER_WAITS : BORROWER_SILENT};
			l->borrowers = b;
			if (b->raw && l->up)
				borrower_welcome(l, b);
		}
		/* The next one waits at the socket and would wake us at once, again and again. */
		if (fds[i] >= 0 && fd < 0 && (errno == EMFILE || errno == ENFILE))
			l->no_fd_ms = clock_life_ms();
	}
}
