/* What leaves the cockpit: rows and panels to the clipboard or into a file. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Names that sort by time; a name that is taken is never written over. */
static int file_new(const char *folder, const char *stem, const char *ext, char *path, size_t size)
{
	int fd = -1;

	for (int i = 0; fd < 0 && i < 100; i++) {
		if (i)
			text_copyf(path, size, "%s/%s-%d.%s", folder, stem, i, ext);
		else
			text_copyf(path, size, "%s/%s.%s", folder, stem, ext);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

/* Half a file looks like a whole one to whoever finds it: it does not stay. */
static bool file_whole(int fd, const char *path, const char *text, size_t len)
{
	bool ok = true;
	int why;

	while (ok && len) {
		ssize_t n = write(fd, text, len);
		ok = n > 0 || (n < 0 && errno == EINTR);
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	why = errno;
	if (close(fd) && ok) {
		ok = false;
		why = errno;
	}
	if (!ok)
		unlink(path);
	errno = why;
	return ok;
}

static bool file_text(struct cockpit *c, const char *stem, const char *ext, const char *text, size_t len,
		      char *path, size_t size)
{
	const char *const folders[] = {".", getenv("HOME"), "/tmp"};

	for (size_t f = 0; f < 3; f++) {
		int fd = folders[f] ? file_new(folders[f], stem, ext, path, size) : -1;
		if (fd >= 0 && file_whole(fd, path, text, len))
			return true;
	}
	seat_toast(c, ROLE_BAD, "nothing could be written here, at home or in /tmp: %s", strerror(errno));
	return false;
}

static void stem_of(const struct cockpit *c, const char *what, char *out, size_t size)
{
	char clock[UNITS_MAX];

	units_clock(clock, seat_now_ms(c));
	for (char *at = clock; *at; at++)
		if (*at == ':')
			*at = '-';
	text_copyf(out, size, "nightferry-%s-%s", what, clock);
}

static void rows_text(const struct canvas *canvas, struct buf *out)
{
	size_t keep = out->len, size = (size_t)canvas->size.cols * 8 + 1;
	char *row = xmalloc(size);

	for (int i = 0; i < canvas->size.rows; i++) {
		size_t len;
		canvas_row_text(canvas, i, row, size);
		len = strlen(row);
		while (len && row[len - 1] == ' ')
			len--;
		buf_add(out, row, len);
		buf_addc(out, '\n');
		if (len)
			keep = out->len;
	}
	if (out->data)
		out->data[out->len = keep] = '\0';
	free(row);
}

static void panel_text(const struct cockpit *c, const struct panel *panel, struct buf *out)
{
	struct scene scene = local_scene(c, panel);
	struct canvas *canvas;
	char line[2200];

	scene.focus = false;
	for (size_t i = 0, n = panel->whole ? panel->whole(&scene) : 0; i < n; i++)
		if (panel->line(&scene, i, line, sizeof(line)))
			buf_addf(out, "%s\n", line);
	if (panel->whole)
		return;
	canvas = canvas_new((struct size){.cols = 160, .rows = 2000}, c->ascii);
	canvas_clear(canvas);
	panel->draw(&scene, canvas);
	rows_text(canvas, out);
	canvas_free(canvas);
}

static void base64(const char *text, size_t len, struct buf *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned n = (unsigned)(unsigned char)text[i] << 16;
		if (i + 1 < len)
			n |= (unsigned)(unsigned char)text[i + 1] << 8;
		if (i + 2 < len)
			n |= (unsigned char)text[i + 2];
		buf_addc(out, letters[n >> 18 & 63]);
		buf_addc(out, letters[n >> 12 & 63]);
		buf_addc(out, i + 1 < len ? letters[n >> 6 & 63] : '=');
		buf_addc(out, i + 2 < len ? letters[n & 63] : '=');
	}
}

/* tmux keeps its own buffer, also where the outer terminal knows no OSC 52; with -w it tells that terminal,
 * which the escape of a program inside does only under `set-clipboard on`. tmux before 3.2 knows no -w. */
static bool tmux_load(const char *text, size_t len, bool tells)
{
	int ends[2], status = -1, null;
	pid_t pid;

	if (!getenv("TMUX") || len > 60000 || pipe(ends))
		return false;
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(ends[0], 0);
		dup2(null, 1);
		dup2(null, 2);
		close(ends[0]);
		close(ends[1]);
		if (tells)
			execlp("tmux", "tmux", "load-buffer", "-w", "-", (char *)NULL);
		else
			execlp("tmux", "tmux", "load-buffer", "-", (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	/* It fits the pipe: this never waits for tmux. */
	if (pid > 0 && write(ends[1], text, len) != (ssize_t)len)
		kill(pid, SIGTERM);
	close(ends[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool tmux_copy(const char *text, size_t len)
{
	return tmux_load(text, len, true) || tmux_load(text, len, false);
}

static void copy_out(struct cockpit *c, const char *text, size_t len)
{
	const char *term = getenv("TERM");
	bool osc =
	    term && strcmp(term, "linux") != 0 && strcmp(term, "dumb") != 0 && !text_starts(term, "vt");
	char path[400] = "", stem[80], first[48];
	struct buf bytes = {0};
	bool tmux;

	if (!len) {
		seat_toast(c, ROLE_MUTED, "there is no row here to copy");
		return;
	}
	if (osc) {
		buf_adds(&bytes, "\033]52;c;");
		base64(text, len, &bytes);
		buf_adds(&bytes, "\a");
		terminal_bytes(c->terminal, bytes.data, bytes.len);
	}
	buf_done(&bytes);
	tmux = tmux_copy(text, len);
	text_fit(first, sizeof(first), text, 36);
	stem_of(c, "copy", stem, sizeof(stem));
	if (tmux || osc)
		seat_toast(c, ROLE_OK, "copied%s: %s",
			   /* Whether a terminal took it is something no terminal says. */
			   tmux ? " to the tmux buffer, and sent to the terminal's clipboard"
				: ", sent to the terminal's clipboard",
			   first);
	else if (file_text(c, stem, "txt", text, len, path, sizeof(path)))
		seat_toast(c, ROLE_OK, "this terminal has no clipboard; copied to %s", path);
}

/* The row under the cursor, as it stands on the screen of the focused panel. */
static void row_text(const struct cockpit *c, struct buf *out)
{
	struct canvas *canvas = canvas_new((struct size){.cols = 160, .rows = 60}, c->ascii);
	struct scene scene = local_scene(c, c->local.focus);
	char row[160 * 8 + 1];

	canvas_clear(canvas);
	scene.focus = true;
	c->local.focus->draw(&scene, canvas);
	for (int i = 0; i < canvas->size.rows; i++) {
		size_t len;
		if (!canvas->cells[i * canvas->stride].selected)
			continue;
		canvas_row_text(canvas, i, row, sizeof(row));
		len = strlen(row);
		while (len && row[len - 1] == ' ')
			len--;
		buf_add(out, row + strspn(row, " "), len - (len ? strspn(row, " ") : 0));
		break;
	}
	if (!out->len)
		local_selected(c, row, sizeof(row));
	if (!out->len)
		buf_adds(out, row);
	canvas_free(canvas);
}

void carry_copy(struct cockpit *c)
{
	struct buf text = {0};

	if (c->sheet.kind == SHEET_TEXT || c->sheet.kind == SHEET_CARD)
		buf_add(&text, buf_text(&c->sheet.text), c->sheet.text.len);
	else if (c->local.focus)
		row_text(c, &text);
	copy_out(c, buf_text(&text), text.len);
	buf_done(&text);
}

void carry_write(struct cockpit *c)
{
	struct buf text = {0};
	char path[400], stem[80];
	bool sheet = c->sheet.kind == SHEET_TEXT || c->sheet.kind == SHEET_CARD;
	const char *extension = !sheet && c->local.focus ? c->local.focus->extension : NULL;

	if (sheet)
		buf_add(&text, buf_text(&c->sheet.text), c->sheet.text.len);
	else if (c->local.focus)
		panel_text(c, c->local.focus, &text);
	stem_of(c, sheet ? "text" : c->local.focus ? c->local.focus->name : "panel", stem, sizeof(stem));
	if (file_text(c, stem, extension ? extension : "txt", buf_text(&text), text.len, path, sizeof(path)))
		seat_toast(c, ROLE_OK, "written to %s", path);
	buf_done(&text);
}

void carry_export(struct cockpit *c)
{
	struct buf text = {0};
	char path[400], state_path[400], stem[80];
	struct jw w;

	for (const struct panel *const *panel = panel_table; *panel; panel++) {
		buf_addf(&text, "== %s\n", (*panel)->title);
		panel_text(c, *panel, &text);
		buf_adds(&text, "\n");
	}
	jw_open(&w);
	state_write(c->state, &w);
	stem_of(c, "export", stem, sizeof(stem));
	if (file_text(c, stem, "txt", buf_text(&text), text.len, path, sizeof(path)) &&
	    file_text(c, stem, "json", jw_finish(&w), w.buf.len, state_path, sizeof(state_path)))
		seat_toast(c, ROLE_OK, "%s has the panels, .json beside it the state", path);
	jw_done(&w);
	buf_done(&text);
}
