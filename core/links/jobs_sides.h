/* The jobs of both sides of the night: where each keeps them, and a look. */
#ifndef CORE_LINKS_JOBS_SIDES_H
#define CORE_LINKS_JOBS_SIDES_H

#include "core/job.h"
#include "core/links/jobs.h"
#include "core/links/redis.h"

enum { JOBS_OLD, JOBS_NEW };

/* Where a side's Redis is: OLD's from Heroku's config vars; NEW's from redis.url, else from inside the app's
 * newest containers, whose own names are reached through SSH. */
struct jobs_redis {
	bool known;        /* looked for and found */
	char why_not[300]; /* else: why there is none */
	char asked[200];   /* "redis.example.net:6379" as its URL says */
	bool through_ssh;
	struct redis_where where; /* as the host sees it, when through SSH */
};
struct jobs_sides {
	struct job *job;
	struct ssh *ssh; /* for NEW's Redis; opened when it is needed */
	struct pg *pg[2];
	struct redis *redis[2];
	struct jobs_redis place[2];
	bool found[2];
};
/* Secrets a child needs for it: HEROKU_API_KEY, NEW_DATABASE_URL, NEW_REDIS_URL. */
void jobs_sides_init(struct jobs_sides *sides, struct job *job);
/* One look at one side; connections are opened when there are none, and closed when they broke. */
int jobs_sides_look(struct jobs_sides *sides, int which, bool deep, struct jobs_side *out, struct err *err);
/* Both use the same server and database: nothing in it stays behind. */
bool jobs_sides_same_redis(const struct jobs_sides *sides);
void jobs_sides_done(struct jobs_sides *sides);
/* Is a process of the app at work on that side? OLD: any dyno; NEW: any container of the app. 1, 0, -1 err.
 */
int jobs_side_runs(struct jobs_sides *sides, int which, char *what, size_t size, struct err *err);

#endif
