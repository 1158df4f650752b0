/* Folds of the new side: see world_new.h. */
#include "core/night/kinds/fold.h"

static void fold_host_seen(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct host_state *h = &state->host;
	h->seen = true;
	h->at_ms = event->at_ms;
	FOLD_TEXT(h->address, b, "address");
	FOLD_TEXT(h->pg_version, b, "pg_version");
	h->cores = (int)json_int(b, "cores", 0);
	free(h->containers);
	free(h->routes);
	h->containers = NULL;
	h->routes = NULL;
	h->n = h->n_routes = 0;
	for (const struct json *x = json_first(json_get(b, "containers")); x; x = json_next(x)) {
		struct container_seen *c = FOLD_PUSH(h->containers, h->n);
		FOLD_TEXT(c->id, x, "id");
		FOLD_TEXT(c->name, x, "name");
		FOLD_TEXT(c->role, x, "role");
		FOLD_TEXT(c->version, x, "version");
		FOLD_TEXT(c->status, x, "status");
		FOLD_TEXT(c->health, x, "health");
		c->started_ms = json_int(x, "started_ms", 0);
		c->restarts = (int)json_int(x, "restarts", 0);
		c->stale = json_bool(x, "stale", false);
	}
	for (const struct json *x = json_first(json_get(b, "routes")); x; x = json_next(x)) {
		struct route_seen *r = FOLD_PUSH(h->routes, h->n_routes);
		FOLD_TEXT(r->service, x, "service");
		FOLD_TEXT(r->hosts, x, "hosts");
		FOLD_TEXT(r->target, x, "target");
		FOLD_TEXT(r->state, x, "state");
		r->tls = json_bool(x, "tls", false);
	}
	const struct json *lock = json_get(b, "lock");
	h->lock_held = json_bool(lock, "held", false);
	FOLD_TEXT(h->lock_by, lock, "by");
	FOLD_TEXT(h->lock_why, lock, "why");
	h->lock_since_ms = json_int(lock, "since_ms", 0);
}

static void fold_host_load(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct host_state *h = &state->host;
	h->load = json_num(b, "load", 0);
	h->mem_used = json_int(b, "mem_used", 0);
	h->mem_total = json_int(b, "mem_total", 0);
	h->disk_free = json_int(b, "disk_free", 0);
	h->disk_total = json_int(b, "disk_total", 0);
	h->skew_ms = json_int(b, "skew_ms", 0);
	h->load_at_ms = event->at_ms;
}

const struct kind host_seen_kind = {
    .name = "host.seen", .keep = KEEP_CHANGE, .key = "", .since = 1, .fold = fold_host_seen};
const struct kind host_load_kind = {
    .name = "host.load", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_host_load};
