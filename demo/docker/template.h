/* The part of Go's text/template that docker's --format needs, over a cJSON tree. */
#ifndef DEMO_DOCKER_TEMPLATE_H
#define DEMO_DOCKER_TEMPLATE_H

#include <cjson/cJSON.h>
#include <stdio.h>

enum template_mode {
	TEMPLATE_INSPECT, /* Go's field names (.ID), optional fields are nil, other unknown names an error */
	TEMPLATE_RAW,     /* the raw JSON: every missing key is an error */
	TEMPLATE_ROW      /* a table row or event: keys of the root in any case */
};

/*
 * Writes the template's text for root to out, without a final newline. labels is what the method
 * `.Label "x"` looks into, or NULL. 0, or -1 with a whole message in error.
 */
int template_run(FILE *out, const char *text, const cJSON *root, const cJSON *labels, enum template_mode mode,
		 char *error, size_t error_size);

#endif
