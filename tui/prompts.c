/* The lines that ask for words: notes, reasons, votes, what was done by hand, answers to questions, what is
 * looked for. */
#include "tui/cockpit.h"
#include "core/base/text.h"
#include <string.h>

enum { LINE_FRESH_MS = 250, ENTER_AFTER_MS = 20 };

/* What the rehearsal let pass is offered again: by name, with its reason to be kept or changed. Nobody has
 * waived it tonight until Enter and y. */
static void offer_rehearsed(struct cockpit *c, const char *about)
{
	const struct rehearsed_state *r = &c->state->rehearsed;
	char label[160];

	for (size_t i = 0; i < r->n_waivers; i++) {
		if (!text_equal(r->waivers[i].about, about))
			continue;
		line_set(&c->prompt.line, r->waivers[i].reason);
		text_copyf(label, sizeof(label), "%.60s (waived by %.20s in the rehearsal)", c->prompt.label,
			   r->waivers[i].by);
		text_copy(c->prompt.label, sizeof(c->prompt.label), label);
	}
}

void prompt_open(struct cockpit *c, enum prompt_kind kind, const char *subject, const char *label)
{
	struct prompt *prompt = &c->prompt;

	*prompt = (struct prompt){.kind = kind, .opened_real_ms = seat_real_ms(c)};
	text_copy(prompt->subject, sizeof(prompt->subject), subject);
	text_copy(prompt->label, sizeof(prompt->label), label);
	if (kind == PROMPT_WAIVE) {
		waiver_fact(c->state, subject, prompt->fact, sizeof(prompt->fact));
		offer_rehearsed(c, subject);
	}
	c->history_at = c->n_history;
	seat_dirty(c);
}

static void look(struct cockpit *c, enum act_kind kind, const char *text)
{
	struct act act = {.kind = kind, .text = text};

	local_act(c, &act);
}

/* "ticket=4711 seen on the host": words with an equals sign fill the card's fields. */
static void manual_fields(struct jw *w, const char *text)
{
	char copy[240], *save = NULL;

	text_copy(copy, sizeof(copy), text);
	jw_obj(w, "fields");
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(word, '=');
		if (!equals || equals == word)
			continue;
		*equals = '\0';
		jw_str(w, word, equals + 1);
	}
	jw_end(w);
}

static void ask_skip(struct cockpit *c, const char *text)
{
	struct buf say = {0};
	struct jw w;

	link_command(&w, "skip");
	jw_str(&w, "step", c->prompt.subject);
	jw_str(&w, "reason", text);
	buf_addf(&say,
		 "Step %s will not be done.\nReason: %s\n\nIt is kept in the journal and the report, and "
		 "every later gate "
		 "shows it.",
		 c->prompt.subject, text);
	box_confirm(c, "SKIP", &say, &w);
}

static void ask_manual(struct cockpit *c, const char *text)
{
	struct buf say = {0};
	struct jw w;

	link_command(&w, "manual");
	jw_str(&w, "step", c->prompt.subject);
	jw_str(&w, "words", text);
	manual_fields(&w, text);
	buf_addf(&say,
		 "Step %s was done by hand, and you have seen it.\nYou saw: %s\n\nYour name stands beside it "
		 "in the report.",
		 c->prompt.subject, text);
	box_confirm(c, "DONE BY HAND", &say, &w);
}

/* A card by hand takes the words as they are; saying so of a step that the program could not finish asks. */
static void take_manual(struct cockpit *c, const char *text)
{
	const struct step_seen *step = steps_get(c->state, c->prompt.subject);
	struct jw w;

	if (!step || !step->manual) {
		ask_manual(c, text);
		return;
	}
	link_command(&w, "manual");
	jw_str(&w, "step", c->prompt.subject);
	jw_str(&w, "words", text);
	manual_fields(&w, text);
	link_send(c, &w);
}

static void ask_waive(struct cockpit *c, const char *text)
{
	struct buf say = {0};
	struct jw w;

	link_command(&w, "waive");
	jw_str(&w, "about", c->prompt.subject);
	jw_str(&w, "reason", text);
	jw_str(&w, "fact", c->prompt.fact);
	buf_addf(
	    &say,
	    "%s would be waived by %s.\nReason: %s\n\nIt stands in every later gate and in the report, and "
	    "falls when the fact "
	    "behind it changes.",
	    c->prompt.subject, c->me.name, text);
	box_confirm(c, "WAIVE", &say, &w);
}

/* "go", "no-go not yet", or with another's station before it: "db go". */
static void vote(struct cockpit *c, const char *text)
{
	char copy[240], *save = NULL, *word;
	const char *station = c->options->station && *c->options->station ? c->options->station : NULL;
	struct jw w;
	bool go;

	text_copy(copy, sizeof(copy), text);
	word = strtok_r(copy, " ", &save);
	if (word && strcasecmp(word, "go") != 0 && strcasecmp(word, "no-go") != 0 &&
	    strcasecmp(word, "nogo") != 0) {
		station = word;
		word = strtok_r(NULL, " ", &save);
	}
	if (!word || (strncasecmp(word, "go", 3) != 0 && strncasecmp(word, "no", 2) != 0)) {
		seat_toast(c, ROLE_WARN,
			   "a vote is \"go\" or \"no-go REASON\"; for another station it is named first: "
			   "\"db go\"");
		return;
	}
	go = strcasecmp(word, "go") == 0;
	link_command(&w, "vote");
	jw_str(&w, "station", station ? station : "");
	jw_bool(&w, "go", go);
	jw_str(&w, "reason", save ? save : "");
	link_send(c, &w);
}

/* NULL: the question was left, which is no answer. */
static void answer(struct cockpit *c, const char *text)
{
	struct jw w;

	jw_open(&w);
	jw_str(&w, "t", "answer");
	jw_int(&w, "id", c->prompt.ask_id);
	jw_str(&w, "text", text ? text : "");
	jw_bool(&w, "refused", !text);
	link_send(c, &w);
}

static void finish(struct cockpit *c)
{
	char text[240];
	enum prompt_kind kind = c->prompt.kind;

	text_copy(text, sizeof(text), c->prompt.line.text);
	/* A reason is what the next person at the desk will have. */
	if (!text[0] && (kind == PROMPT_SKIP || kind == PROMPT_MANUAL || kind == PROMPT_WAIVE ||
			 kind == PROMPT_RELEASE)) {
		seat_toast(c, ROLE_WARN, "a few words are needed here; Esc leaves");
		return;
	}
	c->prompt.kind = PROMPT_NONE;
	switch (kind) {
	case PROMPT_NONE: break;
	case PROMPT_SEARCH: look(c, ACT_SEARCH, text); break;
	case PROMPT_KEEP: look(c, ACT_KEEP, text); break;
	case PROMPT_HIDE: look(c, ACT_HIDE, text); break;
	case PROMPT_SHEET_SEARCH: sheet_search(c, text, 1); break;
	case PROMPT_PALETTE: palette_run(c, text); break;
	case PROMPT_NOTE:
		if (text[0])
			link_say(c, "note", "text", text);
		break;
	case PROMPT_RELEASE: link_say(c, "release", "reason", text); break;
	case PROMPT_VOTE: vote(c, text); break;
	case PROMPT_SKIP: ask_skip(c, text); break;
	case PROMPT_MANUAL: take_manual(c, text); break;
	case PROMPT_WAIVE: ask_waive(c, text); break;
	case PROMPT_ASK: answer(c, text); break;
	}
	explicit_bzero(text, sizeof(text));
	if (kind == PROMPT_ASK)
		explicit_bzero(&c->prompt, sizeof(c->prompt));
}

static void history(struct cockpit *c, int step)
{
	if (c->prompt.hidden || !c->n_history || (step < 0 && c->history_at == 0) ||
	    (step > 0 && c->history_at >= c->n_history))
		return;
	c->history_at += (size_t)(ptrdiff_t)step;
	line_set(&c->prompt.line, c->history_at < c->n_history ? c->history[c->history_at] : "");
}

static void remember(struct cockpit *c)
{
	const char *text = c->prompt.line.text;

	if (c->prompt.kind != PROMPT_PALETTE || !text[0] ||
	    (c->n_history && strcmp(c->history[c->n_history - 1], text) == 0))
		return;
	if (c->n_history == HISTORY_MOST) {
		memmove(c->history[0], c->history[1], sizeof(c->history) - sizeof(c->history[0]));
		c->n_history--;
	}
	text_copy(c->history[c->n_history++], sizeof(c->history[0]), text);
}

/* A key that opens a line, its text and Enter within a moment are no hand but a paste without marks, and so
 * is an Enter on the heels of the last letter. Lines that only look may be as fast as they like. */
static bool too_fast(struct cockpit *c)
{
	enum prompt_kind kind = c->prompt.kind;

	if (kind == PROMPT_SEARCH || kind == PROMPT_KEEP || kind == PROMPT_HIDE ||
	    kind == PROMPT_SHEET_SEARCH ||
	    (seat_real_ms(c) - c->prompt.opened_real_ms >= LINE_FRESH_MS &&
	     seat_real_ms(c) - c->key_real_ms >= ENTER_AFTER_MS))
		return false;
	seat_toast(c, ROLE_WARN, "that came faster than anybody types: look at the line, then Enter again");
	return true;
}

void prompt_key(struct cockpit *c, const char *key)
{
	struct prompt *prompt = &c->prompt;

	seat_dirty(c);
	if (strcmp(key, "Esc") == 0 || strcmp(key, "Ctrl-C") == 0) {
		if (prompt->kind == PROMPT_ASK)
			answer(c, NULL);
		if (prompt->kind == PROMPT_KEEP || prompt->kind == PROMPT_HIDE ||
		    prompt->kind == PROMPT_SEARCH)
			look(c, prompt->kind == PROMPT_SEARCH ? ACT_SEARCH : ACT_KEEP, "");
		explicit_bzero(prompt, sizeof(*prompt));
	} else if (strcmp(key, "Enter") == 0) {
		if (too_fast(c))
			return;
		remember(c);
		finish(c);
	} else if (strcmp(key, "Up") == 0 || strcmp(key, "Down") == 0) {
		history(c, strcmp(key, "Up") == 0 ? -1 : 1);
	} else if (strcmp(key, "Tab") == 0 && prompt->kind == PROMPT_PALETTE) {
		palette_complete(c, &prompt->line);
	} else if (strcmp(key, "Backspace") == 0 && !prompt->line.len && prompt->kind != PROMPT_ASK) {
		prompt->kind = PROMPT_NONE;
	} else if (line_key(&prompt->line, key) && prompt->kind == PROMPT_SEARCH) {
		look(c, ACT_SEARCH, prompt->line.text);
	}
}
