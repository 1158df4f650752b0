/* The old side: dynos, and who still writes to its database.
 *
 * dynos.seen     CHANGE {maintenance, release, release_status,
 * dynos[{name,type,state,size,since_ms,command}], formation[{type,size,want}],
 * database{plan,size_bytes,connections,limit,version}, addons[], warning} writers.seen   CHANGE
 * {writers[{pid,start_ms,who,from,table,rows,since_ms,state,query}], last_write_at_ms, last_write_table,
 * last_write_by}         rows: rows written in the last 20 s of the watch writers.quiet  SAMPLE
 * {quiet_since_ms, need_ms}         quiet_since_ms 0: somebody writes The formation before the freeze is the
 * fact "formation": {TYPE: {quantity, size}}.
 */
#ifndef CORE_NIGHT_KINDS_WORLD_OLD_H
#define CORE_NIGHT_KINDS_WORLD_OLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* heroku.seen   CHANGE {rows[{group,name,text,level}]}: what stands around the dynos, level "" "warn" "bad"
 * heroku.budget SAMPLE {remaining}: requests left of the account's limit
 * router.seen   SAMPLE {per_s, codes[{code,n}]}: Heroku's router in the last minute */
struct heroku_row {
	char group[16], name[104], text[240], level[8];
};
struct router_code {
	char code[8];
	int n;
};
struct dyno_seen {
	char name[48], type[32], state[16], size[24], command[120];
	int64_t since_ms;
};
struct formation_seen {
	char type[32], size[24];
	int want, before; /* before: recorded at the freeze, -1 none */
};
struct dynos_state {
	bool seen, maintenance;
	int64_t at_ms, maintenance_at_ms; /* since when it is so */
	char release[24], release_status[16];
	struct dyno_seen *dynos;
	size_t n;
	struct formation_seen *formation;
	size_t n_formation;
	char plan[48], version[24], warning[200];
	int64_t size_bytes;
	int connections, connection_limit;
	struct heroku_row *rows;
	size_t n_rows;
	int remaining;        /* -1: not told */
	int64_t router_at_ms; /* 0: not seen */
	double router_per_s;
	struct router_code codes[8];
	size_t n_codes;
	int64_t empty_at_ms; /* since when no dyno of any type is left; 0: some are */
};

struct writer_seen {
	int pid;
	int64_t start_ms; /* backend_start: identity is pid + start_ms */
	char who[64], from[48], table[64], state[24], query[200];
	int64_t rows, since_ms; /* rows -1: of a table that others write to as well */
	bool writes;            /* in the last 20 s, or in a transaction that is still open */
};
struct writers_state {
	bool seen;
	int64_t at_ms;
	struct writer_seen *writers;
	size_t n;
	int64_t last_write_at_ms;
	char last_write_table[64], last_write_by[64];
	int64_t quiet_since_ms, quiet_need_ms;
};

#endif
