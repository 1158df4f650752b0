#include "core/night/after.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const int64_t DAY_MS = 24LL * 3600 * 1000;
enum { LOW_TTL_S = 600, WARM_DAYS = 7 };

static struct after_item *add(struct after *after, const char *id, int64_t at_ms, const char *what,
			      const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static struct after_item *add(struct after *after, const char *id, int64_t at_ms, const char *what,
			      const char *fmt, ...)
{
	va_list ap;
	struct buf why = {0};
	after->list = xrealloc(after->list, after->n + 1, sizeof *after->list);
	struct after_item *item = &after->list[after->n++];
	*item = (struct after_item){.at_ms = at_ms};
	text_copy(item->id, sizeof item->id, id);
	text_copy(item->what, sizeof item->what, what);
	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	text_copy(item->why, sizeof item->why, buf_text(&why));
	buf_done(&why);
	return item;
}

/* The newest of that name; to be freed, NULL for none. */
static struct json *fact(const struct state *s, const char *name)
{
	for (size_t i = s->facts.n; i > 0; i--)
		if (text_equal(s->facts.facts[i - 1].name, name) && s->facts.facts[i - 1].data)
			return json_parse(s->facts.facts[i - 1].data, strlen(s->facts.facts[i - 1].data),
					  NULL);
	return NULL;
}

static void heroku(const struct state *s, struct after *out)
{
	char at[UNITS_MAX];
	int64_t end = s->closed_at_ms + WARM_DAYS * DAY_MS;
	add(out, "heroku", end, "Decide about the old app on Heroku",
	    "Until now %s stayed as it was, in maintenance and at zero dynos. Its database and add-ons cost "
	    "money until "
	    "you cancel them yourself; nightferry destroys nothing.",
	    s->old_name);
	if (s->traffic.old_certificate_ms > s->closed_at_ms)
		add(out, "old-certificate", s->traffic.old_certificate_ms - DAY_MS,
		    "The old side's certificate ends tomorrow",
		    "It lasts until %s. From then on going back warns visitors away.",
		    units_iso(at, s->traffic.old_certificate_ms));
}

/* A TTL that is low for a night is low for ever when nobody thinks of it. */
static void ttl(const struct state *s, struct after *out)
{
	for (size_t i = 0; i < s->dns.n_names; i++) {
		const struct dns_name *name = &s->dns.names[i];
		char id[40], what[160];
		if (name->ttl_s <= 0 || name->ttl_s > LOW_TTL_S)
			continue;
		text_copyf(id, sizeof id, "ttl-%zu", i);
		text_copyf(what, sizeof what, "Raise the TTL of %s again", name->name);
		add(out, id, s->closed_at_ms + DAY_MS, what,
		    "It is %lld seconds since the night. A low one only helps while the way back may be "
		    "taken.",
		    (long long)name->ttl_s);
	}
}

static void backup(const struct state *s, struct after *out)
{
	struct json *first = fact(s, "backup-first");
	add(out, "backup", s->closed_at_ms + DAY_MS, "See that a backup was made by itself",
	    "Heroku backs this database up no longer. %s%s%s The first one that a schedule of yours has made "
	    "is the "
	    "proof that there is one.",
	    first ? "The night made one of its own: " : "The night made none.",
	    first ? json_str(first, "path", "?") : "", first ? "." : "");
	json_free(first);
}

static void exported(const struct state *s, struct after *out)
{
	char count[UNITS_MAX];
	struct json *x = fact(s, "exported");
	if (x && json_int(x, "rows", 0) > 0)
		add(out, "exported", s->closed_at_ms + DAY_MS,
		    "Decide about the rows that were written on the new side",
		    "%s rows lie in %s on %s and are not in the old database. Load the file or give them up, "
		    "before both "
		    "sides have given out the same keys.",
		    units_count(count, json_int(x, "rows", 0)), json_str(x, "path", "?"),
		    json_str(x, "host", "?"));
	json_free(x);
}

/* What was let pass in the night is for the day. */
static void let_pass(const struct state *s, struct after *out)
{
	char id[40], what[200], about[170];
	for (size_t i = 0; i < s->watching.n_waivers; i++) {
		const struct waiver_seen *w = &s->watching.waivers[i];
		if (waiver_get(s, w->about) != w)
			continue;
		text_copyf(id, sizeof id, "waiver-%zu", i);
		waiver_words(w->about, about, sizeof about);
		text_copyf(what, sizeof what, "Waived in the night: %.120s", about);
		add(out, id, s->closed_at_ms + DAY_MS, what, "%s let it pass: %s", w->by, w->reason);
	}
	for (size_t i = 0; i < s->steps.n_forward && !s->steps.turned; i++) {
		const struct step_seen *x = &s->steps.steps[i];
		if (x->state != STEP_SKIPPED)
			continue;
		text_copyf(id, sizeof id, "skipped-%.30s", x->id);
		text_copyf(what, sizeof what, "Skipped in the night: %.120s", *x->title ? x->title : x->id);
		add(out, id, s->closed_at_ms + DAY_MS, what, "%s skipped it: %s", x->by, x->text);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct after_item *x = a, *y = b;
	return x->at_ms != y->at_ms ? (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms) : strcmp(x->id, y->id);
}

void after_of(const struct state *s, struct after *out)
{
	*out = (struct after){0};
	bool done = text_equal(s->closed_verdict, "done"),
	     back = text_equal(s->closed_verdict, "rolled-back");
	if (!s->closed_at_ms || s->rehearsal || (!done && !back))
		return;
	if (done && s->flip_at_ms) {
		heroku(s, out);
		backup(s, out);
	}
	ttl(s, out);
	if (back)
		exported(s, out);
	let_pass(s, out);
	if (out->n)
		qsort(out->list, out->n, sizeof *out->list, by_time);
}

void after_done(struct after *after)
{
	free(after->list);
	*after = (struct after){0};
}

/* ---- the calendar ---- */

/* A content line: escaped where it is text, folded at 75 bytes and never inside a character. */
static void line(struct buf *out, const char *name, const char *text, bool escape)
{
	size_t col = strlen(name) + 1;
	buf_addf(out, "%s:", name);
	for (const char *p = text; *p;) {
		uint32_t code;
		size_t n = text_decode(p, strlen(p), &code);
		bool mark = escape && strchr("\\;,", *p), end = escape && (*p == '\n' || *p == '\r');
		if (col + n + (mark || end) > 75) {
			buf_adds(out, "\r\n ");
			col = 1;
		}
		if (mark || end)
			buf_addc(out, '\\');
		if (end)
			buf_addc(out, 'n');
		else
			buf_add(out, p, n);
		col += n + (mark || end);
		p += n;
	}
	buf_adds(out, "\r\n");
}

/* 20261121T010407Z */
static void stamp(struct buf *out, const char *name, int64_t at_ms)
{
	char iso[UNITS_MAX], plain[UNITS_MAX];
	size_t n = 0;
	units_iso(iso, at_ms);
	for (const char *p = iso; *p; p++)
		if (*p != '-' && *p != ':')
			plain[n++] = *p;
	plain[n] = '\0';
	line(out, name, plain, false);
}

void after_ics(const struct state *s, struct buf *out)
{
	struct after after;
	after_of(s, &after);
	line(out, "BEGIN", "VCALENDAR", false);
	line(out, "VERSION", "2.0", false);
	line(out, "PRODID", "-//nightferry//after the night//EN", false);
	for (size_t i = 0; i < after.n; i++) {
		const struct after_item *item = &after.list[i];
		char text[240];
		line(out, "BEGIN", "VEVENT", false);
		text_copyf(text, sizeof text, "%s-%s@%s.nightferry", s->night, item->id, s->app);
		line(out, "UID", text, true);
		stamp(out, "DTSTAMP", s->closed_at_ms);
		stamp(out, "DTSTART", item->at_ms);
		line(out, "DURATION", "PT15M", false);
		text_copyf(text, sizeof text, "%s: %s", s->app, item->what);
		line(out, "SUMMARY", text, true);
		line(out, "DESCRIPTION", item->why, true);
		line(out, "BEGIN", "VALARM", false);
		line(out, "TRIGGER", "PT0S", false);
		line(out, "ACTION", "DISPLAY", false);
		line(out, "DESCRIPTION", text, true);
		line(out, "END", "VALARM", false);
		line(out, "END", "VEVENT", false);
	}
	line(out, "END", "VCALENDAR", false);
	after_done(&after);
}
