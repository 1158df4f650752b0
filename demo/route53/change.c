/* A batch: read strictly in Amazon's order of elements, made on copies, and served only when all of it fits.
 */
#include "api.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUES_MAX = 16 };

struct change {
	char action[12];
	char name[256], type[8], member[130];
	int weight; /* -1: not weighted */
	long ttl;
	char values[VALUES_MAX][256];
	size_t n;
};
struct reader {
	const char *at;
	char why[300];
};

static bool miss(struct reader *r, const char *tag)
{
	if (!r->why[0])
		snprintf(r->why, sizeof(r->why),
			 "Invalid XML ; cvc-complex-type: '<%s>' is expected at '%.40s'", tag, r->at);
	return false;
}

static bool is_next(const struct reader *r, const char *tag)
{
	size_t length = strlen(tag);
	return r->at[0] == '<' && !strncmp(r->at + 1, tag, length) && r->at[length + 1] == '>';
}

static bool take(struct reader *r, const char *tag)
{
	if (!is_next(r, tag))
		return miss(r, tag);
	r->at += strlen(tag) + 2;
	return true;
}

static bool take_text(struct reader *r, const char *tag, char *out, size_t size)
{
	char close[80];
	snprintf(close, sizeof(close), "</%s>", tag);
	if (!take(r, tag))
		return false;
	const char *end = strstr(r->at, close);
	if (!end || (size_t)(end - r->at) >= size || memchr(r->at, '<', (size_t)(end - r->at)))
		return miss(r, tag);
	size_t used = 0;
	for (const char *c = r->at; c < end;) {
		bool amp = !strncmp(c, "&amp;", 5);
		out[used++] = amp ? '&' : *c;
		c += amp ? 5 : 1;
	}
	out[used] = '\0';
	r->at = end + strlen(close);
	return true;
}

static bool take_values(struct reader *r, struct change *c)
{
	if (!take(r, "ResourceRecords"))
		return false;
	while (is_next(r, "ResourceRecord")) {
		if (c->n == VALUES_MAX || !take(r, "ResourceRecord") ||
		    !take_text(r, "Value", c->values[c->n++], sizeof(c->values[0])) ||
		    !take(r, "/ResourceRecord"))
			return miss(r, "ResourceRecord");
	}
	return c->n > 0 && take(r, "/ResourceRecords");
}

static void cut_dot(char *name)
{
	size_t length = strlen(name);
	if (length && name[length - 1] == '.')
		name[length - 1] = '\0';
}

static bool take_change(struct reader *r, struct change *c)
{
	char number[24];
	*c = (struct change){.weight = -1};
	if (!take(r, "Change") || !take_text(r, "Action", c->action, sizeof(c->action)) ||
	    !take(r, "ResourceRecordSet") || !take_text(r, "Name", c->name, sizeof(c->name)) ||
	    !take_text(r, "Type", c->type, sizeof(c->type)))
		return false;
	cut_dot(c->name);
	if (is_next(r, "SetIdentifier")) {
		if (!take_text(r, "SetIdentifier", c->member, sizeof(c->member)) ||
		    !take_text(r, "Weight", number, sizeof(number)))
			return false;
		c->weight = (int)strtol(number, NULL, 10);
		if (c->weight < 0 || c->weight > 255)
			return miss(r, "Weight");
	}
	if (!take_text(r, "TTL", number, sizeof(number)))
		return false;
	c->ttl = strtol(number, NULL, 10);
	return take_values(r, c) && take(r, "/ResourceRecordSet") && take(r, "/Change");
}

/* ---- what it would make of the zone ---- */

struct world {
	struct record_set set;
	struct weights weights;
	char why[400];
};

static bool no(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool no(struct world *w, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(w->why, sizeof(w->why), format, list);
	va_end(list);
	return false;
}

static bool has_value(const struct change *c, const struct record *record)
{
	for (size_t i = 0; i < c->n; i++) {
		char value[256];
		snprintf(value, sizeof(value), "%s", c->values[i]);
		cut_dot(value);
		if (!strcasecmp(value, record->content))
			return true;
	}
	return false;
}

static size_t count_plain(const struct world *w, const struct change *c)
{
	size_t n = 0;
	for (size_t i = 0; i < w->set.count; i++)
		n += record_is(&w->set.list[i], c->name, c->type);
	return n;
}

static struct weighted *find_weighted(struct world *w, const struct change *c)
{
	for (size_t i = 0; i < w->weights.n; i++) {
		struct weighted *one = &w->weights.list[i];
		if (!strcasecmp(one->name, c->name) && !strcmp(one->type, c->type) &&
		    !strcmp(one->member, c->member))
			return one;
	}
	return NULL;
}

/* Every value has to be the same, and the TTL. */
static bool remove_plain(struct world *w, const struct change *c)
{
	size_t n = count_plain(w, c);
	bool equal = n == c->n;
	for (size_t i = 0; i < w->set.count; i++) {
		const struct record *record = &w->set.list[i];
		long ttl = record->ttl == TTL_AUTOMATIC ? TTL_AUTOMATIC_SECONDS : record->ttl;
		if (record_is(record, c->name, c->type))
			equal = equal && has_value(c, record) && ttl == c->ttl;
	}
	if (!n)
		return no(w,
			  "Tried to delete resource record set [name='%s.', type='%s'] but it was not found",
			  c->name, c->type);
	if (!equal)
		return no(w,
			  "Tried to delete resource record set [name='%s.', type='%s'] but the values "
			  "provided do not match the current values",
			  c->name, c->type);
	for (size_t i = 0; i < w->set.count;)
		if (record_is(&w->set.list[i], c->name, c->type))
			records_remove(&w->set, &w->set.list[i]);
		else
			i++;
	return true;
}

static bool remove_weighted(struct world *w, const struct change *c)
{
	struct weighted *one = find_weighted(w, c);
	char value[256];
	snprintf(value, sizeof(value), "%s", c->values[0]);
	cut_dot(value);
	if (!one || strcasecmp(one->value, value) || one->ttl != c->ttl || one->weight != c->weight)
		return no(w,
			  "Tried to delete resource record set [name='%s.', type='%s', set identifier='%s'] "
			  "but the values provided do not match the current values",
			  c->name, c->type, c->member);
	*one = w->weights.list[--w->weights.n];
	return true;
}

/* Who may stand beside whom. */
static bool may_stand(struct world *w, const struct change *c)
{
	bool cname = !strcmp(c->type, "CNAME");
	for (size_t i = 0; i < w->set.count; i++) {
		const struct record *other = &w->set.list[i];
		if (strcasecmp(other->name, c->name))
			continue;
		if (c->weight >= 0 && !strcmp(other->type, c->type))
			return no(w,
				  "RRSet with DNS name %s., type %s, SetIdentifier %s cannot be created as "
				  "other RRSets exist with the same name and type.",
				  c->name, c->type, c->member);
		if (strcmp(other->type, c->type) && (cname || !strcmp(other->type, "CNAME")))
			return no(w,
				  "RRSet of type %s with DNS name %s. is not permitted because a conflicting "
				  "RRSet of type %s with the same DNS name already exists in zone.",
				  c->type, c->name, other->type);
	}
	for (size_t i = 0; i < w->weights.n; i++)
		if (c->weight < 0 && !strcasecmp(w->weights.list[i].name, c->name))
			return no(w,
				  "RRSet with DNS name %s., type %s cannot be created as other RRSets exist "
				  "with the same name and type.",
				  c->name, c->type);
	return true;
}

static bool add_weighted(struct world *w, const struct change *c)
{
	struct weighted *one = find_weighted(w, c);
	if (!one && w->weights.n == WEIGHTED_MAX)
		return no(w, "Too many sets");
	if (!one)
		one = &w->weights.list[w->weights.n++];
	*one = (struct weighted){.weight = c->weight, .ttl = c->ttl};
	snprintf(one->name, sizeof(one->name), "%s", c->name);
	snprintf(one->type, sizeof(one->type), "%s", c->type);
	snprintf(one->member, sizeof(one->member), "%s", c->member);
	snprintf(one->value, sizeof(one->value), "%s", c->values[0]);
	cut_dot(one->value);
	return true;
}

static bool add_plain(struct world *w, const struct change *c)
{
	for (size_t i = 0; i < w->set.count;)
		if (record_is(&w->set.list[i], c->name, c->type))
			records_remove(&w->set, &w->set.list[i]);
		else
			i++;
	for (size_t i = 0; i < c->n; i++) {
		unsigned char address[16];
		struct record *record = records_add(&w->set);
		if (!record)
			return no(w, "Too many sets");
		if ((!strcmp(c->type, "A") && inet_pton(AF_INET, c->values[i], address) != 1) ||
		    (!strcmp(c->type, "AAAA") && inet_pton(AF_INET6, c->values[i], address) != 1))
			return no(
			    w,
			    "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address' with '%s'",
			    c->values[i]);
		record_new_id(record->id);
		snprintf(record->name, sizeof(record->name), "%s", c->name);
		snprintf(record->type, sizeof(record->type), "%s", c->type);
		snprintf(record->content, sizeof(record->content), "%s", c->values[i]);
		cut_dot(record->content);
		record->ttl = c->ttl;
	}
	return true;
}

static bool apply(struct world *w, const struct change *c)
{
	bool create = !strcmp(c->action, "CREATE"), upsert = !strcmp(c->action, "UPSERT");
	if (!strcmp(c->action, "DELETE"))
		return c->weight >= 0 ? remove_weighted(w, c) : remove_plain(w, c);
	if (!create && !upsert)
		return no(w, "Value '%s' at 'action' failed to satisfy constraint", c->action);
	if (create && (c->weight >= 0 ? find_weighted(w, c) != NULL : count_plain(w, c) > 0))
		return no(w,
			  "Tried to create resource record set [name='%s.', type='%s'] but it already exists",
			  c->name, c->type);
	if (!may_stand(w, c))
		return false;
	return c->weight >= 0 ? add_weighted(w, c) : add_plain(w, c);
}

static bool ttls_agree(struct world *w)
{
	for (size_t i = 0; i < w->weights.n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct weighted *a = &w->weights.list[i], *b = &w->weights.list[k];
			if (!strcasecmp(a->name, b->name) && !strcmp(a->type, b->type) && a->ttl != b->ttl)
				return no(w,
					  "The TTL of the weighted resource record sets for %s. must be the "
					  "same",
					  a->name);
		}
	return true;
}

static bool read_batch(struct reader *r, struct world *w)
{
	const char *open = strstr(r->at, "<ChangeBatch>");
	char comment[300];
	struct change *change = malloc(sizeof(*change));
	if (!change)
		abort();
	bool good = open != NULL;
	r->at = good ? open + strlen("<ChangeBatch>") : r->at;
	if (good && is_next(r, "Comment"))
		good = take_text(r, "Comment", comment, sizeof(comment));
	good = good && take(r, "Changes");
	while (good && is_next(r, "Change"))
		good = take_change(r, change) && apply(w, change);
	good = good && take(r, "/Changes") && take(r, "/ChangeBatch") && ttls_agree(w);
	free(change);
	return good;
}

static bool serve(struct api *api, struct world *w)
{
	if (knot_replace(&api->knot, &api->known, &w->set, w->why, sizeof(w->why)) < 0)
		return false;
	records_free(&api->known);
	api->known = w->set;
	w->set = (struct record_set){0};
	bool weighted = w->weights.n || api->weights.n;
	if (weighted && weights_serve(api, &w->weights, w->why, sizeof(w->why)) < 0)
		return false;
	api->weights = w->weights;
	if (state_save(api->state_path, api->zone_id, &api->known) < 0)
		perror(api->state_path);
	return true;
}

void api_change(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	static struct world world;
	struct reader reader = {.at = req->body};
	if (api_look(req, reply) < 0)
		return;
	world = (struct world){.weights = api->weights};
	if (strcmp(http_arg(req, "zone"), api->zone_id) || records_copy(&world.set, &api->known) < 0) {
		api_error(reply, 404, "NoSuchHostedZone", "No hosted zone found with that ID");
	} else if (!read_batch(&reader, &world) || !serve(api, &world)) {
		if (world.why[0])
			api_invalid(reply, "[%s]", world.why);
		else
			api_error(reply, 400, "InvalidInput", "%s", reader.why);
	} else {
		struct taken *taken =
		    &api->taken[api->n_taken < CHANGES_MAX ? api->n_taken++ : CHANGES_MAX - 1];
		struct text text = {0};
		record_new_id(taken->id);
		taken->insync_ms = api_now_ms() + api->pending_ms;
		text_add(&text,
			 "<ChangeInfo><Id>/change/%s</Id><Status>PENDING</Status>"
			 "<SubmittedAt>2026-11-21T01:02:03.000Z</SubmittedAt></ChangeInfo>",
			 taken->id);
		api_xml(reply, "ChangeResourceRecordSetsResponse", text.data);
		free(text.data);
	}
	records_free(&world.set);
}
