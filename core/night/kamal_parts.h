/* Kamal's file taken apart: roles with their hosts and proxies. For the other kamal_*.c. */
#ifndef CORE_NIGHT_KAMAL_PARTS_H
#define CORE_NIGHT_KAMAL_PARTS_H

#include "core/base/yaml.h"

struct kamal_host {
	const char *name;
	const struct yaml *tags; /* a scalar, a list, or NULL */
};
struct kamal_hosts {
	struct kamal_host *list;
	size_t n;
};
struct kamal_role {
	const char *name;
	const struct yaml *config; /* its map; NULL when it is only a list of hosts */
	const struct yaml *node;   /* what stands behind its name, or the list of servers */
	struct kamal_hosts hosts;
	bool primary, proxied;
	struct yaml_doc *proxy; /* the root's with the role's own over it; NULL unless proxied */
};
struct kamal {
	struct yaml_doc *doc;
	const struct yaml *root;
	const char *destination;  /* "" for none */
	char primary[100];        /* the name of the primary role */
	struct kamal_role *roles; /* sorted by name */
	size_t n_roles;
};

/* Takes over `doc` (a map). Nothing is checked: what has the wrong kind is left out. */
void kamal_take(struct kamal *kamal, struct yaml_doc *doc, const char *destination);
void kamal_done(struct kamal *kamal);
const struct kamal_role *kamal_role(const struct kamal *kamal, const char *name);

/* The hosts of an accessory, by whichever of its keys names them; free with kamal_hosts_done(). */
void kamal_accessory_hosts(const struct kamal *kamal, const struct yaml *accessory, struct kamal_hosts *out);
bool kamal_hosts_have(const struct kamal_hosts *hosts, const char *name);
void kamal_hosts_done(struct kamal_hosts *hosts);
/* Hosts of roles, then of accessories, each once. */
void kamal_all_hosts(const struct kamal *kamal, struct kamal_hosts *out);

/* The `clear:` map and the `secret:` list of an `env:` in either of its forms; NULL for none. */
const struct yaml *kamal_env_clear(const struct yaml *env);
const struct yaml *kamal_env_secret(const struct yaml *env);
/* "NAME:SECRET" or "NAME". */
void kamal_env_names(const char *item, char *name, char *secret, size_t size);

#endif
