/* What a seat is made of; shared by the files of tui/ that act on it, by nobody else. */
#ifndef TUI_COCKPIT_H
#define TUI_COCKPIT_H

#include "panels/layout.h"
#include "panels/panel.h"
#include "tui/input.h"
#include "tui/keys.h"
#include "tui/replay.h"
#include "tui/seat.h"
#include "tui/terminal.h"
#include "tui/wire.h"
#include <stdio.h>

enum { PANELS_MOST = 24, HISTORY_MOST = 32 };

/* This seat's own look: nothing of it leaves the seat. */
struct local {
	char view[16];    /* "copy", "watch", "all" */
	bool view_chosen; /* the person chose: no phase changes it any more */
	const struct panel *focus;
	int zoom;                 /* 0 none, 1 half: beside the playbook, 2 full */
	void *views[PANELS_MOST]; /* each panel's memory, by its place in panel_table */
	bool frozen;
	int64_t frozen_at_ms;
	struct buf held; /* event lines that came while frozen */
	char phase[32];
};

/* Text or a panel's card over the screen. */
enum sheet_kind { SHEET_NONE, SHEET_TEXT, SHEET_CARD, SHEET_CLOCK };
struct sheet {
	enum sheet_kind kind;
	char title[80], search[64], subject[104]; /* subject: the step or row of a card */
	struct buf text, wrapped;                 /* wrapped: broken to the width of the box */
	const struct panel *panel;
	int top, lines, height;
};

enum prompt_kind {
	PROMPT_NONE,
	PROMPT_SEARCH,
	PROMPT_KEEP,
	PROMPT_HIDE,
	PROMPT_SHEET_SEARCH,
	PROMPT_PALETTE,
	PROMPT_NOTE,
	PROMPT_RELEASE,
	PROMPT_VOTE,
	PROMPT_SKIP,
	PROMPT_MANUAL,
	PROMPT_WAIVE,
	PROMPT_ASK,
};
struct prompt {
	enum prompt_kind kind;
	char label[160], subject[144];
	char fact[200]; /* of a waiver: what this seat showed when W was pressed */
	struct line line;
	bool hidden;
	int64_t ask_id;
	int64_t opened_real_ms;
};

/* A question of this seat itself; `y` sends the command that has been made ready. */
struct confirm {
	bool open, leaves; /* leaves: the seat ends after y, and also after n */
	char title[80];
	struct buf text;
	struct buf command; /* a whole JSON line */
	int64_t opened_real_ms;
};

struct gate_box {
	char id[16]; /* the gate this box belongs to; "" for none */
	bool shown, calls;
	bool drives; /* at the last fold */
	struct line phrase;
	bool sent;     /* the phrase is complete and was sent */
	bool counting; /* at the last fold */
	bool hold;     /* at the last fold */
	char tag[8];
	int top;
	int64_t opened_real_ms;
};

struct cockpit {
	const struct seat_options *options;
	struct terminal *terminal;
	struct theme theme;
	bool ascii, leaving, dirty, blank_said;
	struct size size;
	struct canvas *canvas;
	int cursor_col, cursor_row;

	struct state *state, *coming; /* coming: a snapshot that is not whole yet */
	uint64_t coming_left;
	char failed_step[48];
	size_t told_signatures;         /* known errors told on this seat + 1; 0: nothing was folded yet */
	char asked[16];                 /* the seat that asks for the wheel, as last told here */
	bool offer_seen;                /* the wheel is offered to this seat, and its box was opened */
	int64_t step_ended_ms, hold_ms; /* newest that were heard */
	struct seat_view me;
	struct wire wire;
	bool welcomed, ever_welcomed;
	bool gone_heard; /* this connection reached the machine, but no engine on it */
	int64_t retry_real_ms, retry_wait_ms;
	struct replay *replay;
	bool paused;
	double speed;
	int64_t replay_now_ms, replay_real_ms;
	struct replay_wish wish; /* what [ and ] look for */
	int64_t picture_ms;      /* while a picture is drawn: its one moment; else 0 */
	FILE *frames;            /* tests: every picture, with what it was drawn from */

	struct local local;
	struct layout layout;
	struct guard guard;
	int64_t key_real_ms; /* of the key before the one that is done now */
	struct sheet sheet;
	struct prompt prompt;
	struct {
		char question[140];
		bool waits, hidden;
		int64_t id;
	} ask; /* of the engine, until its line is open */
	struct confirm confirm;
	struct gate_box gate;
	char history[HISTORY_MOST][120];
	size_t n_history, history_at;

	char toast[400];
	enum role toast_role;
	int64_t toast_until_real_ms, drawn_real_ms;
	char goodbye[300];
	char title[160];
	bool terminal_lost;
	bool engine_closed;
	char die_at[64];
};

/* seat.c */
int64_t seat_now_ms(const struct cockpit *c);  /* wall time, or the replay's */
int64_t seat_real_ms(const struct cockpit *c); /* for bursts, toasts and drawing */
void seat_dirty(struct cockpit *c);
void seat_leave(struct cockpit *c, const char *goodbye);
void seat_toast(struct cockpit *c, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* follow.c: what changes on this seat because the state did */
void seat_after_fold(struct cockpit *c);
void follow_me(struct cockpit *c); /* who this seat is in the state */

/* link.c: the engine's other end */
void link_open(struct cockpit *c);
void link_socket(void *ctx, bool readable, bool writable);
void link_ask(struct cockpit *c); /* opens the line for a question of the engine, once no other is open */
void link_tick(struct cockpit *c, int64_t real_ms);
void link_fold(struct cockpit *c, const char *text, size_t len);
/* Begins a command; add its fields, then link_send(). */
void link_command(struct jw *w, const char *cmd);
void link_send(struct cockpit *c, struct jw *w);
/* A command with one text field, or none when `key` is NULL. */
void link_say(struct cockpit *c, const char *cmd, const char *key, const char *value);

/* local.c: focus, views, zoom, freezing */
void local_init(struct local *local);
void local_done(struct local *local);
void local_offer(struct cockpit *c);
void local_focus(struct cockpit *c, int step);
void local_digit(struct cockpit *c, char digit);
void local_next_view(struct cockpit *c);
bool local_set_view(struct cockpit *c, const char *view);
void local_zoom(struct cockpit *c, int zoom); /* 0..2, anything else is brought into that */
void local_freeze(struct cockpit *c, bool on);
void local_relayout(struct cockpit *c);
const void *local_view_of(const struct local *local, const struct panel *panel);
/* Gives the focused panel something to do. */
void local_act(struct cockpit *c, const struct act *act);
void local_selected(const struct cockpit *c, char *out, size_t size);
struct scene local_scene(const struct cockpit *c, const struct panel *panel);

/* keyboard.c: a key that the guard let through */
void keyboard_do(struct cockpit *c, const char *key);
bool keyboard_acts(const struct cockpit *c, const char *key);
/* Keys poured in, as of a file: true when none of them is meant here; what they began is put away. */
bool keyboard_pours(struct cockpit *c);
enum where keyboard_where(const struct cockpit *c);
void keyboard_paste(struct cockpit *c, const char *text, size_t len);

/* commands.c: what keys of the screen do; false when there is no such command */
bool commands_do(struct cockpit *c, const char *cmd, const char *key);
bool commands_refuse(struct cockpit *c, const char *cmd); /* says why this command is off; true when it is */

/* acts.c: keys that reach out of this seat */
bool acts_do(struct cockpit *c, const char *cmd, const char *key);
void acts_panel(struct cockpit *c, const struct binding *binding);
const struct step_seen *acts_step(const struct cockpit *c); /* of the card that is open; NULL: none */

/* prompts.c */
void prompt_open(struct cockpit *c, enum prompt_kind kind, const char *subject, const char *label);
void prompt_key(struct cockpit *c, const char *key);

/* palette.c: a line after ':' */
void palette_run(struct cockpit *c, const char *line);
void palette_complete(struct cockpit *c, struct line *line);

/* boxes.c: the gate's box and this seat's own questions */
void box_gate_follow(struct cockpit *c);
bool box_gate_key(struct cockpit *c, const char *key);
bool box_counting(const struct cockpit *c);
void box_gate_refused(struct cockpit *c); /* the engine has said no to what this seat sent */
/* Evidence, calls, hold, vote, redraw: the same in every box. True when it was one of them. */
bool box_gate_common(struct cockpit *c, const char *key);
void box_confirm(struct cockpit *c, const char *title, struct buf *take_text, struct jw *command);
void box_confirm_key(struct cockpit *c, const char *key);

/* sheets.c */
void sheet_text(struct cockpit *c, const char *title, struct buf *take_text);
void sheet_card(struct cockpit *c, const struct panel *panel, const char *subject);
void sheet_close(struct cockpit *c);
bool sheet_do(struct cockpit *c, const char *cmd);
void sheet_search(struct cockpit *c, const char *text, int step);
void sheet_draw(struct cockpit *c, struct canvas *canvas);
void sheet_help(struct cockpit *c);
void sheet_commands(struct cockpit *c);
void sheet_who(struct cockpit *c);
void sheet_way_back(struct cockpit *c, struct buf *out);

/* carry.c: text out of the seat */
void carry_copy(struct cockpit *c);
void carry_write(struct cockpit *c);
void carry_export(struct cockpit *c);

/* shell.c: where is "" or "host", "psql" (NEW's database), "old" (OLD's, read-only) */
void shell_open(struct cockpit *c, const char *where);

/* draw.c */
void draw_screen(struct cockpit *c);
void draw_clock(struct cockpit *c, struct canvas *canvas);

/* starting.c: before the engine has answered for the first time */
void starting_draw(struct cockpit *c, struct canvas *canvas);

/* rerun.c: keys of a recorded night */
bool rerun_do(struct cockpit *c, const char *cmd);
void rerun_tick(struct cockpit *c, int64_t real_ms);
void rerun_to(struct cockpit *c, int64_t at_ms);
/* Looks for events of a kind or lines with a text from now on, and goes to the next. */
void rerun_wish(struct cockpit *c, const char *kind, const char *text);
void rerun_gate_follow(struct cockpit *c);
bool rerun_gate_key(struct cockpit *c, const char *key);

/* frames.c */
void frames_open(struct cockpit *c);
void frames_note(struct cockpit *c);
void frames_close(struct cockpit *c);

#endif
