/* DNS as caches and authoritative servers tell it, and who answers visitors.
 *
 * dns.cell       CHANGE key server,name {server, label, auth, name, state, value, ttl_s, expires_ms, rtt_ms,
 * why} state: OLD NEW MIXED NEG OTHER FAIL REFUSED SILENT FLOOR STALE RELEARNED LAGGING dns.plan       CHANGE
 * {names[{name, old, new, ttl_s}], safe_from_ms, old_die_ms}   old_die_ms 0: not flipped everywhere
 * traffic.seen   SAMPLE {old{rpm,ok,e4,e5,p50_ms,p95_ms}, new{...}, share_new, last_old_ms}      counts of
 * the last minute traffic.first  RECORD {name, status}                  first public 2xx of NEW after the
 * flip smoke.seen     CHANGE key path,side {path, side: OLD|NEW|PUBLIC, status, want, verdict, text, ms}
 * quiet.seen     SAMPLE {since_ms, need_ms, why}        the quiet timer after the flip
 * newrows.seen   CHANGE {rows, updated, deleted, jobs, encrypted, encrypted_where, tables[{table, rows}],
 * old_certificate_ms}   written on NEW since its app started on tonight's copy; jobs -1: no job table
 */
#ifndef CORE_NIGHT_KINDS_TRAFFIC_H
#define CORE_NIGHT_KINDS_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_cell {
	char server[64], label[24], name[96], state[12], value[120], why[120], site[48];
	bool auth;
	int64_t ttl_s, expires_ms, at_ms;
	double rtt_ms;
	/* The same of the name's IPv6 address; state "" where neither side has one. */
	struct {
		char state[12], value[120], why[120];
		int64_t ttl_s, expires_ms;
	} six;
};
struct dns_name {
	char name[96], old[120], new_value[120];
	int64_t ttl_s;
};
struct dns_state {
	struct dns_cell *cells;
	size_t n;
	struct dns_name *names;
	size_t n_names;
	int64_t safe_from_ms, old_die_ms;
};
struct side_traffic {
	int rpm, ok, e4, e5;
	double p50_ms, p95_ms;
};
struct smoke_cell {
	char path[96], side[8], text[160];
	int status, want, verdict;
	int64_t ms, at_ms;
};
struct traffic_state {
	int64_t at_ms, last_old_ms;
	struct side_traffic old_side, new_side;
	double share_new; /* 0..1, < 0 unknown */
	struct smoke_cell *smoke;
	size_t n_smoke;
	int64_t quiet_since_ms, quiet_need_ms;
	char quiet_why[120];
	int64_t new_rows;
	int64_t new_rows_at_ms, new_updated, new_deleted, new_jobs,
	    old_certificate_ms;       /* at_ms 0: nobody has counted */
	int64_t new_encrypted;        /* rows with encrypted values among them; -1 not looked at */
	char new_encrypted_where[96]; /* "users.ssn" */
	struct {
		char table[96];
		int64_t rows;
	} * new_tables;
	size_t n_new_tables;
};

#endif
