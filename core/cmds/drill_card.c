/* The score card: for people, as JSON, and as the last line of the night's journal. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/demo.h"
#include "core/cmds/drill.h"
#include "core/night/journal.h"
#include <string.h>

static const char *const verdicts[] = {
    [DRILL_PASSED] = "passed",
    [DRILL_NOT_STRUCK] = "not-struck",
    [DRILL_NOT_NOTICED] = "not-noticed",
    [DRILL_NOT_OVER] = "not-recovered",
};
static const char *const marks[] = {
    [DRILL_PASSED] = "OK",
    [DRILL_NOT_STRUCK] = "NOT STRUCK",
    [DRILL_NOT_NOTICED] = "NOT NOTICED",
    [DRILL_NOT_OVER] = "NOT RECOVERED",
};
static const char *const judges[] = {[DRILL_NOT_ASKED] = "not-asked",
				     [DRILL_EQUAL] = "equal",
				     [DRILL_DIFFER] = "differ",
				     [DRILL_UNREAD] = "unread"};

enum drill_verdict drill_one_verdict(const struct drill_one *one)
{
	if (one->stage != DRILL_STRUCK)
		return DRILL_NOT_STRUCK;
	if (!one->noticed.at_ms)
		return DRILL_NOT_NOTICED;
	return one->over.at_ms ? DRILL_PASSED : DRILL_NOT_OVER;
}

static bool data_kept(const struct drill *drill, bool judged)
{
	return demo_rows_equal(drill->state) && drill->judge != DRILL_DIFFER &&
	       (drill->judge == DRILL_EQUAL || !judged);
}

bool drill_passed(const struct drill *drill, bool judged)
{
	bool passed = data_kept(drill, judged) && drill_night_done(drill);
	for (size_t i = 0; i < drill->n; i++)
		passed = passed && drill_one_verdict(&drill->list[i]) == DRILL_PASSED;
	return passed;
}

/* "0.6 s", "1:07" */
static const char *took(char out[UNITS_MAX], int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (ms < 60000)
		text_copyf(out, UNITS_MAX, "%lld.%lld s", (long long)(ms / 1000),
			   (long long)(ms % 1000 / 100));
	else
		units_duration(out, ms);
	return out;
}

enum { CARD_COLUMNS = 79, CARD_INDENT = 24, CARD_DATA = 17 };

/* `first`, then the words from column `indent` on, none beyond the last one as far as they can be parted. */
static void put_words(struct buf *out, const char *first, size_t indent, const char *text)
{
	size_t column = indent;
	buf_addf(out, "%-*s", (int)indent, first);
	while (*text) {
		size_t len = strcspn(text, " ");
		char word[300];
		text_copyf(word, sizeof word, "%.*s", (int)len, text);
		size_t cells = text_width(word);
		if (column > indent && column + 1 + cells > CARD_COLUMNS) {
			buf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		buf_addf(out, "%s%s", column > indent ? " " : "", word);
		column += cells + (column > indent);
		text += len;
		text += strspn(text, " ");
	}
	buf_addc(out, '\n');
}

static void told(struct buf *out, const char *what, const struct drill_one *one,
		 const struct drill_told *told)
{
	char ms[UNITS_MAX], first[40], text[300];
	text_copyf(first, sizeof first, "    %-10s %7s  ", what, took(ms, told->at_ms - one->struck_ms));
	text_copyf(text, sizeof text, "%s%s%s", told->by, *told->text ? ": " : "", told->text);
	put_words(out, first, CARD_INDENT, text);
}

/* Who needs nobody, and who waited for somebody outside. */
static const char *undecided(const struct drill_one *one)
{
	if (!one->over.at_ms)
		return "by nobody yet";
	return one->fault->mended ? "by nobody: the cockpit waited until it was put right" : "by itself";
}

static void card_one(const struct drill_one *one, struct buf *out)
{
	char name[120], at[UNITS_MAX], ms[UNITS_MAX];
	enum drill_verdict verdict = drill_one_verdict(one);
	drill_name(one, name, sizeof name);
	buf_addf(out, "\n  %-13s  %s\n    %s\n", marks[verdict], name, one->fault->help);
	if (one->stage != DRILL_STRUCK) {
		put_words(out, "    never struck", CARD_INDENT, one->why);
		return;
	}
	put_words(out, "    struck", CARD_INDENT, units_clock(at, one->struck_ms));
	if (one->noticed.at_ms)
		told(out, "noticed", one, &one->noticed);
	else
		put_words(out, "    noticed", CARD_INDENT, "NOT: nothing in journal or trace tells of it");
	if (one->decided.at_ms)
		told(out, "decided", one, &one->decided);
	else
		put_words(out, "    decided", CARD_INDENT, undecided(one));
	if (one->mend == DRILL_MENDED)
		buf_addf(out, "    mended     %7s  by the drill, in the place of whoever can\n",
			 took(ms, one->mended_ms - one->struck_ms));
	else if (*one->why)
		put_words(out, "    mended NOT", CARD_INDENT, one->why);
	if (one->over.at_ms)
		told(out, "recovered", one, &one->over);
	else
		put_words(out, "    recovered", CARD_INDENT, "NOT");
}

static void card_data(const struct drill *drill, bool judged, struct buf *out)
{
	static const char *const words[] = {
	    [DRILL_EQUAL] = "a judge that shares no code with nightferry finds them equal, too",
	    [DRILL_DIFFER] = "a judge that shares no code with nightferry finds another thing",
	    [DRILL_UNREAD] = "a judge of its own could not read both sides",
	    [DRILL_NOT_ASKED] = "no judge of its own: the new app was started before it could look",
	};
	const struct rows_state *rows = &drill->state->rows;
	const struct step_seen *start = steps_get(drill->state, drill->start);
	char count[UNITS_MAX], text[500];
	text_copyf(text, sizeof text, "%s: ", data_kept(drill, judged) ? "none" : "NOT PROVED");
	size_t len = strlen(text);
	if (rows->compared_at_ms)
		text_copyf(text + len, sizeof text - len, "%d of %d tables equal, %s rows, %s", rows->equal,
			   rows->compared, units_count(count, rows->old_rows),
			   rows->content ? "content compared" : "counts only");
	else
		text_copy(text + len, sizeof text - len, "the night did not come to the comparison");
	buf_addc(out, '\n');
	put_words(out, "  data lost", CARD_DATA, text);
	/* Of a night that did not get there, the first line has said so. */
	if (drill->judge == DRILL_NOT_ASKED && !(start && start->attempts))
		return;
	text_copyf(text, sizeof text, "%s%s%s", words[drill->judge], *drill->differs ? ": " : "",
		   drill->differs);
	put_words(out, "", CARD_DATA, text);
}

void drill_card(const struct drill *drill, bool judged, struct buf *out)
{
	char ms[UNITS_MAX];
	size_t good = 0;
	for (size_t i = 0; i < drill->n; i++)
		good += drill_one_verdict(&drill->list[i]) == DRILL_PASSED;
	buf_addf(out, "DRILL %s: %zu of %zu faults noticed and recovered from\n",
		 drill_passed(drill, judged) ? "PASSED" : "NOT PASSED", good, drill->n);
	for (size_t i = 0; i < drill->n; i++)
		card_one(&drill->list[i], out);
	card_data(drill, judged, out);
	const char *closed = drill->state->closed_verdict;
	if (*drill->until && drill_night_done(drill))
		buf_addf(out, "  night          done as far as %s, ", drill->until);
	else
		buf_addf(out, "  night          %s, ", *closed ? closed : "not ended");
	buf_adds(out, took(ms, drill->ended_ms - drill->began_ms));
	if (drill->engines > 1)
		buf_addf(out, ", engine started %u times", drill->engines);
	buf_addc(out, '\n');
	if (*drill->stopped)
		put_words(out, "", CARD_DATA, drill->stopped);
}

static void json_told(struct jw *w, const char *key, const struct drill_one *one,
		      const struct drill_told *told)
{
	if (!told->at_ms) {
		jw_null(w, key);
		return;
	}
	jw_obj(w, key);
	jw_int(w, "after_ms", told->at_ms > one->struck_ms ? told->at_ms - one->struck_ms : 0);
	jw_str(w, "by", told->by);
	jw_str(w, "text", told->text);
	jw_end(w);
}

static void json_one(const struct drill_one *one, struct jw *w)
{
	jw_obj(w, NULL);
	jw_str(w, "fault", one->fault->name);
	jw_str(w, "what", one->fault->help);
	jw_str(w, "step", one->step);
	jw_int(w, "offset_ms", one->offset_ms);
	jw_str(w, "verdict", verdicts[drill_one_verdict(one)]);
	if (one->stage == DRILL_STRUCK)
		jw_int(w, "struck_ms", one->struck_ms);
	else
		jw_null(w, "struck_ms");
	json_told(w, "noticed", one, &one->noticed);
	json_told(w, "decided", one, &one->decided);
	if (one->mend == DRILL_MENDED)
		jw_int(w, "mended_after_ms", one->mended_ms - one->struck_ms);
	else
		jw_null(w, "mended_after_ms");
	json_told(w, "recovered", one, &one->over);
	jw_str(w, "why", one->why);
	jw_end(w);
}

/* The members of a card: of a file, and of the journal's event. */
static void json_members(const struct drill *drill, bool judged, struct jw *w)
{
	const struct rows_state *rows = &drill->state->rows;
	jw_bool(w, "passed", drill_passed(drill, judged));
	jw_bool(w, "equal", data_kept(drill, judged));
	jw_str(w, "judge", judges[drill->judge]);
	jw_int(w, "tables", rows->compared);
	jw_int(w, "tables_equal", rows->equal);
	jw_int(w, "rows", rows->old_rows);
	jw_str(w, "closed", drill->state->closed_verdict);
	jw_str(w, "until", drill->until);
	jw_bool(w, "night_done", drill_night_done(drill));
	jw_int(w, "engines", drill->engines);
	jw_int(w, "ms", drill->ended_ms - drill->began_ms);
	jw_str(w, "stopped", drill->stopped);
	jw_arr(w, "faults");
	for (size_t i = 0; i < drill->n; i++)
		json_one(&drill->list[i], w);
	jw_end(w);
}

void drill_card_json(const struct drill *drill, bool judged, struct jw *w)
{
	jw_open(w);
	json_members(drill, judged, w);
}

static bool take_seq(void *arg, const char *line, size_t len)
{
	struct event *event = event_parse(line, len, NULL);
	uint64_t *seq = arg;
	if (event && event->seq > *seq)
		*seq = event->seq;
	event_free(event);
	return true;
}

int drill_journal(const struct drill *drill, bool judged, const char *dir, struct err *err)
{
	char path[480];
	uint64_t seq = 0;
	bool torn;
	struct jw w = {0};
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	struct journal *journal = journal_open(path, take_seq, &seq, &torn, err);
	if (!journal)
		return -1;
	jw_open(&w);
	jw_int(&w, "seq", (int64_t)seq + 1);
	jw_int(&w, "at", clock_wall_ms());
	jw_str(&w, "src", "drill");
	jw_str(&w, "kind", "drill.card");
	json_members(drill, judged, &w);
	const char *text = jw_finish(&w);
	int rc = journal_append(journal, text, w.buf.len, true, err);
	if (rc == 0)
		rc = journal_anchor(journal, err);
	jw_done(&w);
	journal_close(journal);
	return rc;
}
