/* This program on another machine. For core/cmds/on*.c only. */
#ifndef CORE_CMDS_ON_PUT_H
#define CORE_CMDS_ON_PUT_H

#include "core/cmds/on_ssh.h"

/* Looks, sends it when it is absent or different, and looks that it can run. `sha` gets its digest. */
int on_put(struct on_ssh *ssh, char sha[65], struct err *err);

#endif
