#include "tui/tmux.h"
#include "core/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ESC_MOST_MS = 50 };

static void add(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	text_copyf(out + len, size - len, "%s%s", len ? "; " : "tmux: ", text);
}

void tmux_hint(char *out, size_t size)
{
	/* One client after the other looks at the same pane: only then its size is a question. */
	static const char ask[] =
	    "timeout 1 tmux display-message -p '#{session_attached}' \\; show-options -gv window-size \\; "
	    "show-options -sv set-clipboard \\; show-options -sv escape-time 2>/dev/null </dev/null";
	const char *tmux = getenv("TMUX");
	char clients[16] = "", window[32] = "", clipboard[32] = "", escape[16] = "", text[120];
	FILE *f;

	text_copy(out, size, "");
	if (!tmux || !*tmux || !(f = popen(ask, "re")))
		return;
	if (fscanf(f, "%15s %31s %31s %15s", clients, window, clipboard, escape) == 4) {
		if (atoi(clients) > 1 && strcmp(window, "smallest") != 0) {
			text_copyf(text, sizeof(text),
				   "%s clients and window-size %s: smaller ones see a part of this pane",
				   clients, window);
			add(out, size, text);
		}
		if (strcmp(clipboard, "off") == 0)
			add(out, size, "set-clipboard is off: c copies into tmux's own buffer only");
		if (atoi(escape) > ESC_MOST_MS) {
			text_copyf(text, sizeof(text), "escape-time %s: Esc comes %s ms late", escape,
				   escape);
			add(out, size, text);
		}
	}
	pclose(f);
}
