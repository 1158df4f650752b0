/* The seat's link to its engine: lost and found again, its messages folded and answered. */
#include "tui/cockpit.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RETRY_FIRST_MS = 250, RETRY_MOST_MS = 5000 };

/* Tests let a seat die right after it has folded an event of a kind: "gate.opened@seat". */
static void die_if_asked(struct cockpit *c, const char *text, size_t len)
{
	struct event *event;

	if (!c->die_at[0])
		return;
	event = event_parse(text, len, NULL);
	if (event && strcmp(event->kind, c->die_at) == 0)
		kill(getpid(), SIGKILL);
	event_free(event);
}

void link_fold(struct cockpit *c, const char *text, size_t len)
{
	if (state_fold_line(c->state, text, len, NULL) == 0) {
		die_if_asked(c, text, len);
		seat_dirty(c);
	}
}

static bool thaws(const char *text)
{
	static const char *const kinds[] = {"\"kind\":\"gate.", "\"kind\":\"hold.",
					    "\"kind\":\"attempt.ended", "\"kind\":\"wheel."};
	char head[200];

	text_copy(head, sizeof(head), text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strstr(head, kinds[i]))
			return true;
	return false;
}

static void event_take(struct cockpit *c, const char *text, size_t len)
{
	if (c->coming) {
		state_fold_line(c->coming, text, len, NULL);
		if (c->coming_left && --c->coming_left == 0) {
			state_free(c->state);
			c->state = c->coming;
			c->coming = NULL;
			seat_after_fold(c);
		}
		return;
	}
	if (c->local.frozen) {
		buf_add(&c->local.held, text, len);
		buf_addc(&c->local.held, '\n');
		/* A frozen picture never hides a gate, a hold or an end. */
		if (thaws(text) || c->local.held.len > (16u << 20))
			local_freeze(c, false);
		return;
	}
	link_fold(c, text, len);
}

static void welcome(struct cockpit *c, const struct json *message)
{
	bool again = c->ever_welcomed;
	const char *hint = c->options->tmux_hint;

	c->welcomed = c->ever_welcomed = true;
	c->me.connected = true;
	c->me.no_engine = false;
	c->me.lost_at_ms = 0;
	c->me.gap_lines = 0;
	text_copy(c->me.seat, sizeof(c->me.seat), json_str(message, "seat", ""));
	local_freeze(c, false);
	state_free(c->coming);
	c->coming = state_new();
	c->coming_left = (uint64_t)json_int(message, "lines", 0);
	if (!c->coming_left) {
		state_free(c->state);
		c->state = c->coming;
		c->coming = NULL;
	}
	if (c->retry_wait_ms && again)
		seat_toast(c, ROLE_OK,
			   c->me.on[0] ? "%s is reached again; nothing was lost"
				       : "the engine is back; nothing was lost%s",
			   c->me.on);
	if (!again && hint && *hint)
		seat_toast(c, ROLE_MUTED, "%s", hint);
	c->retry_wait_ms = 0;
}

static void said(struct cockpit *c, const struct json *message)
{
	const char *level = json_str(message, "level", "info");
	char text[400];
	const char *raw = json_str(message, "text", "");

	text_clean(text, sizeof(text), raw, strlen(raw));
	if (strcmp(level, "info") != 0)
		box_gate_refused(c);
	seat_toast(c,
		   strcmp(level, "bad") == 0    ? ROLE_BAD
		   : strcmp(level, "warn") == 0 ? ROLE_WARN
						: ROLE_NOW,
		   "%s", text);
}

/* A question never takes over a line that is being typed: the rest of a note would become its answer. */
static void ask(struct cockpit *c, const struct json *message)
{
	const char *raw = json_str(message, "question", "");

	text_clean(c->ask.question, sizeof(c->ask.question), raw, strlen(raw));
	c->ask.hidden = json_bool(message, "hidden", true);
	c->ask.id = json_int(message, "id", 0);
	c->ask.waits = true;
	terminal_bell(c->terminal);
}

void link_ask(struct cockpit *c)
{
	if (!c->ask.waits || c->prompt.kind)
		return;
	c->ask.waits = false;
	prompt_open(c, PROMPT_ASK, "", c->ask.question);
	c->prompt.hidden = c->ask.hidden;
	c->prompt.ask_id = c->ask.id;
}

static void message_take(struct cockpit *c, const char *text, size_t len)
{
	struct json *message = json_parse(text, len, NULL);
	const char *type = json_str(message, "t", "");

	if (strcmp(type, "welcome") == 0) {
		welcome(c, message);
	} else if (strcmp(type, "gap") == 0) {
		c->me.gap_lines += (uint64_t)json_int(message, "count", 0);
	} else if (strcmp(type, "said") == 0) {
		said(c, message);
	} else if (strcmp(type, "gone") == 0) {
		c->gone_heard = true;
	} else if (strcmp(type, "ask") == 0) {
		ask(c, message);
	} else if (strcmp(type, "bye") == 0) {
		char clean[300];
		const char *raw = json_str(message, "text", "the engine has closed the night");
		text_clean(clean, sizeof(clean), raw, strlen(raw));
		c->engine_closed = true;
		seat_leave(c, clean);
	}
	json_free(message);
	seat_dirty(c);
}

static void line_take(void *ctx, const char *text, size_t len)
{
	struct cockpit *c = ctx;

	/* Messages are told by their first member; everything else is an event, written once for all seats.
	 */
	if (text_starts(text, "{\"t\":"))
		message_take(c, text, len);
	else
		event_take(c, text, len);
}

static void lost(struct cockpit *c)
{
	wire_close(&c->wire);
	terminal_socket(c->terminal, -1, false);
	if (c->leaving)
		return;
	state_free(c->coming);
	c->coming = NULL;
	c->me.no_engine = c->gone_heard;
	if (c->me.connected) {
		c->me.connected = false;
		c->me.lost_at_ms = seat_now_ms(c);
	}
	c->welcomed = false;
	c->retry_wait_ms = c->retry_wait_ms ? 2 * c->retry_wait_ms : RETRY_FIRST_MS;
	/* An engine that is being started is wanted at once. */
	if (c->retry_wait_ms > (c->ever_welcomed ? RETRY_MOST_MS : RETRY_FIRST_MS))
		c->retry_wait_ms = c->ever_welcomed ? RETRY_MOST_MS : RETRY_FIRST_MS;
	c->retry_real_ms = seat_real_ms(c) + c->retry_wait_ms;
	terminal_wake_in(c->terminal, c->retry_wait_ms);
	seat_dirty(c);
}

static void watch_socket(struct cockpit *c)
{
	terminal_socket(c->terminal, c->wire.fd, wire_wants_write(&c->wire));
}

static void hello(struct cockpit *c)
{
	struct jw w;

	jw_open(&w);
	jw_str(&w, "t", "hello");
	jw_int(&w, "proto", 1);
	jw_str(&w, "build", NIGHTFERRY_VERSION);
	jw_str(&w, "name", c->me.name);
	jw_str(&w, "station", c->options->station ? c->options->station : "");
	jw_bool(&w, "observer", c->options->observer);
	jw_int(&w, "cols", c->size.cols);
	jw_int(&w, "rows", c->size.rows);
	wire_send(&c->wire, &w);
}

void link_open(struct cockpit *c)
{
	c->gone_heard = false;
	if (c->options->on ? wire_spawn(&c->wire, c->options->on_argv, NULL)
			   : wire_connect(&c->wire, c->options->socket, NULL)) {
		lost(c);
		return;
	}
	hello(c);
	watch_socket(c);
}

void link_socket(void *ctx, bool readable, bool writable)
{
	struct cockpit *c = ctx;
	bool gone = false;

	if (writable)
		gone = wire_flush(&c->wire) < 0;
	if (readable && !gone)
		gone = wire_read(&c->wire, line_take, c) < 0;
	if (c->leaving)
		return;
	if (gone)
		lost(c);
	else
		watch_socket(c);
	if (!c->coming)
		seat_after_fold(c);
}

void link_tick(struct cockpit *c, int64_t real_ms)
{
	if (c->replay || c->wire.fd >= 0 || c->leaving)
		return;
	if (real_ms >= c->retry_real_ms)
		link_open(c);
	else
		terminal_wake_in(c->terminal, c->retry_real_ms - real_ms);
}

void link_command(struct jw *w, const char *cmd)
{
	jw_open(w);
	jw_str(w, "t", "cmd");
	jw_str(w, "cmd", cmd);
}

void link_send(struct cockpit *c, struct jw *w)
{
	if (c->wire.fd < 0) {
		jw_done(w);
		seat_toast(c, ROLE_BAD, "the engine is not there: nothing was sent, and nothing will happen");
		return;
	}
	if (wire_send(&c->wire, w))
		lost(c);
	else
		watch_socket(c);
}

void link_say(struct cockpit *c, const char *cmd, const char *key, const char *value)
{
	struct jw w;

	link_command(&w, cmd);
	if (key)
		jw_str(&w, key, value);
	link_send(c, &w);
}
