/* Weighted answers of a real name server: mod-geoip of both knotd reads them from a file. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool is_first(const struct weights *weights, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcasecmp(weights->list[i].name, weights->list[at].name))
			return false;
	return true;
}

static int sum_of(const struct weights *weights, const char *name)
{
	int sum = 0;
	for (size_t i = 0; i < weights->n; i++)
		if (!strcasecmp(weights->list[i].name, name))
			sum += weights->list[i].weight;
	return sum;
}

/* A weight of 0 is never answered, but when all are 0 they are all alike. */
static void write_all(FILE *file, const struct weights *weights)
{
	/* The module does not take an empty file. */
	fprintf(file, "nobody.invalid:\n  - weight: 1\n    A: 192.0.2.1\n");
	for (size_t i = 0; i < weights->n; i++) {
		const char *name = weights->list[i].name;
		int sum = sum_of(weights, name);
		if (!is_first(weights, i))
			continue;
		fprintf(file, "%s:\n", name);
		for (size_t k = 0; k < weights->n; k++) {
			const struct weighted *w = &weights->list[k];
			int weight = sum ? w->weight : 1;
			if (!strcasecmp(w->name, name) && weight)
				fprintf(file, "  - weight: %d\n    %s: %s%s\n", weight, w->type, w->value,
					!strcmp(w->type, "CNAME") ? "." : "");
		}
	}
}

int weights_serve(const struct api *api, const struct weights *weights, char *why, size_t size)
{
	char fresh[600];
	if (!api->weights_path) {
		snprintf(why, size, "the name server of this world cannot answer by weight");
		return -1;
	}
	snprintf(fresh, sizeof(fresh), "%s.new", api->weights_path);
	FILE *file = fopen(fresh, "we");
	if (!file) {
		snprintf(why, size, "%s cannot be written", fresh);
		return -1;
	}
	write_all(file, weights);
	if (fclose(file) != 0 || rename(fresh, api->weights_path) != 0) {
		snprintf(why, size, "%s cannot be written", api->weights_path);
		return -1;
	}
	struct knot second = {.socket = api->second_socket, .zone = api->knot.zone};
	return knot_reload(&api->knot, why, size) < 0 || knot_reload(&second, why, size) < 0 ? -1 : 0;
}
