/* Kamal's words: SSHKit's lines, Thor's bare ones, and the last word of an exception. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/kamal.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- cutting what nobody needs to read ---- */

static const char *skip_word(const char *at)
{
	char quote = 0;
	for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? 0 : *at;
	}
	return at;
}

/* "--env NAME=value": the name is told, the value is not; what Kamal itself adds is no secret. */
static const char *mask_env(const char *at, const char *text, struct buf *out)
{
	static const char *const options[] = {"--env ", "-e ", NULL};
	for (size_t i = 0; options[i]; i++) {
		size_t len = strlen(options[i]);
		if (strncmp(at, options[i], len) != 0 || (at > text && !isspace((unsigned char)at[-1])))
			continue;
		const char *name = at + len, *equals = name + strspn(name, "\"'");
		bool kamals = text_starts(equals, "KAMAL_");
		while (isalnum((unsigned char)*equals) || *equals == '_')
			equals++;
		if (*equals != '=' || kamals)
			return NULL;
		buf_add(out, at, (size_t)(equals - at) + 1);
		buf_adds(out, "...");
		return skip_word(name);
	}
	return NULL;
}

/* "scheme://user:password@host" */
static const char *mask_url(const char *at, struct buf *out)
{
	if (!text_starts(at, "://"))
		return NULL;
	/* Up to the last @ of the word: a password that nobody escaped may hold a slash or a quote. */
	const char *end = at + 3 + strcspn(at + 3, " \t");
	const char *colon = memchr(at + 3, ':', (size_t)(end - at) - 3);
	const char *host = colon ? memrchr(colon, '@', (size_t)(end - colon)) : NULL;
	if (!host)
		return NULL;
	buf_add(out, at, (size_t)(colon - at) + 1);
	buf_adds(out, "...");
	return host;
}

void kamal_mask(const char *text, char *out, size_t size)
{
	struct buf masked = {0};
	for (const char *at = text; *at;) {
		const char *next = mask_env(at, text, &masked);
		next = next ? next : mask_url(at, &masked);
		if (!next)
			buf_addc(&masked, *at++);
		else
			at = next;
	}
	text_copy(out, size, buf_text(&masked));
	buf_done(&masked);
}

/* ---- one line ---- */

static bool read_id(const char **at, char id[9])
{
	const char *open = *at;
	if (*open != '[' || strspn(open + 1, "0123456789abcdef") != 8 || open[9] != ']')
		return false;
	text_copyf(id, 9, "%.8s", open + 1);
	*at = open + 10;
	*at += **at == ' ';
	return true;
}

static int64_t read_seconds(const char *text)
{
	char *end;
	double s = strtod(text, &end);
	return end != text && s >= 0 && s < 1e9 ? (int64_t)(s * 1000 + 0.5) : -1;
}

static void read_running(const char *rest, struct kamal_line *out)
{
	const char *host = NULL;
	for (const char *at = strstr(rest, " on "); at; at = strstr(at + 1, " on "))
		host = at + strlen(" on ");
	out->what = KAMAL_RUNNING;
	/* A host has no blanks: otherwise "on" was a word of the command, and no host was told. */
	if (host && (!*host || strcspn(host, " \t") != strlen(host)))
		host = NULL;
	if (host)
		text_copy(out->host, sizeof out->host, host);
	char *command =
	    xasprintf("%.*s", host ? (int)(host - strlen(" on ") - rest) : (int)strlen(rest), rest);
	/* "/usr/bin/env" says nothing. */
	const char *plain =
	    text_starts(command, "/usr/bin/env ") ? command + strlen("/usr/bin/env ") : command;
	kamal_mask(plain, out->text, sizeof out->text);
	free(command);
}

static void read_finished(const char *rest, struct kamal_line *out)
{
	const char *status = strstr(rest, "exit status ");
	out->what = KAMAL_FINISHED;
	out->ms = read_seconds(rest);
	if (status) {
		const char *digits = status + strlen("exit status ");
		char number[12];
		text_copyf(number, sizeof number, "%.*s", (int)strspn(digits, "0123456789"), digits);
		out->status = (int)units_parse_int(number, -1);
	}
	text_copy(out->text, sizeof out->text, rest);
}

/* "ERROR (Class): message" */
static bool read_failed(const char *rest, struct kamal_line *out)
{
	const char *close = *rest == '(' ? strstr(rest, "): ") : NULL;
	size_t len = close ? (size_t)(close - rest) - 1 : 0;
	if (!len || len >= sizeof out->class ||
	    strspn(rest + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstu"
			     "vwxyz0123456789_:") != len)
		return false;
	out->what = KAMAL_FAILED;
	text_copyf(out->class, sizeof out->class, "%.*s", (int)len, rest + 1);
	kamal_mask(close + strlen("): "), out->text, sizeof out->text);
	return true;
}

static const char *read_level(const char *text, enum kamal_what *what)
{
	static const struct {
		const char *name;
		enum kamal_what what;
	} levels[] = {{"INFO ", KAMAL_INFO},
		      {"WARN ", KAMAL_WARN},
		      {"ERROR ", KAMAL_ERROR},
		      {"DEBUG ", KAMAL_DEBUG},
		      {"FATAL ", KAMAL_ERROR}};
	const char *word = text + strspn(text, " ");
	for (size_t i = 0; i < sizeof levels / sizeof *levels && word > text; i++)
		if (text_starts(word, levels[i].name)) {
			*what = levels[i].what;
			return word + strlen(levels[i].name);
		}
	return NULL;
}

void kamal_line_read(const char *line, size_t len, struct kamal_line *out)
{
	char clean[4000];
	*out = (struct kamal_line){.what = KAMAL_SAYS, .status = -1, .ms = -1};
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	text_clean(clean, sizeof clean, line, len);
	const char *all_in = "  Finished all in ", *rest = read_level(clean, &out->what);
	if (!rest) {
		if (text_starts(clean, all_in)) {
			out->what = KAMAL_TOOK;
			out->ms = read_seconds(clean + strlen(all_in));
		}
		kamal_mask(clean, out->text, sizeof out->text);
		return;
	}
	if (out->what == KAMAL_ERROR && read_failed(rest, out))
		return;
	bool has_id = read_id(&rest, out->id);
	if (has_id && out->what == KAMAL_INFO && text_starts(rest, "Running "))
		read_running(rest + strlen("Running "), out);
	else if (has_id && out->what == KAMAL_INFO && text_starts(rest, "Finished in "))
		read_finished(rest + strlen("Finished in "), out);
	else
		kamal_mask(rest, out->text, sizeof out->text);
}

/* ---- a run ---- */

static void begin(struct kamal_talk *talk, const struct kamal_line *line)
{
	talk->begun++;
	/* More at once than fit: the oldest is no longer told, but it is still counted. */
	if (talk->n_pending == sizeof talk->pending / sizeof *talk->pending)
		memmove(talk->pending, talk->pending + 1, --talk->n_pending * sizeof *talk->pending);
	struct kamal_pending *p = &talk->pending[talk->n_pending++];
	text_copy(p->id, sizeof p->id, line->id);
	text_copy(p->host, sizeof p->host, line->host);
	text_copy(p->text, sizeof p->text, line->text);
}

static void end(struct kamal_talk *talk, const struct kamal_line *line)
{
	talk->ended++;
	for (size_t i = 0; i < talk->n_pending; i++) {
		struct kamal_pending *p = &talk->pending[i];
		if (!text_equal(p->id, line->id))
			continue;
		if (line->status != 0) {
			talk->failed++;
			if (!*talk->on_the_way)
				text_copyf(talk->on_the_way, sizeof talk->on_the_way, "%s ended with %d",
					   p->text, line->status);
		}
		memmove(p, p + 1, (--talk->n_pending - i) * sizeof *p);
		return;
	}
}

static void says(struct kamal_talk *talk, const char *text)
{
	if (text_starts(text, "Acquiring the deploy lock"))
		talk->took_lock = true;
	else if (text_starts(text, "Releasing the deploy lock"))
		talk->took_lock = false;
	else if (text_starts(text, "Deploy lock already in place!")) {
		talk->took_lock = false;
		talk->lock_refused = true;
	} else if (text_starts(text, "Skipping booting"))
		talk->skipped = true;
}

void kamal_talk_take(struct kamal_talk *talk, const struct kamal_line *line)
{
	if (line->what == KAMAL_FAILED) {
		text_copy(talk->error_class, sizeof talk->error_class, line->class);
		text_copy(talk->error, sizeof talk->error, line->text);
		talk->in_error = true;
		return;
	}
	/* An exception's message goes over several lines; it is the last that Kamal says. */
	if (talk->in_error && line->what == KAMAL_SAYS) {
		if (*line->text)
			text_copyf(talk->error + strlen(talk->error),
				   sizeof talk->error - strlen(talk->error), " / %s",
				   line->text + strspn(line->text, " "));
		return;
	}
	talk->in_error = false;
	if (line->what == KAMAL_RUNNING)
		begin(talk, line);
	else if (line->what == KAMAL_FINISHED)
		end(talk, line);
	else if (line->what == KAMAL_SAYS)
		says(talk, line->text);
	else if (line->what == KAMAL_ERROR && !*talk->on_the_way)
		text_copy(talk->on_the_way, sizeof talk->on_the_way, line->text);
}

void kamal_talk_now(const struct kamal_talk *talk, char *out, size_t size)
{
	*out = 0;
	if (!talk->n_pending)
		return;
	const struct kamal_pending *p = &talk->pending[talk->n_pending - 1];
	text_copyf(out, size, "%.100s%s%s", p->text, *p->host ? " on " : "", p->host);
	if (talk->n_pending > 1)
		text_copyf(out + strlen(out), size - strlen(out), ", and %zu more", talk->n_pending - 1);
}

/* Causes that have a way out of their own. */
static const char *way_out(const struct kamal_talk *talk)
{
	static const struct {
		const char *word, *what;
	} known[] = {
	    {"not found in .kamal", "write the secret into that file, then run this again: what ran goes on"},
	    {"Secret '", "write the secret into .kamal/secrets, then run this again: what ran goes on"},
	    {"failed to become healthy",
	     "read the web container's log; the container before it still gets the visitors"},
	    {"Net::SSH::AuthenticationFailed", "Kamal was not let in: is the key in the agent?"},
	    {"HostKeyMismatch", "the host key is not the known one: look whose it is"},
	    {"No such image", "the image is not on the host: kamal build pull"},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (text_find(talk->error, known[i].word) || text_find(talk->error_class, known[i].word))
			return known[i].what;
	return NULL;
}

void kamal_talk_end(const struct kamal_talk *talk, int rc, char *out, size_t size)
{
	const char *way = way_out(talk);
	char now[200];
	kamal_talk_now(talk, now, sizeof now);
	if (!*now)
		text_copy(now, sizeof now, "no command on a host");
	if (talk->lock_refused)
		text_copyf(out, size, "kamal did nothing: the deploy lock is held (%s)", talk->error);
	else if (*talk->error)
		text_copyf(out, size, "kamal: %.400s%s%s%s%s", talk->error, way ? ": " : "", way ? way : "",
			   talk->took_lock ? ". It had taken the lock and did not give it back" : "", "");
	else if (talk->took_lock)
		text_copyf(
		    out, size,
		    "it was at %s, and left the lock it had taken: look what runs, then kamal lock release",
		    now);
	else if (rc < 0)
		text_copyf(out, size, "it was at %s", now);
	else if (rc != 0)
		text_copyf(out, size, "kamal ended with %d%s%s", rc, *talk->on_the_way ? ": " : "",
			   talk->on_the_way);
	else
		text_copyf(out, size, "kamal ended well, %lld commands%s%s", (long long)talk->begun,
			   *talk->on_the_way ? ", but " : "", talk->on_the_way);
}
