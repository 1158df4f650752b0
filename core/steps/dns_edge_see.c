/* Names behind Cloudflare's proxy, side by side with the mark of the new side: see dns_edge_see.h. */
#include "core/steps/dns_edge_see.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/dns_edge.h"
#include "core/links/dns_find.h"
#include <stdlib.h>

enum { ASKS = 5, PAUSE_MS = 1000 };

static int side_port(struct job *job)
{
	return text_equal(job_config_str(job, "web.scheme", "https"), "https") ? 443 : 80;
}

/* Where a side is, "host:port"; "" when that is not known. */
static void side_at(struct job *job, const char *side, const char *name, char *out, size_t size)
{
	const char *host = job_config_str(job, "host.address", "");
	char key[40];
	text_copyf(key, sizeof key, "web.%s", side);
	text_copy(out, size, job_config_str(job, key, ""));
	if (*out)
		return;
	const char *was = json_str(json_get(job_fact(job, "dns-before", name), "record"), "content", "");
	if (text_equal(side, "new") && *host)
		text_copyf(out, size, "%s:%d", host, side_port(job));
	else if (text_equal(side, "old") && *was)
		text_copyf(out, size, "%s:%d", was, side_port(job));
}

static bool see_side(struct job *job, const char *side, const char *name, enum dns_state want,
		     struct evidence *ev, char *refused, size_t size)
{
	struct edge_seen seen;
	char at[300];
	side_at(job, side, name, at, sizeof at);
	if (!*at) {
		text_copyf(
		    refused, size,
		    "%s goes through a proxy, and where the %s side is by itself is not known: write web.%s",
		    name, side, side);
		return false;
	}
	dns_edge_ask_at(job, name, at, &seen);
	bool right = seen.state == want;
	evidence_add(ev, right ? VERDICT_PASS : VERDICT_FAIL, "marker", right ? side : "wrong",
		     "%s by its address answers %s %s the mark%s%s.", want == DNS_CELL_NEW ? "NEW" : "OLD",
		     *seen.value ? seen.value : "nothing,", seen.state == DNS_CELL_NEW ? "with" : "without",
		     *seen.why ? ": " : "", seen.why);
	if (!right)
		text_copyf(
		    refused, size,
		    "web.marker (%s) does not tell the sides apart: the %s side %s; without that nobody can "
		    "see where a proxied name leads",
		    job_config_str(job, "web.marker", "none"), side,
		    seen.state == DNS_CELL_SILENT ? "does not answer by its address"
		    : want == DNS_CELL_NEW        ? "does not have it"
						  : "has it, too");
	return right;
}

/* A handshake makes kamal-proxy ask for a certificate that it cannot get yet, and a gate looks every 5 s. */
static bool gets_certificate_later(struct job *job)
{
	const struct json *proxy = json_path(job_config(job), "kamal.proxy");
	return text_equal(job_config_str(job, "web.scheme", "https"), "https") &&
	       json_bool(proxy, "ssl", false) && !json_bool(proxy, "certificate", false);
}

bool edge_see_mark(struct job *job, struct evidence *ev, char *refused, size_t size)
{
	const char *name = dns_edge_name(job, 0);
	*refused = '\0';
	if (!name)
		return true;
	if (!*job_config_str(job, "web.marker", "")) {
		text_copyf(refused, size,
			   "%s goes through a proxy, so DNS never shows where it leads: give the new side a "
			   "header of "
			   "its own and write it as web.marker, for example \"X-Served-By: kamal\"",
			   name);
		return false;
	}
	if (!see_side(job, "old", name, DNS_CELL_OLD, ev, refused, size))
		return false;
	if (!gets_certificate_later(job))
		return see_side(job, "new", name, DNS_CELL_NEW, ev, refused, size);
	evidence_add(
	    ev, VERDICT_WARN, "marker", "later",
	    "Whether NEW answers with the mark is seen after the flip only: its proxy has no certificate "
	    "before, and looking would use up the issuer's patience.");
	return true;
}

size_t edge_left(struct job *job, bool back, char *who, size_t size)
{
	const char *name;
	size_t left = 0;
	*who = '\0';
	for (size_t i = 0; (name = dns_edge_name(job, i)) != NULL; i++) {
		struct edge_seen seen;
		dns_edge_ask(job, name, &seen);
		if (seen.state == (back ? DNS_CELL_OLD : DNS_CELL_NEW))
			continue;
		left++;
		text_copyf(who, size, "%s is %s through the proxy%s%s", name, dns_state_name(seen.state),
			   *seen.why ? ": " : "", seen.why);
	}
	return left;
}

void edge_wait(struct job *job, bool back, int64_t ms)
{
	char who[300];
	int64_t until_ms = clock_life_ms() + ms;
	while (dns_edge_name(job, 0) && edge_left(job, back, who, sizeof who)) {
		job_progress(job, 0, 0, "items", who);
		if (clock_life_ms() >= until_ms || job_wait(job, PAUSE_MS))
			break;
	}
}

static void prove_name(struct job *job, const char *name, bool back, struct evidence *ev)
{
	enum dns_state want = back ? DNS_CELL_OLD : DNS_CELL_NEW;
	struct edge_seen seen, wrong = {0};
	int right = 0, untold = 0;
	for (int i = 0; i < ASKS && !job_stopping(job); i++) {
		dns_edge_ask(job, name, &seen);
		right += seen.state == want;
		untold += seen.state == DNS_CELL_SILENT || seen.state == DNS_CELL_NONE ||
			  seen.state == DNS_CELL_OTHER;
		if (seen.state != want)
			wrong = seen;
	}
	if (right == ASKS)
		evidence_add(ev, VERDICT_PASS, "proxied", "all",
			     "%s is answered by %s through the proxy, %d of %d times (%s).", name,
			     back ? "OLD" : "NEW", right, ASKS, seen.value);
	else
		evidence_add(ev, right + untold == ASKS ? VERDICT_UNKNOWN : VERDICT_FAIL, "proxied",
			     dns_state_name(wrong.state),
			     "%s is answered by %s through the proxy %d of %d times; else %s%s%s.", name,
			     back ? "OLD" : "NEW", right, ASKS, dns_state_name(wrong.state),
			     *wrong.why ? ": " : " ", *wrong.why ? wrong.why : wrong.value);
}

void edge_prove(struct job *job, bool back, struct evidence *ev)
{
	const char *name;
	for (size_t i = 0; (name = dns_edge_name(job, i)) != NULL; i++)
		prove_name(job, name, back, ev);
}
