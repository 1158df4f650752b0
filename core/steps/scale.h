/* What step scale sees of the dynos, and how it waits for them. Only for core/steps/scale*.c. */
#ifndef CORE_STEPS_SCALE_H
#define CORE_STEPS_SCALE_H

#include "core/job.h"
#include "core/links/heroku.h"

struct scale_goal {
	int all;
	bool recorded, stop_one_offs;
	bool only_one_offs; /* the formation is not this step's */
};
struct scale_world {
	struct heroku *heroku; /* NULL in a wanted world */
	struct heroku_process *formation;
	struct heroku_dyno *dynos;
	size_t n_formation, n_dynos;
};

int scale_look(struct scale_world *world, struct err *err); /* afresh */
void scale_close(struct scale_world *world);
/* The formation to reach; -1 when `to: recorded` finds nothing recorded and nothing that runs. */
int scale_want(struct job *job, const struct scale_world *now, struct scale_goal goal,
	       struct scale_world *want);
const struct heroku_process *scale_find(const struct scale_world *world, const char *type);
bool scale_same(const struct scale_world *now, const struct scale_world *want);
/* "web 2 Standard-1X, worker 1 Standard-1X" */
void scale_words(const struct scale_world *world, char *out, size_t size);

/* A dyno that no formation made: run.N, scheduler.N. Release commands are nobody's to stop. */
bool scale_one_off(const struct scale_world *world, const struct heroku_dyno *dyno);
size_t scale_one_offs(const struct scale_world *world);
/* Dynos that must not be there when all is at 0. */
size_t scale_left(const struct scale_world *world, struct scale_goal goal);
void scale_left_words(const struct scale_world *world, struct scale_goal goal, char *out, size_t size);

/* Stops one-offs by name and polls until no dyno is left. */
int scale_wait_gone(struct job *job, struct scale_world *world, struct scale_goal goal, struct err *err);
int scale_wait_up(struct job *job, struct scale_world *world, const struct scale_world *want,
		  struct err *err);
void scale_prove_up(const struct scale_world *now, const struct scale_world *want, struct evidence *ev);

#endif
