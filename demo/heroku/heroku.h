/*
 * The fake Heroku: platform API, data API, log stream and dump store on 127.0.0.1, the router on 127.0.1.1.
 * One process, one state, guarded by the lock of demo/http. Dynos and pg_dump are real processes, started and
 * reaped by the main thread only, because a child dies with the thread that forked it (PR_SET_PDEATHSIG).
 */
#ifndef DEMO_HEROKU_HEROKU_H
#define DEMO_HEROKU_HEROKU_H

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

#include "demo/http/server.h"

enum {
	HEROKU_DYNOS_MAX = 160,
	HEROKU_TYPES_MAX = 8,
	HEROKU_LOG_LINES = 1500,
	HEROKU_SESSIONS_MAX = 256,
	HEROKU_UUID_SIZE = 37,
	HEROKU_STAMP_SIZE = 40,
};

/* What tests may change through POST /__heroku (see control.c). */
struct heroku_control {
	char backup[16];     /* "ok", "fail", "stall", "pending" or "cancel" */
	char two_factor[12]; /* "", "account" or "app": who asks for a code before a change */
	bool stop_slow;      /* dynos do not get their SIGTERM */
	bool logs_plain;     /* the stream is text/plain whatever was asked */
	int kill_after_s, boot_slow_s;
	int lag_s;               /* processed_bytes is right so long after the end; 0 = 1 s */
	int page_max;            /* 0 = as asked */
	int64_t urls_expired_ms; /* public URLs made before this are dead */
	unsigned tails_cut;      /* counts up; open tails end when it moves */
	int token_ends_s;        /* 0 = never */
	char token_scope[64];    /* without "global" the list of authorizations is refused */
	bool pre_authorized;     /* by a code, until two_factor is set again */
	double rate_tokens, rate_lowest;
	unsigned rate_refused; /* requests that met an empty bucket */
	int64_t rate_at_ms;
};

struct heroku {
	int api_port, dump_port, router_port;
	const char *token, *dir, *bin, *dump_https;
	char old_url[1024], pg_host[128], pg_port[16], pg_user[128], pg_password[256], pg_name[128];
	char plan[32]; /* "standard-0", "essential-0", … */
	char store_secret[65];
	cJSON *fixture; /* account, app, addons, … : the answers, changed in place */
	struct heroku_control control;
	bool stopping;
};

extern struct heroku H;

/* util.c */
int64_t now_ms(void); /* since the epoch */
/* How many times faster the night runs than this machine's clock (NIGHTFERRY_CLOCK): by it goes what Heroku
 * counts by minutes and hours, the rate limit and the life of a log session. Dynos know nothing of it. */
double night_speed(void);
void uuid_make(char out[HEROKU_UUID_SIZE]);
void hex_make(char *out, size_t digits);                           /* random; writes digits + 1 bytes */
void stamp_rfc(char out[HEROKU_STAMP_SIZE], int64_t at_ms);        /* 2024-05-28T11:19:37Z */
void stamp_ruby(char out[HEROKU_STAMP_SIZE], int64_t at_ms);       /* 2024-05-28 11:19:37 +0000 */
void stamp_micro(char out[HEROKU_STAMP_SIZE]);                     /* now, 2024-05-28T11:19:37.209776+00:00 */
cJSON *fixture_get(const char *name);                              /* borrowed */
const char *json_text(const cJSON *json, const char *name);        /* NULL when absent or no string */
void json_set(cJSON *object, const char *name, cJSON *take_value); /* replaces or adds */
void json_set_time(cJSON *object, const char *name);               /* now, RFC */
void reply_error(struct http_reply *reply, int status, const char *id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void reply_not_found(struct http_reply *reply, const char *resource, const char *words);
/* Starts `argv` with `envp`; its output goes to *out_fd (a non-blocking pipe) or, when stdout_path is set,
 * only stderr does. Main thread only. -1 on failure. */
pid_t child_start(char *const argv[], char *const envp[], const char *stdout_path, int *out_fd);
void base64_encode(char *out, size_t size, const char *text);

/* pages.c: answers a list as Heroku pages it by the Range header; takes the array. */
void reply_page(struct http_request *req, struct http_reply *reply, cJSON *take_list, const char *prop);

/* logs.c: "app"/"heroku", "web.1"/"router"/"api", one line of text (cut at 10,000 bytes). */
void log_add(const char *source, const char *process, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void handle_log_session(struct http_request *req, struct http_reply *reply);
void handle_log_stream(struct http_request *req, struct http_reply *reply);

/* dynos.c: the processes. */
void dynos_init(int run_seconds);
void dynos_tick(void);
void dynos_stop_all(void); /* for the end of the server: TERM, 2 s, KILL */
size_t dynos_poll(struct pollfd *fds, size_t max);
void dynos_restart(const char *name_or_type); /* NULL = all */
bool dyno_stop(const char *name_or_type);
bool dyno_crash(const char *name);
const char *dyno_run(const char *type, const char *command, const char *size, double ttl_s);
cJSON *dyno_json(const char *name); /* NULL when there is none */
cJSON *dynos_json(void);
/* The next web dyno that takes requests: its port, name in `name`. 0 = none up; then *crashed, *starting. */
int dyno_pick(char name[32], bool *crashed, bool *starting);

/* formation.c */
int formation_quantity(const char *type);
const char *formation_size(const char *type);
const char *formation_command(const char *type);
size_t formation_types(const char *types[HEROKU_TYPES_MAX]);
void handle_formation(struct http_request *req, struct http_reply *reply);
void handle_formation_type(struct http_request *req, struct http_reply *reply);
void handle_formation_patch(struct http_request *req, struct http_reply *reply);
void handle_dynos(struct http_request *req, struct http_reply *reply);
void handle_dyno(struct http_request *req, struct http_reply *reply);
void handle_dyno_run(struct http_request *req, struct http_reply *reply);
void handle_dyno_restart(struct http_request *req, struct http_reply *reply);
void handle_dyno_stop(struct http_request *req, struct http_reply *reply);

/* app.c, config.c, addons.c: the platform's other answers. */
bool app_matches(const char *name_or_id);
cJSON *app_ref(void); /* {id, name} */
int release_current(void);
/* A release by the platform itself, which restarts the dynos. */
void release_platform(const char *description);
const char *release_id(void);
bool maintenance_on(void);
void handle_empty_list(struct http_request *req, struct http_reply *reply);
void handle_empty_object(struct http_request *req, struct http_reply *reply);
void handle_account(struct http_request *req, struct http_reply *reply);
void handle_authorizations(struct http_request *req, struct http_reply *reply);
void handle_rate_limits(struct http_request *req, struct http_reply *reply);
void handle_app(struct http_request *req, struct http_reply *reply);
void handle_apps(struct http_request *req, struct http_reply *reply);
void handle_app_patch(struct http_request *req, struct http_reply *reply);
void handle_app_list(struct http_request *req,
		     struct http_reply *reply); /* last path segment names the fixture */
void handle_config(struct http_request *req, struct http_reply *reply);
void handle_config_patch(struct http_request *req, struct http_reply *reply);
void handle_releases(struct http_request *req, struct http_reply *reply);
void handle_release(struct http_request *req, struct http_reply *reply);
void handle_release_config(struct http_request *req, struct http_reply *reply);
void handle_addons(struct http_request *req, struct http_reply *reply);
void handle_addon(struct http_request *req, struct http_reply *reply);
void handle_attachments(struct http_request *req, struct http_reply *reply);
void handle_resolve_attachment(struct http_request *req, struct http_reply *reply);
void handle_resolve_addon(struct http_request *req, struct http_reply *reply);
cJSON *addon_find(const char *name_or_id); /* borrowed */
cJSON *database_addon(void);               /* the PostgreSQL add-on, borrowed */

/* database.c */
void handle_database(struct http_request *req, struct http_reply *reply);
void handle_wait_status(struct http_request *req, struct http_reply *reply);
void handle_connection_reset(struct http_request *req, struct http_reply *reply);
void handle_credentials(struct http_request *req, struct http_reply *reply);
void handle_database_config(struct http_request *req, struct http_reply *reply);
void handle_maintenances(struct http_request *req, struct http_reply *reply);
void handle_maintenance_one(struct http_request *req, struct http_reply *reply);
int64_t database_size_bytes(void); /* -1 when the database does not answer */
void reply_no_database(struct http_reply *reply);
bool database_rotate(void); /* a new password for the database and its config vars, as after a failover */

/* transfers.c: backups. */
void transfers_init(void);
void transfers_tick(void);
size_t transfers_poll(struct pollfd *fds, size_t max);
void transfers_stop_all(void);
bool transfer_file(const char *uuid, char *path, size_t size); /* false unless finished well */
void handle_transfers(struct http_request *req, struct http_reply *reply);
void handle_transfer(struct http_request *req, struct http_reply *reply);
void handle_transfer_delete(struct http_request *req, struct http_reply *reply);
void handle_capture(struct http_request *req, struct http_reply *reply);
void handle_cancel(struct http_request *req, struct http_reply *reply);
void handle_public_url(struct http_request *req, struct http_reply *reply);
void handle_schedules(struct http_request *req, struct http_reply *reply);
void handle_schedule_add(struct http_request *req, struct http_reply *reply);
void handle_schedule_delete(struct http_request *req, struct http_reply *reply);

/* store.c: where dumps are fetched from. */
void store_url(char *out, size_t size, const char *uuid, int64_t expires_ms, bool https);
void handle_store(struct http_request *req, struct http_reply *reply);

/* router.c, control.c, api.c, factor.c */
void handle_router(struct http_request *req, struct http_reply *reply);
void handle_platform_status(struct http_request *req, struct http_reply *reply);
void handle_pre_authorization(struct http_request *req, struct http_reply *reply);
/* True after an answer: the change is not let through before a code was given. */
bool two_factor_asks(struct http_request *req, struct http_reply *reply);
void handle_control(struct http_request *req, struct http_reply *reply);
extern const struct http_route API_ROUTES[];
extern const size_t API_ROUTES_COUNT;
bool api_before(struct http_request *req, struct http_reply *reply);
void api_after(struct http_request *req, struct http_reply *reply);
void api_missing(struct http_request *req, struct http_reply *reply);

#endif
