/* Between the files ssh_program*.c. */
#ifndef CORE_LINKS_SSH_PROGRAM_H
#define CORE_LINKS_SSH_PROGRAM_H

#include "core/links/ssh_inner.h"

int ssh_program_connect(struct ssh *ssh, struct err *err);
void ssh_program_drop(struct ssh *ssh);
/* Keeps what the master says; true as long as it lives. */
bool ssh_program_hear(struct ssh *ssh);
/* The last line of what it said, cleaned. */
void ssh_program_said(const struct ssh *ssh, char *out, size_t size);
/* Where the program's questions come in: folder/ask. -1 with errno. */
int ssh_ask_listen(struct ssh *ssh);
/* Answers one question, if there is one; err says why it was not answered. asked: subjects of this login. */
void ssh_ask_serve(struct ssh *ssh, struct buf *asked, struct err *err);

#endif
