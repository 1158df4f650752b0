/* Which backup is tonight's. Only for core/steps/capture*.c. */
#ifndef CORE_STEPS_CAPTURE_H
#define CORE_STEPS_CAPTURE_H

#include "core/job.h"
#include "core/links/heroku.h"

struct capture {
	struct job *job;
	struct heroku *heroku;
	struct heroku_database database;
	struct heroku_transfer *list; /* newest first */
	size_t n;
	int64_t frozen_ms;   /* by Heroku's clock; 0: no freeze was recorded tonight */
	int64_t before_num;  /* newest number before our own POST; -1: there was none */
	const char *fact_id; /* of the fact "backup", "" for none */
	bool adopts;         /* one that somebody else began after the freeze is as good as ours */
	char url_digest[20]; /* of DATABASE_URL just now; "" unknown */
};
int capture_open(struct job *job, struct capture *capture, struct err *err);
int capture_list(struct capture *capture, struct err *err); /* afresh */
void capture_close(struct capture *capture);

/* The backup this step began tonight, after the freeze: by the fact, else by a number newer than before our
 * POST. */
const struct heroku_transfer *capture_mine(const struct capture *capture);
/* A backup of the same database that somebody else began after the freeze and that is under way: it has all
 * that ours would have. */
bool capture_adoptable(const struct capture *capture, const struct heroku_transfer *transfer);
/* Remembers DATABASE_URL as it is now, by its digest. */
void capture_note_url(struct capture *capture);
/* DATABASE_URL is another one than when the backup was begun. */
bool capture_rotated(struct capture *capture);
/* Any transfer under way that is not ours. */
const struct heroku_transfer *capture_other(const struct capture *capture);
bool capture_after_freeze(const struct capture *capture, const struct heroku_transfer *transfer);
bool capture_failed(const struct heroku_transfer *transfer);

/* Watches one to its end. On a cancel it is cancelled on Heroku too. */
int capture_follow(struct capture *capture, struct heroku_transfer *transfer, struct err *err);
int capture_record(struct capture *capture, const struct heroku_transfer *transfer, struct err *err);

#endif
