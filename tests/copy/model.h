/* A random database and random work on it, the same for the same seed. */
#ifndef TESTS_COPY_MODEL_H
#define TESTS_COPY_MODEL_H

#include "tests/copy/pair.h"

enum { MODEL_SESSIONS = 3, MODEL_TABLES = 24 };

struct model_table {
	char name[40];
	const struct model_kind *kind;
	int key_type; /* of kinds whose key may be of any type */
};
struct model {
	const struct pair *pair;
	char database[32];
	uint64_t random;
	struct model_table tables[MODEL_TABLES];
	size_t n;
	struct pg *sessions[MODEL_SESSIONS];
	bool open[MODEL_SESSIONS]; /* in a transaction */
	int prepared;              /* numbers given out */
	char waiting[8][48];       /* prepared and not finished */
	size_t n_waiting;
	size_t done, refused; /* statements */
};
/* Makes the database on both sides (empty on NEW) and its tables on OLD. */
void model_begin(struct model *model, const struct pair *pair, uint64_t seed);
/* Some statements in several sessions, whose transactions stay open. */
void model_work(struct model *model, size_t statements);
/* All transactions end, each one way or the other. */
void model_quiet(struct model *model);
void model_end(struct model *model);
uint64_t model_random(struct model *model, uint64_t below);

#endif
