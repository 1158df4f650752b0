#define NCURSES_WIDECHAR 1
#include "tui/screen.h"
#include "core/base/text.h"
#include <curses.h>
#include <term.h>
#include <locale.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

enum { KEY_PASTE_ON = KEY_MAX + 1, KEY_PASTE_OFF };

struct screen {
	SCREEN *curses;
	FILE *in, *out;
	enum theme_set set;
	bool no_color, utf8;
	struct canvas *last;
	attr_t attrs[2 * ROLE_COUNT]; /* with the role's colour pair inside; the second half: selected */
};

/* The user's character set, else UTF-8: a bare machine has no LANG at all, and its terminal is UTF-8 all the
 * same. */
static bool locale_take(void)
{
	const char *lang = getenv("LC_ALL");

	if (!lang || !*lang)
		lang = getenv("LC_CTYPE");
	if (!lang || !*lang)
		lang = getenv("LANG");
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 &&
	    (!lang || !*lang || strcmp(lang, "C") == 0 || strchr(lang, '.')))
		if (!setlocale(LC_CTYPE, "C.UTF-8"))
			setlocale(LC_CTYPE, "en_US.UTF-8");
	setlocale(LC_NUMERIC, "C");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void raw_bytes(struct screen *screen, const char *bytes)
{
	fputs(bytes, screen->out);
	fflush(screen->out);
}

static bool title_known(void)
{
	const char *term = getenv("TERM");

	return term && (strstr(term, "xterm") || strstr(term, "tmux") || strstr(term, "screen") ||
			strstr(term, "rxvt") || strstr(term, "kitty") || strstr(term, "alacritty") ||
			strstr(term, "foot"));
}

static void modes_take(struct screen *screen)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	define_key("\033[200~", KEY_PASTE_ON);
	define_key("\033[201~", KEY_PASTE_OFF);
	raw_bytes(screen, "\033[?2004h");
}

struct screen *screen_open(FILE *in, FILE *out, const struct theme *theme, bool no_color, bool mouse,
			   struct err *err)
{
	struct screen *screen = xcalloc(1, sizeof(*screen));
	const char *term = getenv("TERM");

	screen->utf8 = locale_take();
	screen->in = in;
	screen->out = out;
	screen->no_color = no_color;
	screen->curses = newterm(NULL, out, in);
	if (!screen->curses) {
		free(screen);
		err_set(err, ERR_IO,
			"the terminal type \"%s\" is not known here; set TERM to one of `toe -a`, for "
			"instance xterm",
			term ? term : "");
		return NULL;
	}
	set_term(screen->curses);
	if (!cursor_address) {
		endwin();
		delscreen(screen->curses);
		free(screen);
		err_set(err, ERR_IO,
			"the terminal type \"%s\" cannot place its cursor; a seat needs one that can, for "
			"instance TERM=xterm, or "
			"use `nightferry status`",
			term ? term : "");
		return NULL;
	}
	if (has_colors())
		start_color();
	use_default_colors();
	modes_take(screen);
	if (mouse)
		mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	if (title_known())
		raw_bytes(screen, "\033[22;2t");
	screen_theme(screen, theme);
	return screen;
}

void screen_close(struct screen *screen)
{
	if (!screen)
		return;
	raw_bytes(screen, "\033[?2004l");
	if (title_known())
		raw_bytes(screen, "\033[23;2t");
	endwin();
	fflush(screen->out);
	delscreen(screen->curses);
	canvas_free(screen->last);
	free(screen);
}

static attr_t attr_of(unsigned attrs)
{
	attr_t out = A_NORMAL;

	if (attrs & THEME_BOLD)
		out |= A_BOLD;
	if (attrs & THEME_DIM)
		out |= A_DIM;
	if (attrs & THEME_UNDERLINE)
		out |= A_UNDERLINE;
	if (attrs & THEME_REVERSE)
		out |= A_REVERSE;
	return out;
}

static void style_take(struct screen *screen, int slot, struct theme_style style)
{
	short pair = (short)(slot + 1);
	attr_t attrs = attr_of(style.attrs);

	if (screen->set != THEME_MONO && (style.fg >= 0 || style.bg >= 0) && pair < COLOR_PAIRS) {
		init_pair(pair, style.fg, style.bg);
		attrs |= (attr_t)COLOR_PAIR(pair);
	}
	screen->attrs[slot] = attrs;
}

void screen_theme(struct screen *screen, const struct theme *theme)
{
	const struct theme_style *styles;
	struct theme_style chosen;

	screen->set = screen->no_color || !has_colors() ? THEME_MONO : theme_set_for(COLORS);
	styles = theme->style[screen->set];
	chosen = styles[ROLE_SELECTED];
	for (int role = 0; role < ROLE_COUNT; role++) {
		struct theme_style style = styles[role];
		style_take(screen, role, style);
		/* The cursor's row keeps each cell's meaning: only the ground changes, or it is reversed. */
		if (chosen.bg >= 0 && style.bg < 0)
			style.bg = chosen.bg;
		else if (chosen.attrs & THEME_REVERSE)
			style.attrs ^= THEME_REVERSE;
		style_take(screen, ROLE_COUNT + role, style);
	}
	screen_forget(screen);
}

int screen_colors(const struct screen *screen)
{
	return screen->set == THEME_MONO ? 0 : COLORS;
}

bool screen_utf8(const struct screen *screen)
{
	return screen->utf8;
}

struct size screen_measure(struct screen *screen)
{
	struct winsize ws = {0};

	if (ioctl(fileno(screen->out), TIOCGWINSZ, &ws) || !ws.ws_col || !ws.ws_row)
		return (struct size){.cols = COLS, .rows = LINES};
	if (ws.ws_col != COLS || ws.ws_row != LINES) {
		resizeterm(ws.ws_row, ws.ws_col);
		screen_forget(screen);
	}
	return (struct size){.cols = ws.ws_col, .rows = ws.ws_row};
}

void screen_forget(struct screen *screen)
{
	canvas_free(screen->last);
	screen->last = NULL;
	clearok(curscr, TRUE);
}

/* What a cell shows; a character the terminal would give another width than ours is drawn as a mark. */
static void cell_wide(const struct screen *screen, const struct cell *cell, bool wide,
		      wchar_t out[CCHARW_MAX])
{
	const char *text = cell->text;
	size_t len = strlen(text), n = 0;

	while (len && n + 1 < CCHARW_MAX) {
		uint32_t code;
		size_t used = text_decode(text, len, &code);
		if (!n && (wcwidth((wchar_t)code) != (wide ? 2 : 1) || (!screen->utf8 && code > 126)))
			code = '?';
		if (n && wcwidth((wchar_t)code) != 0)
			break;
		out[n++] = (wchar_t)code;
		text += used;
		len -= used;
	}
	if (!n)
		out[n++] = L' ';
	out[n] = L'\0';
}

static bool cell_same(const struct cell *a, const struct cell *b)
{
	return a->role == b->role && a->selected == b->selected &&
	       strncmp(a->text, b->text, sizeof(a->text)) == 0;
}

static void cell_put(const struct screen *screen, const struct canvas *canvas, int col, int row)
{
	const struct cell *cell = &canvas->cells[row * canvas->stride + col];
	bool wide =
	    col + 1 < canvas->size.cols && !cell[1].text[0] && cell->text[0] && (cell->text[0] & 0x80);
	int slot = (cell->role < ROLE_COUNT ? cell->role : ROLE_TEXT) + (cell->selected ? ROLE_COUNT : 0);
	wchar_t text[CCHARW_MAX];
	cchar_t glyph;

	cell_wide(screen, cell, wide, text);
	setcchar(&glyph, text, screen->attrs[slot] & ~(attr_t)A_COLOR,
		 (short)PAIR_NUMBER(screen->attrs[slot]), NULL);
	mvadd_wch(row, col, &glyph);
	if (wide && text[0] == L'?')
		mvaddch(row, col + 1, ' ');
}

void screen_draw(struct screen *screen, const struct canvas *canvas, int cursor_col, int cursor_row)
{
	struct size size = canvas->size;
	bool whole =
	    !screen->last || screen->last->size.cols != size.cols || screen->last->size.rows != size.rows;

	if (whole) {
		canvas_free(screen->last);
		screen->last = canvas_new(size, canvas->ascii);
		erase();
	}
	for (int row = 0; row < size.rows && row < LINES; row++)
		for (int col = 0; col < size.cols && col < COLS; col++) {
			const struct cell *cell = &canvas->cells[row * canvas->stride + col];
			struct cell *old = &screen->last->cells[row * screen->last->stride + col];
			/* The right half of a wide character has been drawn with its left half. */
			bool half = col && !cell->text[0] && (cell[-1].text[0] & 0x80);
			if (!half && (whole || !cell_same(cell, old)))
				cell_put(screen, canvas, col, row);
			*old = *cell;
		}
	curs_set(cursor_col >= 0 ? 1 : 0);
	if (cursor_col >= 0)
		move(cursor_row, cursor_col);
	refresh();
	fflush(screen->out);
}

void screen_bell(struct screen *screen)
{
	(void)screen;
	beep();
}

void screen_leave(struct screen *screen)
{
	raw_bytes(screen, "\033[?2004l");
	endwin();
	fflush(screen->out);
}

void screen_return(struct screen *screen)
{
	modes_take(screen);
	screen_forget(screen);
	refresh();
}

static void rescue_add(char *out, size_t size, size_t *len, const char *text)
{
	size_t n = text && text != (char *)-1 ? strlen(text) : 0;

	if (*len + n >= size)
		return;
	memcpy(out + *len, text ? text : "", n);
	*len += n;
}

size_t screen_rescue(struct screen *screen, char *out, size_t size)
{
	size_t len = 0;

	(void)screen;
	rescue_add(out, size, &len, "\033[?2004l\033[?1000l\033[?1006l");
	rescue_add(out, size, &len, exit_attribute_mode);
	rescue_add(out, size, &len, keypad_local);
	rescue_add(out, size, &len, cursor_normal);
	rescue_add(out, size, &len, exit_ca_mode);
	if (title_known())
		rescue_add(out, size, &len, "\033[23;2t");
	rescue_add(out, size, &len, "\r\n");
	return len;
}

static const struct {
	int code;
	const char *name;
} named[] = {
    {KEY_UP, "Up"},          {KEY_DOWN, "Down"},           {KEY_LEFT, "Left"}, {KEY_RIGHT, "Right"},
    {KEY_PPAGE, "PgUp"},     {KEY_NPAGE, "PgDn"},          {KEY_HOME, "Home"}, {KEY_END, "End"},
    {KEY_BTAB, "Shift-Tab"}, {KEY_ENTER, "Enter"},         {KEY_F(5), "F5"},   {KEY_F(1), "F1"},
    {KEY_DC, "Delete"},      {KEY_BACKSPACE, "Backspace"},
};
static const struct {
	wint_t code;
	const char *name;
} plain[] = {{'\r', "Enter"}, {'\n', "Enter"},    {'\t', "Tab"},
	     {' ', "Space"},  {127, "Backspace"}, {8, "Backspace"}};

/* A sequence terminfo does not know ends here whole: its last letter must never be taken for a key. */
static void sequence_swallow(wint_t first)
{
	wint_t code;
	int most = 64;

	if (first == ']' || first == 'P' || first == '_' || first == '^') {
		while (most++ < 4096 && get_wch(&code) != ERR && code != 7)
			if (code == 27) {
				get_wch(&code);
				return;
			}
		return;
	}
	if (first == 'O') {
		get_wch(&code);
		return;
	}
	if (first != '[')
		return;
	while (most-- > 0 && get_wch(&code) != ERR)
		if (code >= 0x40 && code <= 0x7e)
			return;
}

static enum screen_event key_plain(wint_t code, char name[16])
{
	wint_t next;
	size_t n;

	if (code == 27) {
		int rc = get_wch(&next);
		if (rc == ERR) {
			text_copy(name, 16, "Esc");
			return SCREEN_KEY;
		}
		if (rc == OK)
			sequence_swallow(next);
		text_copy(name, 16, "Alt");
		return SCREEN_KEY;
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].code == code)
			return text_copy(name, 16, plain[i].name), SCREEN_KEY;
	if (code < 32) {
		text_copyf(name, 16, "Ctrl-%c", (int)code + 64);
		return SCREEN_KEY;
	}
	n = text_encode((uint32_t)code, name);
	name[n] = '\0';
	return SCREEN_KEY;
}

static enum screen_event mouse_take(char name[16], int *col, int *row)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return SCREEN_CLICK;
	*col = event.x;
	*row = event.y;
	if (event.bstate & BUTTON4_PRESSED)
		return text_copy(name, 16, "Up"), SCREEN_KEY;
	if (event.bstate & BUTTON5_PRESSED)
		return text_copy(name, 16, "Down"), SCREEN_KEY;
	return SCREEN_CLICK;
}

enum screen_event screen_key(struct screen *screen, char name[16], int *col, int *row)
{
	wint_t code;
	int rc = get_wch(&code);

	(void)screen;
	*col = *row = -1;
	text_copy(name, 16, "");
	if (rc == ERR)
		return SCREEN_NOTHING;
	if (rc == OK)
		return key_plain(code, name);
	if (code == KEY_PASTE_ON)
		return SCREEN_PASTE_BEGIN;
	if (code == KEY_PASTE_OFF)
		return SCREEN_PASTE_END;
	if (code == KEY_RESIZE)
		return SCREEN_RESIZE;
	if (code == KEY_MOUSE)
		return mouse_take(name, col, row);
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if ((wint_t)named[i].code == code)
			return text_copy(name, 16, named[i].name), SCREEN_KEY;
	text_copy(name, 16, "Alt");
	return SCREEN_KEY;
}
