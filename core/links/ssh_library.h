/* Between ssh_library.c and ssh_connect.c. */
#ifndef CORE_LINKS_SSH_LIBRARY_H
#define CORE_LINKS_SSH_LIBRARY_H

#include "core/links/ssh_inner.h"

/* A session over our own buffers; NULL when libssh2 gives none. */
LIBSSH2_SESSION *ssh_library_session(struct ssh *ssh);
int ssh_library_connect(struct ssh *ssh, struct err *err);
void ssh_library_drop(struct ssh *ssh);

#endif
