/* The carrier that is OpenSSH's own ssh: a master connection, and for each channel one ssh that borrows it by
 * the control socket. Such an ssh must never connect by itself, and says on a pipe of its own what becomes of
 * it, so that the command's words stay the command's. */
#include "core/links/ssh_program.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t program_fds(const struct ssh *, struct pollfd *);
static void program_turn(struct ssh *);
static int program_open(struct ssh_channel *, struct err *);
static ssize_t program_read(struct ssh_channel *, int, void *, size_t);
static ssize_t program_write(struct ssh_channel *, const void *, size_t);
static int program_end(struct ssh_channel *);
static int program_finish(struct ssh_channel *);
static int program_close(struct ssh_channel *);

const struct ssh_carrier ssh_program = {
    .name = "the ssh program",
    .connect = ssh_program_connect,
    .drop = ssh_program_drop,
    .fds = program_fds,
    .turn = program_turn,
    .open = program_open,
    .read = program_read,
    .write = program_write,
    .end = program_end,
    .finish = program_finish,
    .close = program_close,
};

enum { LOG_MOST = 64 << 10 };

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static size_t program_fds(const struct ssh *ssh, struct pollfd *fds)
{
	size_t n = 0;
	fds[n++] = (struct pollfd){.fd = ssh->master.err, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = ssh->master.gone, .events = POLLIN};
	for (const struct ssh_channel *c = ssh->channels; c && n + 5 <= SSH_FDS_MAX; c = c->next) {
		if (!c->deaf) {
			fds[n++] = (struct pollfd){.fd = c->client.out, .events = POLLIN};
			fds[n++] = (struct pollfd){.fd = c->client.err, .events = POLLIN};
		}
		if (c->wants_out)
			fds[n++] = (struct pollfd){.fd = c->client.in, .events = POLLOUT};
		fds[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
		/* Its end is waited for only when it has nothing more to say, or nothing was said yet. */
		if (!c->open || (c->client.out < 0 && c->client.err < 0))
			fds[n++] = (struct pollfd){.fd = c->client.gone, .events = POLLIN};
	}
	return n;
}

static void read_log(struct ssh_channel *c)
{
	char chunk[4096];
	ssize_t n;
	while (c->fd >= 0 && (n = read(c->fd, chunk, sizeof chunk)) != -1) {
		if (n == 0) {
			/* Before the other side has opened it there is an end too. */
			if (c->rest.len)
				close_one(&c->fd);
			return;
		}
		buf_add(&c->rest, chunk, (size_t)n);
		c->ssh->fresh = true;
		if (c->rest.len > LOG_MOST)
			buf_cut(&c->rest, c->rest.len - LOG_MOST / 2);
	}
}

static void program_turn(struct ssh *ssh)
{
	for (struct ssh_channel *c = ssh->channels; c; c = c->next)
		read_log(c);
	if (ssh->lost || ssh_program_hear(ssh))
		return;
	ssh_program_said(ssh, ssh->why, sizeof ssh->why);
	ssh->lost = true;
}

static void log_path(const struct ssh_channel *c, char *out, size_t size)
{
	text_copyf(out, size, "%s/c%p", c->ssh->folder, (const void *)c);
}

static int spawn_client(struct ssh_channel *c, struct err *err)
{
	struct ssh *ssh = c->ssh;
	char master[100], log[128], way[240];
	log_path(c, log, sizeof log);
	text_copyf(master, sizeof master, "%s/m", ssh->folder);
	text_copyf(way, sizeof way, strchr(c->host, ':') ? "[%s]:%d" : "%s:%d", c->host, c->port);
	unlink(log);
	if (mkfifo(log, 0600) < 0 || (c->fd = open(log, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		return err_set(err, ERR_IO, "%s: no pipe could be made in %s (%s)", ssh->name, ssh->folder,
			       strerror(errno));
	const char *argv[] = {"ssh",  "-F",
			      "none", "-S",
			      master, "-E",
			      log,    "-T",
			      "-e",   "none",
			      "-o",   "ControlMaster=no",
			      "-o",   "BatchMode=yes",
			      "-o",   "LogLevel=DEBUG2",
			      "-o",   "ProxyCommand=/bin/false",
			      NULL,   NULL,
			      NULL,   NULL,
			      NULL,   NULL};
	size_t n = 18;
	if (!c->command) {
		argv[n++] = "-W";
		argv[n++] = way;
	}
	argv[n++] = "--";
	argv[n++] = ssh->at.alias;
	if (c->command)
		argv[n++] = c->command;
	if (ssh_spawn(argv, NULL, SSH_SPAWN_IN | SSH_SPAWN_OUT | SSH_SPAWN_ERR, &c->client) < 0)
		return err_set(err, ERR_IO, "%s: the ssh program could not be started (%s)", ssh->name,
			       strerror(errno));
	return 0;
}

/* The master knows why, and says it on its own line. */
static int refused(struct ssh_channel *c, struct err *err)
{
	char said[200];
	ssh_program_hear(c->ssh);
	ssh_program_said(c->ssh, said, sizeof said);
	c->full = c->command && strstr(buf_text(&c->rest), "refused by peer");
	return ssh_say_refused(c, c->full ? "" : said, err);
}

static int program_open(struct ssh_channel *c, struct err *err)
{
	struct ssh *ssh = c->ssh;
	char log[128];
	if (ssh->lost)
		return SSH_LOST;
	if (c->client.pid < 0 && spawn_client(c, err) < 0)
		return SSH_NOT;
	int status = ssh_spawn_status(&c->client);
	read_log(c);
	if (!strstr(buf_text(&c->rest), "master session id") && status < 0)
		return SSH_AGAIN;
	log_path(c, log, sizeof log);
	unlink(log);
	if (status >= 0)
		c->lib_state = status + 1;
	if (!strstr(buf_text(&c->rest), "master session id")) {
		program_turn(ssh);
		return ssh->lost ? SSH_LOST : refused(c, err);
	}
	c->open = true;
	return 0;
}

static ssize_t program_read(struct ssh_channel *c, int which, void *data, size_t size)
{
	int *fd = which ? &c->client.err : &c->client.out;
	ssize_t n = *fd < 0 ? 0 : read(*fd, data, size);
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return SSH_AGAIN;
	close_one(fd);
	return SSH_END;
}

static ssize_t program_write(struct ssh_channel *c, const void *data, size_t len)
{
	ssize_t n = c->client.in < 0 ? -1 : write(c->client.in, data, len);
	c->wants_out = n < 0 && c->client.in >= 0 && (errno == EAGAIN || errno == EINTR);
	if (n >= 0)
		return n;
	return c->wants_out ? SSH_AGAIN : SSH_END;
}

static int program_end(struct ssh_channel *c)
{
	close_one(&c->client.in);
	c->wants_out = false;
	return 0;
}

/* 255 is ssh's own word as well as a command's: its log tells which. */
static int program_finish(struct ssh_channel *c)
{
	static const char exited[] = "Received exit status from master ";
	struct ssh *ssh = c->ssh;
	int status = c->lib_state ? c->lib_state - 1 : ssh_spawn_status(&c->client);
	if (status < 0)
		return SSH_AGAIN;
	c->lib_state = status + 1;
	read_log(c);
	const char *told = strstr(buf_text(&c->rest), exited);
	program_turn(ssh);
	if (told)
		c->status = (int)strtol(told + sizeof exited - 1, NULL, 10);
	else if (ssh->lost || !c->command)
		c->status = -1;
	else
		text_copy(c->signal, sizeof c->signal, "?");
	c->told = told || !ssh->lost;
	return c->told ? 0 : SSH_LOST;
}

static int program_close(struct ssh_channel *c)
{
	char log[128];
	log_path(c, log, sizeof log);
	unlink(log);
	close_one(&c->fd);
	ssh_spawn_end(&c->client);
	return 0;
}
