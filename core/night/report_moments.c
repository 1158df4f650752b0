#include "core/night/report_moments.h"
#include "core/base/text.h"
#include "core/night/kinds/watching.h"
#include <stdlib.h>
#include <string.h>

/* {field} is that field's value. [text] is left out when a field in it is empty; [field=value text] and
 * [!field text], [?field text] are there when the field has that value, is false, is true. What expands to
 * nothing is no moment. */
static const struct moment_words {
	const char *kind;
	enum report_tone tone;
	const char *what, *text;
} words[] = {
    {"night.opened", REPORT_PLAIN, "", "night opened for {app}"},
    {"night.turned", REPORT_BAD, "", "the way back was taken by {by}"},
    {"night.closed", REPORT_PLAIN, "", "night closed: {verdict}[: {text}]"},
    {"engine.started", REPORT_BAD, "", "[?restarted engine started again]"},
    {"gate.opened", REPORT_PEOPLE, "step", "gate opened ({level}), target {target}"},
    {"gate.passed", REPORT_PEOPLE, "step",
     "gate passed by {by} ({how})[, second person {second}][?by_name_only  BY NAME ONLY: both use one "
     "login]"},
    {"gate.closed", REPORT_PEOPLE, "step", "gate left by {by}[: {why}]"},
    {"attempt.started", REPORT_PLAIN, "step", "[verb=run started][verb=undo is being taken back] by {by}"},
    {"attempt.ended", REPORT_PLAIN, "step", "{outcome}[: {text}]"},
    {"attempt.found", REPORT_BAD, "step", "found after a restart: {probe}[: {text}]"},
    {"step.skipped", REPORT_BAD, "step", "skipped by {by}: {reason}"},
    {"step.byhand", REPORT_PEOPLE, "step", "done by hand by {by}[: {words}]"},
    {"hold.called", REPORT_BAD, "", "HOLD by {by}[: {why}]"},
    {"hold.released", REPORT_PEOPLE, "",
     "HOLD released by {by}[?caller_gone , its caller being gone][: {reason}]"},
    {"note.added", REPORT_PEOPLE, "", "note by {by}: {text}"},
    {"waiver.given", REPORT_BAD, "", "{about}[ ({fact})] waived by {by}: {reason}"},
    {"waiver.fallen", REPORT_BAD, "", "the waiver of {about} fell[: {why}]"},
    {"vote.given", REPORT_PEOPLE, "", "[?go GO][!go NO-GO] of {station} by {by}[: {reason}]"},
    {"vote.fallen", REPORT_PEOPLE, "", "the vote of {station} fell[: {why}]"},
    {"wheel.lost", REPORT_BAD, "", "the seat of {name}, who drove, is gone"},
    {"wheel.given", REPORT_PEOPLE, "", "{name} drives"},
    {"shell.opened", REPORT_PEOPLE, "", "{name} opened a shell on {side}"},
    {"shell.closed", REPORT_PEOPLE, "", "{name} closed the shell on {side}"},
    {"clock.jumped", REPORT_BAD, "", "the clock jumped by {by_ms} ms"},
    {"rows.compared", REPORT_GOOD, "", "{equal} of {tables} tables equal"},
    {"traffic.first", REPORT_GOOD, "", "first public answer of the new side: {status} for {name}"},
};

static bool add_field(const struct json *body, const char *name, struct buf *out)
{
	const struct json *x = json_get(body, name);
	const char *text = json_text(x);
	char about[170];
	if (text && text_equal(name, "about")) {
		waiver_words(text, about, sizeof about);
		text = about;
	}
	/* Its second and third word are numbers that only nightferry reads. */
	if (text && text_equal(name, "fact") && text_equal(json_str(body, "about", ""), "seen:cost")) {
		text_copyf(about, sizeof about, "%.*s", (int)strcspn(text, " "), text);
		text = about;
	}
	if (json_is_number(x))
		buf_addf(out, "%lld", (long long)json_value(x, 0));
	else if (text)
		buf_adds(out, text);
	return x && !(text && !*text);
}

/* "field=value ", "?field " or "!field " at the begin of an optional part; NULL when it is not to be shown.
 */
static const char *past_condition(const struct json *body, const char *at)
{
	char name[32], value[32] = "";
	size_t n = strcspn(at, " =[]{}");
	bool flag = *at == '?' || *at == '!';
	if (!flag && at[n] != '=')
		return at;
	text_copyf(name, sizeof name, "%.*s", (int)(n - flag), at + flag);
	if (flag)
		return json_bool(body, name, false) == (*at == '?') ? at + n + 1 : NULL;
	size_t len = strcspn(at + n + 1, " ]");
	text_copyf(value, sizeof value, "%.*s", (int)len, at + n + 1);
	return text_equal(json_str(body, name, ""), value) ? at + n + 1 + len + 1 : NULL;
}

/* Up to `stop` or the end; whether every field in it had a value. */
static bool expand(const struct json *body, const char *at, char stop, struct buf *out)
{
	bool whole = true;
	while (*at && *at != stop) {
		const char *end = *at == '{' ? strchr(at, '}') : *at == '[' ? strchr(at, ']') : NULL;
		if (!end) {
			buf_addc(out, *at++);
			continue;
		}
		if (*at == '{') {
			char name[32];
			text_copyf(name, sizeof name, "%.*s", (int)(end - at - 1), at + 1);
			whole = add_field(body, name, out) && whole;
		} else {
			struct buf part = {0};
			const char *from = past_condition(body, at + 1);
			if (from && expand(body, from, ']', &part))
				buf_adds(out, buf_text(&part));
			buf_done(&part);
		}
		at = end + 1;
	}
	return whole;
}

static enum report_tone tone_of(const struct moment_words *w, const struct json *body)
{
	if (!text_equal(w->kind, "attempt.ended") && !text_equal(w->kind, "night.closed"))
		return w->tone;
	const char *end = json_str(body, "outcome", json_str(body, "verdict", ""));
	return text_equal(end, "done") ? REPORT_GOOD : REPORT_BAD;
}

bool report_moment_of(const struct event *event, struct report_moment *out)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct buf text = {0};
		if (!text_equal(words[i].kind, event->kind))
			continue;
		expand(event->body, words[i].text, '\0', &text);
		bool any = text.len > 0;
		if (any)
			*out = (struct report_moment){
			    .at_ms = event->at_ms,
			    .tone = tone_of(&words[i], event->body),
			    .what = xstrdup(*words[i].what ? json_str(event->body, words[i].what, "") : ""),
			    .text = xstrdup(buf_text(&text))};
		buf_done(&text);
		return any;
	}
	return false;
}
