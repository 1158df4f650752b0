/* The engine's life: open or take up a night, serve it, close it. */
#include "core/engine/inner.h"
#include "core/base/units.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS 50
#define CLOCK_JUMP_MS 5000

/* ---- taking up what is there ---- */

static void keep_change(struct engine *e, const struct event *event, const struct kind *kind)
{
	struct buf key = {0};
	event_key(event, kind, &key);
	struct kept *kept = kept_find(&e->kept, buf_text(&key));
	struct jw w = {0};
	jw_open(&w);
	for (const struct json *x = json_first(event->body); x; x = json_next(x)) {
		const char *k = json_key(x);
		if (!text_equal(k, "seq") && !text_equal(k, "at") && !text_equal(k, "src") &&
		    !text_equal(k, "h"))
			jw_json(&w, k, x);
	}
	free(kept->fields);
	kept->fields = xstrdup(jw_finish(&w));
	jw_done(&w);
	buf_done(&key);
}

/* Of "a12", "g3", "s7". A number that was given out and did not come into the journal is not given out again:
 * they are not counted. */
static int number_after(int newest, const struct json *body, const char *field)
{
	const char *id = json_str(body, field, "");
	int64_t n = *id ? units_parse_int(id + 1, 0) : 0;
	return n > newest && n < INT32_MAX ? (int)n : newest;
}

static bool take_line(void *arg, const char *line, size_t len)
{
	struct engine *e = arg;
	struct event *event = event_parse(line, len, NULL);
	if (!event)
		return true;
	const struct kind *kind = kind_find(event->kind);
	state_fold(e->state, event);
	e->seq = event->seq;
	e->log = xrealloc(e->log, e->n_log + 1, sizeof *e->log);
	e->log[e->n_log++] = shared_new(line, len, event->seq, KEEP_RECORD);
	if (kind && kind->keep == KEEP_CHANGE)
		keep_change(e, event, kind);
	if (text_equal(event->kind, "night.opened") && !e->opened)
		e->opened = json_parse(line, len, NULL);
	if (text_equal(event->kind, "attempt.started"))
		e->n_attempts = number_after(e->n_attempts, event->body, "attempt");
	if (text_equal(event->kind, "gate.opened"))
		e->n_gates = number_after(e->n_gates, event->body, "gate");
	if (text_equal(event->kind, "seat.joined"))
		e->n_seats_ever = number_after(e->n_seats_ever, event->body, "seat");
	event_free(event);
	return true;
}

/* The accessory's container by its name; else there is no name that is known before the night. */
static void name_database(struct jw *w, const struct json *config)
{
	const struct json *kamal = json_get(config, "kamal");
	const char *name = json_str(kamal, "accessory", "");

	if (*json_str(json_get(config, "database"), "container", "")) {
		jw_str(w, "new_db", json_str(json_get(config, "database"), "container", ""));
		return;
	}
	for (const struct json *a = json_first(json_get(kamal, "accessories")); a; a = json_next(a))
		if (text_equal(json_str(a, "name", ""), name)) {
			jw_str(w, "new_db", json_str(a, "service", name));
			return;
		}
	if (*name)
		jw_strf(w, "new_db", "%s-%s", json_str(kamal, "service", json_str(config, "app", "")), name);
	else
		jw_str(w, "new_db", "database");
}

static int open_night(struct engine *e, const struct engine_options *o, struct err *err)
{
	if (e->opened)
		return 0;
	if (!o->config || !o->playbook)
		return err_set(err, ERR_USAGE, "%s holds no night yet", e->dir);
	if (secrets_stand_apart(e, err) < 0)
		return -1;
	const char *slash = strrchr(e->dir, '/');
	struct jw w;
	jw_event(&w, "night.opened");
	jw_str(&w, "app", json_str(o->config, "app", ""));
	jw_str(&w, "night", slash ? slash + 1 : e->dir);
	jw_str(&w, "version", NIGHTFERRY_VERSION);
	jw_str(&w, "old_name",
	       json_str(json_get(o->config, "heroku"), "app", json_str(o->config, "app", "")));
	const char *address = json_str(json_get(o->config, "host"), "address", "");
	jw_str(&w, "new_name", *address ? address : "the new side");
	name_database(&w, o->config);
	jw_obj(&w, "window");
	jw_int(&w, "start_ms", o->window_start_ms);
	jw_int(&w, "end_ms", o->window_end_ms);
	jw_end(&w);
	jw_bool(&w, "rehearsal", json_get(o->config, "rehearsal") != NULL);
	rehearsed_open(e, &w);
	jw_json(&w, "config", o->config);
	jw_json(&w, "playbook", o->playbook);
	char *text = xstrdup(jw_finish(&w));
	int rc = engine_emit(e, &w, err);
	if (rc == 0)
		e->opened = json_parse(text, strlen(text), NULL);
	free(text);
	return rc < 0 ? rc : rehearsed_tell_dumps(e, err);
}

static int take_up(struct engine *e, const struct engine_options *o, struct err *err)
{
	char path[512];
	bool torn = false;
	if (o->config && group_folder(o->config, e->dir, err) < 0)
		return -1;
	text_copyf(path, sizeof path, "%s/attempts", e->dir);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	text_copyf(path, sizeof path, "%s/trace.jsonl", e->dir);
	if (!(e->trace = trace_open(path, err)))
		return -1;
	text_copyf(path, sizeof path, "%s/journal.jsonl", e->dir);
	if (!(e->journal = journal_open(path, take_line, e, &torn, err)))
		return -1;
	/* The numbers of the trace go on too: a new engine starts beyond what the old one may have given out.
	 */
	if (e->n_log)
		e->seq += 1000000;
	/* Secrets are needed before the first line is written: they are cut from it. The config names them.
	 */
	e->config = e->opened ? json_get(e->opened, "config") : o->config;
	e->playbook = e->opened ? json_get(e->opened, "playbook") : o->playbook;
	secrets_load(e);
	if (open_night(e, o, err) < 0)
		return -1;
	e->config = json_get(e->opened, "config");
	e->playbook = json_get(e->opened, "playbook");
	struct jw w;
	jw_event(&w, "engine.started");
	jw_int(&w, "pid", getpid());
	jw_str(&w, "version", NIGHTFERRY_VERSION);
	jw_bool(&w, "restarted", e->state->people.engine_starts > 0);
	jw_bool(&w, "torn", torn);
	return engine_emit(e, &w, err);
}

/* ---- the end ---- */

void engine_close_night(struct engine *e, const char *verdict, const char *text)
{
	struct jw w;
	rehearsal_over(e);
	jw_event(&w, "night.closed");
	jw_str(&w, "verdict", verdict);
	jw_str(&w, "text", text);
	engine_emit(e, &w, NULL);
	journal_anchor(e->journal, NULL);
}

static void on_walk(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (handle->type == UV_TIMER || handle->type == UV_SIGNAL)
		if (!uv_is_closing(handle))
			uv_close(handle, NULL);
}

void engine_stop(struct engine *e, int status)
{
	if (e->stopping)
		return;
	e->stopping = true;
	e->exit_status = status;
	child_kill_all(e, false);
	/* Running steps keep their process: they go on to their next safe point, and the next engine looks.
	 */
	for (struct child *c = e->children; c; c = c->next)
		if (text_equal(c->role, "step"))
			c->ended = NULL;
	socket_close(e);
	uv_walk(&e->loop, on_walk, NULL);
	uv_stop(&e->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct engine *e = signal->data;
	if (number == SIGHUP && !e->headless)
		return; /* a seat's terminal went away; the night goes on */
	if (e->headless)
		fprintf(stderr, "nightferry: stopped by signal %d; the night stays open in %s\n", number,
			e->dir);
	engine_stop(e, 3);
}

/* ---- the beat ---- */

static void watch_clock(struct engine *e)
{
	int64_t offset = clock_wall_ms() - clock_life_ms(), moved = offset - e->wall_minus_life_ms;
	e->wall_minus_life_ms = offset;
	if (moved > -CLOCK_JUMP_MS && moved < CLOCK_JUMP_MS)
		return;
	struct jw w;
	jw_event(&w, "clock.jumped");
	jw_int(&w, "by_ms", moved);
	engine_emit(e, &w, NULL);
	/* No age of what was seen holds any more: it is looked at again before anybody decides by it. */
	if (e->act.phase == ACT_GATE) {
		gate_stop_count(e, e->act.gate_id, "nightferry, for the clock has jumped");
		e->probed_life_ms = 0;
	}
}

static void close_when_done(struct engine *e)
{
	/* A night whose last step is done can still be turned, as long as nobody has closed it. */
	if (e->headless && e->headless->back && !e->state->steps.turned)
		return;
	if (e->state->closed_at_ms || e->act.phase != ACT_IDLE || steps_next(e->state) || !e->state->steps.n)
		return;
	if (e->journal_broken && clock_life_ms() < e->retry_life_ms)
		return;
	bool back = e->state->steps.turned, rehearsal = e->state->rehearsal;
	engine_close_night(e, back ? "rolled-back" : "done",
			   rehearsal ? back ? "the rehearsal was given up and is cleared away"
					    : "the rehearsal is over and cleared away"
			   : back    ? "the old side serves again"
				     : "every step is done");
}

void engine_end(struct engine *e, int status)
{
	if (e->ends_life_ms)
		return;
	e->exit_status = status;
	e->ends_life_ms = clock_life_ms();
}

static void end_run(struct engine *e)
{
	if (e->headless && e->state->closed_at_ms)
		engine_end(e, text_equal(e->state->closed_verdict, "rolled-back") ? 3 : 0);
	if (e->ends_life_ms && !notices_wait(e))
		engine_stop(e, e->exit_status);
}

static void disarm_idle(struct engine *e)
{
	for (struct seat *s = e->seats; s; s = s->next) {
		if (!s->armed_until_life_ms || clock_life_ms() < s->armed_until_life_ms)
			continue;
		s->armed_until_life_ms = 0;
		struct jw w;
		jw_event(&w, "seat.armed");
		jw_str(&w, "seat", s->id);
		jw_str(&w, "name", s->name);
		jw_int(&w, "until_ms", 0);
		engine_emit(e, &w, NULL);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct engine *e = timer->data;
	engine_flush_samples(e);
	trace_flush(e->trace);
	watch_clock(e);
	gate_tick(e);
	disarm_idle(e);
	children_tick(e);
	if (e->attempt_alive)
		attempt_resume(e, NULL);
	act_tell_owed(e);
	watches_tick(e);
	notices_tick(e);
	rehearsal_tick(e);
	headless_tick(e);
	if (!e->stopping)
		close_when_done(e);
	notices_tick(e);
	if (!e->stopping)
		end_run(e);
	/* A closed night with nobody at it has nothing left to do. */
	if (!e->stopping && e->state->closed_at_ms && !e->seats && !e->headless &&
	    clock_wall_ms() - e->state->closed_at_ms > 60000)
		engine_stop(e, 0);
}

static void tell_ready(const struct engine_options *o, const char *text)
{
	if (o->claim_fd > 0)
		close(o->claim_fd);
	if (o->ready_fd < 0)
		return;
	if (write(o->ready_fd, text, strlen(text)) < 0)
		return; /* who started us is gone; the socket is there for others */
	close(o->ready_fd);
}

static void engine_free(struct engine *e)
{
	for (size_t i = 0; i < e->n_log; i++)
		shared_unref(e->log[i]);
	free(e->log);
	kept_done(&e->kept);
	for (size_t i = 0; i < e->ring_n; i++)
		shared_unref(e->ring[(e->ring_first + i) % e->ring_cap]);
	free(e->ring);
	json_free(e->bisecting);
	free(e->signature_counts);
	for (size_t i = 0; i < e->n_secrets; i++) {
		memset(e->secrets[i], 0, strlen(e->secrets[i]));
		free(e->secrets[i]);
	}
	free(e->secrets);
	for (size_t i = 0; i < e->n_named; i++) {
		memset(e->named[i].value, 0, strlen(e->named[i].value));
		free(e->named[i].value);
		free(e->named[i].name);
	}
	free(e->named);
	json_free(e->act.plan);
	json_free(e->act.run_end);
	json_free(e->act.own_params);
	free(e->parked);
	free(e->act.plan_text);
	json_free(e->act.next_plan);
	free(e->act.next_plan_text);
	buf_done(&e->act.seen);
	buf_done(&e->act.check_lines);
	buf_done(&e->owed);
	json_free(e->opened);
	journal_close(e->journal);
	trace_close(e->trace);
	state_free(e->state);
	free(e);
}

/* Lets what is closing close, but waits for no step: those have their own life. */
static void drain(struct engine *e)
{
	for (int i = 0; i < 40; i++) {
		uv_run(&e->loop, UV_RUN_NOWAIT);
		bool left = e->seats != NULL;
		for (struct child *c = e->children; c; c = c->next)
			left |= !text_equal(c->role, "step");
		if (!left)
			break;
		poll(NULL, 0, 25);
	}
	child_kill_all(e, false);
}

int engine_main(const struct engine_options *o)
{
	signal(SIGPIPE, SIG_IGN);
	umask(0077); /* journal, trace and attempts are the owner's; `group:` opens what it opens */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	prctl(PR_SET_DUMPABLE, 0);
	struct engine *e = xcalloc(1, sizeof *e);
	struct err err = {0};
	uv_loop_init(&e->loop);
	e->headless = o->headless;
	e->auto_run = true;
	e->state = state_new();
	text_copy(e->dir, sizeof e->dir, o->dir);
	text_copyf(e->socket_path, sizeof e->socket_path, "%s/seat.sock", o->dir);
	e->began_life_ms = clock_life_ms();
	e->wall_minus_life_ms = clock_wall_ms() - clock_life_ms();
	if (take_up(e, o, &err) < 0 || socket_listen(e, &err) < 0) {
		char text[700];
		text_copyf(text, sizeof text, "!%s", err.text);
		tell_ready(o, text);
		if (o->ready_fd < 0)
			fprintf(stderr, "nightferry: %s\n", err.text);
		engine_free(e);
		return err.kind == ERR_USAGE || err.kind == ERR_CONFIG ? 2 : 1;
	}
	tell_ready(o, "\n");
	uv_signal_t *signals[] = {&e->sig_term, &e->sig_int, &e->sig_hup};
	const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	for (size_t i = 0; i < 3; i++) {
		uv_signal_init(&e->loop, signals[i]);
		signals[i]->data = e;
		uv_signal_start(signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&e->loop, &e->tick);
	e->tick.data = e;
	uv_timer_start(&e->tick, on_tick, TICK_MS, TICK_MS);
	if (attempt_resume(e, &err) < 0)
		fprintf(stderr, "nightferry: %s\n", err.text);
	watches_start(e);
	uv_run(&e->loop, UV_RUN_DEFAULT);
	drain(e);
	int status = e->exit_status;
	engine_free(e);
	return status;
}
