/* The master's life: its options, its login, its end. Nothing it may ask or do is left to a default. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_lend.h"
#include "core/links/ssh_program.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOGIN_MS = 60000, SAID_MOST = 16 << 10, ARGS_MAX = 90 };

static int make_folder(struct ssh *ssh, struct err *err)
{
	if (ssh_folder_make(ssh->folder, sizeof ssh->folder, err) < 0)
		return -1;
	ssh->ask_fd = ssh_ask_listen(ssh);
	if (ssh->ask_fd < 0)
		return err_set(err, ERR_IO, "no socket could be made in %s (%s)", ssh->folder,
			       strerror(errno));
	return 0;
}

/* ---- what it is told ---- */

struct args {
	const char *v[ARGS_MAX];
	char *own[16];
	size_t n, n_own;
};

static void option(struct args *a, const char *text)
{
	a->v[a->n++] = "-o";
	a->v[a->n++] = text;
}

static void optionf(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void optionf(struct args *a, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	a->own[a->n_own++] = text.data;
	option(a, text.data);
}

static void way_there(const struct ssh_host *at, struct args *a)
{
	optionf(a, "User=%s", at->user);
	optionf(a, "Port=%d", at->port);
	optionf(a, "StrictHostKeyChecking=%s",
		at->strict == SSH_STRICT_YES   ? "yes"
		: at->strict == SSH_STRICT_NEW ? "accept-new"
					       : "ask");
	if (at->own_key) {
		optionf(a, "IdentityFile=\"%s\"", at->keys[0]);
		option(a, "IdentitiesOnly=yes");
	}
	/* The same files that libssh2 is checked by, the first of them to write to. */
	struct buf known = {0};
	for (size_t i = 0; i < at->n_known; i++)
		buf_addf(&known, "%s\"%s\"", i ? " " : "", at->known[i]);
	if (known.len)
		optionf(a, "UserKnownHostsFile=%s", buf_text(&known));
	buf_done(&known);
	if (*at->jump)
		optionf(a, "ProxyJump=%s", at->jump);
	else if (*at->proxy)
		optionf(a, "ProxyCommand=%s", at->proxy);
}

static void set_args(struct ssh *ssh, struct args *a)
{
	static const char *const always[] = {"ControlMaster=yes",
					     "ControlPersist=no",
					     "BatchMode=no",
					     "PasswordAuthentication=no",
					     "KbdInteractiveAuthentication=no",
					     "ServerAliveInterval=10",
					     "ServerAliveCountMax=3",
					     "TCPKeepAlive=yes",
					     "ConnectTimeout=10",
					     "ConnectionAttempts=1",
					     "ForwardAgent=no",
					     "ForwardX11=no",
					     "ClearAllForwardings=yes",
					     "PermitLocalCommand=no",
					     "RequestTTY=no",
					     "RemoteCommand=none",
					     "UpdateHostKeys=no",
					     "HashKnownHosts=no",
					     "LogLevel=INFO",
					     NULL};
	*a = (struct args){.v = {"ssh", "-N", "-T"}, .n = 3};
	for (size_t i = 0; always[i]; i++)
		option(a, always[i]);
	optionf(a, "ControlPath=%s/m", ssh->folder);
	way_there(&ssh->at, a);
	a->v[a->n++] = "--";
	a->v[a->n++] = ssh->at.alias;
	a->v[a->n] = NULL;
}

static int start_master(struct ssh *ssh, struct err *err)
{
	struct args a;
	char self[40], ask[100], exe[8];
	text_copyf(self, sizeof self, "SSH_ASKPASS=/proc/%d/exe", (int)getpid());
	text_copyf(ask, sizeof ask, "NIGHTFERRY_ASK=%s/ask", ssh->folder);
	/* Without /proc the program's own path would have to be known; then ssh asks nobody and says so. */
	const char *const env[] = {ask, "SSH_ASKPASS_REQUIRE=force",
				   readlink("/proc/self/exe", exe, sizeof exe) > 0 ? self : NULL, NULL};
	set_args(ssh, &a);
	int rc = ssh_spawn(a.v, env, SSH_SPAWN_ERR, &ssh->master);
	int why = errno;
	for (size_t i = 0; i < a.n_own; i++)
		free(a.own[i]);
	return rc < 0 ? err_set(err, ERR_IO, "the ssh program could not be started (%s)", strerror(why)) : 0;
}

/* ---- what it says ---- */

bool ssh_program_hear(struct ssh *ssh)
{
	char chunk[2048];
	ssize_t n;
	while (ssh->master.err >= 0 && (n = read(ssh->master.err, chunk, sizeof chunk)) != -1) {
		if (n == 0) {
			close(ssh->master.err);
			ssh->master.err = -1;
			break;
		}
		buf_add(&ssh->said, chunk, (size_t)n);
		if (ssh->said.len > SAID_MOST)
			buf_cut(&ssh->said, ssh->said.len - SAID_MOST / 2);
	}
	if (ssh->master.pid > 0)
		ssh_spawn_status(&ssh->master);
	return ssh->master.pid > 0;
}

void ssh_program_said(const struct ssh *ssh, char *out, size_t size)
{
	const char *text = buf_text(&ssh->said);
	size_t len = ssh->said.len, start;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (start = len; start && text[start - 1] != '\n'; start--)
		;
	text_clean(out, size, text + start, len - start);
}

/* "Offending ED25519 key in /home/ann/.ssh/known_hosts:3" */
static int explain_changed(const struct ssh *ssh, const char *text, struct err *err)
{
	char path[400] = "", shown[100] = "", type[40] = "another";
	int line = 0;
	const char *at = strstr(text, "Offending ");
	const char *in = at ? strstr(at, " key in ") : NULL;
	const char *end = in ? strpbrk(in, "\r\n") : NULL, *colon = end;
	while (colon && colon > in && *colon != ':')
		colon--;
	if (colon && colon > in) {
		text_copyf(path, sizeof path, "%.*s", (int)(colon - in - 8), in + 8);
		line = (int)strtol(colon + 1, NULL, 10);
	}
	at = strstr(text, "SHA256:");
	if (at)
		text_copyf(shown, sizeof shown, "%.*s", (int)strcspn(at, ". \r\n"), at);
	at = strstr(text, "fingerprint for the ");
	if (at)
		text_copyf(type, sizeof type, "%.*s", (int)strcspn(at + 20, " \r\n"), at + 20);
	return ssh_say_changed(ssh, type, shown, *path ? path : ssh->at.known[0], line, err);
}

static int explain(struct ssh *ssh, const struct err *asked, struct err *err)
{
	const char *text = buf_text(&ssh->said);
	char last[300];
	ssh_program_said(ssh, last, sizeof last);
	if (strstr(text, "REMOTE HOST IDENTIFICATION HAS CHANGED"))
		return explain_changed(ssh, text, err);
	if (strstr(text, "is marked as revoked"))
		return err_set(err, ERR_REFUSED, "the host key of %s is marked as revoked; nothing was sent",
			       ssh->name);
	/* Who was asked and did not answer is the cause of what ssh says then. */
	if (asked->kind)
		return err_set(err, asked->kind, "%s", asked->text);
	if (strstr(text, "Host key verification failed"))
		return err_set(
		    err, ERR_REFUSED,
		    "the host key of %s, or of a host on the way, is not known, and your ssh configuration "
		    "refuses such hosts (StrictHostKeyChecking yes); connect once with ssh, or add it to %s",
		    ssh->name, ssh->at.known[0]);
	if (strstr(text, "Permission denied"))
		return err_set(
		    err, ERR_AUTH,
		    "%s does not let us in (by the ssh program, because %s): %s. Put the public key into "
		    "%s's ~/.ssh/authorized_keys there, or name the right key in host.key",
		    ssh->name, ssh->because, last, ssh->at.user);
	return err_set(err, ERR_NET, "%s cannot be reached (by the ssh program, because %s): %s", ssh->name,
		       ssh->because, *last ? last : "it said nothing");
}

/* ---- the login ---- */

static int wait_login(struct ssh *ssh, struct err *err)
{
	struct buf asked = {0};
	struct err unanswered = {0};
	char master[100];
	int64_t began_ms = clock_life_ms();
	int rc = 1;
	text_copyf(master, sizeof master, "%s/m", ssh->folder);
	while (rc > 0) {
		/* The master puts its socket there when it is in, and not before. */
		struct pollfd p[] = {
		    {.fd = ssh->ask_fd, .events = POLLIN},
		    {.fd = ssh->master.err, .events = POLLIN},
		    {.fd = ssh->master.gone, .events = POLLIN},
		    {.fd = ssh->job && !ssh->deaf ? job_cancel_fd(ssh->job) : -1, .events = POLLIN}};
		if (access(master, F_OK) == 0)
			rc = 0;
		else if (!ssh_program_hear(ssh))
			rc = explain(ssh, &unanswered, err);
		else if (ssh_since(began_ms) > LOGIN_MS)
			rc =
			    err_set(err, ERR_NET, "%s: no login within %d s (by the ssh program, because %s)",
				    ssh->name, LOGIN_MS / 1000, ssh->because);
		else if (ssh->job && !ssh->deaf && job_stopping(ssh->job))
			rc = err_set(err, ERR_CANCELLED, "stopped while connecting to %s", ssh->name);
		if (rc <= 0)
			break;
		if (poll(p, 4, 20) > 0 && p[0].revents) {
			int64_t asked_ms = clock_life_ms();
			ssh_ask_serve(ssh, &asked, &unanswered);
			began_ms += clock_life_ms() - asked_ms; /* a person's time is not the host's */
		}
	}
	buf_done(&asked);
	return rc;
}

int ssh_program_connect(struct ssh *ssh, struct err *err)
{
	signal(SIGPIPE, SIG_IGN);
	buf_reset(&ssh->said);
	int rc = make_folder(ssh, err);
	if (rc == 0)
		rc = start_master(ssh, err);
	if (rc == 0)
		rc = wait_login(ssh, err);
	if (rc < 0)
		ssh_program_drop(ssh);
	buf_reset(&ssh->said);
	return rc;
}

void ssh_program_drop(struct ssh *ssh)
{
	ssh_spawn_end(&ssh->master);
	if (ssh->ask_fd >= 0)
		close(ssh->ask_fd);
	ssh->ask_fd = -1;
	if (*ssh->folder)
		ssh_folder_remove(ssh->folder);
	*ssh->folder = 0;
}
