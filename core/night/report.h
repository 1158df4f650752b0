/* What a night was, from its journal alone. */
#ifndef CORE_NIGHT_REPORT_H
#define CORE_NIGHT_REPORT_H

#include "core/night/journal.h"
#include "core/night/state.h"

enum report_tone { REPORT_PLAIN = 0, REPORT_GOOD, REPORT_BAD, REPORT_PEOPLE };

/* One line of the timeline. */
struct report_moment {
	int64_t at_ms;
	enum report_tone tone;
	char *what, *text; /* what: a step, or "" */
};
/* A gate, from its opening to its end, with what stood on it when somebody passed it. */
struct report_gate {
	char id[16], step[48], act[8], level[8], target[128], by[32], how[16], second[32];
	int64_t opened_ms, ended_ms; /* ended_ms 0: it was open at the journal's end */
	bool passed, by_name_only;
	int changed; /* times that its evidence moved while it was open */
	char *why;   /* not passed: why it was left */
	struct json *seen;
};
/* A server's answer for a name, from then on. */
struct report_answer {
	int64_t at_ms;
	char server[64], label[24], name[96], state[12];
	bool auth;
};
/* Somebody drove, from a moment to another (0: to the journal's end). */
struct report_drive {
	char name[32];
	int64_t from_ms, to_ms;
};
/* A time of which the journal knows less than it should. */
struct report_gap {
	int64_t from_ms, to_ms;
	char *text;
};

struct report {
	struct state *state;
	struct journal_check check; /* how far the journal holds */
	struct json *opened;        /* the body of night.opened */
	int64_t first_ms, last_ms;
	struct report_moment *moments;
	size_t n_moments;
	struct report_gate *gates;
	size_t n_gates;
	struct report_answer *answers;
	size_t n_answers;
	struct report_gap *gaps;
	size_t n_gaps;
	struct report_drive *drives;
	size_t n_drives;
	char bad_step[48], bad_outcome[16]; /* the newest attempt that ended badly and was not mended since */
	char back_step[48], back_outcome[16],
	    back_by[32]; /* the same when the way back was taken, and by whom */
};
/* Reads and folds a journal. -1 when it cannot be read; a journal with a bad line is folded up to it. */
int report_read(const char *journal, struct report *report, struct err *err);
void report_done(struct report *report);

/* "done", "failed", "aborted", "rolled-back", "open" */
const char *report_verdict(const struct report *report);
/* Seconds visitors saw the maintenance page; -1 when it never began. */
double report_downtime_s(const struct state *state, int64_t now_ms);

/* What a reader wants to know before anything else. Times in ms, -1 where they are not known. */
struct report_sums {
	int64_t end_ms, took_ms, down_ms;
	int64_t people_ms; /* gates waited for people, all of them together */
	int64_t flip_ms,
	    all_ms;      /* names were pointed; from then until every server told NEW (-1: not all did) */
	int64_t back_ms; /* the way back pointed names to the old side again; -1: it did not */
	size_t servers, not_new, old; /* of the newest answers, and which of them are not NEW, and OLD */
	size_t steps, done, skipped, byhand, failed;
	size_t waivers; /* that still stood at the end */
};
void report_sum(const struct report *report, struct report_sums *out);

/* What one person did in this night; seats of the same name are one person. */
struct report_person {
	char name[32], station[16];
	int64_t from_ms, to_ms;      /* at a seat, the first to the last; 0: no seat, or there to the end */
	bool observed;               /* never more than that */
	int64_t drove_ms, waited_ms; /* waited: gates that this person passed or left, while they were open */
	size_t passed, left, byhand, waived, notes;
};
/* In the order in which they came; to be freed. */
struct report_person *report_people(const struct report *report, size_t *n);
/* "at a seat from 10:58:31 to the end, drove 1:55; passed 5 gates, which waited 0:22; 2 notes": without the
 * name, and no text of anybody's in it. */
void report_person_text(const struct report_person *person, char *out, size_t size);
/* For the reader of a journal. */
void report_people_take(struct report *report, const struct event *event);

/* One whole sentence for somebody who reads no further. */
void report_sentence(const struct report *report, char *out, size_t size);
/* How many steps the report lists: those of the way back only when it was taken. */
size_t report_n_steps(const struct report *report);

void report_json(const struct report *report, struct jw *w);
void report_markdown(const struct report *report, struct buf *out);
/* One page that asks nothing of anybody: no script, no picture, no font from elsewhere. */
void report_html(const struct report *report, struct buf *out);
/* what: "rows", "checks", "timeline" or "steps". -1 when it is none of them. */
int report_csv(const struct report *report, const char *what, struct buf *out);

#endif
