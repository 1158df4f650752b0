/* The tmux this seat sits in, as it is: what of its settings hurts, in one quiet line. */
#ifndef TUI_TMUX_H
#define TUI_TMUX_H

#include <stddef.h>

/* "" outside tmux, and when nothing hurts. Asks tmux, at most a second. */
void tmux_hint(char *out, size_t size);

#endif
