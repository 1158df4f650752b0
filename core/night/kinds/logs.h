/* Lines of text from everywhere, what is known about some of them, and every request, SQL and ssh line that
 * was made.
 *
 * log.lines      STREAM {lines[{at_ms, side: OLD|NEW|"", source, level: ""|info|warn|error, text, left}]}
 *                left: the line stands for so many that its source wrote and nobody was given
 * log.signature  CHANGE key id {id, title, cause, fix, match[], warn, side, source, text, line_at_ms}
 *                a known error was seen for the first time
 * log.again      SAMPLE key id {id, count, line_at_ms}      and so often by now
 * command.seen   STREAM {how, text, job}
 */
#ifndef CORE_NIGHT_KINDS_LOGS_H
#define CORE_NIGHT_KINDS_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGS_MAX_BYTES (8u << 20) /* per ring; scrolling beyond reads the trace */
#define LOG_SOURCES_MAX 40
#define LOG_CARD_SOURCE "known" /* the source of a line that was put in because a known error was seen */

struct log_line {
	int64_t at_ms;
	uint64_t id; /* 1 for the first of the night: stays its own while others come between or fall out */
	char side[4], source[28], level[6];
	char *text; /* owned, cleaned */
};
struct log_ring {
	struct log_line *lines; /* a ring: lines[(first + i) % cap] */
	size_t first, n, cap, bytes;
	uint64_t total; /* ever added: total - n were dropped at the front */
};
struct log_source {
	char side[4], source[28];
	uint64_t n;
};
struct signature_seen {
	char id[24], title[80], cause[280], fix[320], match[4][96];
	char side[4], source[28], text[300]; /* of the first line */
	int64_t first_at_ms, last_at_ms;
	uint64_t count;
	bool warn;
};
struct logs_state {
	struct log_ring lines;    /* by time: what comes late is put in its place */
	struct log_ring commands; /* source = how, side "" */
	uint64_t errors;          /* lines of level error, ever */
	uint64_t left_out;        /* lines that were counted at their source and not given to anybody */
	struct log_source sources[LOG_SOURCES_MAX]; /* in order of their first line */
	size_t n_sources;
	struct signature_seen *signatures; /* in order of their first line */
	size_t n_signatures;
};
const struct log_line *log_at(const struct log_ring *ring, size_t i); /* i < n, oldest first */
/* The place of the line with this id; -1 when it fell out or never was. */
ptrdiff_t log_place(const struct log_ring *ring, uint64_t id);
/* What is known about this line; NULL for nothing. */
const struct signature_seen *log_signature(const struct logs_state *logs, const struct log_line *line);
const struct signature_seen *log_signature_by_id(const struct logs_state *logs, const char *id);

#endif
