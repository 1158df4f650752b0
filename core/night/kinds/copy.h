/* The copy: what moves, and whether both sides hold the same rows.
 *
 * transfer.total SAMPLE {stage: capture|download|restore|repair|backup, text, bytes, bytes_total, rows,
 * rows_total, tables, tables_total, indexes, indexes_total, keys, keys_total, rate, eta_ms, eta_about,
 * eta_why, stalled_ms, stalled_why}      -1: unknown transfer.table SAMPLE key table {table, rows,
 * rows_total, bytes, state: waiting|copying|index|done|failed, text} transfer.ended CHANGE key stage {stage,
 * ok, bytes, ms, text} rows.side      CHANGE key side,table {side: OLD|NEW, table, rows, hash, last_write_ms,
 * exact, written_after_ms}   rows -1: table is missing; written_after_ms: begin of the look before the one
 * that saw a write rows.progress  SAMPLE key side {side, tables, tables_total, rows} rows.verdict   CHANGE
 * key table {table, verdict, cause} rows.compared  RECORD {tables, equal, differ, missing, skipped,
 * waived, old_rows, new_rows, content: true|false} rows.bisected CHANGE key table {table, state:
 * looking|done|failed, text, key, more, rows: [{key, how: OLD|NEW|differs, columns}]}
 */
#ifndef CORE_NIGHT_KINDS_COPY_H
#define CORE_NIGHT_KINDS_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transfer_table {
	char table[96], state[16], text[80];
	int64_t rows, rows_total, bytes;
	double rate;    /* bytes per second; -1 not known */
	int64_t eta_ms; /* -1 not known */
};
struct transfer_ended {
	char stage[16], text[300];
	bool ok;
	int64_t bytes, ms, at_ms;
};
struct transfer_state {
	char stage[16], text[160];
	int64_t at_ms;
	int64_t bytes, bytes_total, rows, rows_total;
	int64_t tables, tables_total, indexes, indexes_total, keys, keys_total;
	double rate; /* bytes per second, < 0 unknown */
	int64_t eta_ms, stalled_ms;
	bool eta_about;   /* most of it is a guess */
	char eta_why[80]; /* why it is later than it was told; "" : it is not */
	char stalled_why[200];
	struct transfer_table *list;
	size_t n;
	struct transfer_ended ended[8];
	size_t n_ended;
};

struct rows_table {
	char table[96];
	int64_t old_rows, new_rows; /* -1 missing, -2 not counted yet */
	int64_t grown_to; /* rows on NEW since the app writes there, after the proof; -1: not seen to grow */
	char old_hash[36], new_hash[36];
	int64_t old_at_ms, new_at_ms, last_write_ms;
	int verdict; /* 0 UNKNOWN 1 PASS 2 WARN 3 FAIL */
	char cause[160];
	bool skipped; /* by copy.skip_data: never drawn as equal */
};
/* The first rows of a table that differ: asked for by a seat. */
struct rows_found {
	char key[96], columns[240];
	char how; /* 'O' only on OLD, 'N' only on NEW, 'D' differs */
};
struct rows_bisected {
	char table[96], state[12], key[96], text[200];
	struct rows_found rows[20];
	size_t n;
	bool more; /* there are others */
	int64_t at_ms;
};
struct rows_state {
	struct rows_table *tables;
	size_t n;
	struct rows_bisected *bisected; /* by table */
	size_t n_bisected;
	int64_t compared_at_ms;
	int compared, equal, differ, missing;
	int skipped, waived;        /* neither is equal: left out by copy.skip_data, let pass by a person */
	int64_t old_rows, new_rows; /* of the newest comparison */
	bool content;
	struct {
		int64_t tables, tables_total, rows, bytes, bytes_total, at_ms;
	} progress[2]; /* OLD, NEW; bytes 0 where they are not told */
};
/* NULL: nobody asked. */
const struct rows_bisected *rows_bisected_get(const struct rows_state *rows, const char *table);

#endif
