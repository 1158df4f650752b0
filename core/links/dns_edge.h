/* Names that go through Cloudflare's proxy: DNS never shows where they lead, so it is asked by HTTP. The new
 * side answers with a mark that the old one does not have: a header ("X-Served-By: kamal") or a path of its
 * own
 * ("/new-here"), from web.marker. */
#ifndef CORE_LINKS_DNS_EDGE_H
#define CORE_LINKS_DNS_EDGE_H

#include "core/base/err.h"
#include "core/links/dns_cell.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct http_reply;

/* dns.proxied names it. */
bool dns_edge_has(struct job *job, const char *name);
/* The i-th name of dns.names that is in dns.proxied; NULL at the end. */
const char *dns_edge_name(struct job *job, size_t i);

/* NEW: the mark is there. OLD: an answer without it, and if it is an error, with Heroku's own sign. OTHER: an
 * error with the sign of neither. FAIL: the proxy did not reach whatever is behind it. SILENT: no answer.
 * NONE: the proxy answered out of its own store, which tells nothing. */
struct edge_seen {
	enum dns_state state;
	int status;
	char value[120]; /* "200, site FRA" */
	char why[160];
	int64_t ms;
};
/* What an answer means. `at` says who was asked, for sentences. */
void dns_edge_judge(const char *marker, const struct http_reply *reply, struct edge_seen *out);
/* As any visitor, with a connection and a question of its own. */
void dns_edge_ask(struct job *job, const char *name, struct edge_seen *out);
/* One side by its address: does the mark tell it? */
void dns_edge_ask_at(struct job *job, const char *name, const char *at, struct edge_seen *out);

#endif
