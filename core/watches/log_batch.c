#include "core/watches/log_batch.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"

enum { BATCH_BYTES = 60 << 10, SAY_EVERY_MS = 1000 };

static void fill(struct log_meter *meter)
{
	int64_t now_ms = clock_life_ms();
	double more = meter->filled_ms ? (double)(now_ms - meter->filled_ms) / 1000 * LOG_LINES_A_SECOND
				       : LOG_LINES_AT_ONCE;
	meter->filled_ms = now_ms;
	meter->usual = meter->usual + more > LOG_LINES_AT_ONCE ? LOG_LINES_AT_ONCE : meter->usual + more;
	meter->loud = meter->loud + more > LOG_LINES_AT_ONCE ? LOG_LINES_AT_ONCE : meter->loud + more;
}

bool log_meter_take(struct log_meter *meter, const char *level)
{
	fill(meter);
	double *allowance = meter->usual >= 1 || !*level ? &meter->usual : &meter->loud;
	if (*allowance >= 1) {
		*allowance -= 1;
		return true;
	}
	if (!meter->left++)
		meter->left_from_ms = clock_life_ms();
	return false;
}

static void open_line(struct log_batch *batch, struct log_from from, int64_t at_ms, const char *level)
{
	if (!batch->n++) {
		jw_event(&batch->w, "log.lines");
		jw_arr(&batch->w, "lines");
		batch->begun_ms = clock_life_ms();
	}
	jw_obj(&batch->w, NULL);
	jw_int(&batch->w, "at_ms", at_ms);
	jw_str(&batch->w, "side", from.side);
	jw_str(&batch->w, "source", from.source);
	jw_str(&batch->w, "level", level);
}

void log_batch_add(struct log_batch *batch, struct log_from from, int64_t at_ms, const char *level,
		   const char *text)
{
	open_line(batch, from, at_ms, level);
	jw_str(&batch->w, "text", text);
	jw_end(&batch->w);
	if (batch->w.buf.len > BATCH_BYTES)
		log_batch_flush(batch);
}

void log_batch_left(struct log_batch *batch, struct log_from from, struct log_meter *meter, int64_t at_ms,
		    bool now)
{
	char count[UNITS_MAX], most[UNITS_MAX];
	if (!meter->left || (!now && clock_life_ms() - meter->left_from_ms < SAY_EVERY_MS))
		return;
	open_line(batch, from, at_ms, "warn");
	jw_strf(&batch->w, "text", "%s lines left out here: more than %s a second; its own log has them",
		units_count(count, (int64_t)meter->left), units_count(most, LOG_LINES_A_SECOND));
	jw_int(&batch->w, "left", (int64_t)meter->left);
	jw_end(&batch->w);
	meter->left = 0;
}

void log_batch_flush(struct log_batch *batch)
{
	if (!batch->n)
		return;
	jw_end(&batch->w);
	job_event(batch->job, &batch->w);
	batch->n = 0;
}

int64_t log_batch_wait_ms(const struct log_batch *batch)
{
	int64_t ms = LOG_BATCH_MS - (clock_life_ms() - batch->begun_ms);
	return batch->n ? (ms > 0 ? ms : 0) : -1;
}
