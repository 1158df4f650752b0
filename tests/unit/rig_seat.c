/* Seats at the rig's engine: a socket each, and all that they were told. */
#include "tests/unit/rig.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/base/text.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct rig_seat {
	int fd;
	struct buf in;
};

static void take_in(struct rig_seat *seat, int ms)
{
	char chunk[65536];
	struct pollfd p = {.fd = seat->fd, .events = POLLIN};
	while (poll(&p, 1, ms) > 0) {
		ssize_t n = read(seat->fd, chunk, sizeof chunk);
		if (n <= 0) {
			rig_sleep(ms);
			return;
		}
		buf_add(&seat->in, chunk, (size_t)n);
		ms = 0;
	}
}

struct rig_seat *rig_sit(struct rig *rig, const char *name, bool observer)
{
	struct rig_seat *seat = xcalloc(1, sizeof *seat);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	text_copyf(addr.sun_path, sizeof addr.sun_path, "%s/seat.sock", rig->dir);
	seat->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(seat->fd, (struct sockaddr *)&addr, sizeof addr), 0);
	char joined[64];
	text_copyf(joined, sizeof joined, "\"name\":\"%s\"", name);
	size_t before = rig_events(rig, "seat.joined", joined);
	rig_tell(seat,
		 "{\"t\":\"hello\",\"proto\":1,\"name\":\"%s\",\"cols\":80,\"rows\":24,\"observer\":%s}",
		 name, observer ? "true" : "false");
	rig_hear(seat, "\"t\":\"welcome\"");
	rig_wait(rig, "seat.joined", joined, before + 1);
	return seat;
}

void rig_leave(struct rig_seat *seat)
{
	close(seat->fd);
	buf_done(&seat->in);
	free(seat);
}

void rig_tell(struct rig_seat *seat, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	buf_addc(&text, '\n');
	assert_int_equal(write(seat->fd, text.data, text.len), (ssize_t)text.len);
	buf_done(&text);
}

bool rig_heard(struct rig_seat *seat, const char *needle)
{
	take_in(seat, 0);
	return strstr(buf_text(&seat->in), needle) != NULL;
}

void rig_hear(struct rig_seat *seat, const char *needle)
{
	for (int64_t until = rig_ms() + RIG_WAIT_MS; rig_ms() < until;) {
		if (rig_heard(seat, needle))
			return;
		take_in(seat, 20);
	}
	size_t n = seat->in.len;
	fail_msg("the seat did not hear \"%s\" but: %s", needle,
		 buf_text(&seat->in) + (n > 2000 ? n - 2000 : 0));
}

void rig_forget(struct rig_seat *seat)
{
	take_in(seat, 0);
	buf_reset(&seat->in);
}

void rig_fence(struct rig *rig, struct rig_seat *seat)
{
	static int n;
	char text[24];
	text_copyf(text, sizeof text, "\"fence %d\"", ++n);
	rig_tell(seat, "{\"t\":\"cmd\",\"cmd\":\"note\",\"text\":%s}", text);
	rig_wait(rig, "note.added", text, 1);
}
