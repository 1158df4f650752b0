/* Where a host is, who we are there and which keys count: what nightferry.yml says, and for what it leaves
 * open the user's own OpenSSH configuration as `ssh -G HOST` tells it. Opens no connection. */
#ifndef CORE_LINKS_SSH_HOST_H
#define CORE_LINKS_SSH_HOST_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>

enum { SSH_KEYS_MAX = 8, SSH_KNOWN_MAX = 4 };

/* What becomes of a host key that is not known; a changed one is always refused. */
enum ssh_strict {
	SSH_STRICT_ASK, /* a person is asked */
	SSH_STRICT_YES, /* refused */
	SSH_STRICT_NEW, /* taken and written down */
};
struct ssh_host {
	char alias[200];    /* as configured: what ~/.ssh/config knows it by */
	char address[200];  /* where it is */
	char known_as[200]; /* its name in known_hosts: HostKeyAlias; "" : the address */
	char user[64];
	int port;
	char keys[SSH_KEYS_MAX][400]; /* private key files that are there, in the order to try */
	size_t n_keys;
	bool own_key;    /* keys[0] is host.key, and nothing else may be tried */
	bool only_keys;  /* of the agent's keys only those of the files: six wrong ones and sshd hangs up */
	char agent[300]; /* the agent's socket; "" : none */
	char known[SSH_KNOWN_MAX][400]; /* files of host keys; the first is written to */
	size_t n_known;
	enum ssh_strict strict;
	char jump[300],
	    proxy[400];       /* host.proxy_jump, host.proxy_command; "" : the user's configuration decides */
	char by_program[200]; /* not empty: only the ssh program can go there, and why */
	bool certificate;     /* a key has a certificate beside it */
	bool program;         /* the ssh program is there */
};
/* -1 (ERR_CONFIG) when no host is named or its name could be taken for an option. */
int ssh_host_read(const struct json *host, struct ssh_host *out, struct err *err);
/* The same from the text of `ssh -G`; only what `out` leaves open is filled. */
void ssh_host_take(struct ssh_host *out, const char *text);
/* "~/x" and "%d/x" with the home folder in front. */
void ssh_home_path(char *out, size_t size, const char *path);

#endif
