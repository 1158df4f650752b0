#include "tui/input.h"
#include "core/base/text.h"
#include <string.h>

enum guard_says guard_key(struct guard *guard, const char *name, bool acts, int64_t now_ms)
{
	int acting = acts ? 1 : 0;

	if (now_ms < guard->blank_until_ms)
		return GUARD_DROP;
	if (guard->dropped) {
		guard->dropped++;
		guard->last_ms = now_ms;
		return GUARD_DROP;
	}
	for (size_t i = 0; i < guard->n; i++)
		if (guard->held[i].acts && now_ms - guard->held[i].at_ms <= GUARD_WINDOW_MS)
			acting++;
	if (acting >= 3 || guard->n == GUARD_HELD) {
		guard->dropped = (int)guard->n + 1;
		guard->n = 0;
		guard->last_ms = now_ms;
		return GUARD_BURST;
	}
	if (!acts && !guard->n)
		return GUARD_DO;
	/* What follows a held key is held, too: the order of the keys stays. */
	text_copy(guard->held[guard->n].name, sizeof(guard->held[0].name), name);
	guard->held[guard->n].acts = acts;
	guard->held[guard->n++].at_ms = now_ms;
	return GUARD_WAIT;
}

int guard_run(struct guard *guard, const char *name, int64_t now_ms)
{
	if (!guard->run || now_ms - guard->run_last_ms > GUARD_RUN_MS) {
		guard->run = 0;
		guard->run_begin_ms = now_ms;
		guard->run_key[0] = '\0';
	}
	guard->run += strcmp(guard->run_key, name) != 0;
	guard->run_last_ms = now_ms;
	text_copy(guard->run_key, sizeof(guard->run_key), name);
	return guard->run;
}

void guard_pour(struct guard *guard, int64_t now_ms)
{
	guard->dropped = guard->run;
	guard->n = 0;
	guard->last_ms = now_ms;
}

/* A looking key waits no longer than the acting key before it. */
static int64_t due_ms(const struct guard *guard)
{
	return guard->held[0].acts ? guard->held[0].at_ms + GUARD_WINDOW_MS + 1 : 0;
}

bool guard_next(struct guard *guard, int64_t now_ms, char name[16])
{
	if (!guard->n || now_ms < due_ms(guard))
		return false;
	text_copy(name, 16, guard->held[0].name);
	guard->n--;
	memmove(guard->held, guard->held + 1, guard->n * sizeof(guard->held[0]));
	return true;
}

int guard_burst_over(struct guard *guard, int64_t now_ms)
{
	int dropped = guard->dropped;

	if (!dropped || now_ms - guard->last_ms < GUARD_QUIET_MS)
		return 0;
	guard->dropped = 0;
	return dropped;
}

int64_t guard_wait_ms(const struct guard *guard, int64_t now_ms)
{
	int64_t until_ms;

	if (guard->dropped)
		until_ms = guard->last_ms + GUARD_QUIET_MS;
	else if (guard->n)
		until_ms = due_ms(guard);
	else
		return -1;
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

void guard_blank(struct guard *guard, int64_t now_ms)
{
	guard->blank_until_ms = now_ms + GUARD_BLANK_MS;
	guard->n = 0;
}

int guard_clear(struct guard *guard)
{
	int n = (int)guard->n + guard->dropped;

	guard->n = 0;
	guard->dropped = 0;
	return n;
}

bool key_printable(const char *key)
{
	uint32_t code;
	size_t len = strlen(key);

	if (!len || (unsigned char)key[0] < 33 || key[0] == 127)
		return false;
	return text_decode(key, len, &code) == len;
}

void line_set(struct line *line, const char *text)
{
	text_copy(line->text, sizeof(line->text), text);
	line->len = line->at = strlen(line->text);
}

void line_insert(struct line *line, const char *text, size_t len)
{
	if (line->len + len >= sizeof(line->text))
		return;
	memmove(line->text + line->at + len, line->text + line->at, line->len - line->at + 1);
	memcpy(line->text + line->at, text, len);
	line->at += len;
	line->len += len;
}

static void line_erase(struct line *line, size_t from, size_t to)
{
	memmove(line->text + from, line->text + to, line->len - to + 1);
	line->len -= to - from;
	line->at = from;
}

/* Never between the bytes of one character. */
static size_t before(const struct line *line, size_t at)
{
	while (at > 0 && (line->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t after(const struct line *line, size_t at)
{
	while (at < line->len && (line->text[++at] & 0xc0) == 0x80)
		;
	return at < line->len ? at : line->len;
}

static size_t word_before(const struct line *line, size_t at)
{
	while (at > 0 && line->text[at - 1] == ' ')
		at--;
	while (at > 0 && line->text[at - 1] != ' ')
		at--;
	return at;
}

bool line_key(struct line *line, const char *key)
{
	if (strcmp(key, "Space") == 0)
		line_insert(line, " ", 1);
	else if (key_printable(key))
		line_insert(line, key, strlen(key));
	else if (strcmp(key, "Backspace") == 0)
		line_erase(line, before(line, line->at), line->at);
	else if (strcmp(key, "Delete") == 0)
		line_erase(line, line->at, after(line, line->at));
	else if (strcmp(key, "Ctrl-U") == 0)
		line_erase(line, 0, line->at);
	else if (strcmp(key, "Ctrl-W") == 0)
		line_erase(line, word_before(line, line->at), line->at);
	else if (strcmp(key, "Left") == 0)
		line->at = before(line, line->at);
	else if (strcmp(key, "Right") == 0)
		line->at = after(line, line->at);
	else if (strcmp(key, "Home") == 0 || strcmp(key, "Ctrl-A") == 0)
		line->at = 0;
	else if (strcmp(key, "End") == 0 || strcmp(key, "Ctrl-E") == 0)
		line->at = line->len;
	else
		return false;
	return true;
}

bool phrase_key(struct line *line, const char *key)
{
	bool one = key[0] && !key[1];

	line->at = line->len;
	if (strcmp(key, "Space") == 0)
		line_insert(line, " ", 1);
	else if (one && ((key[0] >= 'a' && key[0] <= 'z') || (key[0] >= '0' && key[0] <= '9') ||
			 strchr("-_.", key[0])))
		line_insert(line, key, 1);
	else if (strcmp(key, "Backspace") == 0)
		line_erase(line, before(line, line->len), line->len);
	else if (strcmp(key, "Ctrl-U") == 0)
		line_set(line, "");
	else
		return false;
	return true;
}
