/* What only looks: zones, sets in Amazon's order, and whether a change is in sync. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void add_zone(struct text *out, const char *id, const char *name)
{
	text_add(out,
		 "<HostedZone><Id>/hostedzone/%s</Id><Name>%s.</Name><CallerReference>made</CallerReference>"
		 "<Config><PrivateZone>false</PrivateZone></Config><ResourceRecordSetCount>12"
		 "</ResourceRecordSetCount></HostedZone>",
		 id, name);
}

/* The name is where the list begins; what comes after it in the alphabet is told too. */
void api_zones(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *from = http_query(req, "dnsname");
	struct text text = {0};
	text_add(&text, "<HostedZones>");
	if (!from || strcasecmp(from, api->knot.zone) <= 0) {
		if (api->twin)
			add_zone(&text, "ZDEADTWIN00000", api->knot.zone);
		add_zone(&text, api->zone_id, api->knot.zone);
	}
	add_zone(&text, "ZOTHER00000000", "zebra.example");
	text_add(&text, "</HostedZones><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>");
	api_xml(reply, "ListHostedZonesByNameResponse", text.data);
	free(text.data);
}

int api_look(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	struct record_set seen = {0};
	char why[400];
	const char *zone = http_arg(req, "zone");
	bool twin = api->twin && zone && !strcmp(zone, "ZDEADTWIN00000");
	if (!zone || (strcmp(zone, api->zone_id) && !twin)) {
		api_error(reply, 404, "NoSuchHostedZone", "No hosted zone found with ID: %s",
			  zone ? zone : "");
		return -1;
	}
	if (knot_read(&api->knot, &seen, why, sizeof(why)) < 0) {
		api_error(reply, 503, "ServiceUnavailable", "%s", why);
		return -1;
	}
	records_adopt(&seen, &api->known);
	records_free(&api->known);
	api->known = seen;
	return 0;
}

/* www.acme.example as example.acme.www: the order in which sets are listed. */
static void turned(const char *name, char *out, size_t size)
{
	char copy[256];
	size_t used = 0;
	snprintf(copy, sizeof(copy), "%s", name);
	size_t length = strlen(copy);
	if (length && copy[length - 1] == '.')
		copy[length - 1] = '\0';
	out[0] = '\0';
	for (char *dot; used < size; *dot = '\0') {
		dot = strrchr(copy, '.');
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "\x02" : "",
					 dot ? dot + 1 : copy);
		if (!dot)
			return;
	}
}

struct row {
	char order[300];
	char *xml;
};
struct rows {
	struct row *list;
	size_t n, room;
};

static void add_head(struct text *out, const char *name, const char *type)
{
	text_add(out, "<ResourceRecordSet><Name>%s%s.</Name><Type>%s</Type>", name[0] == '*' ? "\\052" : "",
		 name + (name[0] == '*'), type);
}

static void add_value(struct text *out, const char *type, const char *value)
{
	text_add(out, "<ResourceRecord><Value>");
	text_add_escaped(out, value);
	text_add(out, "%s</Value></ResourceRecord>",
		 !strcmp(type, "CNAME") || !strcmp(type, "NS") ? "." : "");
}

static void add_row(struct rows *rows, const char *name, const char *type, const char *member, char *xml)
{
	char order[256];
	if (rows->n == rows->room) {
		rows->room = rows->room ? rows->room * 2 : 32;
		rows->list = realloc(rows->list, rows->room * sizeof(*rows->list));
		if (!rows->list)
			abort();
	}
	turned(name, order, sizeof(order));
	struct row *row = &rows->list[rows->n++];
	snprintf(row->order, sizeof(row->order), "%s\x01%s\x01%.30s", order, type, member);
	row->xml = xml;
}

static bool is_first(const struct record_set *set, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (record_is(&set->list[i], set->list[at].name, set->list[at].type))
			return false;
	return true;
}

static void add_plain(struct api *api, struct rows *rows)
{
	for (size_t i = 0; i < api->known.count; i++) {
		const struct record *first = &api->known.list[i];
		struct text text = {0};
		if (!is_first(&api->known, i))
			continue;
		add_head(&text, first->name, first->type);
		text_add(&text, "<TTL>%ld</TTL><ResourceRecords>",
			 first->ttl == TTL_AUTOMATIC ? TTL_AUTOMATIC_SECONDS : first->ttl);
		for (size_t k = i; k < api->known.count; k++)
			if (record_is(&api->known.list[k], first->name, first->type))
				add_value(&text, first->type, api->known.list[k].content);
		text_add(&text, "</ResourceRecords></ResourceRecordSet>");
		add_row(rows, first->name, first->type, "", text.data);
	}
}

static void add_weighted(struct api *api, struct rows *rows)
{
	for (size_t i = 0; i < api->weights.n; i++) {
		const struct weighted *w = &api->weights.list[i];
		struct text text = {0};
		add_head(&text, w->name, w->type);
		text_add(&text, "<SetIdentifier>");
		text_add_escaped(&text, w->member);
		text_add(&text, "</SetIdentifier><Weight>%d</Weight><TTL>%ld</TTL><ResourceRecords>",
			 w->weight, w->ttl);
		add_value(&text, w->type, w->value);
		text_add(&text, "</ResourceRecords></ResourceRecordSet>");
		add_row(rows, w->name, w->type, w->member, text.data);
	}
}

/* Amazon keeps the zone's own servers in the list as well. A dead twin is on others. */
static void add_servers(struct api *api, struct rows *rows, bool twin)
{
	struct text text = {0};
	char name[300];
	add_head(&text, api->knot.zone, "NS");
	text_add(&text, "<TTL>172800</TTL><ResourceRecords>");
	for (int i = 1; i <= 2; i++) {
		snprintf(name, sizeof(name), twin ? "ns-%d.awsdns-00.example" : "ns%d.%s", i, api->knot.zone);
		add_value(&text, "NS", name);
	}
	text_add(&text, "</ResourceRecords></ResourceRecordSet>");
	add_row(rows, api->knot.zone, "NS", "", text.data);
}

static int by_order(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->order, ((const struct row *)b)->order);
}

void api_sets(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *name = http_query(req, "name"), *most = http_query(req, "maxitems");
	struct rows rows = {0};
	struct text text = {0};
	char from[256] = "";
	long left = most ? strtol(most, NULL, 10) : 300;
	if (api_look(req, reply) < 0)
		return;
	if (strcmp(http_arg(req, "zone"), api->zone_id) == 0) {
		add_plain(api, &rows);
		add_weighted(api, &rows);
	}
	add_servers(api, &rows, strcmp(http_arg(req, "zone"), api->zone_id) != 0);
	qsort(rows.list, rows.n, sizeof(*rows.list), by_order);
	if (name)
		turned(name, from, sizeof(from));
	text_add(&text, "<ResourceRecordSets>");
	for (size_t i = 0; i < rows.n; i++) {
		if (strcmp(rows.list[i].order, from) >= 0 && left-- > 0)
			text_add(&text, "%s", rows.list[i].xml);
		free(rows.list[i].xml);
	}
	text_add(&text, "</ResourceRecordSets><IsTruncated>%s</IsTruncated><MaxItems>100</MaxItems>",
		 left < 0 ? "true" : "false");
	api_xml(reply, "ListResourceRecordSetsResponse", text.data);
	free(text.data);
	free(rows.list);
}

void api_change_state(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	const char *id = http_arg(req, "id");
	for (size_t i = 0; i < api->n_taken; i++) {
		struct text text = {0};
		if (strcmp(api->taken[i].id, id))
			continue;
		text_add(&text,
			 "<ChangeInfo><Id>/change/%s</Id><Status>%s</Status>"
			 "<SubmittedAt>2026-11-21T01:02:03.000Z</SubmittedAt></ChangeInfo>",
			 id, api_now_ms() < api->taken[i].insync_ms ? "PENDING" : "INSYNC");
		api_xml(reply, "GetChangeResponse", text.data);
		free(text.data);
		return;
	}
	api_error(reply, 404, "NoSuchChange", "Could not find resource with ID: %s", id);
}
