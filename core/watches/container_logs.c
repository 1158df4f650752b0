/* container-logs: what the app, its proxy and its accessories say on the new host, line by line: every line
 * once, over lost connections, restarts, replacements and rotation. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/docker.h"
#include "core/links/log_words.h"
#include "core/links/target.h"
#include "core/watches/log_batch.h"
#include "core/watches/over_ssh.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int container_logs_run(struct job *job, struct err *err);

const struct watch container_logs_watch = {
    .name = "container-logs",
    .help = "the logs of the app's containers, its proxy and its accessories on the new host",
    .each_host = true,
    .run = container_logs_run,
};

enum {
	LOOK_MS = 3000,
	TEXT_BYTES = 2000,
	SEEN_MAX = 4096,
	FIRST_LINES = 200,
	LONG_LINE = 16000,
	RETRY_MS = 1000
};

/* What was told of one container, for all its streams one after the other. */
struct source {
	char id[72], label[28]; /* label: web job proxy pg */
	bool is_proxy, is_db;
	struct logs *logs;
	struct ssh_stream *stream;
	int64_t retry_at_ms;
	int64_t read_finished_ms; /* of the run that was read to its end */
	bool at_first;            /* it was there when the watch began */
	char last[40];      /* timestamp of the newest line told; text, nanoseconds do not fit a double */
	size_t same;        /* lines told with that timestamp */
	uint64_t last_hash; /* of its text */
	char replay[40]; /* on a stream opened again: what this one has been told up to; "" once that is past
			  */
	size_t replayed; /* lines seen again with exactly that timestamp */
	bool any;        /* a line came on this stream */
	bool cut;        /* the newest piece was as long as a piece can be: the rest of the line follows */
	char complaint[160]; /* docker's own words in place of a log, told once */
	uint64_t *seen;      /* the database's: hashes of the newest lines */
	size_t n_seen;
	struct log_meter meter;
};
struct logs {
	struct job *job;
	struct docker_names names;
	const struct ssh *ssh; /* of the streams that are open */
	char suffix[16];       /* of the labels where there are several hosts */
	struct source **list;
	size_t n;
	struct log_batch batch;
	int64_t skew_ms;       /* the host's clock minus ours */
	int64_t began_host_ms; /* when the watch began, by the host's clock */
	bool looked, skew_told;
	bool stir; /* docker told of a container that came or went */
};

/* ---- lines ---- */

static struct log_from from_of(const struct source *s)
{
	return (struct log_from){.side = "NEW", .source = s->label};
}

static int64_t host_time_ms(const struct logs *logs, const char *stamp)
{
	int64_t at_ms = docker_time_ms(stamp);
	return at_ms ? at_ms - logs->skew_ms : clock_wall_ms();
}

static uint64_t hash_of(const char *text, size_t len)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 1099511628211u;
	return h;
}

/* A log that docker does not keep itself may be stamped anew at each look, so for the database the text
 * decides too: it has times of its own. */
static bool known_text(struct source *s, uint64_t hash)
{
	bool known = false;
	if (!s->seen)
		s->seen = xcalloc(SEEN_MAX, sizeof *s->seen);
	for (size_t i = 0; *s->replay && i < SEEN_MAX && !known; i++)
		known = s->seen[i] == hash;
	if (!known)
		s->seen[s->n_seen++ % SEEN_MAX] = hash;
	return known;
}

/* The stream begins behind what was told last: docker has thrown the part between away. */
static void tell_gap(struct source *s, const char *stamp)
{
	log_batch_add(
	    &s->logs->batch, from_of(s), host_time_ms(s->logs, stamp), "warn",
	    "lines are missing before this one: docker's log was rotated while nobody could read it");
}

/* On a stream opened again: docker begins with the last line told. Those of the same nanosecond are counted
 * off; the last of them may have been cut off by what ended the stream before, then its whole text is told.
 */
static bool replayed(struct source *s, const char *stamp, uint64_t hash)
{
	int order = strcmp(stamp, s->replay);
	if (!s->any && order > 0 && !s->is_db)
		tell_gap(s, stamp);
	if (order == 0 && s->replayed < s->same)
		return ++s->replayed < s->same || hash == s->last_hash;
	if (order > 0 && !s->is_db)
		*s->replay = 0;
	return order < 0;
}

/* Docker stamps a line when it gets it. */
static bool told_before(struct source *s, const char *stamp, const char *text, size_t len)
{
	uint64_t hash = hash_of(text, len);
	bool before = *s->replay && replayed(s, stamp, hash);
	s->any = true;
	if (before || (s->is_db && known_text(s, hash)))
		return true;
	int order = strcmp(stamp, s->last);
	/* Docker gives a follower the last line once more when it rotates the file. */
	if (order == 0 && hash == s->last_hash)
		return true;
	s->last_hash = hash;
	s->same = order ? 1 : s->same + 1;
	/* Also when the host's clock has gone back: then a line told twice is better than one that is lost.
	 */
	if (order)
		text_copy(s->last, sizeof s->last, stamp);
	return false;
}

/* Docker's own words: it cannot read this log, or the container went away. Once is enough. */
static void complain(struct source *s, const char *line, size_t len)
{
	char text[sizeof s->complaint];
	text_clean(text, sizeof text, line, len);
	if (!*text || text_equal(text, s->complaint))
		return;
	text_copy(s->complaint, sizeof s->complaint, text);
	log_batch_add(&s->logs->batch, from_of(s), clock_wall_ms(), "warn", text);
}

static void tell_line(struct source *s, const char *stamp, const char *body, size_t len)
{
	char text[TEXT_BYTES];
	const char *level = log_words_level(body, len);
	int64_t at_ms = host_time_ms(s->logs, stamp);
	log_batch_left(&s->logs->batch, from_of(s), &s->meter, at_ms, false);
	if (!log_meter_take(&s->meter, level))
		return;
	if (!s->is_proxy || !log_words_proxy(body, len, text, sizeof text, &level))
		text_clean(text, sizeof text, body, len < TEXT_BYTES ? len : TEXT_BYTES - 1);
	if (*text)
		log_batch_add(&s->logs->batch, from_of(s), at_ms, level, text);
}

static void on_line(void *ctx, const char *line, size_t len)
{
	struct source *s = ctx;
	const char *space = memchr(line, ' ', len);
	bool rest = s->cut;
	char stamp[40];
	/* What a lost connection leaves is the beginning of a line; the whole of it comes with the next one.
	 */
	if (!ssh_alive(s->logs->ssh))
		return;
	s->cut = len >= LONG_LINE;
	if (!space || !isdigit((unsigned char)*line) || space - line >= (ptrdiff_t)sizeof stamp) {
		if (!rest)
			complain(s, line, len);
		return;
	}
	text_copyf(stamp, sizeof stamp, "%.*s", (int)(space - line), line);
	size_t body_len = len - (size_t)(space + 1 - line);
	if (!told_before(s, stamp, space + 1, body_len))
		tell_line(s, stamp, space + 1, body_len);
}

/* ---- containers come and go ---- */

static void set_label(struct source *s, const struct docker_container *c)
{
	docker_label(c, &s->logs->names, s->label, sizeof s->label);
	text_copyf(s->label + strlen(s->label), sizeof s->label - strlen(s->label), "%s", s->logs->suffix);
}

static struct source *source_of(struct logs *logs, const struct docker_container *c)
{
	struct source *s = NULL;
	for (size_t i = 0; i < logs->n && !s; i++)
		if (text_equal(logs->list[i]->id, c->id))
			s = logs->list[i];
	if (!s) {
		s = xcalloc(1, sizeof *s);
		logs->list = xrealloc(logs->list, logs->n + 1, sizeof *logs->list);
		logs->list[logs->n++] = s;
		s->logs = logs;
		s->is_proxy = c->kind == DOCKER_PROXY;
		s->is_db = text_equal(c->name, logs->names.accessory);
		s->at_first = !logs->looked;
		text_copy(s->id, sizeof s->id, c->id);
	}
	/* A boot that is broken off renames it and starts another of its role. */
	set_label(s, c);
	return s;
}

/* A line more than once is counted off, one that was never asked for is lost: so only the very first look
 * leaves out what is old. */
static int attach(struct ssh *ssh, struct source *s, const struct docker_container *c, struct err *err)
{
	char since[80] = "", tail[24] = "", iso[UNITS_MAX];
	if (*s->last)
		text_copyf(since, sizeof since, " --since %s", s->last);
	else if (s->at_first && s->logs->looked && c->started_ms)
		text_copyf(since, sizeof since, " --since %s", units_iso(iso, c->started_ms));
	if ((!*s->last && s->at_first && !s->logs->looked) || s->is_db)
		text_copyf(tail, sizeof tail, " --tail %d", *s->last ? SEEN_MAX / 2 : FIRST_LINES);
	char *command = xasprintf("docker logs -f -t%s%s %.64s", tail, since, s->id);
	text_copy(s->replay, sizeof s->replay, s->last);
	s->replayed = 0;
	s->any = s->cut = false;
	s->stream = ssh_stream(ssh, command, on_line, s, err);
	if (s->stream && !text_equal(c->status, "running"))
		s->read_finished_ms = c->finished_ms;
	free(command);
	return s->stream ? 0 : -1;
}

static void detach(struct source *s)
{
	if (!s->stream)
		return;
	ssh_stream_close(s->stream);
	s->stream = NULL;
	s->retry_at_ms = clock_life_ms() + RETRY_MS;
	log_batch_left(&s->logs->batch, from_of(s), &s->meter, clock_wall_ms(), true);
}

/* One that runs is followed. One that has ended is read once more to its end: a crash loop may start and end
 * it between two looks. Of older ones only the newest of its role matters. */
static bool wants(const struct source *s, const struct docker_container *c, bool newest)
{
	if (text_equal(c->status, "running"))
		return true;
	return c->finished_ms && c->finished_ms != s->read_finished_ms &&
	       (newest || c->finished_ms >= s->logs->began_host_ms);
}

static int follow(struct ssh *ssh, struct logs *logs, struct err *err)
{
	struct docker_container *list;
	size_t n;
	if (docker_containers(ssh, &logs->names, &list, &n, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; i < logs->n; i++)
		if (logs->list[i]->stream && ssh_stream_ended(logs->list[i]->stream, NULL))
			detach(logs->list[i]);
	for (size_t i = 0; i < n && rc == 0; i++) {
		bool newest = i == 0 || list[i].kind != list[i - 1].kind ||
			      list[i].kind == DOCKER_ACCESSORY || !text_equal(list[i].role, list[i - 1].role);
		struct source *s = source_of(logs, &list[i]);
		if (!s->stream && clock_life_ms() >= s->retry_at_ms && wants(s, &list[i], newest))
			rc = attach(ssh, s, &list[i], err);
	}
	logs->looked = logs->looked || rc == 0;
	free(list);
	return rc;
}

/* ---- the loop ---- */

/* Lines wait for company until the batch is 50 ms old. */
static int pump(struct ssh *ssh, struct logs *logs, struct err *err)
{
	int64_t until_ms = clock_life_ms() + LOOK_MS;
	logs->stir = false;
	while (clock_life_ms() < until_ms && !logs->stir) {
		int64_t ms = log_batch_wait_ms(&logs->batch);
		if (ms == 0) {
			log_batch_flush(&logs->batch);
			continue;
		}
		ms = ms < 0 ? until_ms - clock_life_ms() : ms;
		if (job_stopping(logs->job) || ssh_pump(ssh, (int)clock_real_ms(ms), err) < 0)
			return -1;
		for (size_t i = 0; i < logs->n; i++)
			log_batch_left(&logs->batch, from_of(logs->list[i]), &logs->list[i]->meter,
				       clock_wall_ms(), false);
	}
	return 0;
}

/* Lines of all sources are told by our clock, or those of a host that is minutes ahead would never stand
 * beside the others. */
static int look_clock(struct ssh *ssh, struct logs *logs, struct err *err)
{
	if (over_ssh_skew(ssh, &logs->skew_ms, err) < 0)
		return -1;
	if (!logs->began_host_ms)
		logs->began_host_ms = clock_wall_ms() + logs->skew_ms;
	if ((logs->skew_ms > 2000 || logs->skew_ms < -2000) && !logs->skew_told) {
		logs->skew_told = true;
		job_log(logs->job, "NEW", "the clock of %s is %.1f s %s ours; its lines are shown by ours",
			ssh_host(ssh), (double)(logs->skew_ms < 0 ? -logs->skew_ms : logs->skew_ms) / 1000,
			logs->skew_ms < 0 ? "behind" : "ahead of");
	}
	return 0;
}

static void on_event(void *ctx, const char *line, size_t len)
{
	struct logs *logs = ctx;
	(void)line;
	logs->stir = logs->stir || len > 0;
}

static void serve(void *ctx, struct ssh *ssh, struct err *err)
{
	struct logs *logs = ctx;
	logs->ssh = ssh;
	int rc = look_clock(ssh, logs, err);
	struct ssh_stream *events = NULL;
	while (rc == 0) {
		rc = follow(ssh, logs, err);
		ssh_hush(ssh, true);
		if (rc == 0 && !events)
			events = ssh_stream(ssh, DOCKER_EVENTS, on_event, logs, NULL);
		if (rc == 0) {
			job_beat(logs->job, LOOK_MS, true, "");
			rc = pump(ssh, logs, err);
		}
	}
	for (size_t i = 0; i < logs->n; i++)
		detach(logs->list[i]);
	ssh_stream_close(events);
	log_batch_flush(&logs->batch);
}

static int container_logs_run(struct job *job, struct err *err)
{
	struct logs logs = {.job = job, .batch.job = job};
	if (target_no_kamal(job)) {
		target_idle(job, target_no_kamal(job));
		return 0;
	}
	if (docker_names(job, &logs.names, err) < 0)
		return -1;
	over_ssh_suffix(job, logs.suffix, sizeof logs.suffix);
	over_ssh(job, LOOK_MS, serve, &logs);
	for (size_t i = 0; i < logs.n; i++) {
		free(logs.list[i]->seen);
		free(logs.list[i]);
	}
	free(logs.list);
	return 0;
}
