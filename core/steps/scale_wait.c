/* Dynos as step scale sees them, and the wait until they are gone or up. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/steps/scale.h"
#include <stdlib.h>
#include <string.h>

/* Heroku kills a dyno 30 seconds after it asked it to end. */
enum { GONE_MS = 45000, UP_MS = 120000, PAUSE_MS = 1000 };

/* Dynos know nothing of a night that runs faster. */
static int64_t theirs(int64_t ms)
{
	return ms * INT64_C(1000000) / clock_real_ms(1000000);
}

int scale_look(struct scale_world *world, struct err *err)
{
	free(world->formation);
	free(world->dynos);
	world->formation = NULL;
	world->dynos = NULL;
	world->n_formation = world->n_dynos = 0;
	if (heroku_formation(world->heroku, &world->formation, &world->n_formation, err) < 0)
		return -1;
	if (heroku_dynos(world->heroku, &world->dynos, &world->n_dynos, err) < 0)
		return -1;
	return 0;
}

void scale_close(struct scale_world *world)
{
	free(world->formation);
	free(world->dynos);
	heroku_close(world->heroku);
	*world = (struct scale_world){0};
}

const struct heroku_process *scale_find(const struct scale_world *world, const char *type)
{
	for (size_t i = 0; i < world->n_formation; i++)
		if (text_equal(world->formation[i].type, type))
			return &world->formation[i];
	return NULL;
}

int scale_want(struct job *job, const struct scale_world *now, struct scale_goal goal,
	       struct scale_world *want)
{
	const struct json *fact = job_fact(job, "formation", "");
	*want = (struct scale_world){0};
	bool some = false;
	for (size_t i = 0; i < now->n_formation; i++)
		some = some ||
		       (now->formation[i].quantity > 0 && !text_equal(now->formation[i].type, "release"));
	/* Nothing was recorded because nothing was scaled tonight: what runs is what ran. */
	if (goal.recorded && !json_count(fact) && !some)
		return -1;
	want->formation = xcalloc(now->n_formation + 1, sizeof *want->formation);
	for (size_t i = 0; i < now->n_formation; i++) {
		struct heroku_process *p = &want->formation[i];
		*p = now->formation[i];
		const struct json *row = json_get(fact, p->type);
		/* "release" is at 0 by nature and stays there. */
		if (!goal.recorded) {
			p->quantity = text_equal(p->type, "release") ? p->quantity : goal.all;
		} else if (row) {
			p->quantity = (int)json_int(row, "quantity", p->quantity);
			text_copy(p->size, sizeof p->size, json_str(row, "size", p->size));
		}
	}
	want->n_formation = now->n_formation;
	return 0;
}

bool scale_same(const struct scale_world *now, const struct scale_world *want)
{
	for (size_t i = 0; i < want->n_formation; i++) {
		const struct heroku_process *p = scale_find(now, want->formation[i].type);
		if (!p || p->quantity != want->formation[i].quantity ||
		    !text_equal(p->size, want->formation[i].size))
			return false;
	}
	return true;
}

void scale_words(const struct scale_world *world, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < world->n_formation; i++) {
		const struct heroku_process *p = &world->formation[i];
		if (!text_equal(p->type, "release") || p->quantity)
			buf_addf(&text, "%s%s %d %s", text.len ? ", " : "", p->type, p->quantity, p->size);
	}
	text_copy(out, size, text.len ? buf_text(&text) : "no process types");
	buf_done(&text);
}

bool scale_one_off(const struct scale_world *world, const struct heroku_dyno *dyno)
{
	return !text_equal(dyno->type, "release") && !scale_find(world, dyno->type);
}

size_t scale_one_offs(const struct scale_world *world)
{
	size_t n = 0;
	for (size_t i = 0; i < world->n_dynos; i++)
		n += scale_one_off(world, &world->dynos[i]);
	return n;
}

static bool is_left(const struct scale_world *world, struct scale_goal goal, const struct heroku_dyno *dyno)
{
	bool one_off = scale_one_off(world, dyno);
	return goal.only_one_offs ? one_off : goal.stop_one_offs || !one_off;
}

size_t scale_left(const struct scale_world *world, struct scale_goal goal)
{
	size_t n = 0;
	for (size_t i = 0; i < world->n_dynos; i++)
		n += is_left(world, goal, &world->dynos[i]);
	return n;
}

void scale_left_words(const struct scale_world *world, struct scale_goal goal, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < world->n_dynos; i++)
		if (is_left(world, goal, &world->dynos[i]))
			buf_addf(&text, "%s%s %s", text.len ? ", " : "", world->dynos[i].name,
				 world->dynos[i].state);
	text_copy(out, size, buf_text(&text));
	buf_done(&text);
}

/* Each one-off is asked once; one that starts meanwhile (Scheduler) is asked when it is seen. */
struct asked {
	char (*names)[48];
	size_t n;
};

static int stop_one_offs(struct job *job, struct scale_world *world, struct asked *asked, struct err *err)
{
	for (size_t i = 0; i < world->n_dynos; i++) {
		const struct heroku_dyno *dyno = &world->dynos[i];
		bool known = !scale_one_off(world, dyno);
		for (size_t k = 0; k < asked->n && !known; k++)
			known = text_equal(asked->names[k], dyno->name);
		if (known)
			continue;
		struct jw w;
		jw_fact(&w, "one-off-stopped", dyno->name);
		jw_str(&w, "name", dyno->name);
		jw_str(&w, "command", dyno->command);
		if (job_record(job, &w, err) < 0)
			return -1;
		asked->names = xrealloc(asked->names, asked->n + 1, sizeof *asked->names);
		text_copy(asked->names[asked->n++], sizeof asked->names[0], dyno->name);
		struct err own = {0};
		/* One that has ended by itself meanwhile is a 404, and a lost answer is settled by the next
		 * look. */
		if (heroku_dyno_stop(world->heroku, dyno->name, &own) < 0 && own.kind != ERR_REFUSED &&
		    !heroku_lost(world->heroku))
			return err_set(err, own.kind, "%s", own.text);
	}
	return 0;
}

static int wait_gone(struct job *job, struct scale_world *world, struct scale_goal goal, struct asked *asked,
		     struct err *err)
{
	int64_t until = clock_life_ms() + theirs(GONE_MS);
	size_t most = 0;
	char left[200], text[240];
	for (;;) {
		if (scale_look(world, err) < 0)
			return -1;
		if (goal.stop_one_offs && stop_one_offs(job, world, asked, err) < 0)
			return -1;
		size_t n = scale_left(world, goal);
		most = n > most ? n : most;
		scale_left_words(world, goal, left, sizeof left);
		if (n)
			text_copyf(text, sizeof text, "waiting for %zu: %s", n, left);
		else
			text_copy(text, sizeof text, "no dyno is left");
		job_progress(job, (int64_t)(most - n), (int64_t)most, "items", text);
		if (n == 0)
			return 0;
		if (clock_life_ms() > until)
			return err_set(
			    err, ERR_WORLD,
			    "still there after %d s: %s; %slook at their logs, then run this step again",
			    GONE_MS / 1000, left, goal.only_one_offs ? "" : "the formation is at 0, ");
		if (job_wait(job, PAUSE_MS))
			return err_set(
			    err, ERR_CANCELLED, "stopped while %s; %s", text,
			    goal.only_one_offs
				? "they were asked to end already, so run this step again to see them out"
				: "the formation is at 0 already, so run this step again, or bring the dynos "
				  "back with the way back");
	}
}

int scale_wait_gone(struct job *job, struct scale_world *world, struct scale_goal goal, struct err *err)
{
	struct asked asked = {0};
	int rc = wait_gone(job, world, goal, &asked, err);
	free(asked.names);
	return rc;
}

static int count_up(const struct scale_world *world, const char *type, const char *state)
{
	int n = 0;
	for (size_t i = 0; i < world->n_dynos; i++)
		n += text_equal(world->dynos[i].type, type) && text_equal(world->dynos[i].state, state);
	return n;
}

/* Up, or asleep as Eco dynos may be. */
static int up(const struct scale_world *world, const char *type)
{
	return count_up(world, type, "up") + count_up(world, type, "idle");
}

int scale_wait_up(struct job *job, struct scale_world *world, const struct scale_world *want, struct err *err)
{
	int64_t until = clock_life_ms() + theirs(UP_MS);
	for (;;) {
		if (scale_look(world, err) < 0)
			return -1;
		int have = 0, need = 0;
		for (size_t i = 0; i < want->n_formation; i++) {
			int n = up(world, want->formation[i].type), quantity = want->formation[i].quantity;
			need += quantity;
			have += n < quantity ? n : quantity;
		}
		char text[80];
		text_copyf(text, sizeof text, "%d of %d dynos are up", have, need);
		job_progress(job, have, need, "items", text);
		if (have == need)
			return 0;
		if (clock_life_ms() > until)
			return err_set(err, ERR_WORLD,
				       "after %d s only %s; look at their logs, the quantities are set",
				       UP_MS / 1000, text);
		if (job_wait(job, PAUSE_MS))
			return err_set(err, ERR_CANCELLED, "stopped when %s; the quantities are set", text);
	}
}

void scale_prove_up(const struct scale_world *now, const struct scale_world *want, struct evidence *ev)
{
	for (size_t i = 0; i < want->n_formation; i++) {
		const struct heroku_process *p = &want->formation[i];
		int n = up(now, p->type), starting = count_up(now, p->type, "starting");
		if (!p->quantity)
			continue;
		evidence_add(ev,
			     n >= p->quantity              ? VERDICT_PASS
			     : n + starting >= p->quantity ? VERDICT_WARN
							   : VERDICT_FAIL,
			     p->type, n >= p->quantity ? "up" : "not up", "%s: %d of %d up, %d starting.",
			     p->type, n, p->quantity, starting);
	}
}
