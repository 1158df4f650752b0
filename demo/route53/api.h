/* Amazon Route 53 as far as a DNS change needs it, below /2013-04-01. Requests have to be signed, and the
 * signature is computed anew and compared. */
#ifndef DEMO_ROUTE53_API_H
#define DEMO_ROUTE53_API_H

#include "demo/http/server.h"
#include "demo/zone/knot.h"
#include "demo/zone/records.h"

enum { WEIGHTED_MAX = 64, CHANGES_MAX = 256 };

/* A set that shares its name and type with others. The plain ones are in the name server's zone. */
struct weighted {
	char name[256], type[8], member[130], value[256];
	int weight;
	long ttl;
};
struct weights {
	struct weighted list[WEIGHTED_MAX];
	size_t n;
};
struct taken {
	char id[40];
	long long insync_ms;
};
struct api {
	struct knot knot;
	const char *key_id, *key, *token, *state_path;
	const char *weights_path, *second_socket; /* for mod-geoip; NULL: no weights can be served */
	char zone_id[ID_SIZE];
	struct record_set known;
	struct weights weights;
	struct taken taken[CHANGES_MAX];
	size_t n_taken;
	long pending_ms, rate; /* requests a second */
	long long allowance_ms;
	bool twin; /* a second, dead zone of the same name */
};

/* answer.c */
void api_error(struct http_reply *reply, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* <InvalidChangeBatch>, the answer to a batch that cannot be made. */
void api_invalid(struct http_reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));
void api_xml(struct http_reply *reply, const char *root, const char *inside);
long long api_now_ms(void);
bool api_admit(struct http_request *req, struct http_reply *reply);
void api_missing(struct http_request *req, struct http_reply *reply);

/* sign.c: NULL when the signature is right, else the code; `why` gets the words. */
const char *sign_check(const struct api *api, const struct http_request *req, char *why, size_t size);

/* look.c */
void api_zones(struct http_request *req, struct http_reply *reply);
void api_sets(struct http_request *req, struct http_reply *reply);
void api_change_state(struct http_request *req, struct http_reply *reply);
int api_look(struct http_request *req, struct http_reply *reply);

/* change.c */
void api_change(struct http_request *req, struct http_reply *reply);

/* weights.c: what mod-geoip of both name servers is to answer. -1 and a sentence. */
int weights_serve(const struct api *api, const struct weights *weights, char *why, size_t size);

/* text.c: a growing text for XML. */
struct text {
	char *data;
	size_t len, room;
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_escaped(struct text *text, const char *value);

#endif
