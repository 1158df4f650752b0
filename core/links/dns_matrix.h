/* Every name at every server: who says OLD, who says NEW, and until when. Watch, steps and checks ask through
 * it. */
#ifndef CORE_LINKS_DNS_MATRIX_H
#define CORE_LINKS_DNS_MATRIX_H

#include "core/base/err.h"
#include "core/links/dns_cell.h"
#include "core/links/dns_find.h"

struct job;

enum { DNS_NAMES_MAX = 24, DNS_PAST_MS = 10000 };

struct dns_matrix {
	struct job *job;
	char zone[DNS_NAME_MAX], new_name[DNS_NAME_MAX];
	struct dns_servers servers; /* authoritative ones first */
	size_t n_authoritative;
	struct dns_want names[DNS_NAMES_MAX];
	size_t n_names;
	struct dns_memory memory[DNS_SERVERS_MAX][DNS_NAMES_MAX];
	struct dns_seen seen[DNS_SERVERS_MAX][DNS_NAMES_MAX];
	struct {
		int64_t ttl_s;        /* of the authoritative old answer, -1 unknown */
		int64_t safe_from_ms; /* every cache has forgotten older, longer answers then */
	} flip[DNS_NAMES_MAX];
	char site[DNS_SERVERS_MAX]
		 [48]; /* which of a server's machines answered, as it calls itself; "" untold */
	bool site_asked[DNS_SERVERS_MAX];
	bool looked;    /* the caches were asked before */
	char note[200]; /* what everybody must know who reads the answers; "" nothing */
	/* The same names, servers and questions for IPv6 addresses; its own `six` is NULL. Only the names for
	 * which dns_matrix_has_six() holds count. */
	int type;
	struct dns_matrix *six;
	const struct dns_matrix *four; /* of a `six`: what it belongs to */
};

/* Finds the servers and asks the authoritative ones for the first time. NULL and err on trouble. */
struct dns_matrix *dns_matrix_open(struct job *job, struct err *err);
void dns_matrix_close(struct dns_matrix *matrix);
void dns_matrix_ask_authoritative(struct dns_matrix *matrix);
/* Names that have not moved yet, at each of the zone's servers, are asked only for what a cache holds already
 * (RD=0): a plain question would fill it with the old answer for a whole TTL. */
void dns_matrix_ask_caches(struct dns_matrix *matrix);
/* The old or the new side of that name has an IPv6 address. */
bool dns_matrix_has_six(const struct dns_matrix *matrix, size_t name);

/* Waiting is over: all that speaks with authority is NEW, and no answer leads to OLD or the last of them has
 * run out. Until then `text` says what is waited for. */
bool dns_matrix_over(const struct dns_matrix *matrix, int64_t now_ms, char *text, size_t size);
/* Some name is NEW at some authoritative server, and at all of them. */
bool dns_matrix_begun(const struct dns_matrix *matrix);
bool dns_matrix_everywhere(const struct dns_matrix *matrix);
/* When the last old answer has died: the moment all authoritative servers answered NEW, plus the old TTL. 0
 * while some does not. */
int64_t dns_matrix_old_die_ms(const struct dns_matrix *matrix);
/* From when on a change reaches everybody within the TTL of now. 0 unknown. */
int64_t dns_matrix_safe_from_ms(const struct dns_matrix *matrix);

struct dns_counts {
	size_t cells, old_n, new_n, waits, silent, lagging;
	size_t six_waits; /* of `waits`: only by IPv6 */
	int64_t dies_ms;  /* the latest end of a cell that waits, 0 none known */
	char others[160]; /* "9.9.9.9 SILENT, 8.8.8.8 FLOOR": neither OLD nor NEW */
};
void dns_matrix_count(const struct dns_matrix *matrix, struct dns_counts *out);

#endif
