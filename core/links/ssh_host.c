/* The user's habits, read and not guessed: ssh -G resolves aliases, Match blocks and files as ssh itself
 * does. */
#include "core/links/ssh_host.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/ssh_spawn.h"
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESOLVE_MS = 10000 };

void ssh_home_path(char *out, size_t size, const char *path)
{
	const char *home = getenv("HOME");
	const struct passwd *me = home && *home ? NULL : getpwuid(getuid());
	const char *rest =
	    text_starts(path, "~/") || text_starts(path, "%d/") ? path + (*path == '~' ? 1 : 2) : NULL;
	if (rest)
		text_copyf(out, size, "%s%s", home && *home ? home : me ? me->pw_dir : "", rest);
	else
		text_copy(out, size, path);
}

static void add_key(struct ssh_host *out, const char *path)
{
	char full[400], cert[420];
	ssh_home_path(full, sizeof full, path);
	/* A file may be missing while its public half says which of the agent's keys is meant. */
	text_copyf(cert, sizeof cert, "%s.pub", full);
	if (out->n_keys == SSH_KEYS_MAX || (access(full, R_OK) < 0 && access(cert, R_OK) < 0))
		return;
	text_copyf(cert, sizeof cert, "%s-cert.pub", full);
	out->certificate = out->certificate || access(cert, R_OK) == 0;
	text_copy(out->keys[out->n_keys++], sizeof out->keys[0], full);
}

static void add_known(struct ssh_host *out, const char *list)
{
	while (*list && out->n_known < SSH_KNOWN_MAX) {
		char one[400];
		size_t len = strcspn(list, " ");
		text_copyf(one, sizeof one, "%.*s", (int)len, list);
		ssh_home_path(out->known[out->n_known++], sizeof out->known[0], one);
		list += len + strspn(list + len, " ");
	}
}

static enum ssh_strict strict_of(const char *value)
{
	if (text_equal(value, "yes") || text_equal(value, "true"))
		return SSH_STRICT_YES;
	return text_equal(value, "ask") ? SSH_STRICT_ASK : SSH_STRICT_NEW;
}

struct taking {
	bool keys, known, user, port;
	char global[400];
};

static void take_one(struct ssh_host *out, struct taking *open, const char *key, const char *value)
{
	bool none = text_equal(value, "none");
	if (text_equal(key, "hostname"))
		text_copy(out->address, sizeof out->address, value);
	else if (text_equal(key, "user") && open->user)
		text_copy(out->user, sizeof out->user, value);
	else if (text_equal(key, "port") && open->port)
		out->port = (int)units_parse_int(value, 22);
	else if (text_equal(key, "identityfile") && open->keys)
		add_key(out, value);
	else if (text_equal(key, "certificatefile"))
		out->certificate = true;
	else if (text_equal(key, "identitiesonly"))
		out->only_keys = text_equal(value, "yes");
	else if (text_equal(key, "identityagent") && !text_equal(value, "SSH_AUTH_SOCK"))
		ssh_home_path(out->agent, sizeof out->agent, none ? "" : value);
	else if (text_equal(key, "userknownhostsfile") && open->known && !none)
		add_known(out, value);
	else if (text_equal(key, "globalknownhostsfile") && open->known && !none)
		text_copy(open->global, sizeof open->global, value);
	else if (text_equal(key, "hostkeyalias"))
		text_copy(out->known_as, sizeof out->known_as, value);
	else if (text_equal(key, "stricthostkeychecking"))
		out->strict = strict_of(value);
	else if (text_equal(key, "proxyjump") && !none && !*out->by_program)
		text_copyf(out->by_program, sizeof out->by_program, "the way there is by ProxyJump %s",
			   value);
	else if (text_equal(key, "proxycommand") && !none && !*out->by_program)
		text_copy(out->by_program, sizeof out->by_program, "the way there is a ProxyCommand");
}

void ssh_host_take(struct ssh_host *out, const char *text)
{
	struct taking open = {
	    .keys = !out->own_key, .known = !out->n_known, .user = !*out->user, .port = !out->port};
	while (*text) {
		char line[700];
		size_t len = strcspn(text, "\n");
		text_copyf(line, sizeof line, "%.*s", (int)len, text);
		char *value = strchr(line, ' ');
		if (value) {
			*value++ = 0;
			take_one(out, &open, line, value);
		}
		text += len + (text[len] == '\n');
	}
	if (open.known)
		add_known(out, open.global);
	/* The login here is what ssh names when nobody named one; servers that Kamal runs on know root. */
	const struct passwd *me = getpwuid(getuid());
	if (open.user && (!*out->user || (me && text_equal(out->user, me->pw_name))))
		text_copy(out->user, sizeof out->user, "root");
	if (!out->port)
		out->port = 22;
}

static void usual(struct ssh_host *out)
{
	static const char *const keys[] = {"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys && !out->own_key; i++)
		add_key(out, keys[i]);
	if (!out->n_known)
		add_known(out, "~/.ssh/known_hosts /etc/ssh/ssh_known_hosts");
	if (!*out->user)
		text_copy(out->user, sizeof out->user, "root");
	if (!out->port)
		out->port = 22;
}

static bool is_name(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("'\"`$\\<>;&|(){}", *c))
			return false;
	return *text && *text != '-';
}

static void take_own(const struct json *host, struct ssh_host *out)
{
	const char *key = json_str(host, "key", ""), *known = json_str(host, "known_hosts", "");
	const char *agent = getenv("SSH_AUTH_SOCK");
	out->port = (int)json_int(host, "port", 0);
	text_copy(out->user, sizeof out->user, json_str(host, "user", ""));
	text_copy(out->agent, sizeof out->agent, agent ? agent : "");
	text_copy(out->jump, sizeof out->jump, json_str(host, "proxy_jump", ""));
	text_copy(out->proxy, sizeof out->proxy, json_str(host, "proxy_command", ""));
	if (*out->jump)
		text_copyf(out->by_program, sizeof out->by_program, "the way there is by ProxyJump %s",
			   out->jump);
	else if (*out->proxy)
		text_copy(out->by_program, sizeof out->by_program, "the way there is a ProxyCommand");
	if (*key) {
		out->own_key = out->only_keys = true;
		ssh_home_path(out->keys[0], sizeof out->keys[0], key);
		char cert[420];
		text_copyf(cert, sizeof cert, "%s-cert.pub", out->keys[0]);
		out->certificate = access(cert, R_OK) == 0;
		out->n_keys = 1;
	}
	if (*known) {
		ssh_home_path(out->known[0], sizeof out->known[0], known);
		out->n_known = 1;
	}
}

int ssh_host_read(const struct json *host, struct ssh_host *out, struct err *err)
{
	const char *address = json_str(host, "address", "");
	*out = (struct ssh_host){0};
	if (!*address)
		return err_set(
		    err, ERR_CONFIG,
		    "nobody says which host is the new one: write host: {address: ...} into nightferry.yml");
	take_own(host, out);
	if (!is_name(address) || (*out->user && !is_name(out->user)) || (*out->jump && !is_name(out->jump)))
		return err_set(
		    err, ERR_CONFIG,
		    "host.address, host.user or host.proxy_jump is no name that ssh could be given; "
		    "nothing was connected");
	text_copy(out->alias, sizeof out->alias, address);
	text_copy(out->address, sizeof out->address, address);
	struct buf text = {0};
	const char *argv[] = {"ssh", "-G", "--", address, NULL};
	bool only = out->only_keys;
	out->program = ssh_spawn_read(argv, RESOLVE_MS, &text) == 0;
	if (out->program)
		ssh_host_take(out, buf_text(&text));
	else
		usual(out);
	out->only_keys = out->only_keys || only;
	buf_done(&text);
	return 0;
}
