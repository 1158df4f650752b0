/* The journal: one event a line, hash-chained, append only, locked for life by its engine.
 *
 * A line is the event's JSON with a last member "h": SHA-256 (hex) of the previous line's hash and this
 * line's bytes without that member. The first line's previous hash is the empty string. A chain cannot see a
 * cut tail: the file HEAD beside it (after each gate), the report and the seats' last hash are its anchors.
 */
#ifndef CORE_NIGHT_JOURNAL_H
#define CORE_NIGHT_JOURNAL_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_HASH_HEX 65
#define JOURNAL_LINE_MAX (64 << 20) /* far beyond the longest event */

struct journal;

/* Called for each line in order, without its "h" member's checking. Return false to stop. */
typedef bool journal_line_fn(void *arg, const char *line, size_t len);

/* Opens (creates with mode 0600) and locks. A torn last line is set aside in PATH.torn and *torn says so.
 * Every whole line goes to `each` (may be NULL). ERR_REFUSED: another engine holds it. ERR_IO: chain broken,
 * with the line's number. */
struct journal *journal_open(const char *path, journal_line_fn *each, void *arg, bool *torn, struct err *err);
void journal_close(struct journal *journal);
/* Appends one event (a JSON object on one line, without "h"). `sync`: returns only after fsync. On failure
 * nothing of the line stays in the file, or nothing is appended until it could be cut off. Refused, too, when
 * `path` no longer names the file that was opened: nobody would ever read the line. */
int journal_append(struct journal *journal, const char *line, size_t len, bool sync, struct err *err);
const char *journal_head(const struct journal *journal); /* hash of the last line, "" when empty */
uint64_t journal_lines(const struct journal *journal);
/* True while the reserve on the disk is less than what a whole ending needs. */
bool journal_tight(struct journal *journal);
/* Writes `head` and the number of lines into PATH's folder as HEAD. */
int journal_anchor(struct journal *journal, struct err *err);

struct journal_check {
	uint64_t lines; /* whole lines that hold */
	uint64_t bad;   /* number of the first line that does not, 0 for none */
	char why[160];  /* in a sentence, for `bad` */
	char head[JOURNAL_HASH_HEX];
	bool torn;         /* bytes after the last newline */
	bool anchored;     /* HEAD was there */
	bool anchor_found; /* and its hash is one of the lines' */
	uint64_t anchor_line;
};
/* Reads a journal without locking it. -1 only when it cannot be read at all. */
int journal_check(const char *path, journal_line_fn *each, void *arg, struct journal_check *out,
		  struct err *err);

#endif
