/* Sidekiq's keys. Everything is a size or a name; a queue may hold millions of jobs and is never read. */
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/jobs.h"
#include "core/links/redis.h"
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 400, BEAT_S = 60, PAGES_MAX = 5000 };
/* No Redis holds so many; more is no size, but a broken answer. */
static const int64_t size_most = INT64_C(1000000000000);

struct names {
	char *list[NAMES_MAX];
	size_t lens[NAMES_MAX];
	size_t n;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	names->n = 0;
}

/* A name with a NUL inside is no word of a question, so it is left out; the set's size still counts it. */
static void take_names(const struct redis_answer *page, size_t step, struct names *names)
{
	for (size_t i = 0; i < redis_count(page) && names->n < NAMES_MAX; i += step) {
		size_t len;
		const char *text = redis_text(redis_at(page, i), &len);
		if (len && len == strlen(text)) {
			names->lens[names->n] = len;
			names->list[names->n++] = xstrdup(text);
		}
	}
}

/* Pages of a set (SSCAN) or a hash (HSCAN), until its end or until there are enough. */
static int scan(struct redis *redis, const char *how, const char *key, struct names *names, struct err *err)
{
	char cursor[24] = "0";
	int pages = 0;
	*names = (struct names){.n = 0};
	do {
		struct redis_answer *a = redis_ask(redis, REDIS_WORDS(how, key, cursor, "COUNT", "100"), err);
		if (!a)
			return -1;
		text_copy(cursor, sizeof cursor, redis_text(redis_at(a, 0), NULL));
		take_names(redis_at(a, 1), *how == 'H' ? 2 : 1, names);
		bool page = redis_count(a) == 2 && *cursor;
		redis_free(a);
		if (!page || ++pages > PAGES_MAX)
			return err_set(err, ERR_WORLD, "%s answers %s with %s; its jobs are not known",
				       redis_name(redis), how,
				       page ? "pages that have no end" : "something that is no page");
	} while (!text_equal(cursor, "0") && names->n < NAMES_MAX);
	return 0;
}

/* A key of another type is not Sidekiq's: it counts as nothing. A refusal for any other reason, or an answer
 * that is no size, is no zero: what cannot be counted is not known. */
static int take_int(struct redis *redis, int64_t *out, struct err *err)
{
	struct err why = {0};
	struct redis_answer *a = redis_take(redis, &why);
	*out = 0;
	if (!a)
		return why.kind == ERR_REFUSED ? 0 : err_set(err, why.kind, "%s", why.text);
	*out = redis_nil(a) ? 0 : redis_int(a, -1);
	redis_free(a);
	if (*out >= 0 && *out <= size_most)
		return 0;
	*out = 0;
	return err_set(err, ERR_WORLD, "%s answers with something that is no size; its jobs are not known",
		       redis_name(redis));
}

struct keys {
	const char *prefix;
	char text[12][300];
	size_t n;
};

static const char *key_of(struct keys *k, const char *fmt, const char *name)
{
	char *out = k->text[k->n++ % 12];
	text_copyf(out, sizeof k->text[0], "%s%s%s", k->prefix, fmt, name);
	return out;
}

static int look_sizes(struct redis *redis, struct keys *k, struct jobs_system *s, int64_t *queues,
		      struct err *err)
{
	int64_t *const into[] = {queues, &s->retry, &s->scheduled, &s->failed, &s->done, &s->processes};
	redis_add(redis, REDIS_WORDS("SCARD", key_of(k, "queues", "")));
	redis_add(redis, REDIS_WORDS("ZCARD", key_of(k, "retry", "")));
	redis_add(redis, REDIS_WORDS("ZCARD", key_of(k, "schedule", "")));
	redis_add(redis, REDIS_WORDS("ZCARD", key_of(k, "dead", "")));
	redis_add(redis, REDIS_WORDS("GET", key_of(k, "stat:processed", "")));
	redis_add(redis, REDIS_WORDS("SCARD", key_of(k, "processes", "")));
	for (size_t i = 0; i < sizeof into / sizeof *into; i++)
		if (take_int(redis, into[i], err) < 0)
			return -1;
	return 0;
}

static int look_queues(struct redis *redis, struct keys *k, struct jobs_system *s, struct err *err)
{
	struct names names;
	int rc = scan(redis, "SSCAN", key_of(k, "queues", ""), &names, err);
	for (size_t i = 0; i < names.n && rc == 0; i++)
		redis_add(redis, REDIS_WORDS("LLEN", key_of(k, "queue:", names.list[i])));
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		int64_t waiting;
		rc = take_int(redis, &waiting, err);
		s->waiting += waiting;
		if (rc == 0 && (waiting || s->n_queues < JOBS_QUEUES))
			jobs_add_queue(s, names.list[i], names.lens[i], waiting);
	}
	if (rc == 0 && s->all_queues > (int64_t)names.n && names.n == NAMES_MAX)
		rc =
		    err_set(err, ERR_WORLD,
			    "%s has %lld queues, more than the %d that are counted; their jobs are not known",
			    redis_name(redis), (long long)s->all_queues, NAMES_MAX);
	names_done(&names);
	return rc;
}

/* Sidekiq forgets a process a minute after its last beat; its set may keep the name for hours. */
static int look_processes(struct redis *redis, struct keys *k, struct jobs_system *s, struct err *err)
{
	struct names names;
	int64_t alive = 0;
	if (s->processes == 0)
		return 0;
	int rc = scan(redis, "SSCAN", key_of(k, "processes", ""), &names, err);
	/* By the server's clock: ours may be another one, or run faster. */
	struct redis_answer *now = rc == 0 ? redis_ask(redis, REDIS_WORDS("TIME"), err) : NULL;
	int64_t now_s = redis_int(redis_at(now, 0), 0);
	rc = now ? rc : -1;
	redis_free(now);
	for (size_t i = 0; i < names.n && rc == 0; i++)
		redis_add(redis, REDIS_WORDS("HMGET", key_of(k, "", names.list[i]), "beat", "busy"));
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		struct err why = {0};
		struct redis_answer *a = redis_take(redis, &why);
		if (!a && why.kind != ERR_REFUSED)
			rc = err_set(err, why.kind, "%s", why.text);
		int64_t beat_s = redis_int(redis_at(a, 0), 0), busy = redis_int(redis_at(a, 1), 0);
		if (now_s - beat_s < BEAT_S) {
			alive++;
			s->running += busy > 0 ? busy : 0;
		}
		redis_free(a);
	}
	names_done(&names);
	s->processes = alive;
	return rc;
}

/* ---- cron ---- */

/* sidekiq-cron: a set of keys ("cron_jobs", from 2.0 on "cron_jobs:default" and others that only the app
 * knows), each of them a hash. */
static int look_cron_set(struct redis *redis, struct keys *k, const char *set, struct jobs_side *side,
			 struct err *err)
{
	struct names names;
	int rc = scan(redis, "SSCAN", key_of(k, set, ""), &names, err);
	/* Its own members are whole keys, without a prefix of ours but for redis-namespace. */
	for (size_t i = 0; i < names.n && rc == 0; i++)
		redis_add(redis,
			  REDIS_WORDS("HMGET", key_of(k, "", names.list[i]), "name", "cron", "status"));
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		struct err why = {0};
		size_t name_len, cron_len;
		struct redis_answer *a = redis_take(redis, &why);
		if (!a && why.kind != ERR_REFUSED)
			rc = err_set(err, why.kind, "%s", why.text);
		const char *name = redis_text(redis_at(a, 0), &name_len),
			   *cron = redis_text(redis_at(a, 1), &cron_len);
		if (rc == 0 && name_len)
			jobs_add_cron(side, "sidekiq-cron", name, name_len, cron, cron_len,
				      !text_equal(redis_text(redis_at(a, 2), NULL), "disabled"));
		redis_free(a);
	}
	names_done(&names);
	return rc;
}

static bool is_enabled(const struct redis_answer *schedule, const struct redis_answer *state)
{
	size_t n, m;
	const char *text = redis_text(schedule, &n), *now = redis_text(state, &m);
	struct json *a = json_parse(text, n, NULL), *b = json_parse(now, m, NULL);
	bool enabled = json_bool(b, "enabled", json_bool(a, "enabled", true));
	json_free(a);
	json_free(b);
	return enabled;
}

static void schedule_text(const struct redis_answer *schedule, char *out, size_t size)
{
	size_t n;
	const char *text = redis_text(schedule, &n);
	struct json *a = json_parse(text, n, NULL);
	static const char *const kinds[] = {"cron", "every", "interval", "at", "in"};
	*out = '\0';
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !*out; i++) {
		const struct json *x = json_get(a, kinds[i]);
		text_copy(out, size,
			  json_text(x)               ? json_text(x)
			  : json_text(json_first(x)) ? json_text(json_first(x))
						     : "");
	}
	json_free(a);
}

/* sidekiq-scheduler: one hash of JSON texts, and one that says what was turned off by hand. */
static int look_schedules(struct redis *redis, struct keys *k, struct jobs_side *side, struct err *err)
{
	struct names names;
	int rc = scan(redis, "HSCAN", key_of(k, "schedules", ""), &names, err);
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		char text[48];
		redis_add(redis, REDIS_WORDS("HGET", key_of(k, "schedules", ""), names.list[i]));
		redis_add(redis,
			  REDIS_WORDS("HGET", key_of(k, "sidekiq-scheduler:states", ""), names.list[i]));
		struct redis_answer *a = redis_take(redis, err), *b = a ? redis_take(redis, err) : NULL;
		if (b) {
			schedule_text(a, text, sizeof text);
			jobs_add_cron(side, "sidekiq-scheduler", names.list[i], names.lens[i], text,
				      strlen(text), is_enabled(a, b));
		} else {
			rc = -1;
		}
		redis_free(a);
		redis_free(b);
	}
	names_done(&names);
	return rc;
}

/* A scan of a key that is something else is refused; then it is nobody's cron. */
static int forgive(int rc, const struct redis *redis, struct err *err)
{
	if (rc < 0 && err->kind == ERR_REFUSED && redis_alive(redis)) {
		*err = (struct err){0};
		return 0;
	}
	return rc;
}

static int look_cron(struct redis *redis, struct keys *k, struct jobs_side *side, struct err *err)
{
	static const char *const sets[] = {"cron_jobs", "cron_jobs:default"};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (forgive(look_cron_set(redis, k, sets[i], side, err), redis, err) < 0)
			return -1;
	return forgive(look_schedules(redis, k, side, err), redis, err);
}

int jobs_add_redis(struct redis *redis, const char *prefix, struct jobs_side *side, struct err *err)
{
	struct jobs_side seen = {.n = 0};
	struct keys k = {.prefix = prefix};
	struct jobs_system *s = jobs_add(&seen, "sidekiq");
	if (look_sizes(redis, &k, s, &s->all_queues, err) < 0 ||
	    forgive(look_queues(redis, &k, s, err), redis, err) < 0 ||
	    forgive(look_processes(redis, &k, s, err), redis, err) < 0 ||
	    look_cron(redis, &k, &seen, err) < 0)
		return -1;
	bool there = s->all_queues || s->retry || s->scheduled || s->failed || s->done || s->processes;
	if (there)
		side->systems[side->n < JOBS_SYSTEMS ? side->n++ : JOBS_SYSTEMS - 1] = *s;
	for (size_t i = 0; i < seen.n_cron; i++)
		jobs_add_cron(side, seen.cron[i].system, seen.cron[i].name, strlen(seen.cron[i].name),
			      seen.cron[i].schedule, strlen(seen.cron[i].schedule), seen.cron[i].enabled);
	return 0;
}
