/* Lines of text from everywhere, and every request, SQL and ssh line that was made.
 *
 * log.lines      STREAM {lines[{at_ms, side: OLD|NEW|"", source, level: ""|info|warn|error, text}]}
 * command.seen   STREAM {how, text, job}
 */
#ifndef CORE_NIGHT_KINDS_LOGS_H
#define CORE_NIGHT_KINDS_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOGS_MAX_BYTES (8u << 20) /* per ring; scrolling beyond reads the trace */

struct log_line {
	int64_t at_ms;
	uint64_t seq; /* of the event, for a stable place in the list */
	char side[4], source[20], level[6];
	char *text; /* owned, cleaned */
};
struct log_ring {
	struct log_line *lines; /* a ring: lines[(first + i) % cap] */
	size_t first, n, cap, bytes;
	uint64_t total; /* ever added: total - n were dropped at the front */
};
struct logs_state {
	struct log_ring lines;
	struct log_ring commands; /* source = how, side "" */
	uint64_t errors;          /* lines of level error, ever */
};
const struct log_line *log_at(const struct log_ring *ring, size_t i); /* i < n, oldest first */

#endif
