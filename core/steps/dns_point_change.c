#include "core/steps/dns_point_change.h"
#include "core/base/clock.h"
#include "core/base/text.h"

enum { LOOK_AGAIN = 3, LOOK_PAUSE_MS = 1000 };

int point_check_plan(const struct point *point, struct err *err)
{
	const struct json *now = json_path(job_plan(point->job), "data.now");
	if (*point->refused)
		return err_set(err, ERR_WORLD, "dns-point: nothing was changed: %s", point->refused);
	for (size_t i = 0; i < point->n; i++) {
		const struct point_target *t = &point->targets[i];
		const char *planned = json_str(now, t->key, t->now);
		if (!t->same && !dns_same(planned, t->now))
			return err_set(err, ERR_WORLD,
				       "dns-point: the plan saw %s at %s and now it is %s; nothing was "
				       "changed, look at the new plan and run "
				       "again",
				       t->key, planned, t->now);
	}
	return 0;
}

static int record_before(struct job *job, const struct point_target *t, bool back, struct err *err)
{
	struct jw w;
	const struct json *known = json_get(job_fact(job, "dns-before", t->key), "record");
	if (back || (known && text_equal(json_str(known, "content", ""), t->now))) {
		jw_fact(&w, "dns-change", t->key);
		jw_str(&w, "from", t->now);
		jw_str(&w, "value", t->want);
	} else {
		jw_fact(&w, "dns-before", t->key);
		jw_json(&w, "record", t->record);
	}
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(job, &w, err);
}

/* Only the value is changed on the way there; on the way back everything that a person could have seen
 * changed. */
static int patch(struct point *point, const struct point_target *t, struct err *err)
{
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "content", t->want);
	if (t->want_ttl_s != t->ttl_s)
		jw_int(&w, "ttl", t->want_ttl_s);
	if (t->want_proxied != t->proxied)
		jw_bool(&w, "proxied", t->want_proxied);
	int rc = cloudflare_patch(point->cloudflare, &point->zone, t->id, jw_finish(&w), err);
	jw_done(&w);
	return rc;
}

/* 1: it is as it shall be, 0: it is not, -1: nobody knows. */
static int look_again(struct point *point, const struct point_target *t)
{
	for (int i = 0; i < LOOK_AGAIN; i++) {
		struct err unseen = {0};
		struct json *answer = cloudflare_record(point->cloudflare, &point->zone, t->id, &unseen);
		int same = answer ? point_same(t, json_get(answer, "result")) : -1;
		json_free(answer);
		if (same > 0 || i + 1 == LOOK_AGAIN || job_wait(point->job, LOOK_PAUSE_MS))
			return same;
	}
	return -1;
}

static int record_pointed(struct point *point, const struct point_target *t, struct err *err)
{
	struct jw w;
	jw_fact(&w, "dns-pointed", t->key);
	jw_str(&w, "value", t->want);
	jw_str(&w, "to", point->back ? "old" : "new");
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(point->job, &w, err);
}

static int change_one(struct point *point, struct point_target *t, struct err *err)
{
	if (record_before(point->job, t, point->back, err) < 0)
		return -1;
	if (patch(point, t, err) < 0) {
		bool lost = cloudflare_lost(point->cloudflare);
		int seen = lost ? look_again(point, t) : 0;
		if (seen < 0)
			return err_set(err, ERR_NET,
				       "dns-point: the answer to the change of %s was lost, and Cloudflare "
				       "does not say what the record is now; "
				       "look at it there before anything is repeated",
				       t->key);
		if (seen == 0)
			return lost ? err_set(
					  err, ERR_NET,
					  "dns-point: the change of %s got lost, and the record is still %s",
					  t->key, t->now)
				    : -1;
		*err = (struct err){0};
	}
	t->same = true;
	return record_pointed(point, t, err);
}

int point_change_all(struct point *point, struct err *err)
{
	for (size_t i = 0; i < point->n; i++) {
		char done[160], left[160], why[400];
		if (point->targets[i].same)
			continue;
		bool stop = job_stopping(point->job);
		if (!stop && change_one(point, &point->targets[i], err) == 0)
			continue;
		point_names(point, true, done, sizeof done);
		point_names(point, false, left, sizeof left);
		text_copy(why, sizeof why, stop ? "stopped" : err->text);
		return err_set(err, stop ? ERR_CANCELLED : err->kind,
			       "%s. At %s: %s; not yet: %s. Run the step again to go on, or go back", why,
			       point->back ? "OLD" : "NEW", done, left);
	}
	return 0;
}
