/* long_night DIR EVENTS [LINES]: writes DIR/journal.jsonl, a night of that many events, four a second,
 * hash-chained by the same code that writes real ones. The mix is that of a busy night: names, tables, dynos,
 * notes. With LINES also that many lines of logs: DIR/trace.jsonl as the engine keeps them, DIR/lines.log the
 * same as plain text. */
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/night/journal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN_MS INT64_C(1795221000000)

static const char *const phases[] = {"prepare", "freeze", "copy", "verify", "boot", "flip", "watch"};

static void opened(struct jw *w)
{
	jw_str(w, "app", "acme");
	jw_str(w, "night", "bench");
	jw_str(w, "version", "bench");
	jw_str(w, "old_name", "acme-production");
	jw_str(w, "new_name", "203.0.113.42");
	jw_str(w, "new_db", "acme-db");
	jw_obj(w, "config");
	jw_end(w);
	jw_obj(w, "playbook");
	jw_str(w, "name", "bench");
	jw_arr(w, "phases");
	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", phases[i]);
		jw_arr(w, "steps");
		for (int k = 1; k <= 3; k++) {
			jw_obj(w, NULL);
			jw_strf(w, "id", "%s-%d", phases[i], k);
			jw_str(w, "do", "note");
			jw_strf(w, "title", "part %d of %s", k, phases[i]);
			jw_str(w, "gate", "yes");
			jw_int(w, "estimate_ms", 20000);
			jw_end(w);
		}
		jw_end(w);
		jw_end(w);
	}
	jw_end(w);
	jw_end(w);
}

static void dns_cell(struct jw *w, int64_t n)
{
	static const char *const states[] = {"OLD", "NEW", "MIXED", "STALE"};
	jw_strf(w, "server", "192.0.2.%d", (int)(n % 8 + 1));
	jw_strf(w, "label", "resolver %d", (int)(n % 8 + 1));
	jw_bool(w, "auth", n % 8 < 2);
	jw_strf(w, "name", "%s.acme.example", n % 3 ? "www" : "api");
	jw_str(w, "state", states[(n / 64) % 4]);
	jw_strf(w, "value", "203.0.113.%d", (int)(n % 250));
	jw_int(w, "ttl_s", 60 - n % 60);
	jw_int(w, "expires_ms", BEGIN_MS + n * 250 + 60000);
	jw_int(w, "rtt_ms", n % 90);
	jw_str(w, "why", "");
}

static void rows_side(struct jw *w, int64_t n)
{
	jw_str(w, "side", n % 2 ? "NEW" : "OLD");
	jw_strf(w, "table", "public.table_%02d", (int)(n % 40));
	jw_int(w, "rows", n * 37 % 1000000);
	jw_int(w, "last_write_ms", BEGIN_MS + n * 250);
	jw_bool(w, "exact", n % 5 == 0);
}

static void dynos_seen(struct jw *w, int64_t n)
{
	jw_bool(w, "maintenance", n > 4000);
	jw_str(w, "release", "v812");
	jw_str(w, "release_status", "succeeded");
	jw_arr(w, "dynos");
	for (int i = 1; i <= 6; i++) {
		jw_obj(w, NULL);
		jw_strf(w, "name", "%s.%d", i > 4 ? "worker" : "web", i > 4 ? i - 4 : i);
		jw_str(w, "type", i > 4 ? "worker" : "web");
		jw_str(w, "state", n % 7 == i ? "starting" : "up");
		jw_str(w, "size", "Standard-2X");
		jw_int(w, "since_ms", BEGIN_MS - 3600000);
		jw_end(w);
	}
	jw_end(w);
}

static void step_state(struct jw *w, int64_t n, int64_t events)
{
	static const char *const states[] = {"planning", "gate", "running", "proving"};
	int64_t at = n * 21 / events;
	jw_strf(w, "step", "%s-%d", phases[at / 3 % 7], (int)(at % 3 + 1));
	jw_str(w, "state", states[n / 8 % 4]);
	jw_strf(w, "text", "%d of %d", (int)n, (int)events);
}

static void write_event(struct jw *w, int64_t n, int64_t events)
{
	static const char *const kinds[] = {"dns.cell",  "rows.side",  "dns.cell", "dynos.seen",
					    "rows.side", "step.state", "dns.cell", "note.added"};
	const char *kind = n == 0 ? "night.opened" : kinds[n % 8];
	jw_open(w);
	jw_int(w, "seq", n + 1);
	jw_int(w, "at", BEGIN_MS + n * 250);
	jw_str(w, "src", "bench");
	jw_str(w, "kind", kind);
	if (n == 0)
		opened(w);
	else if (text_equal(kind, "dns.cell"))
		dns_cell(w, n);
	else if (text_equal(kind, "rows.side"))
		rows_side(w, n);
	else if (text_equal(kind, "dynos.seen"))
		dynos_seen(w, n);
	else if (text_equal(kind, "step.state"))
		step_state(w, n, events);
	else {
		jw_str(w, "by", "ana");
		jw_strf(w, "text", "note number %d of a long night", (int)n);
	}
}

enum { BATCH = 100 };

static void log_line(struct jw *w, FILE *plain, int64_t n, int64_t at_ms)
{
	static const char *const sources[] = {"web", "job", "proxy", "pg"};
	const char *source = sources[n % 4], *level = n % 997 == 0 ? "error" : n % 101 == 0 ? "warn" : "";
	char text[200];
	text_copyf(
	    text, sizeof text,
	    "line %lld Completed 200 OK in %lldms (Views: 9.1ms | ActiveRecord: 4.0ms) GET /products/%lld",
	    (long long)n + 1, (long long)(n % 90), (long long)(n * 7919 % 100000));
	jw_obj(w, NULL);
	jw_int(w, "at_ms", at_ms);
	jw_str(w, "side", "NEW");
	jw_str(w, "source", source);
	jw_str(w, "level", level);
	jw_str(w, "text", text);
	jw_end(w);
	fprintf(plain, "2025-11-21T%02d:%02d:%02d.%03dZ %-5s %s: %s\n", (int)(n / 3600000 % 24),
		(int)(n / 60000 % 60), (int)(n / 1000 % 60), (int)(n % 1000), *level ? level : "info", source,
		text);
}

static bool write_lines(const char *dir, int64_t events, int64_t lines)
{
	char path[600];
	text_copyf(path, sizeof path, "%s/trace.jsonl", dir);
	FILE *trace = fopen(path, "we");
	text_copyf(path, sizeof path, "%s/lines.log", dir);
	FILE *plain = fopen(path, "we");
	int64_t end_ms = BEGIN_MS + events * 250;
	for (int64_t n = 0; trace && plain && n < lines; n += BATCH) {
		struct jw w = {0};
		jw_open(&w);
		jw_int(&w, "seq", events + 1 + n / BATCH);
		jw_int(&w, "at", end_ms + n / BATCH);
		jw_str(&w, "src", "watch:container-logs");
		jw_str(&w, "kind", "log.lines");
		jw_arr(&w, "lines");
		for (int64_t i = n; i < n + BATCH && i < lines; i++)
			log_line(&w, plain, i, end_ms + n / BATCH);
		fprintf(trace, "%s\n", jw_finish(&w));
		jw_done(&w);
	}
	bool good = trace && plain;
	good = (!trace || fclose(trace) == 0) && good;
	return (!plain || fclose(plain) == 0) && good;
}

int main(int argc, char **argv)
{
	char path[600];
	struct err err = {0};
	bool torn = false;
	int64_t events = argc >= 3 ? strtoll(argv[2], NULL, 10) : 0,
		lines = argc == 4 ? strtoll(argv[3], NULL, 10) : 0;
	if (events <= 0 || !text_copyf(path, sizeof path, "%s/journal.jsonl", argv[1])) {
		fputs("usage: long_night DIR EVENTS [LINES]\n", stderr);
		return 2;
	}
	struct journal *journal = journal_open(path, NULL, NULL, &torn, &err);
	if (!journal)
		goto failed;
	for (int64_t n = 0; n < events; n++) {
		struct jw w = {0};
		write_event(&w, n, events);
		const char *line = jw_finish(&w);
		int rc = journal_append(journal, line, strlen(line), false, &err);
		jw_done(&w);
		if (rc < 0)
			goto failed;
	}
	journal_close(journal);
	if (lines && !write_lines(argv[1], events, lines)) {
		fputs("long_night: the lines could not be written\n", stderr);
		return 1;
	}
	return 0;
failed:
	fprintf(stderr, "long_night: %s\n", err.text);
	return 1;
}
