/* The providers behind one door: see dns_provider.h. */
#include "core/links/dns_provider.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns.h"
#include <stdlib.h>
#include <string.h>

extern const struct dns_provider cloudflare_provider;
extern const struct dns_provider command_provider;
extern const struct dns_provider hetzner_provider;
extern const struct dns_provider manual_provider;
extern const struct dns_provider route53_provider;

const struct dns_provider *const dns_provider_table[] = {
    &cloudflare_provider, &command_provider, &hetzner_provider, &manual_provider, &route53_provider, NULL,
};
const char *const dns_secrets[] = {
    "CLOUDFLARE_API_TOKEN",  "CF_API_TOKEN",      "CF_DNS_API_TOKEN", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HCLOUD_TOKEN",     NULL,
};

struct dns_api {
	const struct dns_provider *provider;
	void *own;
};

const struct dns_provider *dns_provider_of(struct job *job)
{
	const char *name = job_config_str(job, "dns.provider", "");
	for (size_t i = 0; dns_provider_table[i]; i++)
		if (text_equal(dns_provider_table[i]->name, name))
			return dns_provider_table[i];
	return NULL;
}

struct dns_api *dns_api_open(struct job *job, enum dns_manner manner, struct err *err)
{
	const struct dns_provider *provider = dns_provider_of(job);
	if (!provider) {
		err_set(err, ERR_REFUSED,
			"dns.provider is \"%s\", which nightferry cannot ask; change the records by hand and "
			"mark the step as done",
			job_config_str(job, "dns.provider", ""));
		return NULL;
	}
	void *own = provider->open(job, manner, err);
	if (!own)
		return NULL;
	struct dns_api *api = xcalloc(1, sizeof *api);
	*api = (struct dns_api){.provider = provider, .own = own};
	return api;
}

void dns_api_close(struct dns_api *api)
{
	if (!api)
		return;
	api->provider->close(api->own);
	free(api);
}

const struct dns_provider *dns_api_provider(const struct dns_api *api)
{
	return api->provider;
}

int dns_api_zone(struct dns_api *api, const char *name, struct dns_zone *out, struct err *err)
{
	*out = (struct dns_zone){0};
	return api->provider->zone(api->own, name, out, err);
}

int dns_api_look(struct dns_api *api, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
		 struct err *err)
{
	*out = (struct dns_rrsets){0};
	return api->provider->look(api->own, zone, name, out, err);
}

int dns_api_gather(struct dns_api *api, const struct dns_zone *zone, size_t names, struct err *err)
{
	return api->provider->gather ? api->provider->gather(api->own, zone, names, err) : 0;
}

int dns_api_change(struct dns_api *api, const struct dns_zone *zone, const struct dns_change *changes,
		   size_t n, struct err *err)
{
	return api->provider->change(api->own, zone, changes, n, err);
}

bool dns_api_lost(const struct dns_api *api)
{
	return api->provider->lost(api->own);
}

int dns_api_prepare(struct dns_api *api, bool back, struct plan *plan, struct err *err)
{
	return api->provider->prepare ? api->provider->prepare(api->own, back, plan, err) : 0;
}

int dns_api_running(struct dns_api *api, char *who, size_t size, struct err *err)
{
	return api->provider->running ? api->provider->running(api->own, who, size, err) : 0;
}

int64_t dns_api_left(const struct dns_api *api)
{
	return api->provider->left ? api->provider->left(api->own) : -1;
}

void dns_rrsets_done(struct dns_rrsets *sets)
{
	json_free(sets->answer);
	*sets = (struct dns_rrsets){0};
}

int dns_rrsets_overflow(const struct dns_rrsets *sets, const char *who, const char *name, struct err *err)
{
	return err_set(
	    err, ERR_REFUSED,
	    "%s: %s has more records than are looked at here (%zu, and more); nothing was changed, "
	    "move this name by hand",
	    who, name, sets->n);
}

const struct dns_rrset *dns_rrsets_find(const struct dns_rrsets *sets, const char *type, const char *member)
{
	for (size_t i = 0; i < sets->n; i++)
		if (text_equal(sets->list[i].type, type) && text_equal(sets->list[i].member, member))
			return &sets->list[i];
	return NULL;
}

static bool has_value(const struct dns_rrset *set, const char *value)
{
	for (size_t i = 0; i < set->n; i++)
		if (dns_same(set->values[i], value))
			return true;
	return false;
}

bool dns_rrset_same(const struct dns_rrset *a, const struct dns_rrset *b)
{
	if (a->n != b->n || !text_equal(a->type, b->type) || a->ttl_s != b->ttl_s ||
	    a->proxied != b->proxied || a->weight != b->weight || !text_equal(a->member, b->member))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!has_value(b, a->values[i]) || !has_value(a, b->values[i]))
			return false;
	return true;
}

void dns_rrset_text(const struct dns_rrset *set, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < set->n; i++)
		buf_addf(&text, "%s%s", i ? ", " : "", set->values[i]);
	text_copy(out, size, set->n ? buf_text(&text) : "nothing");
	buf_done(&text);
}

bool dns_rrset_add(struct dns_rrset *set, const char *value)
{
	if (set->n >= DNS_VALUES_MAX)
		return false;
	/* As people wrote it there, so that it can be put back as it was: only the final dot goes. */
	char *out = set->values[set->n++];
	size_t len = text_clean(out, sizeof set->values[0], value, strlen(value));
	if (len > 1 && out[len - 1] == '.')
		out[len - 1] = '\0';
	return true;
}

void dns_rrset_write(struct jw *w, const char *key, const struct dns_rrset *set)
{
	jw_obj(w, key);
	jw_str(w, "id", set->id);
	jw_str(w, "name", set->name);
	jw_str(w, "type", set->type);
	jw_str(w, "content", set->n ? set->values[0] : "");
	jw_arr(w, "values");
	for (size_t i = 0; i < set->n; i++)
		jw_str(w, NULL, set->values[i]);
	jw_end(w);
	jw_int(w, "ttl", set->ttl_s);
	jw_int(w, "lives_s", set->lives_s);
	if (set->proxied)
		jw_bool(w, "proxied", true);
	if (set->weight >= 0) {
		jw_int(w, "weight", set->weight);
		jw_str(w, "member", set->member);
	}
	if (set->raw)
		jw_json(w, "raw", set->raw);
	jw_end(w);
}

/* Nights of older versions wrote Cloudflare's own object: no values, and 1 for "automatic". */
void dns_rrset_read(const struct json *object, struct dns_rrset *out)
{
	*out = (struct dns_rrset){.ttl_s = json_int(object, "ttl", 0),
				  .proxied = json_bool(object, "proxied", false),
				  .weight = (int)json_int(object, "weight", -1),
				  .raw = json_get(object, "raw")};
	out->lives_s = json_int(object, "lives_s", out->ttl_s == 1 ? 300 : out->ttl_s);
	text_copy(out->id, sizeof out->id, json_str(object, "id", ""));
	text_copy(out->name, sizeof out->name, json_str(object, "name", ""));
	text_copy(out->type, sizeof out->type, json_str(object, "type", ""));
	text_copy(out->member, sizeof out->member, json_str(object, "member", ""));
	for (const struct json *x = json_first(json_get(object, "values")); x; x = json_next(x))
		if (json_text(x))
			dns_rrset_add(out, json_text(x));
	if (!json_get(object, "values") && *json_str(object, "content", ""))
		dns_rrset_add(out, json_str(object, "content", ""));
}
