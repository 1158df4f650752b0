/* Figures as people read them. Every function writes into `out` and returns it. */
#ifndef CORE_BASE_UNITS_H
#define CORE_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_MAX 32

char *units_count(char out[UNITS_MAX], int64_t n);              /* 7,442,615 */
char *units_size(char out[UNITS_MAX], int64_t bytes);           /* 3.8 GB, powers of 1000 */
char *units_rate(char out[UNITS_MAX], double bytes_per_second); /* 19 MB/s */
char *units_duration(char out[UNITS_MAX], int64_t ms);          /* 0:04  31:07  2:14:07 */
char *units_age(char out[UNITS_MAX], int64_t ms);               /* 0s 59s 9m 2h 3d */
char *units_clock(char out[UNITS_MAX], int64_t at_ms);          /* 01:14:07 in local time */
char *units_clock_hm(char out[UNITS_MAX], int64_t at_ms);       /* 01:14 */
char *units_iso(char out[UNITS_MAX], int64_t at_ms);            /* 2026-11-21T01:14:07Z */
/* 0..100, rounded down: 100 only when all of it is done; 0 for total <= 0. */
int units_percent(int64_t done, int64_t total);
/* "90s", "5m", "1h30m", "250ms" or a bare number of seconds; -1 when it is none. */
int64_t units_parse_duration_ms(const char *text);
/* The whole number a text begins with (blanks before it are passed over); `otherwise` when there is none or
 * it does not fit. */
int64_t units_parse_int(const char *text, int64_t otherwise);

#endif
