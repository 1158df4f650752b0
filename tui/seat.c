#include "tui/cockpit.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAW_EVERY_MS = 33, AGES_EVERY_MS = 1000, TOAST_MS = 6000 };

int64_t seat_now_ms(const struct cockpit *c)
{
	if (c->picture_ms)
		return c->picture_ms;
	return c->replay ? c->replay_now_ms : clock_wall_ms();
}

int64_t seat_real_ms(const struct cockpit *c)
{
	return c->terminal ? terminal_now_ms(c->terminal) : 0;
}

void seat_dirty(struct cockpit *c)
{
	int64_t since_ms;

	if (c->dirty || !c->terminal)
		return;
	c->dirty = true;
	since_ms = seat_real_ms(c) - c->drawn_real_ms;
	terminal_wake_in(c->terminal, since_ms >= DRAW_EVERY_MS ? 0 : DRAW_EVERY_MS - since_ms);
}

void seat_toast(struct cockpit *c, enum role role, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->toast, sizeof(c->toast), fmt, ap);
	va_end(ap);
	c->toast_role = role;
	c->toast_until_real_ms = seat_real_ms(c) + TOAST_MS;
	if (c->terminal)
		terminal_wake_in(c->terminal, TOAST_MS + 1);
	seat_dirty(c);
}

void seat_leave(struct cockpit *c, const char *goodbye)
{
	c->leaving = true;
	if (goodbye)
		text_copy(c->goodbye, sizeof(c->goodbye), goodbye);
	terminal_stop(c->terminal);
}

static void keys_due(struct cockpit *c, int64_t real_ms)
{
	char name[16];
	int dropped;
	int64_t wait_ms;

	while (!c->leaving && guard_next(&c->guard, real_ms, name))
		keyboard_do(c, name);
	dropped = guard_burst_over(&c->guard, real_ms);
	if (dropped)
		seat_toast(c, ROLE_WARN,
			   "%d keys ignored: they came faster than a hand; this seat is disarmed", dropped);
	wait_ms = guard_wait_ms(&c->guard, real_ms);
	if (wait_ms >= 0 && !c->leaving)
		terminal_wake_in(c->terminal, wait_ms);
}

static void disarm(struct cockpit *c)
{
	struct jw w;

	if (!c->me.armed)
		return;
	link_command(&w, "arm");
	jw_bool(&w, "on", false);
	jw_str(&w, "why", "burst");
	link_send(c, &w);
}

static void on_key(void *ctx, const char *key, int64_t real_ms)
{
	struct cockpit *c = ctx;
	int run = guard_run(&c->guard, key, real_ms);

	if (c->leaving)
		return;
	keys_due(c, real_ms);
	/* Stopping is always safe, however the key came. */
	if (box_counting(c)) {
		keyboard_do(c, key);
		return;
	}
	if (run >= GUARD_RUN && !c->guard.dropped && keyboard_pours(c)) {
		guard_pour(&c->guard, real_ms);
		disarm(c);
		keys_due(c, real_ms);
		return;
	}
	switch (guard_key(&c->guard, key, keyboard_acts(c, key), real_ms)) {
	case GUARD_DO: keyboard_do(c, key); break;
	case GUARD_BURST: disarm(c); break;
	case GUARD_WAIT:
	case GUARD_DROP: break;
	}
	keys_due(c, real_ms);
}

static void on_paste(void *ctx, const char *text, size_t len, int64_t real_ms)
{
	(void)real_ms;
	keyboard_paste(ctx, text, len);
}

/* Stopping is always safe, and does not wait for the end of a paste. */
static void on_pasting(void *ctx)
{
	struct cockpit *c = ctx;

	if (!c->leaving && box_counting(c))
		box_gate_key(c, "paste");
}

static void on_click(void *ctx, int col, int row)
{
	struct cockpit *c = ctx;

	if (keyboard_where(c) != WHERE_SCREEN)
		return;
	for (size_t i = 0; i < c->layout.n; i++) {
		const struct place *place = &c->layout.places[i];
		if (col >= place->col && col < place->col + place->cols && row >= place->row &&
		    row < place->row + place->rows) {
			c->local.focus = place->panel;
			c->local.view_chosen = true;
		}
	}
	seat_dirty(c);
}

static void on_resized(void *ctx, struct size size, int64_t real_ms)
{
	struct cockpit *c = ctx;

	c->size = size;
	canvas_free(c->canvas);
	c->canvas = canvas_new(size, c->ascii);
	guard_blank(&c->guard, real_ms);
	local_relayout(c);
}

static void draw_now(struct cockpit *c, int64_t real_ms)
{
	/* One picture is of one moment, however long it takes. */
	c->picture_ms = seat_now_ms(c);
	follow_me(c);
	draw_screen(c);
	frames_note(c);
	c->picture_ms = 0;
	terminal_draw(c->terminal, c->canvas, c->cursor_col, c->cursor_row);
	c->dirty = false;
	c->drawn_real_ms = real_ms;
}

static int64_t ages_every_ms(const struct cockpit *c)
{
	/* A count of three seconds and a fast replay are watched closely. */
	return box_counting(c) || (c->replay && !c->paused && c->speed > 1) ? 100 : AGES_EVERY_MS;
}

static void on_tick(void *ctx, int64_t real_ms)
{
	struct cockpit *c = ctx;
	int64_t since_ms;

	keys_due(c, real_ms);
	if (c->leaving)
		return;
	link_tick(c, real_ms);
	link_ask(c);
	if (c->replay)
		rerun_tick(c, real_ms);
	since_ms = real_ms - c->drawn_real_ms;
	if ((c->dirty && since_ms >= DRAW_EVERY_MS) || since_ms >= ages_every_ms(c))
		draw_now(c, real_ms);
	else if (c->dirty)
		terminal_wake_in(c->terminal, DRAW_EVERY_MS - since_ms);
	/* The tick stays asked for: ages go on, also when nothing comes. */
	since_ms = ages_every_ms(c) - (real_ms - c->drawn_real_ms);
	terminal_wake_in(c->terminal, since_ms > 1 ? since_ms : 1);
}

static void on_ended(void *ctx, const char *why)
{
	struct cockpit *c = ctx;

	c->terminal_lost = true;
	seat_leave(c, why);
}

static const struct terminal_calls calls = {.key = on_key,
					    .paste = on_paste,
					    .pasting = on_pasting,
					    .click = on_click,
					    .resized = on_resized,
					    .socket = link_socket,
					    .tick = on_tick,
					    .ended = on_ended};

static int replay_begin(struct cockpit *c, struct err *err)
{
	const struct seat_options *options = c->options;
	int64_t at_ms;

	c->replay = replay_open(options->journal, options->trace, err);
	if (!c->replay)
		return -1;
	c->me.replaying = true;
	c->speed = options->speed > 0 ? options->speed : 1;
	at_ms = options->at ? replay_parse_at_ms(c->replay, options->at) : replay_first_ms(c->replay);
	if (at_ms < 0)
		return err_set(err, ERR_USAGE,
			       "\"%s\" is no time; write it as 01:14:07, or as +10m from the begin",
			       options->at);
	c->replay_now_ms = at_ms;
	c->me.no_trace = !replay_traced(c->replay, at_ms);
	replay_seek(c->replay, &c->state, at_ms);
	return 0;
}

static void options_take(struct cockpit *c, const struct seat_options *options)
{
	const char *die = getenv("NIGHTFERRY_DIE_AT");
	size_t len = die ? strlen(die) : 0;

	c->options = options;
	c->ascii = options->ascii;
	c->me.observer = options->observer;
	text_copy(c->me.name, sizeof(c->me.name), options->name ? options->name : "");
	text_copy(c->me.on, sizeof(c->me.on), options->on ? options->on : "");
	if (len > 5 && strcmp(die + len - 5, "@seat") == 0)
		text_copyf(c->die_at, sizeof(c->die_at), "%.*s", (int)(len - 5), die);
	frames_open(c);
	wire_init(&c->wire);
	c->state = state_new();
	local_init(&c->local);
	if (options->view && *options->view) {
		text_copy(c->local.view, sizeof(c->local.view), options->view);
		c->local.view_chosen = true;
	}
}

static void cockpit_done(struct cockpit *c)
{
	frames_close(c);
	wire_done(&c->wire);
	replay_close(c->replay);
	state_free(c->state);
	state_free(c->coming);
	local_done(&c->local);
	buf_done(&c->sheet.text);
	buf_done(&c->sheet.wrapped);
	buf_done(&c->confirm.text);
	buf_done(&c->confirm.command);
	canvas_free(c->canvas);
}

/* On the shell's own screen, where it can be read and copied after the cockpit has gone. */
static void goodbye(const struct cockpit *c)
{
	const struct step_seen *step = steps_current(c->state);
	const struct seat_options *options = c->options;

	if (c->goodbye[0])
		printf("nightferry: %s\n", c->goodbye);
	if (c->engine_closed && c->state->closed_at_ms <= 0)
		printf("Take the night up again: %s\n",
		       options->attach_hint ? options->attach_hint : "nightferry start");
	if (c->replay || c->engine_closed || strstr(c->goodbye, "asked to stop"))
		return;
	if (!c->me.connected && c->me.on[0] && !c->me.no_engine) {
		printf("ssh to %s was lost when this seat left; the engine there goes on with what runs.\n",
		       c->me.on);
	} else if (!c->me.connected) {
		printf("No engine answered when this seat left. Nothing new is started without one.\n");
	} else {
		printf("This seat is left; the night of %s goes on",
		       c->state->app[0] ? c->state->app : "this app");
		if (step)
			printf(": step %d %s is under way", step->number, step->id);
		printf(".\n%s",
		       c->me.driver
			   ? "You had the wheel: nobody starts the next step until somebody takes it.\n"
			   : "");
	}
	printf("Come back: %s\nStop it:   %s\n",
	       options->attach_hint ? options->attach_hint : "nightferry attach",
	       options->stop_hint ? options->stop_hint : "nightferry stop");
}

static int seat_run(struct cockpit *c)
{
	struct terminal_options options = {.theme = &c->theme, .mouse = c->options->mouse};
	const char *no_color = getenv("NO_COLOR");
	struct err err = {0};

	if (theme_load(&c->theme, c->options->theme ? c->options->theme : "default", &err) ||
	    (c->options->journal && replay_begin(c, &err))) {
		fprintf(stderr, "nightferry: %s\n", err.text);
		return 1;
	}
	options.no_color = no_color && *no_color;
	c->terminal = terminal_open(&options, &calls, c, &err);
	if (!c->terminal) {
		fprintf(stderr, "nightferry: %s\n", err.text);
		return 1;
	}
	if (!terminal_utf8(c->terminal))
		c->ascii = true;
	c->size = terminal_size(c->terminal);
	c->canvas = canvas_new(c->size, c->ascii);
	c->replay_real_ms = seat_real_ms(c);
	local_relayout(c);
	c->me.lost_at_ms = c->replay ? 0 : seat_now_ms(c);
	if (!c->replay)
		link_open(c);
	seat_after_fold(c);
	terminal_wake_in(c->terminal, 0);
	terminal_run(c->terminal);
	wire_close(&c->wire);
	terminal_close(c->terminal);
	c->terminal = NULL;
	goodbye(c);
	return c->terminal_lost ? 3 : 0;
}

int seat_main(const struct seat_options *options)
{
	struct cockpit *c = xcalloc(1, sizeof(*c));
	int rc;

	options_take(c, options);
	rc = seat_run(c);
	cockpit_done(c);
	free(c);
	return rc;
}
