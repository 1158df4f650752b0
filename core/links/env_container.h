/* The variables inside the newest container of each role. */
#ifndef CORE_LINKS_ENV_CONTAINER_H
#define CORE_LINKS_ENV_CONTAINER_H

#include "core/links/docker.h"
#include "core/links/env_parity.h"

/* Of a running container those of its first process, which an entrypoint may have mended; of a stopped one,
 * or one without `cat`, what docker was told. One command; the values come over its channel into memory only.
 * Roles without a container are left out. `roles` has room for ENV_ROLES; end with env_containers_done(). */
int env_containers(struct ssh *ssh, const struct docker_names *names, struct env_role *roles, size_t *n,
		   struct err *err);
void env_containers_done(struct env_role *roles, size_t n);
/* The part that needs no host: one answer, "INDEX process|config BASE64" a line, the process first. */
int env_containers_read(const char *text, struct env_role *roles, size_t n, struct err *err);

#endif
