/* Several hands at one engine without its children, at its real socket, in this very process. */
#ifndef TESTS_UNIT_HANDS_H
#define TESTS_UNIT_HANDS_H

#include "core/engine/inner.h"

struct person {
	struct engine *engine;
	int fd;
	struct buf in, said; /* said: every sentence to this seat, since what was told last */
	char id[16];
	bool closed;
};

/* An open night in a folder of its own; both texts are JSON. Without them no night is open yet. */
struct engine *hands_begin(const char *config, const char *playbook);
/* The journal must hold. 0 when nothing but the night's own files lay in its folder. */
int hands_end(struct engine *engine);
void hands_turn(struct engine *engine, int times);
void hands_wait(struct engine *engine, int64_t ms); /* of the engine's clock */
void hands_emit(struct engine *engine, const char *fields);
/* How many journalled events of that kind have `part` in them. */
size_t hands_events(const struct engine *engine, const char *kind, const char *part);

struct person *hands_sit(struct engine *engine, const char *name, const char *station, bool observer);
void hands_leave(struct person *person);
/* One message to the engine, and what it has to say to it. */
void hands_tell(struct person *person, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void hands_listen(struct person *person);
bool hands_heard(const struct person *person, const char *text);

#endif
