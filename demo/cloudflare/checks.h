/* What Cloudflare refuses, with the numbers it refuses it with. */
#ifndef DEMO_CLOUDFLARE_CHECKS_H
#define DEMO_CLOUDFLARE_CHECKS_H

#include <stddef.h>
#include <cjson/cJSON.h>
#include "demo/zone/records.h"

struct problem {
	int status; /* HTTP */
	int code, chain_code;
	char message[400], chain[400];
};

struct zone_rules {
	const char *zone; /* "acme.example" */
	long ttl_least;   /* seconds; 60 on ordinary plans */
};

enum how { HOW_NEW, HOW_PATCH }; /* HOW_NEW: a field left out gets its default, as POST and PUT do */

/* Always -1, so that it can be returned. */
int problem_set(struct problem *problem, int status, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* 1004, whose real reason stands in the chain. */
int problem_invalid(struct problem *problem, int chain_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put the fields of `body` into the record. 0, or -1 and the problem. */
int check_fields(const struct zone_rules *rules, struct record *record, const cJSON *body, enum how how,
		 struct problem *problem);
/* Whether the record may stand beside the others of the set, of which it may itself be one. */
int check_place(const struct record_set *set, const struct record *record, struct problem *problem);

#endif
