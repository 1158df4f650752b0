/* Children: one process each, its job line on fd 3, its text on stdout and stderr into the log. */
#include "core/engine/inner.h"
#include "core/base/units.h"
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)64 << 20)

static void child_free(struct child *c)
{
	struct child **p = &c->e->children;
	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	ask_gone(c);
	buf_done(&c->in);
	buf_done(&c->out_text);
	buf_done(&c->err_text);
	json_free(c->end);
	free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct child *c = handle->data;
	if (--c->open_handles > 0)
		return;
	if (!c->ended_called && c->ended) {
		c->ended_called = true;
		c->ended(c);
	}
	child_free(c);
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

/* Gone, and its last word read: what a grandchild that holds stdout may still write is not ours to wait for.
 */
static void finish_if_gone(struct child *c)
{
	if (!c->exited || !uv_is_closing((uv_handle_t *)&c->line))
		return;
	close_handle((uv_handle_t *)&c->out);
	close_handle((uv_handle_t *)&c->err);
}

static void log_open(struct jw *w)
{
	jw_event(w, "log.lines");
	jw_arr(w, "lines");
}

static void log_add(struct child *c, struct jw *w, const char *level, const char *text, size_t len)
{
	char clean[2000];
	text_clean(clean, sizeof clean, text, len);
	jw_obj(w, NULL);
	jw_int(w, "at_ms", clock_wall_ms());
	jw_str(w, "side", "");
	jw_str(w, "source", c->name);
	jw_str(w, "level", level);
	jw_str(w, "text", clean);
	jw_end(w);
}

static void log_send(struct child *c, struct jw *w)
{
	struct buf fields = {0};
	event_fields(w, &fields);
	engine_admit(c->e, c->src, fields.data, fields.len, NULL);
	buf_done(&fields);
	jw_done(w);
}

static void log_text(struct child *c, const char *level, const char *text, size_t len)
{
	struct jw w;
	log_open(&w);
	log_add(c, &w, level, text, len);
	log_send(c, &w);
}

static void send_ack(struct child *c, int64_t n, bool ok, const char *text)
{
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "ack");
	jw_int(&w, "n", n);
	jw_bool(&w, "ok", ok);
	if (!ok)
		jw_str(&w, "text", text);
	jw_finish(&w);
	child_send(c, w.buf.data);
	jw_done(&w);
}

/* A record carries who made it and its number, so that a new engine can take in what its spool has and we
 * have not. */
static void take_record(struct child *c, const struct json *m)
{
	const struct json *ev = json_get(m, "ev");
	int64_t n = json_int(m, "n", 0);
	struct jw w = {0};
	jw_open(&w);
	for (const struct json *x = json_first(ev); x; x = json_next(x))
		if (!text_equal(json_key(x), "t"))
			jw_json(&w, json_key(x), x);
	if (*c->step)
		jw_str(&w, "step", c->step);
	if (*c->attempt)
		jw_str(&w, "attempt", c->attempt);
	jw_int(&w, "rec", n);
	const char *text = jw_finish(&w);
	struct err err = {0};
	int rc = engine_admit(c->e, c->src, text, strlen(text), &err);
	jw_done(&w);
	c->records = n;
	send_ack(c, n, rc == 0, err.text);
}

static void take_line(struct child *c, const char *line, size_t len)
{
	static const char event[] = "{\"t\":\"event\",";
	if (len > sizeof event && memcmp(line, event, sizeof event - 1) == 0) {
		struct buf fields = {0};
		buf_addc(&fields, '{');
		buf_add(&fields, line + sizeof event - 1, len - sizeof event + 1);
		engine_admit(c->e, c->src, fields.data, fields.len, NULL);
		buf_done(&fields);
		return;
	}
	struct json *m = json_parse(line, len, NULL);
	const char *t = json_str(m, "t", "");
	if (text_equal(t, "record")) {
		take_record(c, m);
	} else if (text_equal(t, "ask")) {
		ask_take(c, m);
	} else if (text_equal(t, "secret")) {
		secrets_learn(c->e, json_str(m, "value", ""));
	} else if (text_equal(t, "end")) {
		json_free(c->end);
		c->end = m;
		return;
	} else {
		log_text(c, "warn", line, len);
	}
	json_free(m);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	(void)handle;
	(void)hint;
	buf->base = xmalloc(65536);
	buf->len = 65536;
}

static void on_line(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct child *c = stream->data;
	if (n > 0) {
		c->heard_life_ms = clock_life_ms();
		buf_add(&c->in, chunk->base, (size_t)n);
		size_t at = 0;
		char *nl;
		while (at < c->in.len && (nl = memchr(c->in.data + at, '\n', c->in.len - at))) {
			take_line(c, c->in.data + at, (size_t)(nl - c->in.data) - at);
			at = (size_t)(nl - c->in.data) + 1;
		}
		buf_cut(&c->in, at);
	}
	free(chunk->base);
	if (n < 0 || c->in.len > LINE_MAX_BYTES) {
		close_handle((uv_handle_t *)stream);
		finish_if_gone(c);
	}
}

/* All lines of a piece go as one event: a step may say a great deal at once. */
static void take_text(struct child *c, struct buf *text, const char *level, ssize_t n, const uv_buf_t *chunk,
		      uv_stream_t *stream)
{
	struct jw w;
	size_t at = 0, lines = 0;
	if (n > 0)
		buf_add(text, chunk->base, (size_t)n);
	free(chunk->base);
	log_open(&w);
	while (at < text->len) {
		char *nl = memchr(text->data + at, '\n', text->len - at);
		size_t len = nl ? (size_t)(nl - text->data) - at : text->len - at;
		if (!nl && n >= 0 && len <= 8000)
			break;
		if (len)
			log_add(c, &w, level, text->data + at, len);
		lines += len > 0;
		at += len + (nl ? 1 : 0);
	}
	buf_cut(text, at);
	if (lines)
		log_send(c, &w);
	else
		jw_done(&w);
	if (n < 0)
		close_handle((uv_handle_t *)stream);
}

static void on_out(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct child *c = stream->data;
	take_text(c, &c->out_text, "", n, chunk, stream);
}

static void on_err(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct child *c = stream->data;
	take_text(c, &c->err_text, "warn", n, chunk, stream);
}

static void on_exit_child(uv_process_t *process, int64_t status, int term_signal)
{
	struct child *c = process->data;
	c->exited = true;
	c->exit_status = (int)status;
	c->term_signal = term_signal;
	close_handle((uv_handle_t *)process);
	finish_if_gone(c);
}

static void on_written(uv_write_t *req, int status)
{
	(void)status;
	free(req->data);
	free(req);
}

void child_send(struct child *c, const char *text)
{
	if (uv_is_closing((uv_handle_t *)&c->line))
		return;
	size_t len = strlen(text);
	char *copy = xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\n';
	uv_write_t *req = xmalloc(sizeof *req);
	req->data = copy;
	uv_buf_t buf = uv_buf_init(copy, (unsigned)len + 1);
	if (uv_write(req, (uv_stream_t *)&c->line, &buf, 1, on_written) < 0) {
		free(copy);
		free(req);
	}
}

void child_cancel(struct child *child)
{
	child_send(child, "{\"t\":\"cancel\"}");
}

/* The standing ones: what people let pass is judged by who looks at it. */
static void hello_waivers(const struct engine *e, struct jw *w)
{
	const struct watching_state *watching = &e->state->watching;
	jw_arr(w, "waivers");
	for (size_t i = 0; i < watching->n_waivers; i++) {
		const struct waiver_seen *x = &watching->waivers[i];
		if (waiver_get(e->state, x->about) != x)
			continue;
		jw_obj(w, NULL);
		jw_str(w, "about", x->about);
		jw_str(w, "by", x->by);
		jw_str(w, "reason", x->reason);
		jw_str(w, "fact", x->fact);
		jw_end(w);
	}
	jw_end(w);
}

static void send_hello(struct child *c, const struct child_spec *spec)
{
	struct engine *e = c->e;
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "hello");
	jw_int(&w, "proto", JOB_PROTO);
	jw_str(&w, "role", spec->role);
	jw_str(&w, "name", spec->name);
	jw_str(&w, "verb", spec->verb);
	jw_str(&w, "step", spec->step);
	jw_str(&w, "attempt", spec->attempt);
	jw_str(&w, "spool", spec->spool ? spec->spool : "");
	jw_str(&w, "dir", e->dir);
	jw_bool(&w, "locked", spec->lock_fd >= 0);
	jw_json(&w, "config", e->config);
	/* Where the lines lend: a path that is there as soon as the line is. */
	jw_obj(&w, "lines");
	for (size_t i = 0; line_table[i] && *json_str(json_get(e->config, "host"), "address", ""); i++)
		jw_strf(&w, line_table[i]->name, "%s/%s", e->dir, i ? line_table[i]->name : "ctl");
	jw_end(&w);
	jw_str(&w, "night", json_str(e->opened, "night", ""));
	jw_str(&w, "head", journal_head(e->journal));
	if (spec->params)
		jw_json(&w, "params", spec->params);
	if (spec->plan_text)
		jw_raw(&w, "plan", spec->plan_text, strlen(spec->plan_text));
	jw_arr(&w, "facts");
	for (size_t i = 0; i < e->state->facts.n; i++) {
		const struct fact_seen *f = &e->state->facts.facts[i];
		jw_obj(&w, NULL);
		jw_str(&w, "name", f->name);
		jw_str(&w, "key", f->key);
		jw_str(&w, "attempt", f->attempt);
		jw_raw(&w, "data", f->data ? f->data : "null", f->data ? strlen(f->data) : 4);
		jw_end(&w);
	}
	jw_end(&w);
	hello_waivers(e, &w);
	jw_finish(&w);
	child_send(c, w.buf.data);
	jw_done(&w);

	jw_open(&w);
	jw_str(&w, "t", "secrets");
	jw_obj(&w, "values");
	for (size_t i = 0; spec->secrets && spec->secrets[i]; i++)
		jw_str(&w, spec->secrets[i], secrets_get(e, spec->secrets[i]));
	jw_finish(&w);
	child_send(c, w.buf.data);
	jw_done(&w);
}

static bool holds_secret(const struct engine *e, const char *variable)
{
	for (size_t i = 0; i < e->n_secrets; i++)
		if (strstr(variable, e->secrets[i]))
			return true;
	return false;
}

/* Children get no secrets by environment: only those that name them, by fd 3. */
static char **clean_environment(const struct engine *e)
{
	extern char **environ;
	size_t n = 0, kept = 0;
	while (environ[n])
		n++;
	char **env = xcalloc(n + 1, sizeof *env);
	for (size_t i = 0; i < n; i++)
		if (!strstr(environ[i], "_API_KEY=") && !strstr(environ[i], "_TOKEN=") &&
		    !strstr(environ[i], "DATABASE_URL=") && !text_starts(environ[i], "PGPASSWORD=") &&
		    !holds_secret(e, environ[i]))
			env[kept++] = environ[i];
	return env;
}

struct child *child_start(struct engine *e, const struct child_spec *spec, struct err *err)
{
	struct child *c = xcalloc(1, sizeof *c);
	c->e = e;
	text_copy(c->role, sizeof c->role, spec->role);
	text_copy(c->name, sizeof c->name, spec->name);
	text_copy(c->verb, sizeof c->verb, spec->verb ? spec->verb : "");
	text_copy(c->step, sizeof c->step, spec->step ? spec->step : "");
	text_copy(c->attempt, sizeof c->attempt, spec->attempt ? spec->attempt : "");
	text_copyf(c->src, sizeof c->src, "%s:%s", spec->role, spec->name);
	c->ended = spec->ended;
	c->started_life_ms = c->heard_life_ms = clock_life_ms();
	uv_pipe_init(&e->loop, &c->line, 0);
	uv_pipe_init(&e->loop, &c->out, 0);
	uv_pipe_init(&e->loop, &c->err, 0);
	c->line.data = c->out.data = c->err.data = c->process.data = c;
	c->open_handles = 4;
	c->next = e->children;
	e->children = c;

	uv_stdio_container_t stdio[5] = {
	    {.flags = UV_IGNORE},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->out},
	    {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&c->err},
	    {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE,
	     .data.stream = (uv_stream_t *)&c->line},
	    {.flags = UV_INHERIT_FD, .data.fd = spec->lock_fd},
	};
	/* The running program itself, even when a newer one has been put in its place meanwhile. */
	char self[1024] = "/proc/self/exe";
	size_t self_size = sizeof self;
	if (access(self, X_OK) < 0)
		uv_exepath(self, &self_size);
	char label[96];
	text_copyf(label, sizeof label, "%s %s", spec->role, spec->name);
	char *args[] = {(char *)(uintptr_t) "nightferry", (char *)(uintptr_t) "__job", label, NULL};
	char **env = spec->whole_environment ? NULL : clean_environment(e);
	uv_process_options_t options = {
	    .file = self,
	    .args = args,
	    .env = env,
	    .stdio = stdio,
	    .stdio_count = spec->lock_fd >= 0 ? 5 : 4,
	    .exit_cb = on_exit_child,
	    /* its own session: a hang-up of the engine's terminal or a Ctrl-C in it must not reach a restore
	     */
	    .flags = UV_PROCESS_DETACHED,
	};
	int rc = uv_spawn(&e->loop, &c->process, &options);
	free(env);
	if (spec->lock_fd >= 0)
		close(spec->lock_fd);
	if (rc < 0) {
		c->ended = NULL;
		close_handle((uv_handle_t *)&c->process);
		close_handle((uv_handle_t *)&c->line);
		close_handle((uv_handle_t *)&c->out);
		close_handle((uv_handle_t *)&c->err);
		err_set(err, ERR_IO, "%s could not be started: %s", label, uv_strerror(rc));
		return NULL;
	}
	uv_read_start((uv_stream_t *)&c->line, on_alloc, on_line);
	uv_read_start((uv_stream_t *)&c->out, on_alloc, on_out);
	uv_read_start((uv_stream_t *)&c->err, on_alloc, on_err);
	send_hello(c, spec);
	return c;
}

void child_kill(struct child *c, const char *why)
{
	text_copy(c->killed_why, sizeof c->killed_why, why);
	if (!c->exited)
		kill(-c->process.pid, SIGKILL); /* it leads its own session */
}

const char *child_last_word(const struct child *c, const char *otherwise)
{
	return c->end ? json_str(c->end, "text", "") : *c->killed_why ? c->killed_why : otherwise;
}

/* How long a look may say nothing; 0: as long as it likes. A proof may count for long, and X ends it. */
static int64_t silence_ms(const struct child *c)
{
	if (text_equal(c->role, "check") || text_equal(c->verb, "plan") || text_equal(c->verb, "probe"))
		return 60000;
	return text_equal(c->verb, "prove") ? 1800000 : 0;
}

void children_tick(struct engine *e)
{
	int64_t now = clock_life_ms();
	for (struct child *c = e->children; c; c = c->next) {
		int64_t most = silence_ms(c);
		char why[120], after[UNITS_MAX];
		if (!most || c->exited || *c->killed_why || c->asking || now - c->heard_life_ms < most)
			continue;
		text_copyf(why, sizeof why, "the look at it was ended after %s without a word",
			   units_duration(after, most));
		child_kill(c, why);
	}
}

struct child *child_find(struct engine *e, const char *role, const char *name)
{
	for (struct child *c = e->children; c; c = c->next)
		if (text_equal(c->role, role) && text_equal(c->name, name))
			return c;
	return NULL;
}

void child_kill_all(struct engine *e, bool steps_too)
{
	for (struct child *c = e->children; c; c = c->next)
		if (!c->exited && c->process.pid > 0 && (steps_too || !text_equal(c->role, "step")))
			uv_process_kill(&c->process, SIGTERM);
}
