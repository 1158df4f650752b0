#include "tui/theme.h"
#include "core/base/text.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The same text as themes/default.theme: a seat has its colours even where no file was installed. */
static const char default_text[] =
    "[256]\n"
    "text = default\nmuted = 245\nframe = 240\nframe-focus = 117\nold = 75\nnew = 114\nok = 108\n"
    "now = 255 on 24 bold\nwarn = 214\nbad = 203 bold\nunknown = 176\narmed = 16 on 214\nfrozen = 16 on 178\n"
    "danger = 231 on 124\ntitle = default bold\nkey = 117\nselected = default on 236\n"
    "[8]\n"
    "text = default\nmuted = default dim\nframe = default\nframe-focus = cyan\nold = blue\nnew = green\nok = "
    "green\n"
    "now = default reverse\nwarn = yellow\nbad = red\nunknown = magenta\narmed = black on yellow\n"
    "frozen = black on yellow\ndanger = white on red\ntitle = default bold\nkey = cyan\nselected = default "
    "reverse\n"
    "[mono]\n"
    "text = default\nmuted = default dim\nframe = default dim\nframe-focus = default bold\nold = default "
    "bold\n"
    "new = default bold\nok = default\nnow = default reverse\nwarn = default underline\nbad = default "
    "reverse\n"
    "unknown = default underline\narmed = default reverse\nfrozen = default reverse\ndanger = default bold "
    "reverse\n"
    "title = default bold\nkey = default bold\nselected = default reverse\n";

static const char *const color_names[] = {"black", "red",     "green", "yellow",
					  "blue",  "magenta", "cyan",  "white"};

static int color_parse(const char *word, short *out)
{
	char *end;
	long n = strtol(word, &end, 10);
	int bright = 0;

	if (strcmp(word, "default") == 0) {
		*out = -1;
		return 0;
	}
	if (*word && !*end && n >= 0 && n < 256) {
		*out = (short)n;
		return 0;
	}
	if (strncmp(word, "bright-", 7) == 0) {
		bright = 8;
		word += 7;
	}
	for (int i = 0; i < 8; i++)
		if (strcmp(word, color_names[i]) == 0) {
			*out = (short)(i + bright);
			return 0;
		}
	return -1;
}

static unsigned attr_parse(const char *word)
{
	static const struct {
		const char *name;
		unsigned attr;
	} attrs[] = {{"bold", THEME_BOLD},
		     {"dim", THEME_DIM},
		     {"underline", THEME_UNDERLINE},
		     {"reverse", THEME_REVERSE}};

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (strcmp(word, attrs[i].name) == 0)
			return attrs[i].attr;
	return 0;
}

/* "214 on 16 bold underline". The bad word comes back in `bad`. */
static int style_parse(char *text, struct theme_style *out, const char **bad)
{
	struct theme_style style = {.fg = -1, .bg = -1};
	bool on = false, fg = false;
	char *save = NULL;

	for (char *word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		unsigned attr = attr_parse(word);
		*bad = word;
		if (strcmp(word, "on") == 0) {
			on = true;
		} else if (attr) {
			style.attrs |= attr;
		} else if (on) {
			if (color_parse(word, &style.bg))
				return -1;
			on = false;
		} else {
			if (fg || color_parse(word, &style.fg))
				return -1;
			fg = true;
		}
	}
	*out = style;
	return 0;
}

/* Roles are written as screens and files name them: frame-focus, frame.focus and frame_focus are one. */
static void word_same(char *out, size_t size, const char *name)
{
	text_copy(out, size, name);
	for (char *c = out; *c; c++)
		if (*c == '.' || *c == '_')
			*c = '-';
}

static int role_parse(const char *name)
{
	char word[32], role[32];

	word_same(word, sizeof(word), name);
	for (int i = 0; i < ROLE_COUNT; i++) {
		word_same(role, sizeof(role), role_name((enum role)i));
		if (strcmp(role, word) == 0)
			return i;
	}
	return -1;
}

static char *trim(char *text)
{
	size_t len;

	while (*text == ' ' || *text == '\t')
		text++;
	len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int set_parse(const char *line)
{
	static const char *const names[THEME_SETS] = {
	    [THEME_256] = "[256]", [THEME_16] = "[16]", [THEME_8] = "[8]", [THEME_MONO] = "[mono]"};

	for (int i = 0; i < THEME_SETS; i++)
		if (strcmp(line, names[i]) == 0)
			return i;
	return -1;
}

/* One line; 16 follows 8 until the file has a section of its own for it. */
static int line_parse(struct theme *theme, char *line, int *set, bool *own16, const char **bad)
{
	struct theme_style style;
	char *equals;
	int role;

	*bad = line;
	if (!*line || *line == '#')
		return 0;
	if (*line == '[') {
		*set = set_parse(line);
		if (*set == THEME_16)
			*own16 = true;
		return *set < 0 ? -1 : 0;
	}
	equals = strchr(line, '=');
	if (!equals || *set < 0)
		return -1;
	*equals = '\0';
	role = role_parse(trim(line));
	if (role < 0)
		return -1;
	if (style_parse(trim(equals + 1), &style, bad))
		return -1;
	theme->style[*set][role] = style;
	if (*set == THEME_8 && !*own16)
		theme->style[THEME_16][role] = style;
	return 0;
}

static int parse_over(struct theme *theme, const char *file, const char *text, struct err *err)
{
	char *copy = xstrdup(text), *save = copy, *line;
	int set = -1, number = 0, rc = 0;
	bool own16 = false;

	while (!rc && (line = strsep(&save, "\n"))) {
		const char *bad = "";
		number++;
		if (line_parse(theme, trim(line), &set, &own16, &bad))
			rc = err_set(err, ERR_CONFIG,
				     "%s:%d: \"%s\" is not understood; lines are `role = fg on bg "
				     "attributes` under [256], "
				     "[16], [8] or [mono]",
				     file, number, bad);
	}
	free(copy);
	return rc;
}

void theme_default(struct theme *theme)
{
	*theme = (struct theme){.name = "default"};
	for (int set = 0; set < THEME_SETS; set++)
		for (int role = 0; role < ROLE_COUNT; role++)
			theme->style[set][role] = (struct theme_style){.fg = -1, .bg = -1};
	parse_over(theme, "built-in theme", default_text, NULL);
}

int theme_parse(struct theme *theme, const char *file, const char *text, struct err *err)
{
	theme_default(theme);
	return parse_over(theme, file, text, err);
}

/* The user's own folder first, then the installed one, then the source tree. */
static bool theme_folder(int i, char *out, size_t size)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME"),
		   *own = getenv("NIGHTFERRY_THEMES");

	switch (i) {
	case 0: return own && text_copy(out, size, own);
	case 1:
		if (config && *config)
			return text_copyf(out, size, "%s/nightferry/themes", config);
		return home && text_copyf(out, size, "%s/.config/nightferry/themes", home);
	case 2: return text_copy(out, size, "/usr/local/share/nightferry/themes");
	case 3: return text_copy(out, size, "/usr/share/nightferry/themes");
#ifdef NIGHTFERRY_SOURCE
	case 4: return text_copy(out, size, NIGHTFERRY_SOURCE "/themes");
#endif
	default: return false;
	}
}

static char *file_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char chunk[4096];
	struct buf buf = {0};
	size_t n;

	if (!file)
		return NULL;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0 && buf.len < (1u << 20))
		buf_add(&buf, chunk, n);
	fclose(file);
	return buf.data ? buf.data : xstrdup("");
}

void theme_names(struct buf *out)
{
	char folder[400];

	buf_adds(out, "default");
	for (int i = 0; i <= 4; i++) {
		DIR *dir = theme_folder(i, folder, sizeof(folder)) ? opendir(folder) : NULL;
		struct dirent *entry;
		while (dir && (entry = readdir(dir))) {
			char word[80];
			size_t len = strlen(entry->d_name);
			if (len < 7 || len > 60 || strcmp(entry->d_name + len - 6, ".theme") != 0)
				continue;
			text_copyf(word, sizeof(word), " %.*s ", (int)(len - 6), entry->d_name);
			buf_adds(out, " ");
			if (strstr(buf_text(out), word) || strcmp(word, " default ") == 0)
				buf_cut(out, 0);
			else
				buf_adds(out, word + 1);
			while (out->len && out->data[out->len - 1] == ' ')
				out->data[--out->len] = '\0';
		}
		if (dir)
			closedir(dir);
	}
}

int theme_load(struct theme *theme, const char *name, struct err *err)
{
	char path[512], folder[400];
	struct buf names = {0};

	if (strchr(name, '/')) {
		char *text = file_text(name);
		int rc =
		    text ? theme_parse(theme, name, text, err)
			 : err_set(err, ERR_CONFIG,
				   "the theme file %s cannot be read; give the path of a .theme file", name);
		free(text);
		text_copy(theme->name, sizeof(theme->name), name);
		return rc;
	}
	for (int i = 0; i <= 4; i++) {
		char *text;
		int rc;
		if (!theme_folder(i, folder, sizeof(folder)))
			continue;
		text_copyf(path, sizeof(path), "%s/%s.theme", folder, name);
		text = file_text(path);
		if (!text)
			continue;
		rc = theme_parse(theme, path, text, err);
		free(text);
		text_copy(theme->name, sizeof(theme->name), name);
		return rc;
	}
	theme_default(theme);
	if (strcmp(name, "default") == 0)
		return 0;
	theme_names(&names);
	err_set(err, ERR_CONFIG, "there is no theme \"%s\"; there are: %s", name, buf_text(&names));
	buf_done(&names);
	return -1;
}

enum theme_set theme_set_for(int colors)
{
	if (colors >= 256)
		return THEME_256;
	if (colors >= 16)
		return THEME_16;
	return colors >= 8 ? THEME_8 : THEME_MONO;
}
