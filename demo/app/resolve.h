/* A name asked of one name server, as a visitor's machine would. */
#ifndef DEMO_APP_RESOLVE_H
#define DEMO_APP_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>

/* One UDP question for the A record of `name` to `server` ("127.0.0.11#5353"), CNAMEs followed inside the
 * answer. Nothing is cached. False when no address came within a second. */
bool resolve_a(const char *server, const char *name, struct in_addr *address);

#endif
