/* How long it will take yet, from what each kind of work was measured to take tonight. A kind of which
 * nothing was measured goes by a guess, and whoever is told so hears "about". What was told grows only with a
 * reason. */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <string.h>

enum {
	SMALL_BYTES = 1 << 20,
	SMALL_MS = 10,     /* a guess: what a table, an index or a key of next to nothing takes */
	PARTIAL_MS = 1000, /* so much of a task that runs is a measurement */
	LATER_MS = 1500,   /* later than told for so long is later */
	WHY_MS = 30000,    /* so long a reason stands */
	TOLERATED_MS = 1000
};

#define LEAST_SHARE 0.05

static const struct {
	const char *name;
	/* A weight's time, measured in times of a byte of rows: PostgreSQL 15, the bench's shop. */
	double guess;
	bool unlike; /* one says little of another: a measured one makes the next no shorter than the guess */
} paces[STREAM_PACES] = {
    [PACE_ROWS] = {.name = "rows", .guess = 1},
    [PACE_INDEX] = {.name = "indexes", .guess = 2},
    [PACE_TREE] = {.name = "gin and gist indexes", .guess = 7, .unlike = true},
    [PACE_KEY] = {.name = "foreign keys", .guess = 1.2},
};

/* ---- kinds of work ---- */

static bool is_small(const struct stream *s, const struct stream_task *task)
{
	return s->catalog.list[task->table].size_bytes < SMALL_BYTES;
}

static size_t pace_of(const struct stream *s, const struct stream_task *task)
{
	size_t pace = task->kind == STREAM_ROWS  ? PACE_ROWS
		      : task->kind == STREAM_KEY ? PACE_KEY
		      : task->tree               ? PACE_TREE
						 : PACE_INDEX;
	return pace + (is_small(s, task) ? STREAM_PACES : 0);
}

/* Of next to nothing only the number counts. */
static double amount_of(const struct stream *s, const struct stream_task *task)
{
	return is_small(s, task) ? (double)(task->n ? task->n : 1) : task->weight;
}

double stream_task_share(const struct stream *s, const struct stream_task *task)
{
	double ratio = s->eta.rows_weight > 0 ? s->eta.rows_bytes / s->eta.rows_weight : 1,
	       share = task->share;
	if (task->kind == STREAM_ROWS && task->n > 1)
		share = (double)(task->at - task->table) / (double)task->n;
	else if (task->kind == STREAM_ROWS)
		share = task->weight > 0 ? (double)task->done.bytes / (task->weight * ratio) : 0;
	return share < 0 ? 0 : share > 0.99 ? 0.99 : share;
}

void stream_eta_ended(struct stream *s, const struct stream_task *task, int64_t ms, int64_t bytes)
{
	struct stream_pace *pace = &s->eta.seen[pace_of(s, task)];
	pace->amount += amount_of(s, task);
	pace->ms += (double)(ms > 0 ? ms : 1);
	if (task->kind == STREAM_ROWS && !is_small(s, task)) {
		s->eta.rows_weight += task->weight;
		s->eta.rows_bytes += (double)bytes;
	}
}

/* ---- how long ---- */

struct speeds {
	double ms[2 * STREAM_PACES]; /* of one unit */
	bool guessed[2 * STREAM_PACES];
};

static void measure(const struct stream *s, int64_t now_ms, struct speeds *out)
{
	struct stream_pace seen[2 * STREAM_PACES];
	memcpy(seen, s->eta.seen, sizeof seen);
	for (size_t i = 0; i < s->n_lanes; i++) {
		const struct stream_task *task = s->lanes[i].task;
		double share = task ? stream_task_share(s, task) : 0;
		int64_t ms = task ? now_ms - task->began_ms : 0;
		if (!task || share < LEAST_SHARE || ms < PARTIAL_MS)
			continue;
		seen[pace_of(s, task)].amount += amount_of(s, task) * share;
		seen[pace_of(s, task)].ms += (double)ms;
	}
	for (size_t i = 0; i < 2 * STREAM_PACES; i++) {
		out->guessed[i] = seen[i].amount <= 0;
		out->ms[i] = out->guessed[i] ? -1 : seen[i].ms / seen[i].amount;
	}
	for (size_t i = 0; i < 2 * STREAM_PACES; i++) {
		double guess = i >= STREAM_PACES ? SMALL_MS : out->ms[PACE_ROWS] * paces[i].guess;
		bool unlike = i < STREAM_PACES && paces[i].unlike;
		if (out->guessed[i] || (unlike && out->ms[i] < guess))
			out->ms[i] = guess;
		out->guessed[i] = out->guessed[i] || unlike;
	}
}

struct left {
	double ms[2 * STREAM_PACES]; /* of all lanes together */
	double sum, guessed;
	double chain; /* the longest that cannot be shared */
};

/* A task that has come far enough tells by itself how long it takes. */
static double task_left(const struct stream *s, const struct stream_task *task, double ms, int64_t now_ms,
			bool *guessed)
{
	double share = task->state == STREAM_RUNS ? stream_task_share(s, task) : 0;
	int64_t since_ms = now_ms - task->began_ms;
	if (share < LEAST_SHARE || since_ms < PARTIAL_MS)
		return ms * (1 - share);
	*guessed = false;
	return (double)since_ms * (1 - share) / share;
}

static void add_left(struct stream_table *t, const struct stream_task *task, double ms)
{
	if (task->kind == STREAM_ROWS)
		t->left_rows = ms > t->left_rows ? ms : t->left_rows;
	else if (task->kind == STREAM_INDEX)
		t->left_index = ms > t->left_index ? ms : t->left_index;
	else if (task->kind == STREAM_UNIQUE)
		t->left_alone += ms;
}

static double longer(double a, double b)
{
	return a > b ? a : b;
}

static double chain_of(const struct stream_table *t)
{
	return t->left_rows + t->left_alone + t->left_index;
}

/* False: of one kind nothing is known, and rows, from which it would be guessed, have not come yet. */
static bool sum_left(struct stream *s, const struct speeds *speeds, int64_t now_ms, struct left *out)
{
	*out = (struct left){0};
	for (size_t i = 0; i < s->catalog.n; i++)
		s->tables[i].left_rows = s->tables[i].left_index = s->tables[i].left_alone = 0;
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct stream_task *task = s->tasks[i];
		size_t pace = pace_of(s, task);
		bool guessed = speeds->guessed[pace];
		if (task->state == STREAM_DONE)
			continue;
		if (speeds->ms[pace] <= 0)
			return false;
		double ms = task_left(s, task, amount_of(s, task) * speeds->ms[pace], now_ms, &guessed);
		out->ms[pace] += ms;
		out->sum += ms;
		out->guessed += guessed ? ms : 0;
		add_left(&s->tables[task->table], task, ms);
	}
	for (size_t i = 0; i < s->catalog.n; i++)
		out->chain = longer(out->chain, chain_of(&s->tables[i]));
	/* A key waits for both of its tables. */
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct stream_task *task = s->tasks[i];
		if (task->kind != STREAM_KEY || task->state != STREAM_WAITS)
			continue;
		double both = longer(chain_of(&s->tables[task->table]), chain_of(&s->tables[task->other]));
		out->chain = longer(out->chain, both + amount_of(s, task) * speeds->ms[pace_of(s, task)]);
	}
	return true;
}

/* ---- what is told ---- */

/* The kind of work that has grown most since it was told. */
static void say_why(struct stream *s, const struct speeds *speeds, const struct left *left)
{
	size_t most = 0;
	double grown = -1;
	for (size_t i = 0; i < 2 * STREAM_PACES; i++) {
		double was = s->eta.told_ms[i], more = was > 0 ? left->ms[i] * (1 - was / speeds->ms[i]) : 0;
		if (more > grown) {
			grown = more;
			most = i;
		}
	}
	text_copyf(s->eta.why, sizeof s->eta.why, "%s go slower than %s", paces[most % STREAM_PACES].name,
		   s->eta.told_guess[most] ? "was guessed" : "before");
}

static void keep(struct stream *s, const struct speeds *speeds)
{
	memcpy(s->eta.told_ms, speeds->ms, sizeof speeds->ms);
	memcpy(s->eta.told_guess, speeds->guessed, sizeof speeds->guessed);
}

static void tell(struct stream *s, const struct speeds *speeds, const struct left *left, int64_t end_ms,
		 int64_t now_ms)
{
	struct stream_eta *eta = &s->eta;
	int64_t tolerated = (eta->end_ms - now_ms) / 12;
	tolerated = tolerated > TOLERATED_MS ? tolerated : TOLERATED_MS;
	if (eta->why_at_ms && now_ms - eta->why_at_ms > WHY_MS)
		*eta->why = 0;
	if (!eta->end_ms || end_ms <= eta->end_ms) {
		eta->end_ms = end_ms;
		eta->later_at_ms = 0;
		keep(s, speeds);
	} else if (end_ms <= eta->end_ms + tolerated) {
		eta->later_at_ms = 0;
	} else if (!eta->later_at_ms) {
		eta->later_at_ms = now_ms;
	} else if (now_ms - eta->later_at_ms >= LATER_MS) {
		say_why(s, speeds, left);
		eta->why_at_ms = now_ms;
		eta->end_ms = end_ms;
		eta->later_at_ms = 0;
		keep(s, speeds);
	}
}

int64_t stream_eta_ms(struct stream *s, int64_t now_ms, bool *about)
{
	struct speeds speeds;
	struct left left;
	*about = true;
	if (!s->has_post || !s->n_lanes)
		return -1;
	measure(s, now_ms, &speeds);
	if (!sum_left(s, &speeds, now_ms, &left))
		return -1;
	tell(s, &speeds, &left, now_ms + (int64_t)longer(left.sum / (double)s->n_lanes, left.chain), now_ms);
	*about = s->views || s->eta.later_at_ms || left.guessed > left.sum / 4;
	/* What is overdue is not known to be over. */
	return s->eta.end_ms > now_ms + 1000 ? s->eta.end_ms - now_ms : 1000;
}
