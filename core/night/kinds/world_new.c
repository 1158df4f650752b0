/* Folds of the new side: see world_new.h. */
#include "core/night/kinds/fold.h"

enum { HOSTS_MAX = 32, AUDIT_MAX = 200 };

/* The one the event is about; a new one for a name that was never seen. NULL: too many. */
static struct host_state *host_of(struct state *state, const struct event *event)
{
	const char *name = json_str(event->body, "host", "");
	if (!*name)
		return &state->host;
	for (size_t i = 0; i < state->n_more_hosts; i++)
		if (text_equal(state->more_hosts[i].name, name))
			return &state->more_hosts[i];
	if (state->n_more_hosts == HOSTS_MAX)
		return NULL;
	struct host_state *h = FOLD_PUSH(state->more_hosts, state->n_more_hosts);
	text_copy(h->name, sizeof h->name, name);
	return h;
}

const struct host_state *host_at(const struct state *state, size_t i)
{
	if (i == 0)
		return &state->host;
	return i - 1 < state->n_more_hosts ? &state->more_hosts[i - 1] : NULL;
}

static void fold_container(struct host_state *h, const struct json *x)
{
	struct container_seen *c = FOLD_PUSH(h->containers, h->n);
	FOLD_TEXT(c->id, x, "id");
	FOLD_TEXT(c->name, x, "name");
	FOLD_TEXT(c->role, x, "role");
	FOLD_TEXT(c->version, x, "version");
	FOLD_TEXT(c->status, x, "status");
	FOLD_TEXT(c->health, x, "health");
	FOLD_TEXT(c->image, x, "image");
	FOLD_TEXT(c->open, x, "open");
	FOLD_TEXT(c->log, x, "log");
	c->started_ms = json_int(x, "started_ms", 0);
	c->finished_ms = json_int(x, "finished_ms", 0);
	c->restarts = (int)json_int(x, "restarts", 0);
	c->exit_code = (int)json_int(x, "exit_code", 0);
	c->stale = json_bool(x, "stale", false);
	c->replaced = json_bool(x, "replaced", false);
	c->looping = json_bool(x, "looping", false);
	c->oom = json_bool(x, "oom", false);
}

static void fold_route(struct host_state *h, const struct json *x)
{
	struct route_seen *r = FOLD_PUSH(h->routes, h->n_routes);
	FOLD_TEXT(r->service, x, "service");
	FOLD_TEXT(r->hosts, x, "hosts");
	FOLD_TEXT(r->target, x, "target");
	FOLD_TEXT(r->state, x, "state");
	FOLD_TEXT(r->path, x, "path");
	FOLD_TEXT(r->container, x, "container");
	FOLD_TEXT(r->version, x, "version");
	r->tls = json_bool(x, "tls", false);
}

static void fold_host_seen(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct host_state *h = host_of(state, event);
	if (!h)
		return;
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
	for (const struct json *x = json_first(json_get(b, "containers")); x; x = json_next(x))
		fold_container(h, x);
	for (const struct json *x = json_first(json_get(b, "routes")); x; x = json_next(x))
		fold_route(h, x);
	const struct json *lock = json_get(b, "lock");
	h->lock_held = json_bool(lock, "held", false);
	FOLD_TEXT(h->lock_by, lock, "by");
	FOLD_TEXT(h->lock_why, lock, "why");
	h->lock_since_ms = json_int(lock, "since_ms", 0);
}

static void fold_host_load(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct host_state *h = host_of(state, event);
	if (!h)
		return;
	h->load = json_num(b, "load", 0);
	h->mem_used = json_int(b, "mem_used", 0);
	h->mem_total = json_int(b, "mem_total", 0);
	h->disk_free = json_int(b, "disk_free", 0);
	h->disk_total = json_int(b, "disk_total", 0);
	h->skew_ms = json_int(b, "skew_ms", 0);
	h->load_at_ms = event->at_ms;
	h->n_disks = 0;
	for (const struct json *x = json_first(json_get(b, "disks")); x && h->n_disks < HOST_DISKS;
	     x = json_next(x)) {
		struct host_disk *disk = &h->disks[h->n_disks++];
		FOLD_TEXT(disk->path, x, "path");
		disk->free = json_int(x, "free", 0);
		disk->total = json_int(x, "total", 0);
	}
}

static void audit_done(struct host_state *h)
{
	for (size_t i = 0; i < h->n_audit; i++)
		free(h->audit[i]);
	free(h->audit);
	h->audit = NULL;
	h->n_audit = 0;
}

static void fold_host_audit(struct state *state, const struct event *event)
{
	struct host_state *h = host_of(state, event);
	if (!h)
		return;
	audit_done(h);
	h->audit_at_ms = event->at_ms;
	for (const struct json *x = json_first(json_get(event->body, "lines")); x && h->n_audit < AUDIT_MAX;
	     x = json_next(x))
		*FOLD_PUSH(h->audit, h->n_audit) = xstrdup(json_text(x) ? json_text(x) : "");
}

static void host_done(struct host_state *h)
{
	free(h->containers);
	free(h->routes);
	audit_done(h);
}

void hosts_done(struct state *state)
{
	host_done(&state->host);
	for (size_t i = 0; i < state->n_more_hosts; i++)
		host_done(&state->more_hosts[i]);
	free(state->more_hosts);
}

const struct kind host_seen_kind = {
    .name = "host.seen", .keep = KEEP_CHANGE, .key = "host", .since = 1, .fold = fold_host_seen};
const struct kind host_audit_kind = {
    .name = "host.audit", .keep = KEEP_CHANGE, .key = "host", .since = 1, .fold = fold_host_audit};
const struct kind host_load_kind = {
    .name = "host.load", .keep = KEEP_SAMPLE, .key = "host", .since = 1, .fold = fold_host_load};
