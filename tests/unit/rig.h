/* An engine of its own process, with steps, a watch and checks that are made up, and seats at its socket:
 * what no real night does on demand. Its children are this test's own program, so main() begins with
 * rig_main(). */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include "core/engine/engine.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the engine's process reads at every moment: faults that a test switches on. */
struct rig_faults {
	volatile bool sync_fails;      /* fdatasync() gives EIO */
	volatile int sync_ms;          /* and takes this long */
	volatile int64_t wall_jump_ms; /* added to the wall clock */
};

struct rig {
	char dir[64], world[80];
	pid_t pid;
	struct rig_faults *faults;
	char said_at_start[700]; /* why it did not start; "" when it did */
};

struct rig_seat;

/* How long what is waited for may take; a busy machine is slow, and a test that waits in vain fails. */
enum { RIG_WAIT_MS = 30000 };
int64_t rig_ms(void); /* of the machine's own clock, which no test sets */

/* Runs this process as a child of an engine when it was started as one; does not return then. */
void rig_main(int argc, char **argv);

/* `steps`: the members of the playbook's only phase, as JSON. Nothing runs yet. */
struct rig *rig_new(const char *steps);
/* Starts the engine; waits until it listens. `headless` may be NULL. */
void rig_start(struct rig *rig, const struct headless *headless);
void rig_signal(struct rig *rig, int number);
/* Waits for the engine's end: its exit status, or 1000 + the signal that killed it. */
int rig_wait_end(struct rig *rig);
/* Ends whatever is left and removes the folder. The journal must hold. */
void rig_free(struct rig *rig);

/* The world of the made-up steps: files in a folder. */
void rig_put(const struct rig *rig, const char *name, const char *text);
void rig_remove(const struct rig *rig, const char *name);
bool rig_has(const struct rig *rig, const char *name);
/* The whole file, "" when there is none; to be freed. `name` is below the night's folder. */
char *rig_read(const struct rig *rig, const char *name);
size_t rig_lines(const char *text, const char *needle); /* lines with it; "" counts all */

/* Events in the journal; `has` is a part of the line. */
size_t rig_events(const struct rig *rig, const char *kind, const char *has);
/* Waits until there are `n` of them; fails the test when they do not come. */
void rig_wait(const struct rig *rig, const char *kind, const char *has, size_t n);
/* The text of a field of the newest event of that kind, to be freed. */
char *rig_field(const struct rig *rig, const char *kind, const char *field);
void rig_wait_file(const struct rig *rig, const char *name); /* in the world */
void rig_sleep(int real_ms);

struct rig_seat *rig_sit(struct rig *rig, const char *name, bool observer);
void rig_leave(struct rig_seat *seat);
void rig_tell(struct rig_seat *seat, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Waits for a line from the engine with this in it: events, sentences, questions. */
void rig_hear(struct rig_seat *seat, const char *needle);
/* Whether one came until now; forgets nothing. */
bool rig_heard(struct rig_seat *seat, const char *needle);
void rig_forget(struct rig_seat *seat);
/* The gate open now: "g3" and its four characters, as this seat was told last. */
void rig_gate(const struct rig *rig, char gate[16], char tag[8]);
/* A note through the seat: what it sent before has been taken when this returns. */
void rig_fence(struct rig *rig, struct rig_seat *seat);

#endif
