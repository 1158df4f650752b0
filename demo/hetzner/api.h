/* Hetzner's Cloud API as far as a DNS change needs it, below /v1: sets of records, and actions that take a
 * while. */
#ifndef DEMO_HETZNER_API_H
#define DEMO_HETZNER_API_H

#include "demo/http/server.h"
#include "demo/zone/knot.h"
#include "demo/zone/records.h"

enum { ACTIONS_MAX = 512, ZONE_NUMBER = 4711 };

/* A change that has been taken. It is made when its time has come, and holds its set until then. */
struct action {
	long id;
	char command[40]; /* "set_rrset_records" */
	long long due_ms;
	bool settled, failed;
	char why[300];
	char name[600], type[8];
	struct record_set after; /* this set's records as they shall be; none: it goes */
};
struct api {
	struct knot knot;
	const char *token, *state_path, *mode;
	bool readonly;
	char zone_id[ID_SIZE];
	struct record_set known;
	struct action actions[ACTIONS_MAX];
	size_t n_actions;
	long pending_ms;
	long long window_ends_ms;
	long asked, asked_most; /* in this hour */
};

/* answer.c */
void api_error(struct http_reply *reply, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
long long api_now_ms(void);
/* Token and allowance; makes the changes whose time has come. True when it has answered. */
bool api_admit(struct http_request *req, struct http_reply *reply);
void api_missing(struct http_request *req, struct http_reply *reply);

/* look.c */
void api_zones(struct http_request *req, struct http_reply *reply);
void api_sets(struct http_request *req, struct http_reply *reply);
/* Null when the zone has no such set. The caller owns it. */
cJSON *api_set_json(const struct api *api, const struct record_set *set, const char *name, const char *type);
/* The zone of the path, and what the name server has. -1, and the answer is sent. */
int api_look(struct http_request *req, struct http_reply *reply);
/* "www" to "www.acme.example", "@" to the zone itself. */
void api_full_name(const struct api *api, const char *label, char *out, size_t size);

/* change.c */
void api_create(struct http_request *req, struct http_reply *reply);
void api_delete(struct http_request *req, struct http_reply *reply);
void api_act(struct http_request *req, struct http_reply *reply);
void api_action(struct http_request *req, struct http_reply *reply);
void api_settle(struct api *api);
/* Removes a set; its TTL, -1 when there was none. */
long api_take_out(struct record_set *set, const char *name, const char *type);

#endif
