/* What a job tells beside its facts: log lines, commands, progress, beats, and secrets it has found. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/job_inner.h"
#include "core/job_write.h"
#include <stdarg.h>

void job_learn_secret(struct job *job, const char *value)
{
	if (job->fd < 0 || !value || !*value)
		return;
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "secret");
	jw_str(&w, "value", value);
	job_send(job, &w);
}

enum { TEXT_MAX = 2000 };

/* One line of text that may hold something from outside. */
static void set_text(char out[TEXT_MAX], const char *fmt, va_list ap)
{
	struct buf raw = {0};
	buf_vaddf(&raw, fmt, ap);
	text_clean(out, TEXT_MAX, buf_text(&raw), raw.len);
	buf_done(&raw);
}

void job_log(struct job *job, const char *side, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	set_text(text, fmt, ap);
	va_end(ap);
	struct jw w;
	jw_event(&w, "log.lines");
	jw_arr(&w, "lines");
	jw_obj(&w, NULL);
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_str(&w, "side", side ? side : "");
	jw_str(&w, "source", job_name(job));
	jw_str(&w, "level", "");
	jw_str(&w, "text", text);
	job_event(job, &w);
}

void job_command(struct job *job, const char *how, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	set_text(text, fmt, ap);
	va_end(ap);
	struct jw w;
	jw_event(&w, "command.seen");
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_str(&w, "how", how);
	jw_str(&w, "text", text);
	jw_str(&w, "job", *job_step(job) ? job_step(job) : job_name(job));
	job_event(job, &w);
}

void job_progress(struct job *job, int64_t done, int64_t total, const char *unit, const char *text)
{
	int64_t now = clock_life_ms();
	if (job->progress_at_ms && now - job->progress_at_ms < 200 && done != total)
		return;
	job->progress_at_ms = now;
	struct jw w;
	jw_event(&w, "step.progress");
	jw_str(&w, "step", job_step(job));
	jw_int(&w, "done", done);
	jw_int(&w, "total", total);
	jw_str(&w, "unit", unit ? unit : "");
	jw_str(&w, "text", text ? text : "");
	job_event(job, &w);
}

void job_beat(struct job *job, int64_t interval_ms, bool ok, const char *text)
{
	struct jw w;
	jw_event(&w, "watch.beat");
	jw_str(&w, "watch", job_name(job));
	jw_int(&w, "interval_ms", interval_ms);
	jw_bool(&w, "ok", ok);
	jw_str(&w, "text", text ? text : "");
	if (ok)
		job->ok_at_ms = clock_wall_ms();
	jw_int(&w, "ok_at_ms", job->ok_at_ms);
	job_event(job, &w);
}
