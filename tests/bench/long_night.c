/* long_night DIR EVENTS: writes DIR/journal.jsonl, a night of that many events, four a second, hash-chained
 * by the same code that writes real ones. The mix is that of a busy night: names, tables, dynos, notes. */
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

int main(int argc, char **argv)
{
	char path[600];
	struct err err = {0};
	bool torn = false;
	int64_t events = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;
	if (events <= 0 || !text_copyf(path, sizeof path, "%s/journal.jsonl", argv[1])) {
		fputs("usage: long_night DIR EVENTS\n", stderr);
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
	return 0;
failed:
	fprintf(stderr, "long_night: %s\n", err.text);
	return 1;
}
