/*
 * The fake Heroku of one demo world. Everything comes from the environment, so that no secret is in an
 * argument: HEROKU_PORT DUMP_PORT HTTP_PORT HEROKU_API_KEY OLD_DATABASE_URL BIN; HEROKU_DIR (writable),
 * HEROKU_FIXTURE (JSON), and, if wanted, HEROKU_ROUTER_ADDRESS (127.0.1.1), HEROKU_DUMP_HTTPS (1 or 0: all
 * dump addresses are https or http; otherwise only the real CLI gets https), HEROKU_RUN_SECONDS (40, 0 = for
 * ever), HEROKU_DB_PLAN.
 */
#include "demo/heroku/heroku.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TICK_MS = 50, FIXTURE_MAX_BYTES = 1 << 20 };

struct heroku H;

static const char *env_need(const char *name)
{
	const char *value = getenv(name);

	if (value && *value)
		return value;
	fprintf(stderr, "heroku: %s is not set. Start this server with demo/heroku/part start DIR.\n", name);
	exit(2);
}

/* postgres://user:password@host:port/name, as the demo writes it: no escapes. */
static void url_split(const char *url)
{
	char query;

	snprintf(H.old_url, sizeof H.old_url, "%s", url);
	if (sscanf(url, "postgres://%127[^:]:%255[^@]@%127[^:]:%15[0-9]/%127[^?]%c", H.pg_user, H.pg_password,
		   H.pg_host, H.pg_port, H.pg_name, &query) < 5) {
		fprintf(
		    stderr,
		    "heroku: OLD_DATABASE_URL does not look like postgres://user:password@host:port/name.\n");
		exit(2);
	}
}

static void fixture_load(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, FIXTURE_MAX_BYTES);
	cJSON *vars;

	if (f && text && fread(text, 1, FIXTURE_MAX_BYTES - 1, f) > 0)
		H.fixture = cJSON_Parse(text);
	if (f)
		fclose(f);
	free(text);
	if (!H.fixture) {
		fprintf(stderr, "heroku: %s cannot be read as JSON.\n", path);
		exit(2);
	}
	vars = fixture_get("config_vars");
	cJSON_AddStringToObject(vars, "DATABASE_URL", H.old_url);
	cJSON_AddStringToObject(vars, "HEROKU_POSTGRESQL_COBALT_URL", H.old_url);
	if (getenv("OLD_REDIS_URL"))
		cJSON_ReplaceItemInObject(vars, "REDIS_URL", cJSON_CreateString(getenv("OLD_REDIS_URL")));
}

static void settings_read(void)
{
	const char *plan = getenv("HEROKU_DB_PLAN");

	H.api_port = atoi(env_need("HEROKU_PORT"));
	H.dump_port = atoi(env_need("DUMP_PORT"));
	H.router_port = atoi(env_need("HTTP_PORT"));
	H.token = env_need("HEROKU_API_KEY");
	H.dir = env_need("HEROKU_DIR");
	H.bin = env_need("BIN");
	H.dump_https = getenv("HEROKU_DUMP_HTTPS");
	snprintf(H.plan, sizeof H.plan, "%s", plan && *plan ? plan : "standard-0");
	snprintf(H.control.backup, sizeof H.control.backup, "ok");
	snprintf(H.control.token_scope, sizeof H.control.token_scope, "global");
	H.control.rate_tokens = H.control.rate_lowest = 4500;
	H.control.rate_at_ms = now_ms();
	hex_make(H.store_secret, 64);
	url_split(env_need("OLD_DATABASE_URL"));
	fixture_load(env_need("HEROKU_FIXTURE"));
}

static char *dir_path(const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", H.dir, name) < 0)
		abort();
	return path;
}

static bool servers_start(void)
{
	static const struct http_route ROUTER[] = {{"*", "/*", handle_router, true}};
	static const struct http_route STORE[] = {{"GET", "/xfrtu/:uuid", handle_store, false}};
	const char *router = getenv("HEROKU_ROUTER_ADDRESS");
	struct http_config api = {.port = (uint16_t)H.api_port,
				  .routes = API_ROUTES,
				  .routes_count = API_ROUTES_COUNT,
				  .before = api_before,
				  .after = api_after,
				  .missing = api_missing,
				  .log_path = dir_path("requests.log")};
	struct http_config store = {.port = (uint16_t)H.dump_port,
				    .routes = STORE,
				    .routes_count = 1,
				    .log_path = dir_path("store.log"),
				    .cert_path = dir_path("ca.pem"),
				    .key_path = dir_path("key.pem")};
	struct http_config front = {.addresses = {router && *router ? router : "127.0.1.1"},
				    .port = (uint16_t)H.router_port,
				    .routes = ROUTER,
				    .routes_count = 1,
				    .log_path = dir_path("router.log")};

	return http_server_start(&api) && http_server_start(&store) && http_server_start(&front);
}

/* The main thread owns the children: it sleeps until one of them speaks, a tick is over or the end is near.
 */
static void supervise(void)
{
	struct pollfd fds[HEROKU_DYNOS_MAX + 2];
	sigset_t set;
	size_t count;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	fds[0] = (struct pollfd){.fd = signalfd(-1, &set, SFD_CLOEXEC), .events = POLLIN};
	do {
		http_lock();
		dynos_tick();
		transfers_tick();
		count = 1 + transfers_poll(fds + 1, 1);
		count += dynos_poll(fds + count, HEROKU_DYNOS_MAX);
		http_unlock();
		poll(fds, count, TICK_MS);
	} while (!(fds[0].revents & POLLIN));
}

int main(void)
{
	char *dumps;

	umask(077);
	http_init();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	settings_read();
	dumps = dir_path("dumps");
	mkdir(dumps, 0700);
	free(dumps);
	transfers_init();
	dynos_init(getenv("HEROKU_RUN_SECONDS") ? atoi(getenv("HEROKU_RUN_SECONDS")) : 40);
	if (!servers_start())
		return 1;
	supervise();
	http_lock();
	H.stopping = true;
	transfers_stop_all();
	dynos_stop_all();
	/* Connections are threads in the middle of something; the process takes them along. */
	fflush(NULL);
	_exit(0);
}
