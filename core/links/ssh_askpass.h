/* The ssh program's SSH_ASKPASS is nightferry itself: it hands the question to the process that started ssh.
 */
#ifndef CORE_LINKS_SSH_ASKPASS_H
#define CORE_LINKS_SSH_ASKPASS_H

#include <stdbool.h>

/* Whether this process was started by ssh to ask something. */
bool ssh_askpass_wanted(int argc);
/* Prints the answer for ssh; the exit status, 1 when there is none. */
int ssh_askpass_main(const char *prompt);

#endif
