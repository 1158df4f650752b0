/* The engine: starts children, writes what must last before anything acts on it, folds, keeps the gates, and
 * hands events to the seats. It knows no screen. */
#ifndef CORE_ENGINE_ENGINE_H
#define CORE_ENGINE_ENGINE_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stdint.h>

/* What a headless run may do without a person: see README, "Headless". */
struct headless {
	const char **yes; /* "STEP=TARGET": passes that step's gate once, when the target is that and all
			     evidence is PASS */
	size_t n_yes;
	const char **done; /* "STEP=WORDS": ticks a manual step with these words */
	size_t n_done;
	const char **waive; /* "STEP:NAME=REASON": waives that line of evidence of that step's gate */
	size_t n_waive;
	const char **again; /* steps that are done or UNKNOWN and shall be run again first, in this order */
	size_t n_again;
	const char *until; /* stops when this step is done and leaves the night open; NULL: goes to the end */
	bool back;         /* takes the way back */
	bool quiet;        /* prints no events */
};

struct engine_options {
	const char *dir;             /* the night's folder, exists */
	const struct json *config;   /* resolved; NULL when the journal already has it */
	const struct json *playbook; /* resolved; NULL likewise */
	int64_t window_start_ms, window_end_ms;
	const struct headless *headless; /* NULL: seats drive */
	int ready_fd; /* -1, or a pipe that gets one byte when the socket listens (or "!sentence" on failure)
		       */
	int claim_fd; /* of place_claim(), closed as soon as the night stands in its journal; 0: none */
};

/* The name of every secret that a night of this configuration and playbook may ask its environment for, each
 * at least once: those of the tables, "env:NAME" of the configuration, `secrets:` of a step. */
void engine_secret_names(const struct json *config, const struct json *playbook,
			 void (*name)(void *arg, const char *name), void *arg);

/* Runs until the night is closed or stopped. Returns the exit status: 0 done, 1 failed, 3 aborted. */
int engine_main(const struct engine_options *options);

#endif
