#include "core/links/jobs.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

struct jobs_system *jobs_add(struct jobs_side *side, const char *name)
{
	struct jobs_system *s = &side->systems[side->n < JOBS_SYSTEMS ? side->n++ : JOBS_SYSTEMS - 1];
	*s = (struct jobs_system){.retry = -1, .failed = -1, .done = -1, .done_minute = -1, .processes = -1};
	text_copy(s->name, sizeof s->name, name);
	return s;
}

void jobs_add_queue(struct jobs_system *system, const char *name, size_t len, int64_t waiting)
{
	if (system->n_queues == JOBS_QUEUES)
		return;
	struct jobs_queue *q = &system->queues[system->n_queues++];
	text_clean(q->name, sizeof q->name, name, len);
	q->waiting = waiting;
}

void jobs_add_cron(struct jobs_side *side, const char *system, const char *name, size_t len,
		   const char *schedule, size_t schedule_len, bool enabled)
{
	side->all_cron++;
	if (side->n_cron == JOBS_CRON)
		return;
	struct jobs_cron *c = &side->cron[side->n_cron++];
	text_copy(c->system, sizeof c->system, system);
	text_clean(c->name, sizeof c->name, name, len);
	text_clean(c->schedule, sizeof c->schedule, schedule, schedule_len);
	c->enabled = enabled;
}

static int by_size(const void *a, const void *b)
{
	const struct jobs_queue *x = a, *y = b;
	return x->waiting != y->waiting ? (x->waiting < y->waiting ? 1 : -1) : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	const struct jobs_cron *x = a, *y = b;
	int system = strcmp(x->system, y->system);
	return system ? system : strcmp(x->name, y->name);
}

void jobs_sort(struct jobs_side *side)
{
	for (size_t i = 0; i < side->n; i++)
		qsort(side->systems[i].queues, side->systems[i].n_queues, sizeof(struct jobs_queue), by_size);
	qsort(side->cron, side->n_cron, sizeof(struct jobs_cron), by_name);
}

const struct jobs_system *jobs_find(const struct jobs_side *side, const char *name)
{
	for (size_t i = 0; i < side->n; i++)
		if (text_equal(side->systems[i].name, name))
			return &side->systems[i];
	return NULL;
}

int64_t jobs_left(const struct jobs_system *s)
{
	return s->waiting + s->scheduled + s->running + (s->retry > 0 ? s->retry : 0);
}

static void add_part(char *out, size_t size, int64_t n, const char *what)
{
	char figure[UNITS_MAX];
	size_t len = strlen(out);
	if (n > 0)
		text_copyf(out + len, size - len, "%s%s %s", len ? ", " : "", units_count(figure, n), what);
}

void jobs_say(const struct jobs_system *s, char *out, size_t size)
{
	char figure[UNITS_MAX];
	*out = '\0';
	add_part(out, size, s->waiting, "waiting");
	for (size_t i = 0; i < s->n_queues && i < 3 && s->queues[i].waiting > 0; i++) {
		size_t len = strlen(out);
		bool last = i + 1 == s->n_queues || i == 2 || s->queues[i + 1].waiting <= 0;
		text_copyf(out + len, size - len, "%s%.24s %s%s", i ? ", " : " (", s->queues[i].name,
			   units_count(figure, s->queues[i].waiting), last ? ")" : "");
	}
	add_part(out, size, s->retry, "to retry");
	add_part(out, size, s->scheduled, "scheduled");
	add_part(out, size, s->running, "running");
	if (!*out)
		text_copy(out, size, "nothing left to do");
}
