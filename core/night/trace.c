#include "core/night/trace.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct trace {
	FILE *file;
	char path[512];
	size_t bytes;
	bool half; /* of a line at its end: the next one must not be glued to it, and be lost with it */
	unsigned long long dropped;
};

/* As a machine leaves it that stopped in the midst of a line. */
static bool ends_in_half(const char *path)
{
	FILE *f = fopen(path, "rbe");
	bool half = f && fseek(f, -1, SEEK_END) == 0 && fgetc(f) != '\n';
	if (f)
		fclose(f);
	return half;
}

static FILE *trace_file(const char *path)
{
	FILE *f = fopen(path, "abe");
	if (f)
		setvbuf(f, NULL, _IOFBF, 1 << 16);
	return f;
}

struct trace *trace_open(const char *path, struct err *err)
{
	FILE *f = trace_file(path);
	if (!f) {
		err_set(err, ERR_IO, "the trace %s cannot be opened: %s", path, strerror(errno));
		return NULL;
	}
	struct trace *t = xcalloc(1, sizeof *t);
	t->file = f;
	text_copy(t->path, sizeof t->path, path);
	struct stat st;
	if (stat(path, &st) == 0)
		t->bytes = (size_t)st.st_size;
	t->half = ends_in_half(path);
	return t;
}

void trace_close(struct trace *trace)
{
	if (!trace)
		return;
	if (trace->file)
		fclose(trace->file);
	free(trace);
}

static void trace_rotate(struct trace *t)
{
	char old[560];
	text_copyf(old, sizeof old, "%s.1", t->path);
	fclose(t->file);
	rename(t->path, old);
	t->file = trace_file(t->path);
	t->bytes = 0;
}

void trace_write(struct trace *t, const char *line, size_t len)
{
	if (t->bytes > TRACE_MAX_BYTES)
		trace_rotate(t);
	if (t->file && t->half)
		t->half = fputc('\n', t->file) == EOF;
	if (!t->file || t->half || fwrite(line, 1, len, t->file) != len || fputc('\n', t->file) == EOF) {
		t->dropped++;
		t->half = true;
		if (t->file)
			clearerr(t->file);
		return;
	}
	t->bytes += len + 1;
}

void trace_flush(struct trace *trace)
{
	if (trace->file)
		fflush(trace->file);
}

unsigned long long trace_dropped(const struct trace *trace)
{
	return trace->dropped;
}
