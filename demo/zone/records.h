/* The records of one zone as an API shows them: with ids, comments and dates that DNS itself does
 * not know. The DNS data lives in the name server; this is the rest, kept in a state file. */
#ifndef DEMO_ZONE_RECORDS_H
#define DEMO_ZONE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <cjson/cJSON.h>

enum { ID_SIZE = 33, TTL_AUTOMATIC = 1, TTL_AUTOMATIC_SECONDS = 300, RECORDS_MAX = 1000 };

struct record {
	char id[ID_SIZE];
	char name[256]; /* full name, lower case, no dot at the end */
	char type[8];
	char
	    content[2100]; /* as the API writes it: names without a dot at the end, MX without its priority */
	int priority;      /* MX only, else 0 */
	long ttl;          /* seconds, or TTL_AUTOMATIC */
	bool proxied;
	char comment[128];
	char created_on[40], modified_on[40];
};

struct record_set {
	struct record *list;
	size_t count, room;
};

/* NULL when the set is full; the returned record is zeroed. */
struct record *records_add(struct record_set *set);
void records_remove(struct record_set *set, struct record *record);
/* NULL when there is none. */
struct record *records_find(const struct record_set *set, const char *id);
/* 0, or -1 when there is no memory. `to` is freed first. */
int records_copy(struct record_set *to, const struct record_set *from);
void records_free(struct record_set *set);

/* Give every record of `seen` (from the name server) the id, comment and dates it has in `known`: first by
 * equal content, then by equal name and type, so that a record changed behind the API's back keeps its id.
 * What is new gets a new id. */
void records_adopt(struct record_set *seen, const struct record_set *known);

bool record_is(const struct record *record, const char *name, const char *type);
bool record_has_address(const struct record *record);
/* A fresh id of 32 hex digits; the time now as 2025-01-31T12:00:00.000000Z. */
void record_new_id(char id[static ID_SIZE]);
void record_stamp(char at[static 40]);

/* The object the API returns; the caller frees it. */
cJSON *record_json(const struct record *record);

/* State file: the zone's id and the records. A missing file is an empty set and a new zone id.
 * 0, or -1 with errno set. */
int state_load(const char *path, char zone_id[static ID_SIZE], struct record_set *set);
int state_save(const char *path, const char *zone_id, const struct record_set *set);

#endif
