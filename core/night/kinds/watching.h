/* How old every look is, what the checks say, what was waived.
 *
 * watch.beat     SAMPLE key watch {watch, interval_ms, ok, ok_at_ms, text}   it looked just now
 * watch.down     RECORD {watch, text, retry_ms}                    its process ended and will be started
 * again check.seen     CHANGE key check {check, verdict, lines[{verdict,name,text,fact}], fix, bite}
 * check.beat     SAMPLE key check {check}                          looked again, nothing changed
 * waiver.given   RECORD {about, by, reason, fact}                  about: "check:NAME" or "rows:TABLE"
 * waiver.fallen  RECORD {about, why}
 * clock.jumped   RECORD {by_ms}
 */
#ifndef CORE_NIGHT_KINDS_WATCHING_H
#define CORE_NIGHT_KINDS_WATCHING_H

#include "core/night/kinds/steps.h"

struct watch_seen {
	char name[32], text[200];
	bool ok;
	int64_t looked_at_ms, ok_at_ms, interval_ms;
	int restarts;
};
struct check_seen {
	char name[32], fix[240], bite[160];
	int verdict;
	struct seen_line *lines;
	size_t n;
	int64_t at_ms; /* of the newest look */
};
struct waiver_seen {
	char about[144], by[32], reason[160], fact[200];
	bool fallen;
	int64_t at_ms;
};
struct watching_state {
	struct watch_seen *watches;
	size_t n;
	struct check_seen *checks;
	size_t n_checks;
	struct waiver_seen *waivers;
	size_t n_waivers;
	int64_t clock_jumped_at_ms;
};
struct state;
const struct watch_seen *watch_get(const struct state *state, const char *name);
/* The fact behind "seen:NAME" (a line of the open gate), "check:NAME" or "rows:TABLE" as the state knows it;
 * false when nothing of that name is seen. Never empty: a line without a fact of its own stands for its
 * verdict. */
bool waiver_fact(const struct state *state, const char *about, char *out, size_t size);
/* What was let pass, in words that need no manual: "rows of orders", "check aaaa". */
void waiver_words(const char *about, char *out, size_t size);
const struct waiver_seen *waiver_get(const struct state *state, const char *about); /* a standing one */

#endif
