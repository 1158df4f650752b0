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
			child_take_line(c, c->in.data + at, (size_t)(nl - c->in.data) - at);
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

static void take_text(struct child *c, struct buf *text, const char *level, ssize_t n, const uv_buf_t *chunk,
		      uv_stream_t *stream)
{
	child_take_text(c, text, level, chunk->base, n > 0 ? (size_t)n : 0, n < 0);
	free(chunk->base);
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
	char **env = spec->whole_environment ? NULL : child_environment(e);
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
	child_hello(c, spec);
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
