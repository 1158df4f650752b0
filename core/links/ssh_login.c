/* Who is on the other side, and who are we: libssh2's host key and login. */
#include "core/base/text.h"
#include "core/base/clock.h"
#include "core/links/ssh_inner.h"
#include "core/links/ssh_known.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOGIN_MS = 30000, AGENT_KEYS = 5 };

/* ---- files ---- */

bool ssh_read_file(const char *path, struct buf *out)
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

/* ---- the host's key ---- */

struct seen_key {
	enum known known;
	int line;
	const char *path; /* borrowed from ssh->at */
	char types[600];  /* of the keys that are known for this host, in all files */
	bool authority;   /* a certificate authority is trusted for it */
};

static struct known_host host_of(const struct ssh *ssh, const char *type, const char *key, size_t len)
{
	bool alias = *ssh->at.known_as != 0;
	return (struct known_host){.host = alias ? ssh->at.known_as : ssh->at.address,
				   .port = alias ? 22 : ssh->at.port,
				   .type = type,
				   .key = (const unsigned char *)key,
				   .key_len = len};
}

static void look(const struct ssh *ssh, const struct known_host *host, struct seen_key *seen)
{
	*seen = (struct seen_key){.path = ssh->at.known[0]};
	for (size_t i = 0; i < ssh->at.n_known && seen->known != KNOWN_REVOKED; i++) {
		struct buf text = {0};
		char types[300] = "";
		int line = 0;
		enum known known = ssh_read_file(ssh->at.known[i], &text)
				       ? known_look(buf_text(&text), host, &line, types, sizeof types)
				       : KNOWN_NOT;
		seen->authority = seen->authority || known_authority(buf_text(&text), host);
		buf_done(&text);
		if (*types)
			text_copyf(seen->types + strlen(seen->types),
				   sizeof seen->types - strlen(seen->types), "%s%s", *seen->types ? "," : "",
				   types);
		if (known == KNOWN_NOT || (seen->known == KNOWN_SAME && known != KNOWN_REVOKED) ||
		    (seen->known == KNOWN_OTHER && known == KNOWN_OTHER))
			continue;
		seen->known = known;
		seen->line = line;
		seen->path = ssh->at.known[i];
	}
}

void ssh_prefer_known(struct ssh *ssh)
{
	static const char all[] =
	    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,ssh-rsa";
	char wanted[900];
	struct seen_key seen;
	struct known_host host = host_of(ssh, "", "", 0);
	look(ssh, &host, &seen);
	text_copyf(wanted, sizeof wanted, "%s%s%s", seen.types, *seen.types ? "," : "", all);
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

/* Whether `type` is one of the comma-separated kinds. */
static bool has_type(const char *types, const char *type)
{
	size_t len = strlen(type);
	for (const char *at = types; *at; at += strcspn(at, ","), at += *at == ',')
		if (strncmp(at, type, len) == 0 && (at[len] == ',' || !at[len]))
			return true;
	return false;
}

int ssh_check_host(struct ssh *ssh, struct err *err)
{
	char type[40], fingerprint[64];
	int kind;
	size_t len = 0;
	struct seen_key seen;
	const char *key = libssh2_session_hostkey(ssh->session, &len, &kind);
	if (!key)
		return err_set(err, ERR_NET, "%s showed no host key; nothing was sent", ssh->name);
	struct known_host host = host_of(ssh, type, key, len);
	known_type(type, sizeof type, host.key, len);
	known_fingerprint(fingerprint, host.key, len);
	look(ssh, &host, &seen);
	if (seen.known == KNOWN_SAME)
		return 0;
	if (seen.known == KNOWN_REVOKED)
		return err_set(err, ERR_REFUSED,
			       "the host key of %s is marked as revoked in %s line %d; nothing was sent",
			       ssh->name, seen.path, seen.line);
	/* It may well have the known key too, of a kind that libssh2 cannot be shown. */
	if (ssh->at.program &&
	    (seen.authority || (seen.known == KNOWN_OTHER && !has_type(seen.types, type)))) {
		text_copyf(ssh->because, sizeof ssh->because,
			   "its known host key is %s, which libssh2 %s cannot check",
			   seen.authority ? "a certificate" : seen.types, libssh2_version(0));
		return 1;
	}
	if (seen.known == KNOWN_OTHER)
		return ssh_say_changed(ssh, type, fingerprint, seen.path, seen.line, err);
	if (ssh_ask_trust(ssh, strchr(ssh->name, '@') + 1, type, fingerprint, err) < 0)
		return -1;
	return add_known(ssh->at.known[0], &host, err);
}

/* ---- the login ---- */

struct login {
	struct ssh *ssh;
	struct buf tried; /* for the sentence when all was in vain */
	char odd[160];    /* what libssh2 cannot use and the program may; "" : nothing such was met */
	struct buf files; /* public halves of the key files, each followed by a newline */
	bool hardware[SSH_KEYS_MAX]; /* this file only stands for a security key */
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

/* Kinds of keys that libssh2 offers in a way no sshd of today takes. */
static bool is_odd(struct login *l, const char *type, const char *where)
{
	const char *kind = text_equal(type, "ssh-rsa") ? "RSA"
			   : strstr(type, "-cert-v0")  ? "a certificate"
			   : text_starts(type, "sk-")  ? "a security key's"
						       : NULL;
	if (!kind || !l->ssh->at.program)
		return false;
	text_copyf(l->odd, sizeof l->odd, "%s is %s, which libssh2 %s cannot log in with", where, kind,
		   libssh2_version(0));
	return true;
}

static bool identity_wanted(const struct login *l, const struct libssh2_agent_publickey *id)
{
	struct known_host host = {
	    .host = "x", .port = 22, .type = "", .key = id->blob, .key_len = id->blob_len};
	struct buf line = {0};
	if (!l->ssh->at.only_keys || !l->files.len)
		return true;
	known_line(&line, &host);
	/* "x  BASE64\n" */
	bool same = line.len > 4 && strstr(buf_text(&l->files), line.data + 3) != NULL;
	buf_done(&line);
	return same;
}

static LIBSSH2_AGENT *agent_of(struct login *l)
{
	LIBSSH2_AGENT *agent = *l->ssh->at.agent ? libssh2_agent_init(l->ssh->session) : NULL;
	if (agent)
		libssh2_agent_set_identity_path(agent, l->ssh->at.agent);
	if (agent && libssh2_agent_connect(agent) == 0 && libssh2_agent_list_identities(agent) == 0)
		return agent;
	note(l, "no agent");
	if (agent)
		libssh2_agent_free(agent);
	return NULL;
}

/* 1: logged in; 0: not by this way; -1: stopped. */
static int by_agent(struct login *l, struct err *err)
{
	struct libssh2_agent_publickey *id = NULL, *before = NULL;
	LIBSSH2_AGENT *agent = agent_of(l);
	int rc = -1, tried = 0;
	char type[60];
	if (!agent)
		return 0;
	while (rc != 0 && tried < AGENT_KEYS && err->kind == ERR_NONE &&
	       libssh2_agent_get_identity(agent, &id, before) == 0) {
		before = id;
		known_type(type, sizeof type, id->blob, id->blob_len);
		if (!identity_wanted(l, id) || is_odd(l, type, "a key of the agent"))
			continue;
		tried++;
		LOGIN_TRY(l, rc, err, libssh2_agent_userauth(agent, l->ssh->at.user, id));
	}
	if (rc != 0)
		note(l, "the agent (%d key%s)", tried, tried == 1 ? "" : "s");
	libssh2_agent_disconnect(agent);
	libssh2_agent_free(agent);
	return err->kind ? -1 : rc == 0;
}

static bool is_refusal(int rc)
{
	return rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
}

/* A passphrase that opens nothing is asked for again, three times at most. */
static int try_file(struct login *l, const char *path, const struct buf *text, bool locked, struct err *err)
{
	struct ssh *ssh = l->ssh;
	struct err unasked = {0};
	char passphrase[256] = "";
	int rc = -1;
	for (int i = 0; i < 3; i++) {
		if (locked &&
		    ssh_ask_passphrase(ssh, path, i > 0, passphrase, sizeof passphrase, &unasked) < 0) {
			note(l, "%s (locked by a passphrase; ssh-add it)", path);
			break;
		}
		LOGIN_TRY(l, rc, err,
			  libssh2_userauth_publickey_frommemory(ssh->session, ssh->at.user,
								strlen(ssh->at.user), NULL, 0, buf_text(text),
								text->len, locked ? passphrase : NULL));
		if (rc == 0 || !locked || is_refusal(rc) || ssh->lost || err->kind)
			break;
	}
	explicit_bzero(passphrase, sizeof passphrase);
	if (rc != 0 && !unasked.kind)
		note(l, "%s (%s)", path,
		     is_refusal(rc) ? "refused"
		     : locked       ? "the passphrase is wrong"
				    : "cannot be used");
	if (rc != 0 && !locked && !is_refusal(rc) && !*l->odd && ssh->at.program)
		text_copyf(l->odd, sizeof l->odd, "%s is of a kind that libssh2 %s cannot read", path,
			   libssh2_version(0));
	return rc;
}

static int by_file(struct login *l, size_t i, struct err *err)
{
	const char *path = l->ssh->at.keys[i];
	struct buf text = {0};
	int is_rsa = 0, is_locked = 0, rc = -1;
	if (!ssh_read_file(path, &text)) {
		note(l, "%s (%s)", path, strerror(errno));
		buf_done(&text);
		return 0;
	}
	known_private(buf_text(&text), &is_rsa, &is_locked);
	bool odd = is_odd(l, is_rsa ? "ssh-rsa" : l->hardware[i] ? "sk-" : "", path);
	if (odd)
		note(l, "not %s", path);
	else
		rc = try_file(l, path, &text, is_locked, err);
	explicit_bzero(text.data, text.len);
	buf_done(&text);
	return err->kind ? -1 : rc == 0;
}

/* Public halves say which of the agent's keys is meant, and which files stand for a security key. */
static void read_public(struct login *l)
{
	const struct ssh_host *at = &l->ssh->at;
	for (size_t i = 0; i < at->n_keys; i++) {
		char path[420];
		struct buf text = {0};
		text_copyf(path, sizeof path, "%s.pub", at->keys[i]);
		const char *blob = ssh_read_file(path, &text) ? strchr(buf_text(&text), ' ') : NULL;
		if (blob)
			buf_addf(&l->files, "%.*s\n", (int)strcspn(blob + 1, " \r\n"), blob + 1);
		l->hardware[i] = text_starts(buf_text(&text), "sk-");
		buf_done(&text);
	}
}

static int by_keys(struct login *l, struct err *err)
{
	const struct ssh_host *at = &l->ssh->at;
	read_public(l);
	int in = by_agent(l, err);
	for (size_t i = 0; i < at->n_keys && !in; i++)
		in = by_file(l, i, err);
	if (at->certificate && at->program)
		text_copyf(l->odd, sizeof l->odd, "its key has a certificate, which libssh2 %s cannot show",
			   libssh2_version(0));
	return in;
}

static int refused(struct login *l, const char *methods, struct err *err)
{
	struct ssh *ssh = l->ssh;
	if (ssh->lost)
		return ssh_say_lost(ssh, "logging in", err);
	if (*l->odd) {
		text_copy(ssh->because, sizeof ssh->because, l->odd);
		return 1;
	}
	if (methods && !strstr(methods, "publickey"))
		return err_set(err, ERR_AUTH,
			       "%s takes no keys, only %s; allow PubkeyAuthentication in its sshd_config",
			       ssh->name, methods);
	return err_set(err, ERR_AUTH,
		       "%s does not let us in (it takes %s); tried %s. Put the public key into %s's "
		       "~/.ssh/authorized_keys there, or name the right "
		       "key in host.key",
		       ssh->name, methods ? methods : "publickey",
		       l->tried.len ? buf_text(&l->tried) : "no key: there is none", ssh->at.user);
}

int ssh_login(struct ssh *ssh, struct err *err)
{
	struct login l = {.ssh = ssh};
	struct err own = {0};
	char *methods;
	const char *user = ssh->at.user;
	int64_t began_ms = clock_life_ms();
	char allowed[120] = "";
	while (!(methods = libssh2_userauth_list(ssh->session, user, (unsigned)strlen(user)))) {
		if (libssh2_userauth_authenticated(ssh->session))
			return 0;
		if (libssh2_session_last_errno(ssh->session) != LIBSSH2_ERROR_EAGAIN || ssh->lost ||
		    ssh_since(began_ms) > LOGIN_MS)
			return ssh_say_lost(ssh, "asking for the ways to log in", err);
		if (ssh_idle(ssh, SSH_SLICE_MS, err) < 0)
			return -1;
	}
	text_clean(allowed, sizeof allowed, methods, strlen(methods));
	int in = strstr(allowed, "publickey") ? by_keys(&l, &own) : 0;
	int rc = in > 0 ? 0 : in < 0 ? err_set(err, own.kind, "%s", own.text) : refused(&l, allowed, err);
	buf_done(&l.tried);
	buf_done(&l.files);
	return rc;
}
