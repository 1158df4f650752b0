/* The key table as text: help on the screen, and the list in the README. */
#include "tui/keys.h"
#include "core/base/text.h"
#include <string.h>

static void help_line(struct buf *out, const char *keys, const char *note, const char *gate, const char *why)
{
	char shown[40];

	text_fit(shown, sizeof(shown), keys, 20);
	buf_addf(out, " %s%*s ", shown, (int)(12 - (text_width(shown) < 12 ? text_width(shown) : 12)), "");
	if (gate)
		buf_addf(out, "%-11s", gate);
	buf_addf(out, "%s\n", note);
	if (why)
		buf_addf(out, "%*soff: %s\n", gate ? 25 : 14, "", why);
}

static void help_rows(enum where where, bool acts, const struct scene *scene, struct buf *out)
{
	for (const struct key_row *row = key_table; row->keys; row++) {
		const char *why = NULL;
		if (row->where != where || (row->gate != NULL) != acts)
			continue;
		if (key_usable(row, scene, &why))
			why = NULL;
		help_line(out, row->keys, row->note, row->gate, why);
	}
}

void keys_help(enum where where, const struct panel *panel, const struct scene *scene, struct buf *out)
{
	if (where == WHERE_SCREEN && panel && panel->keys && panel->keys[0].key) {
		buf_addf(out, "PANEL %c %s\n", panel->digit ? panel->digit : ' ', panel->title);
		for (const struct binding *binding = panel->keys; binding->key; binding++) {
			const char *why = NULL;
			bool off = binding->can && !binding->can(scene, &why);
			help_line(out, binding->key, binding->note, keys_binding_acts(binding) ? "yes" : NULL,
				  off ? why : NULL);
		}
		buf_adds(out, "\n");
	}
	if (scene->seat.replaying) {
		buf_adds(out, "THIS RECORDED NIGHT\n");
		help_rows(WHERE_REPLAY, false, scene, out);
		buf_adds(out, "\n");
	}
	buf_adds(out, "KEYS THAT ACT: capitals, on an armed seat (H V D ; unarmed, too)\n key         gate   "
		      "    does\n");
	help_rows(where, true, scene, out);
	buf_adds(out, "\nKEYS THAT LOOK\n");
	help_rows(where, false, scene, out);
}

/* A bar would end a Markdown cell. */
static void markdown_cell(struct buf *out, const char *text)
{
	for (const char *c = text ? text : ""; *c; c++) {
		if (*c == '|')
			buf_addc(out, '\\');
		buf_addc(out, *c);
	}
}

static void markdown_keys(struct buf *out, const char *keys)
{
	for (const char *at = keys; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		/* The backquote is the one key that Markdown takes for itself. */
		buf_addf(out, *at == '`' ? "%s`` %.*s ``" : "%s`%.*s`", at == keys ? "" : " ", (int)n, at);
		at += n;
	}
}

void keys_markdown(struct buf *out)
{
	static const char *const titles[WHERE_COUNT] = {
	    [WHERE_SCREEN] = "Everywhere",          [WHERE_CARD] = "In a card, help or list",
	    [WHERE_YES] = "In a `yes` box",         [WHERE_TYPE] = "In a `type` or `poll` gate",
	    [WHERE_PROMPT] = "While typing a line", [WHERE_REPLAY] = "In a recorded night"};

	for (int where = 0; where < WHERE_COUNT; where++) {
		buf_addf(out, "**%s**\n\n| key | does | needs | gate |\n|---|---|---|---|\n", titles[where]);
		for (const struct key_row *row = key_table; row->keys; row++) {
			if ((int)row->where != where)
				continue;
			buf_adds(out, "| ");
			markdown_keys(out, row->keys);
			buf_adds(out, " | ");
			markdown_cell(out, row->note);
			buf_addf(out, " | %s | %s |\n", row->armed ? "ARMED" : "",
				 row->gate ? row->gate : "");
		}
		buf_adds(out, "\n");
	}
	buf_adds(out, "**In panels**\n\n| panel | key | does |\n|---|---|---|\n");
	for (const struct panel *const *panel = panel_table; *panel; panel++)
		for (const struct binding *binding = (*panel)->keys; binding && binding->key; binding++) {
			buf_addf(out, "| %s | ", (*panel)->title);
			markdown_keys(out, binding->key);
			buf_adds(out, " | ");
			markdown_cell(out, binding->note);
			buf_adds(out, " |\n");
		}
}
