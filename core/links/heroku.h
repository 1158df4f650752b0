/* Heroku's platform API (app, dynos, releases) and data API (database, backups), as the contract was
 * recorded.
 *
 * The token goes only to Heroku's own hosts by https, or to loopback. A request that only looks is repeated a
 * few times by a patient link; a request that changes is sent once. When its answer is lost, heroku_lost() is
 * true: look, then decide. Every request is told by job_command(); bodies of answers never are. All times are
 * wall milliseconds, 0 = none. */
#ifndef CORE_LINKS_HEROKU_H
#define CORE_LINKS_HEROKU_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct heroku;

enum heroku_manner {
	HEROKU_BRISK,   /* watches and checks: one try, no questions to people */
	HEROKU_PATIENT, /* steps: waits out the rate limit, asks for the second factor, tries a look three
			   times */
};
/* NULL and err when config or token cannot be used. Asks nothing of the network. */
struct heroku *heroku_open(struct job *job, enum heroku_manner manner, struct err *err);
void heroku_close(struct heroku *heroku);
const char *heroku_app(const struct heroku *heroku);     /* "acme-production" */
const char *heroku_warning(const struct heroku *heroku); /* newest x-heroku-warning, "" for none */
int heroku_remaining(const struct heroku *heroku);       /* tokens left of the rate limit, -1 unknown */
int64_t heroku_skew_ms(const struct heroku *heroku);     /* Heroku's clock minus ours, to about a second */
/* The last request may have been acted upon although no proper answer came. */
bool heroku_lost(const struct heroku *heroku);
struct job *heroku_job(const struct heroku *heroku);
/* From now on requests are made even for a cancelled job: for tidying up. */
void heroku_despite_cancel(struct heroku *heroku, bool despite);
/* Looks of this link no longer go to the list of commands: for looks that repeat every few seconds. */
void heroku_hush(struct heroku *heroku, bool hush);

struct heroku_call {
	const char *method;  /* NULL: GET */
	bool data;           /* the data API's host */
	const char *accept;  /* "3.sdk"; NULL: "3" */
	const char *include; /* "addon:plan": parts that are left out unless asked for */
	const char *range, *body;
	bool looks;  /* a POST that changes nothing */
	bool secret; /* the body is not told, and the answer is kept nowhere */
};
/* One request. `out` (may be NULL) is the parsed answer, to be freed; NULL for an empty one. */
int heroku_call(struct heroku *heroku, const struct heroku_call *call, const char *path, struct json **out,
		struct err *err);
/* Every item of a list, over all its pages. */
int heroku_each(struct heroku *heroku, const struct heroku_call *call, const char *path,
		void (*each)(void *ctx, const struct json *item), void *ctx, struct err *err);
/* A header of the last answer. */
bool heroku_head(const struct heroku *heroku, const char *name, char *out, size_t size);

/* "2024-05-28T11:19:37Z", with fraction and offset, or "2024-05-28 11:19:37 +0000"; 0 for anything else. */
int64_t heroku_time_ms(const char *text);
/* The token may go there. */
bool heroku_trusted(const char *url);

/* The app's DATABASE_URL, read afresh from its config vars. 0, or -1 and err. Never print it; wipe `out`
 * after use. Its password is made known as a secret; a pooled address is refused; away from loopback it
 * always says sslmode. */
int heroku_database_url(struct job *job, char *out, size_t size, struct err *err);
/* All config vars, an object of names and values: secrets. To be json_free()d. */
int heroku_vars(struct heroku *heroku, struct json **out, struct err *err);
/* Those that release had, by which an earlier value comes back: secrets as well. */
int heroku_release_vars(struct heroku *heroku, int64_t version, struct json **out, struct err *err);
/* Sets one config var, or takes it away where `value` is NULL: makes a release, which restarts every dyno. */
int heroku_var_set(struct heroku *heroku, const char *name, const char *value, struct err *err);
/* The part that needs no network: takes a parsed object of config vars. */
int heroku_pick_url(const struct json *vars, const char *app, char *out, size_t size, struct err *err);

/* ---- heroku_app.c; lists are to be free()d ---- */

struct heroku_account {
	char email[96];
	bool federated; /* single sign-on: tokens live 8 hours */
	char scope[160];
};
struct heroku_app {
	char name[64], generation[16], space[64], stack[32];
	bool maintenance;
};
struct heroku_dyno {
	char name[48], type[32], state[16], size[24], command[120];
	int64_t since_ms;
};
struct heroku_process {
	char type[32], size[24];
	int quantity;
};
struct heroku_release {
	int64_t version, created_ms;
	char status[16], description[120], by[96];
	bool current;
};
struct heroku_addon {
	char id[40], name[64], service[48], plan[64], state[24];
};
struct heroku_domain {
	char hostname[200], cname[200], kind[12], acm[32];
};

int heroku_account(struct heroku *heroku, struct heroku_account *out, struct err *err);
int heroku_app_get(struct heroku *heroku, struct heroku_app *out, struct err *err);
int heroku_maintenance_set(struct heroku *heroku, bool on, struct err *err);
int heroku_dynos(struct heroku *heroku, struct heroku_dyno **out, size_t *n, struct err *err);
int heroku_dyno_stop(struct heroku *heroku, const char *name, struct err *err);
int heroku_formation(struct heroku *heroku, struct heroku_process **out, size_t *n, struct err *err);
/* Absolute quantities and sizes only; an empty size is left as it is. */
int heroku_formation_set(struct heroku *heroku, const struct heroku_process *list, size_t n, struct err *err);
/* Newest first. */
int heroku_releases(struct heroku *heroku, int max, struct heroku_release **out, size_t *n, struct err *err);
int heroku_addons(struct heroku *heroku, struct heroku_addon **out, size_t *n, struct err *err);
int heroku_domains(struct heroku *heroku, struct heroku_domain **out, size_t *n, struct err *err);
/* A log stream's address: a secret, already made known. */
int heroku_log_session(struct heroku *heroku, int lines, bool tail, char *url, size_t size, struct err *err);

/* ---- heroku_data.c ---- */

/* The add-on behind DATABASE_URL. `app`: the billing app, whose transfers it has. */
struct heroku_database {
	char id[40], name[64], app[64], plan[48];
};
struct heroku_database_info {
	char plan[48], status[32], version[24], continuous[16], following[64], region[24], behind[32];
	int followers;          /* -1 unknown */
	int credentials;        /* -1 unknown; the plans of one login say nothing */
	int64_t size_bytes;     /* -1 unknown */
	int64_t capacity_bytes; /* -1 unknown */
	int connections, limit; /* -1 unknown */
	bool waiting;
};
struct heroku_transfer {
	char id[40], from_type[16], to_type[16], label[24],
	    from_name[40]; /* label: "b007" as Heroku's own program names it */
	int64_t num;
	int64_t source_bytes; /* -1 unknown */
	int64_t processed_bytes, warnings;
	int64_t created_ms, started_ms, updated_ms, finished_ms, canceled_ms;
	char created_at[40]; /* as Heroku wrote it */
	int succeeded;       /* -1 not finished, 0, 1 */
	bool scheduled;
};
struct heroku_schedule {
	char id[40], name[64], timezone[48], days[48];
	int hour, retain_weeks, retain_months; /* -1 unknown */
};

int heroku_database(struct heroku *heroku, struct heroku_database *out, struct err *err);
int heroku_database_info(struct heroku *heroku, const struct heroku_database *database,
			 struct heroku_database_info *out, struct err *err);
/* Newest first: backups, restores and copies mixed. */
int heroku_transfers(struct heroku *heroku, const char *app, struct heroku_transfer **out, size_t *n,
		     struct err *err);
/* ERR_REFUSED when there is no such transfer. `words`, when asked for, gets its last log lines. */
int heroku_transfer(struct heroku *heroku, const char *app, const char *id, struct heroku_transfer *out,
		    struct buf *words, struct err *err);
bool heroku_is_backup(const struct heroku_transfer *transfer);
/* Begins a backup. Never call it twice without heroku_transfers() in between. */
int heroku_capture(struct heroku *heroku, const struct heroku_database *database, struct heroku_transfer *out,
		   struct err *err);
int heroku_transfer_cancel(struct heroku *heroku, const char *app, const char *id, struct err *err);
/* Where a finished backup can be fetched from for an hour: a secret, already made known. */
int heroku_public_url(struct heroku *heroku, const char *app, const char *id, char *url, size_t size,
		      struct err *err);
int heroku_schedules(struct heroku *heroku, const struct heroku_database *database,
		     struct heroku_schedule **out, size_t *n, struct err *err);

/* Gone for good: what it was has to be kept by the caller. Lost answers: heroku_schedules() tells. */
int heroku_schedule_delete(struct heroku *heroku, const struct heroku_database *database, const char *id,
			   struct err *err);
/* By name, hour and time zone: Heroku takes neither days nor how long to keep. Never twice without a look. */
int heroku_schedule_add(struct heroku *heroku, const struct heroku_database *database,
			const struct heroku_schedule *schedule, struct err *err);
/* Ends every session on the database, ours too. */
int heroku_connection_reset(struct heroku *heroku, const struct heroku_database *database, struct err *err);

/* When it next comes round after `now_ms`; 0 when its time zone is unknown here. */
int64_t heroku_schedule_next_ms(const struct heroku_schedule *schedule, int64_t now_ms);

/* ---- heroku_more.c ---- */

/* A token that ends within the first will not last the night; within the second, no way back after it. */
enum { HEROKU_NIGHT_MS = 6 * 3600 * 1000, HEROKU_AFTER_MS = 48 * 3600 * 1000 };
/* What the account's list of authorizations says about the token of this link. */
struct heroku_token {
	bool known;         /* the token may see the list, and stands in it */
	int64_t ends_ms;    /* 0: lasts until somebody revokes it */
	char described[80]; /* the name its owner gave it */
};
/* The list holds the account's other tokens as well: they are compared and wiped, never kept. A token that
 * may not see it is no error, only not `known`. */
int heroku_token(struct heroku *heroku, struct heroku_token *out, struct err *err);

struct heroku_feature {
	char name[48];
	bool enabled;
};
struct heroku_data_maintenance {
	char status[16], window[64], reason[120]; /* status: none pending preparing ready running completed */
	int64_t scheduled_ms, required_ms;
};
struct heroku_platform {
	bool asked;
	char trouble[120], incident[160]; /* "" while all is green */
};
int heroku_features(struct heroku *heroku, struct heroku_feature **out, size_t *n, struct err *err);
int heroku_data_maintenance(struct heroku *heroku, const struct heroku_database *database,
			    struct heroku_data_maintenance *out, struct err *err);
/* Heroku's own status page: no token goes there. */
int heroku_platform(struct job *job, struct heroku_platform *out, struct err *err);
/* What takes the place of an add-on after the move, in words; NULL when nobody has thought of it yet. */
const char *heroku_replaced_by(const char *service);

#endif
