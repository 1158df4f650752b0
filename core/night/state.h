/* The state of a night: what the fold of its events gives. Plain data, read by engine, seats, panels,
 * reports. Only core/night/kinds/ writes it. Times are wall milliseconds (at_ms of the event that told), 0 =
 * never. */
#ifndef CORE_NIGHT_STATE_H
#define CORE_NIGHT_STATE_H

#include "core/night/kinds/people.h"
#include "core/night/kinds/steps.h"
#include "core/night/kinds/watching.h"
#include "core/night/kinds/world_new.h"
#include "core/night/kinds/world_old.h"
#include "core/night/kinds/copy.h"
#include "core/night/kinds/traffic.h"
#include "core/night/kinds/way_back.h"
#include "core/night/kinds/downtime.h"
#include "core/night/kinds/jobs.h"
#include "core/night/kinds/logs.h"
#include "core/night/event.h"

struct state {
	uint64_t seq;     /* of the last folded event */
	int64_t at_ms;    /* of the last folded event */
	uint64_t skipped; /* events of kinds this build does not know */

	char app[64], night[40], version[40]; /* nightferry's version that opened it */
	char old_name[96];                    /* "acme-production" */
	char new_name[96];                    /* "203.0.113.42" */
	char new_db[64];                      /* "acme-db" */
	int64_t opened_at_ms, closed_at_ms;
	char closed_verdict[24];                /* "done" "failed" "aborted" "rolled-back" */
	bool rehearsal, no_kamal;               /* no_kamal: the new side is no server that Kamal runs */
	char *config;                           /* resolved config as JSON text, owned */
	int64_t window_start_ms, window_end_ms; /* 0: none configured */
	int64_t freeze_at_ms;                   /* maintenance seen on for the first time */
	int64_t public_at_ms;                   /* first public 2xx of NEW after the flip */
	struct downtime_state downtime;         /* kinds/downtime.h */
	int64_t flip_at_ms;                     /* dns-point done */
	int64_t new_write_at_ms;                /* first look that saw rows written on tonight's copy */

	struct steps_state steps;         /* playbook, attempts, gate: kinds/steps.h */
	struct rehearsed_state rehearsed; /* kinds/steps.h */
	struct people_state people;       /* seats, driver, hold, notes: kinds/people.h */
	struct watching_state watching;   /* watch ages, checks, waivers: kinds/watching.h */
	struct dynos_state dynos;         /* kinds/world_old.h */
	struct writers_state writers;     /* kinds/world_old.h */
	struct jobs_state jobs;           /* kinds/jobs.h */
	struct host_state host;           /* kinds/world_new.h: the primary one */
	struct host_state *more_hosts;    /* the others, where there are several */
	size_t n_more_hosts;
	struct transfer_state transfer; /* kinds/copy.h */
	struct rows_state rows;         /* kinds/copy.h */
	struct dns_state dns;           /* kinds/traffic.h */
	struct traffic_state traffic;   /* kinds/traffic.h */
	struct logs_state logs;         /* kinds/logs.h: lines and commands */
	struct facts_state facts;       /* kinds/steps.h */
	char *drill; /* the score card of a drill's night as JSON text, owned; NULL: it is none
			(kinds/drill.c) */
};

struct state *state_new(void);
void state_free(struct state *state);
/* Folds one event: total, deterministic, no clock. Events must come in the order of their seq. */
void state_fold(struct state *state, const struct event *event);
/* Parses and folds one line; -1 when it is no event (nothing changed). */
int state_fold_line(struct state *state, const char *line, size_t len, struct err *err);
/* Everything that matters as one canonical JSON object: `status --json`, and how tests compare two states. */
void state_write(const struct state *state, struct jw *w);

#endif
