/* Who answers visitors: requests of the last minute on both sides, from Heroku's router log and
 * kamal-proxy's, and the moment the first public request was answered by the new side. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_matrix.h"
#include "core/links/heroku_logs.h"
#include "core/links/http.h"
#include "core/links/proxy_log.h"
#include "core/links/target.h"
#include <stdlib.h>
#include <string.h>

static int traffic_run(struct job *job, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct watch traffic_watch = {
    .name = "traffic",
    .help = "requests per minute on both sides, and the first public answer of the new one",
    .secrets = secrets,
    .run = traffic_run,
};

enum {
	WINDOW_MS = 60000,
	HITS_MAX = 16384,
	TELL_MS = 2000,
	ZONE_MS = 2000,
	PUBLIC_MS = 2000,
	TURN_MS = 200,
	ANSWER_MS = 3000,
	LINES = 200,
	MATRIX_RETRY_MS = 10000,
};

struct hit {
	int64_t at_ms; /* our wall time at which we heard of it */
	int status;
	double ms; /* -1 unknown */
};
/* A ring: when it is full, the oldest go, and the figures are too small rather than wrong in kind. */
struct side {
	struct hit hits[HITS_MAX];
	size_t next, n;
	bool known;
	char why[200];
};
struct traffic {
	struct job *job;
	struct side old_side, new_side;
	int64_t last_old_ms;
	struct proxy_tail *tail;
	struct dns_matrix *matrix;
	int64_t told_ms, zone_ms, public_ms, matrix_ms;
	bool first;
	double *sorted;
};

static void add(struct side *side, int64_t at_ms, int status, double ms)
{
	side->hits[side->next] = (struct hit){.at_ms = at_ms, .status = status, .ms = ms};
	side->next = (side->next + 1) % HITS_MAX;
	side->n += side->n < HITS_MAX;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Returns the requests of the last minute, -1 when nobody told us. */
static int tell_side(struct traffic *t, const struct side *side, struct jw *w, const char *key)
{
	int rpm = 0, ok = 0, e4 = 0, e5 = 0;
	size_t timed = 0;
	int64_t from_ms = clock_wall_ms() - WINDOW_MS;
	for (size_t i = 0; i < side->n; i++) {
		const struct hit *hit = &side->hits[i];
		if (hit->at_ms < from_ms)
			continue;
		rpm++;
		ok += hit->status < 400;
		e4 += hit->status >= 400 && hit->status < 500;
		e5 += hit->status >= 500;
		if (hit->ms >= 0)
			t->sorted[timed++] = hit->ms;
	}
	qsort(t->sorted, timed, sizeof *t->sorted, by_value);
	jw_obj(w, key);
	jw_int(w, "rpm", side->known ? rpm : -1);
	jw_int(w, "ok", ok);
	jw_int(w, "e4", e4);
	jw_int(w, "e5", e5);
	jw_num(w, "p50_ms", timed ? t->sorted[timed / 2] : -1);
	jw_num(w, "p95_ms", timed ? t->sorted[timed * 95 / 100] : -1);
	jw_end(w);
	return side->known ? rpm : -1;
}

static void tell(struct traffic *t)
{
	struct jw w;
	char text[420];
	jw_event(&w, "traffic.seen");
	int old_rpm = tell_side(t, &t->old_side, &w, "old"), new_rpm = tell_side(t, &t->new_side, &w, "new");
	bool shared = old_rpm >= 0 && new_rpm >= 0 && old_rpm + new_rpm > 0;
	jw_num(&w, "share_new", shared ? (double)new_rpm / (double)(old_rpm + new_rpm) : -1);
	jw_int(&w, "last_old_ms", t->last_old_ms);
	job_event(t->job, &w);
	if (t->old_side.known && target_no_kamal(t->job)) {
		text_copyf(text, sizeof text, "OLD %d requests in the last minute; NEW %s", old_rpm,
			   target_no_kamal(t->job));
		job_beat(t->job, TELL_MS, true, text);
	} else if (!t->old_side.known || !t->new_side.known) {
		text_copyf(text, sizeof text, "%s%s%s", t->old_side.known ? "" : t->old_side.why,
			   t->old_side.known || t->new_side.known ? "" : " ",
			   t->new_side.known ? "" : t->new_side.why);
		job_beat(t->job, TELL_MS, false, text);
	} else {
		text_copyf(text, sizeof text, "OLD %d, NEW %d requests in the last minute", old_rpm, new_rpm);
		job_beat(t->job, TELL_MS, true, text);
	}
}

static void on_new(void *ctx, const struct proxy_request *request)
{
	struct traffic *t = ctx;
	if (!request->ours)
		add(&t->new_side, request->at_ms ? request->at_ms : clock_wall_ms(), request->status,
		    request->ms);
}

static bool on_old(void *ctx, const struct heroku_log_line *line)
{
	struct traffic *t = ctx;
	struct heroku_router_line router;
	int64_t at_ms = line->at_us / 1000;
	if (!text_equal(line->process, "router") || !heroku_router_parse(line->text, &router))
		return true;
	double ms = router.service_ms < 0
			? -1
			: (double)router.service_ms + (router.connect_ms > 0 ? router.connect_ms : 0);
	/* A clock of Heroku's ahead of ours must not make a request outlive its minute. */
	if (at_ms > clock_wall_ms())
		at_ms = clock_wall_ms();
	add(&t->old_side, at_ms, router.status, ms);
	if (at_ms > t->last_old_ms)
		t->last_old_ms = at_ms;
	return true;
}

static void on_trouble(void *ctx, const char *sentence)
{
	struct traffic *t = ctx;
	t->old_side.known = !sentence;
	text_copy(t->old_side.why, sizeof t->old_side.why, sentence ? sentence : "");
}

static void look_zone(struct traffic *t)
{
	struct err unseen = {0};
	int64_t now_ms = clock_life_ms();
	if (t->matrix) {
		dns_matrix_ask_authoritative(t->matrix);
	} else if (!t->matrix_ms || now_ms - t->matrix_ms >= MATRIX_RETRY_MS) {
		t->matrix_ms = now_ms;
		t->matrix = dns_matrix_open(t->job, &unseen);
	}
}

/* A page that shows the app works: of the smoke tests the first that is not merely /up; "/" may be a
 * redirect. */
static const char *public_path(struct job *job)
{
	const char *path = NULL;
	for (const struct json *x = json_first(json_path(job_config(job), "smoke")); x; x = json_next(x)) {
		const char *get = json_str(x, "get", NULL);
		if (get && json_int(x, "expect", 200) / 100 == 2 && (!path || text_equal(path, "/up")))
			path = get;
	}
	return path ? path : "/";
}

/* The way a visitor comes: by what a cache says, to that address, with the production name. */
static bool public_answer(struct traffic *t, size_t name, int *status)
{
	const struct dns_want *want = &t->matrix->names[name];
	const char *web = job_config_str(t->job, "web.new", ""), *colon = strrchr(web, ':');
	const char *scheme = job_config_str(t->job, "web.scheme", "https");
	struct dns_query *query = xcalloc(1, sizeof *query);
	bool is_new = false;
	for (size_t i = t->matrix->n_authoritative; i < t->matrix->servers.n && !is_new; i++) {
		if (!dns_ask(query, t->matrix->servers.list[i].address, want->name, DNS_A, true, 1000) ||
		    dns_cell_plain(want, query, false) != DNS_CELL_NEW)
			continue;
		for (size_t r = 0; r < query->n && !is_new; r++) {
			if (query->records[r].authority || query->records[r].type != DNS_A)
				continue;
			char at[80], *url = xasprintf("%s://%s%s", scheme, want->name, public_path(t->job));
			text_copyf(at, sizeof at, "%s:%s", query->records[r].value,
				   colon                         ? colon + 1
				   : text_equal(scheme, "https") ? "443"
								 : "80");
			struct http_request request = {
			    .url = url, .connect_to = at, .timeout_ms = ANSWER_MS, .connect_ms = ANSWER_MS};
			struct http_reply reply;
			struct err unseen = {0};
			is_new = http_once(t->job, &request, &reply, &unseen) == 0 && reply.status / 100 == 2;
			*status = reply.status;
			http_reply_done(&reply);
			free(url);
		}
	}
	free(query);
	return is_new;
}

static void look_public(struct traffic *t)
{
	int status = 0;
	for (size_t i = 0; i < t->matrix->n_names && !t->first; i++) {
		if (!t->matrix->names[i].all_new_ms || !public_answer(t, i, &status))
			continue;
		struct jw w;
		struct err unseen = {0};
		jw_event(&w, "traffic.first");
		jw_str(&w, "name", t->matrix->names[i].name);
		jw_int(&w, "status", status);
		t->first = true;
		if (job_record(t->job, &w, &unseen) < 0)
			job_log(t->job, "NEW", "first public answer of the new side: %d from %s (%s)", status,
				t->matrix->names[i].name, unseen.text);
	}
}

/* Everything besides Heroku's log, a little at a time. False: stop. */
static bool turn(void *ctx)
{
	struct traffic *t = ctx;
	struct err unseen = {0};
	int64_t now_ms = clock_life_ms();
	/* Only kamal-proxy writes a log that is known here. */
	t->new_side.known = t->tail && proxy_tail_pump(t->tail, 0, &unseen);
	if (!t->tail)
		err_set(&unseen, ERR_CONFIG, "Requests of NEW: %s.", target_no_kamal(t->job));
	text_copy(t->new_side.why, sizeof t->new_side.why, unseen.text);
	if (!t->first && now_ms - t->zone_ms >= ZONE_MS) {
		t->zone_ms = now_ms;
		look_zone(t);
	}
	if (!t->first && t->matrix && dns_matrix_begun(t->matrix) && now_ms - t->public_ms >= PUBLIC_MS) {
		t->public_ms = now_ms;
		look_public(t);
	}
	if (now_ms - t->told_ms >= TELL_MS) {
		t->told_ms = now_ms;
		tell(t);
	}
	return !job_stopping(t->job);
}

static int traffic_run(struct job *job, struct err *err)
{
	struct traffic *t = xcalloc(1, sizeof *t);
	(void)err;
	t->job = job;
	t->sorted = xcalloc(HITS_MAX, sizeof *t->sorted);
	if (!target_no_kamal(job))
		t->tail = proxy_tail_open(job, clock_wall_ms() - WINDOW_MS, on_new, t);
	text_copy(t->old_side.why, sizeof t->old_side.why, "Heroku's log is not open yet.");
	struct heroku_log_ears ears = {.line = on_old, .tick = turn, .trouble = on_trouble, .ctx = t};
	for (bool stop = false; !stop;) {
		struct err unseen = {0};
		stop = heroku_log_stream(job, LINES, &ears, &unseen) == 0;
		if (!stop)
			on_trouble(t, unseen.text);
		/* Without Heroku the other half goes on. */
		for (int64_t until_ms = clock_life_ms() + MATRIX_RETRY_MS;
		     !stop && clock_life_ms() < until_ms;)
			stop = !turn(t) || job_wait(job, TURN_MS);
	}
	proxy_tail_close(t->tail);
	dns_matrix_close(t->matrix);
	free(t->sorted);
	free(t);
	return 0;
}
