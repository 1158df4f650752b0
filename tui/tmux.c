#include "tui/tmux.h"
#include "core/base/text.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ESC_MOST_MS = 50 };

static void add(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	text_copyf(out + len, size - len, "%s%s", len ? "; " : "tmux: ", text);
}

/* What tmux says of this client and its settings, one word a line. */
static void ask(char *out, size_t size)
{
	static const char *const words[] = {"timeout", "1",
					    "tmux",    "display-message",
					    "-p",      "#{session_attached}",
					    ";",       "show-options",
					    "-gv",     "window-size",
					    ";",       "show-options",
					    "-sv",     "set-clipboard",
					    ";",       "show-options",
					    "-sv",     "escape-time",
					    NULL};
	int ends[2], null;
	size_t len = 0;
	ssize_t n;

	text_copy(out, size, "");
	if (pipe(ends))
		return;
	pid_t pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(ends[1], 1);
		dup2(null, 2);
		close(ends[0]);
		close(ends[1]);
		execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
	close(ends[1]);
	while (pid > 0 && len + 1 < size && (n = read(ends[0], out + len, size - len - 1)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

void tmux_hint(char *out, size_t size)
{
	const char *tmux = getenv("TMUX");
	char said[200], window[32], clipboard[32], text[120];
	long clients, escape_ms;

	text_copy(out, size, "");
	if (!tmux || !*tmux)
		return;
	ask(said, sizeof(said));
	if (sscanf(said, "%9ld %31s %31s %9ld", &clients, window, clipboard, &escape_ms) != 4)
		return;
	/* Several clients look at the same pane: only then its size is a question. */
	if (clients > 1 && strcmp(window, "smallest") != 0) {
		text_copyf(text, sizeof(text),
			   "%ld clients and window-size %s: smaller ones see a part of this pane", clients,
			   window);
		add(out, size, text);
	}
	if (strcmp(clipboard, "off") == 0)
		add(out, size, "set-clipboard is off: c copies into tmux's own buffer only");
	if (escape_ms > ESC_MOST_MS) {
		text_copyf(text, sizeof(text), "escape-time is %ld: Esc comes %ld ms late", escape_ms,
			   escape_ms);
		add(out, size, text);
	}
}
