#include "core/links/ssh_frame.h"
#include <string.h>

void frame_head(char out[FRAME_HEAD], char kind, size_t len)
{
	out[0] = kind;
	for (int i = 0; i < 4; i++)
		out[1 + i] = (char)(len >> (24 - 8 * i) & 0xff);
}

void frame_add(struct buf *out, char kind, const void *data, size_t len)
{
	char head[FRAME_HEAD];
	frame_head(head, kind, len);
	buf_add(out, head, FRAME_HEAD);
	if (len)
		buf_add(out, data, len);
}

void frame_add_json(struct buf *out, char kind, struct jw *w)
{
	const char *text = jw_finish(w);
	frame_add(out, kind, text, strlen(text));
	jw_done(w);
}

long frame_read(const char *text, size_t len, struct frame *out)
{
	size_t size = 0;
	if (len < FRAME_HEAD)
		return 0;
	for (int i = 0; i < 4; i++)
		size = size << 8 | (unsigned char)text[1 + i];
	if (size > FRAME_MOST || !strchr("HNXBFKIEORS", text[0]) || !text[0])
		return -1;
	if (len < FRAME_HEAD + size)
		return 0;
	*out = (struct frame){.kind = text[0], .data = text + FRAME_HEAD, .len = size};
	return (long)(FRAME_HEAD + size);
}

struct json *frame_json(const struct frame *frame)
{
	return json_parse(frame->data, frame->len, NULL);
}
