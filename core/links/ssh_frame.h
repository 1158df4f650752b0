/* What a line and its borrowers say to each other over a Unix socket. One connection is one channel, or, as
 * long as nothing is asked for, the sign that the line is good. Both ways: a letter, four bytes of length
 * (the highest first), that many bytes.
 *
 *   borrower  H {"asking","who"}    who wants something, and whether a person may be asked for it
 *   line      H {"name","by","because"}    the host is there; nothing may be asked for before
 *   line      N {"error","text","full"}    no, or no longer, and why; the last word
 *   borrower  X COMMAND             or B COMMAND, which will be given megabytes, or F {"host","port"}
 *   line      K                     it is open
 *   borrower  I BYTES, E            input and its end
 *   line      O BYTES, R BYTES      output and error output
 *   line      S {"status","signal"} the last word of a command or a forward that ended
 *
 * A borrower that closes its end, or dies, ends what it asked for. */
#ifndef CORE_LINKS_SSH_FRAME_H
#define CORE_LINKS_SSH_FRAME_H

#include "core/base/buf.h"
#include "core/base/json.h"

enum { FRAME_HEAD = 5, FRAME_MOST = 1 << 20, FRAME_DATA = 128 << 10 };

struct frame {
	char kind;
	const char *data; /* within the text it was read from, not terminated */
	size_t len;
};
void frame_head(char out[FRAME_HEAD], char kind, size_t len);
void frame_add(struct buf *out, char kind, const void *data, size_t len);
/* Finishes and frees the writer. */
void frame_add_json(struct buf *out, char kind, struct jw *w);
/* Bytes used, 0 when the frame is not whole yet, -1 when it is none. */
long frame_read(const char *text, size_t len, struct frame *out);
/* Its bytes as an object; NULL when they are none. To be freed. */
struct json *frame_json(const struct frame *frame);

#endif
