/* The known_hosts file as OpenSSH keeps it. Knows no connection, so that it can be tested. */
#ifndef CORE_LINKS_SSH_KNOWN_H
#define CORE_LINKS_SSH_KNOWN_H

#include "core/base/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum known {
	KNOWN_NOT = 0, /* no line for this host */
	KNOWN_SAME,
	KNOWN_OTHER, /* there are lines for this host, none with this key */
	KNOWN_REVOKED,
};
struct known_host {
	const char *host; /* as configured */
	int port;
	const char *type;         /* "ssh-ed25519" */
	const unsigned char *key; /* the blob */
	size_t key_len;
};
/* text: the whole file. line: where the (other) key stands, from 1. types: comma-separated key types known
 * for the host. */
enum known known_look(const char *text, const struct known_host *host, int *line, char *types,
		      size_t types_size);
/* Whether a line trusts certificates of this host. */
bool known_authority(const char *text, const struct known_host *host);
/* "[host]:port ssh-ed25519 AAAA...\n" */
void known_line(struct buf *out, const struct known_host *host);
/* "SHA256:..." as ssh-keygen -l shows it. */
void known_fingerprint(char out[64], const unsigned char *key, size_t len);
/* "ssh-ed25519" from a blob; "" when it is none. */
void known_type(char *out, size_t size, const unsigned char *key, size_t len);
/* Does this private key's file hold an RSA key, and is it locked by a passphrase? */
void known_private(const char *text, int *is_rsa, int *is_locked);

#endif
