/* The seat's end of the engine's socket: lines of JSON both ways, never waiting. */
#ifndef TUI_WIRE_H
#define TUI_WIRE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>

struct wire {
	int fd;           /* -1: not connected */
	int pid, said_fd; /* of a program that is the connection: 0 and -1 when there is none */
	char said[200];   /* its newest line on standard error, cleaned */
	struct buf in, out;
	size_t scanned; /* bytes of `in` known to hold no line end */
};

void wire_init(struct wire *wire);
void wire_done(struct wire *wire);
/* Connects to a Unix stream socket. -1: nobody listens there. */
int wire_connect(struct wire *wire, const char *path, struct err *err);
/* The same through a program whose standard input and output are the connection: ssh, to an engine elsewhere.
 */
int wire_spawn(struct wire *wire, char *const argv[], struct err *err);
void wire_close(struct wire *wire);
/* Takes what has come and gives each whole line, without its end. -1: the other side is gone. */
int wire_read(struct wire *wire, void (*line)(void *ctx, const char *text, size_t len), void *ctx);
/* Sends what is waiting, as far as it goes. -1: the other side is gone. */
int wire_flush(struct wire *wire);
bool wire_wants_write(const struct wire *wire);
/* Finishes and frees the writer; its object goes out as one line. */
int wire_send(struct wire *wire, struct jw *w);

#endif
