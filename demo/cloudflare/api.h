/* Cloudflare's API v4 as far as a DNS change needs it, below /client/v4. */
#ifndef DEMO_CLOUDFLARE_API_H
#define DEMO_CLOUDFLARE_API_H

#include "checks.h"
#include "demo/zone/knot.h"
#include "demo/zone/records.h"
#include "demo/http/server.h"

struct api {
	struct knot knot;
	struct zone_rules rules;
	const char *token;
	const char *state_path;
	char zone_id[ID_SIZE], account_id[ID_SIZE];
	struct record_set known; /* as of the last look at the name server */
	long long window_ends_ms, blocked_until_ms;
	int asked, asked_most; /* in this window of five minutes */
	char edge[64];         /* the proxy's address, "" for none */
	long edge_port;        /* its port, and that of all hosts behind it */
	const char *edge_resolver;
};

/* limit.c: the token, its allowance, and the headers that tell of it. Returns true when it has answered. */
bool api_admit(struct http_request *req, struct http_reply *reply);

/* answer.c: the envelope around every answer. `info` may be NULL; both are taken. */
void api_reply(struct http_reply *reply, cJSON *result, cJSON *info);
void api_refuse(struct http_reply *reply, const struct problem *problem);
/* `items` cut down to the page that `page` and `per_page` ask for. */
void api_reply_page(const struct http_request *req, struct http_reply *reply, cJSON *items, long per_page,
		    long per_page_most);
void api_no_route(struct http_request *req, struct http_reply *reply);

/* change.c: POST, PATCH, PUT, DELETE and batch of records. */
void api_change_one(struct http_request *req, struct http_reply *reply);
void api_batch(struct http_request *req, struct http_reply *reply);

/* edge.c: the proxy of proxied names, where CLOUDFLARE_EDGE asks for one. False and a sentence on stderr. */
bool edge_start(struct api *api);
/* What the name server is to tell: proxied names at the proxy's address. -1: no room. */
int edge_serve(const struct api *api, struct record_set *to, const struct record_set *from);
/* And back: what people have written, behind what the name server tells. */
void edge_restore(const struct api *api, struct record_set *seen);

/* look.c: zones and records. */
void api_verify(struct http_request *req, struct http_reply *reply);
void api_zones(struct http_request *req, struct http_reply *reply);
void api_zone(struct http_request *req, struct http_reply *reply);
void api_records(struct http_request *req, struct http_reply *reply);
void api_record(struct http_request *req, struct http_reply *reply);
/* The zone as the name server has it now, in api->known. 0, or -1 and the answer is sent. */
int api_look(struct http_request *req, struct http_reply *reply);

#endif
