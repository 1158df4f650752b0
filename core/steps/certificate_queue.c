/* The order of the handshakes: see certificate_queue.h. */
#include "core/steps/certificate_queue.h"
#include "core/base/text.h"
#include <string.h>
#include <strings.h>

/* A proxy that has just failed does not ask again for a minute, so neither do we. */
static const int64_t pauses_ms[CERT_FAILURES_MOST] = {65000, 180000, 600000, 0};

enum { NOT_YET_MS = 15000 };

bool cert_add(struct cert_queue *queue, const char *name)
{
	for (size_t i = 0; i < queue->n; i++)
		if (strcasecmp(queue->names[i].name, name) == 0)
			return false;
	if (queue->n == CERT_NAMES_MAX || !*name)
		return false;
	struct cert_name *new = &queue->names[queue->n++];
	*new = (struct cert_name){0};
	text_copy(new->name, sizeof new->name, name);
	return true;
}

struct cert_name *cert_next(struct cert_queue *queue, int64_t now_ms, int64_t *next_ms)
{
	struct cert_name *first = NULL;
	for (size_t i = 0; i < queue->n; i++)
		if (queue->names[i].state == CERT_WAITS &&
		    (!first || queue->names[i].next_ms < first->next_ms))
			first = &queue->names[i];
	/* 0 is "at once" for a name, and "nobody" for the caller. */
	*next_ms = first ? first->next_ms > now_ms ? first->next_ms : now_ms : 0;
	return first && first->next_ms <= now_ms ? first : NULL;
}

void cert_good(struct cert_queue *queue, struct cert_name *name)
{
	name->state = CERT_ISSUED;
	name->why[0] = '\0';
	queue->issued++;
}

void cert_failed(struct cert_queue *queue, struct cert_name *name, const char *why, bool hopeless,
		 int64_t now_ms)
{
	text_copy(name->why, sizeof name->why, why);
	name->failures++;
	if (hopeless || name->failures >= CERT_FAILURES_MOST) {
		name->state = CERT_GIVEN_UP;
		queue->given_up++;
		return;
	}
	name->next_ms = now_ms + pauses_ms[name->failures - 1];
}

void cert_not_yet(struct cert_name *name, const char *why, int64_t now_ms)
{
	text_copy(name->why, sizeof name->why, why);
	name->next_ms = now_ms + NOT_YET_MS;
}

static const char *domain_of(const char *name)
{
	const char *last = strrchr(name, '.'), *at = last;
	while (at && at > name && at[-1] != '.')
		at--;
	return at ? at : name;
}

size_t cert_crowd(const struct cert_queue *queue, char *domain, size_t size)
{
	size_t most = 0;
	*domain = '\0';
	for (size_t i = 0; i < queue->n; i++) {
		size_t n = 0;
		for (size_t k = 0; k < queue->n; k++)
			n +=
			    strcasecmp(domain_of(queue->names[i].name), domain_of(queue->names[k].name)) == 0;
		if (n > most) {
			most = n;
			text_copy(domain, size, domain_of(queue->names[i].name));
		}
	}
	return most;
}
