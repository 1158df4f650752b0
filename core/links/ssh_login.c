/* Who is on the other side, and who are we: host key and login. */
#include "core/base/text.h"
#include "core/base/clock.h"
#include "core/links/ssh_inner.h"
#include "core/links/ssh_known.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOGIN_MS = 30000, AGENT_KEYS = 5 };

/* ---- files ---- */

static void home_path(char *out, size_t size, const char *path)
{
	const char *home = getenv("HOME");
	const struct passwd *me = home && *home ? NULL : getpwuid(getuid());
	if (path[0] == '~' && path[1] == '/')
		text_copyf(out, size, "%s%s", home && *home ? home : me ? me->pw_dir : "", path + 1);
	else
		text_copy(out, size, path);
}

static bool read_file(const char *path, struct buf *out)
{
	char chunk[8192];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof chunk)) > 0 && out->len < 4u << 20)
		buf_add(out, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof chunk);
	close(fd);
	return n == 0;
}

static void known_path(const struct ssh *ssh, char *out, size_t size)
{
	home_path(out, size, job_config_str(ssh->job, "host.known_hosts", "~/.ssh/known_hosts"));
}

/* ---- the host's key ---- */

void ssh_prefer_known(struct ssh *ssh)
{
	static const char all[] =
	    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,ssh-rsa";
	struct buf text = {0};
	char path[400], types[300], wanted[600];
	int line;
	known_path(ssh, path, sizeof path);
	struct known_host host = {
	    .host = ssh->host, .port = ssh->port, .type = "", .key = (const unsigned char *)"", .key_len = 0};
	*types = 0;
	if (read_file(path, &text))
		known_look(buf_text(&text), &host, &line, types, sizeof types);
	buf_done(&text);
	text_copyf(wanted, sizeof wanted, "%s%s%s", types, *types ? "," : "", all);
	libssh2_session_method_pref(ssh->session, LIBSSH2_METHOD_HOSTKEY, wanted);
}

static int add_known(const char *path, const struct known_host *host, struct err *err)
{
	struct buf line = {0};
	char folder[400];
	text_copy(folder, sizeof folder, path);
	char *slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = 0;
		mkdir(folder, 0700);
	}
	known_line(&line, host);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	bool bad = fd < 0 || write(fd, line.data, line.len) != (ssize_t)line.len;
	if (bad)
		err_set(err, ERR_IO,
			"the host key could not be written to %s (%s); nothing was sent to the host", path,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	buf_done(&line);
	return bad ? -1 : 0;
}

static int ask_trust(struct ssh *ssh, const char *path, const struct known_host *host,
		     const char *fingerprint, struct err *err)
{
	char answer[16] = "";
	char *question = xasprintf("The host %s (port %d) is not known yet. Its %s key is %s. Compare it "
				   "with what the host's console shows "
				   "(ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub). Trust it? Type yes",
				   ssh->host, ssh->port, host->type, fingerprint);
	struct err unasked = {0};
	int rc = ssh->manner == SSH_ASKING
		     ? job_ask(ssh->job, question, false, answer, sizeof answer, &unasked)
		     : -1;
	free(question);
	if (rc == 0 && (text_equal(answer, "yes") || text_equal(answer, "y")))
		return add_known(path, host, err);
	return err_set(err, ERR_REFUSED,
		       "the host key of %s is not known (%s %s) and nobody vouched for it, so nothing was "
		       "sent; compare it on the host, "
		       "then connect once with ssh, or add it to %s",
		       ssh->name, host->type, fingerprint, path);
}

int ssh_check_host(struct ssh *ssh, struct err *err)
{
	char path[400], types[300], type[40], fingerprint[64];
	int kind, line = 0;
	size_t len = 0;
	const char *key = libssh2_session_hostkey(ssh->session, &len, &kind);
	if (!key)
		return err_set(err, ERR_NET, "%s showed no host key; nothing was sent", ssh->name);
	struct known_host host = {.host = ssh->host,
				  .port = ssh->port,
				  .type = type,
				  .key = (const unsigned char *)key,
				  .key_len = len};
	known_type(type, sizeof type, host.key, len);
	known_fingerprint(fingerprint, host.key, len);
	known_path(ssh, path, sizeof path);
	struct buf text = {0};
	enum known known = KNOWN_NOT;
	if (read_file(path, &text))
		known = known_look(buf_text(&text), &host, &line, types, sizeof types);
	buf_done(&text);
	if (known == KNOWN_SAME)
		return 0;
	if (known == KNOWN_REVOKED)
		return err_set(err, ERR_REFUSED,
			       "the host key of %s is marked as revoked in %s line %d; nothing was sent",
			       ssh->name, path, line);
	if (known == KNOWN_OTHER)
		return err_set(err, ERR_REFUSED,
			       "the host key of %s has CHANGED: line %d of %s says another one, the host "
			       "shows %s %s. Either the host was set up "
			       "anew, or somebody else answers at this address; nothing was sent. Compare it "
			       "on the host's console, and only then "
			       "remove that line (ssh-keygen -R)",
			       ssh->name, line, path, type, fingerprint);
	return ask_trust(ssh, path, &host, fingerprint, err);
}

/* ---- the login ---- */

struct login {
	struct ssh *ssh;
	struct buf tried; /* for the sentence when all was in vain */
	bool rsa;
	char only[4096]; /* public part of the configured key, base64; "" : any key of the agent will do */
};

static void note(struct login *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct login *l, const char *fmt, ...)
{
	va_list ap;
	if (l->tried.len)
		buf_adds(&l->tried, ", ");
	va_start(ap, fmt);
	buf_vaddf(&l->tried, fmt, ap);
	va_end(ap);
}

/* Repeats `call` while libssh2 waits for the host. */
#define LOGIN_TRY(l, rc, err, call)                                                                \
	do {                                                                                       \
		int64_t began_ms_ = clock_life_ms();                                               \
		while (((rc) = (call)) == LIBSSH2_ERROR_EAGAIN && ssh_since(began_ms_) < LOGIN_MS) \
			if (ssh_idle((l)->ssh, SSH_SLICE_MS, (err)) < 0)                           \
				break;                                                             \
	} while (0)

static bool identity_wanted(const struct login *l, const struct libssh2_agent_publickey *id)
{
	struct known_host host = {
	    .host = "x", .port = 22, .type = "", .key = id->blob, .key_len = id->blob_len};
	struct buf line = {0};
	known_line(&line, &host);
	/* "x  BASE64\n" */
	bool same = !*l->only || (line.len > 4 && strncmp(line.data + 3, l->only, strlen(l->only)) == 0);
	buf_done(&line);
	return same;
}

/* 1: logged in; 0: not by this way; -1: stopped. */
static int by_agent(struct login *l, struct err *err)
{
	struct libssh2_agent_publickey *id = NULL, *before = NULL;
	LIBSSH2_AGENT *agent = getenv("SSH_AUTH_SOCK") ? libssh2_agent_init(l->ssh->session) : NULL;
	int rc = -1, tried = 0;
	char type[40];
	if (!agent || libssh2_agent_connect(agent) != 0 || libssh2_agent_list_identities(agent) != 0) {
		note(l, "no agent");
		if (agent)
			libssh2_agent_free(agent);
		return 0;
	}
	while (rc != 0 && tried < AGENT_KEYS && err->kind == ERR_NONE &&
	       libssh2_agent_get_identity(agent, &id, before) == 0) {
		before = id;
		known_type(type, sizeof type, id->blob, id->blob_len);
		if (!identity_wanted(l, id))
			continue;
		l->rsa = l->rsa || text_equal(type, "ssh-rsa");
		tried++;
		LOGIN_TRY(l, rc, err, libssh2_agent_userauth(agent, l->ssh->user, id));
	}
	if (rc != 0)
		note(l, "the agent (%d key%s)", tried, tried == 1 ? "" : "s");
	libssh2_agent_disconnect(agent);
	libssh2_agent_free(agent);
	return err->kind ? -1 : rc == 0;
}

static int ask_passphrase(struct ssh *ssh, const char *path, struct err *err)
{
	if (*ssh->passphrase)
		return 0;
	if (ssh->manner != SSH_ASKING)
		return -1;
	char *question = xasprintf("Passphrase of the key %s (or add it to the agent with ssh-add)", path);
	int rc = job_ask(ssh->job, question, true, ssh->passphrase, sizeof ssh->passphrase, err);
	free(question);
	if (rc == 0)
		job_learn_secret(ssh->job, ssh->passphrase);
	return rc;
}

static int by_file(struct login *l, const char *path, struct err *err)
{
	struct buf text = {0};
	struct err unasked = {0};
	int is_rsa = 0, is_locked = 0, rc;
	if (!read_file(path, &text)) {
		note(l, "%s (%s)", path, strerror(errno));
		buf_done(&text);
		return 0;
	}
	known_private(buf_text(&text), &is_rsa, &is_locked);
	l->rsa = l->rsa || is_rsa;
	if (is_locked && ask_passphrase(l->ssh, path, &unasked) < 0) {
		note(l, "%s (locked by a passphrase; ssh-add it)", path);
		explicit_bzero(text.data, text.len);
		buf_done(&text);
		return 0;
	}
	LOGIN_TRY(l, rc, err,
		  libssh2_userauth_publickey_frommemory(l->ssh->session, l->ssh->user, strlen(l->ssh->user),
							NULL, 0, buf_text(&text), text.len,
							is_locked ? l->ssh->passphrase : NULL));
	explicit_bzero(text.data, text.len);
	buf_done(&text);
	if (rc != 0)
		note(l, "%s%s (%s)", path, is_rsa ? ", RSA" : "",
		     is_locked ? "refused, or the passphrase is wrong"
		     : rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED
			 ? "refused"
			 : "cannot be used");
	if (rc != 0)
		explicit_bzero(l->ssh->passphrase, sizeof l->ssh->passphrase);
	return err->kind ? -1 : rc == 0;
}

/* With a configured key the agent is asked for that one only: six wrong keys and sshd hangs up. */
static void read_public(struct login *l, const char *key)
{
	char path[420];
	struct buf text = {0};
	text_copyf(path, sizeof path, "%s.pub", key);
	if (read_file(path, &text)) {
		const char *at = strchr(buf_text(&text), ' ');
		if (at)
			text_copyf(l->only, sizeof l->only, "%.*s", (int)strcspn(at + 1, " \r\n"), at + 1);
	}
	buf_done(&text);
}

static int by_keys(struct login *l, struct err *err)
{
	static const char *const usual[] = {"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa", NULL};
	const char *own = job_config_str(l->ssh->job, "host.key", "");
	char path[400];
	home_path(path, sizeof path, own);
	if (*own)
		read_public(l, path);
	int in = by_agent(l, err);
	if (in || *own)
		return in ? in : by_file(l, path, err);
	for (size_t i = 0; usual[i] && !in; i++) {
		home_path(path, sizeof path, usual[i]);
		if (access(path, R_OK) == 0)
			in = by_file(l, path, err);
	}
	return in;
}

static int refused(struct login *l, const char *methods, struct err *err)
{
	struct ssh *ssh = l->ssh;
	if (methods && !strstr(methods, "publickey"))
		return err_set(err, ERR_AUTH,
			       "%s takes no keys, only %s; allow PubkeyAuthentication in its sshd_config",
			       ssh->name, methods);
	if (l->rsa)
		return err_set(err, ERR_AUTH,
			       "%s does not let us in; tried %s. libssh2 %s cannot use RSA keys with today's "
			       "sshd: use an ed25519 key (ssh-keygen -t "
			       "ed25519, ssh-copy-id); the ssh program as a carrier is not built in yet",
			       ssh->name, buf_text(&l->tried), libssh2_version(0));
	return err_set(err, ERR_AUTH,
		       "%s does not let us in (it takes %s); tried %s. Put the public key into %s's "
		       "~/.ssh/authorized_keys there, or name the right "
		       "key in host.key",
		       ssh->name, methods ? methods : "publickey",
		       l->tried.len ? buf_text(&l->tried) : "no key: there is none", ssh->user);
}

int ssh_login(struct ssh *ssh, struct err *err)
{
	struct login l = {.ssh = ssh};
	struct err own = {0};
	char *methods;
	int64_t began_ms = clock_life_ms();
	char allowed[120] = "";
	while (!(methods = libssh2_userauth_list(ssh->session, ssh->user, (unsigned)strlen(ssh->user)))) {
		if (libssh2_userauth_authenticated(ssh->session))
			return 0;
		if (libssh2_session_last_errno(ssh->session) != LIBSSH2_ERROR_EAGAIN ||
		    ssh_since(began_ms) > LOGIN_MS)
			return ssh_broken(ssh, "asking for the ways to log in failed", err);
		if (ssh_idle(ssh, SSH_SLICE_MS, err) < 0)
			return -1;
	}
	text_clean(allowed, sizeof allowed, methods, strlen(methods));
	int in = strstr(allowed, "publickey") ? by_keys(&l, &own) : 0;
	int rc = in > 0 ? 0 : in < 0 ? err_set(err, own.kind, "%s", own.text) : refused(&l, allowed, err);
	buf_done(&l.tried);
	return rc;
}
