/* kamal-proxy deploy: a service's new target, which gets visitors when its health is good. */
#include "demo/proxy/proxy.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct deploy {
	const char *name, *target, *health_path;
	int deploy_timeout_ms, interval_ms, timeout_ms, response_timeout_ms, tls, force;
	cJSON *hosts, *paths;
};

int duration_parse_ms(const char *text, int otherwise_ms)
{
	double total_ms = 0;
	char *end;
	if (!text || !*text)
		return otherwise_ms;
	for (; *text; text = end) {
		double number = strtod(text, &end);
		if (end == text)
			return otherwise_ms;
		if (!strncmp(end, "ms", 2))
			total_ms += number, end += 2;
		else if (*end == 'm')
			total_ms += number * 60000, end++;
		else if (*end == 'h')
			total_ms += number * 3600000, end++;
		else
			total_ms += number * 1000, end += *end == 's';
	}
	return (int)total_ms;
}

static void hosts_add(cJSON *list, const char *text)
{
	for (; *text; text += strcspn(text, ","), text += *text == ',') {
		char one[256];
		snprintf(one, sizeof one, "%.*s", (int)strcspn(text, ","), text);
		cJSON_AddItemToArray(list, cJSON_CreateString(one));
	}
}

/* Takes `--name=value` and `--name value`; what is not needed here (buffers, logged headers) is passed over.
 */
static int option_take(struct deploy *deploy, char **argv)
{
	static const char *const switches =
	    " --tls --force --forward-headers --buffer-requests --buffer-responses "
	    "--strip-path-prefix --tls-redirect --tls-staging ";
	char name[64];
	const char *equals = strchr(argv[0], '=');
	snprintf(name, sizeof name, " %.*s ", (int)strcspn(argv[0], "="), argv[0]);
	int alone = strstr(switches, name) != NULL;
	const char *value = equals ? equals + 1 : alone || !argv[1] ? "" : argv[1];
	if (!strcmp(name, " --target "))
		deploy->target = value;
	else if (!strcmp(name, " --host "))
		hosts_add(deploy->hosts, value);
	else if (!strcmp(name, " --path-prefix "))
		hosts_add(deploy->paths, value);
	else if (!strcmp(name, " --tls "))
		deploy->tls = strcmp(value, "false") != 0;
	else if (!strcmp(name, " --force "))
		deploy->force = 1;
	else if (!strcmp(name, " --health-check-path "))
		deploy->health_path = value;
	else if (!strcmp(name, " --health-check-interval "))
		deploy->interval_ms = duration_parse_ms(value, deploy->interval_ms);
	else if (!strcmp(name, " --health-check-timeout "))
		deploy->timeout_ms = duration_parse_ms(value, deploy->timeout_ms);
	else if (!strcmp(name, " --deploy-timeout "))
		deploy->deploy_timeout_ms = duration_parse_ms(value, deploy->deploy_timeout_ms);
	else if (!strcmp(name, " --target-timeout "))
		deploy->response_timeout_ms = duration_parse_ms(value, deploy->response_timeout_ms);
	return equals || alone || !argv[1] ? 1 : 2;
}

static void nanoseconds_add(cJSON *object, const char *key, int ms)
{
	cJSON_AddNumberToObject(object, key, (double)ms * 1e6);
}

static cJSON *service_make(struct deploy *deploy)
{
	cJSON *service = cJSON_CreateObject();
	cJSON_AddStringToObject(service, "name", deploy->name);
	cJSON *options = cJSON_AddObjectToObject(service, "options");
	cJSON_AddItemToObject(options, "hosts", deploy->hosts);
	cJSON_AddItemToObject(options, "path_prefixes", deploy->paths);
	cJSON_AddBoolToObject(options, "tls_enabled", deploy->tls);
	cJSON_AddStringToObject(options, "tls_certificate_path", "");
	cJSON_AddStringToObject(options, "tls_private_key_path", "");
	cJSON_AddBoolToObject(options, "tls_redirect", deploy->tls);
	cJSON_AddStringToObject(options, "acme_directory", "https://acme-v02.api.letsencrypt.org/directory");
	cJSON_AddStringToObject(options, "acme_cache_path", "/home/kamal-proxy/.config/kamal-proxy/certs");
	cJSON_AddStringToObject(options, "error_page_path", "");
	cJSON_AddBoolToObject(options, "strip_prefix", 1);
	cJSON *target = cJSON_AddObjectToObject(service, "target_options");
	cJSON *check = cJSON_AddObjectToObject(target, "health_check_config");
	cJSON_AddStringToObject(check, "path", deploy->health_path);
	nanoseconds_add(check, "interval", deploy->interval_ms);
	nanoseconds_add(check, "timeout", deploy->timeout_ms);
	nanoseconds_add(target, "response_timeout", deploy->response_timeout_ms);
	cJSON *active = cJSON_AddArrayToObject(service, "active_targets");
	cJSON_AddItemToArray(active, cJSON_CreateString(deploy->target));
	cJSON_AddArrayToObject(service, "rollout_targets");
	cJSON *pause = cJSON_AddObjectToObject(service, "pause_controller");
	cJSON_AddNumberToObject(pause, "state", PAUSE_RUNNING);
	cJSON_AddStringToObject(pause, "stop_message", "");
	cJSON_AddNumberToObject(pause, "fail_after", 0);
	cJSON_AddNullToObject(service, "rollout_controller");
	return service;
}

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int become_healthy(const struct deploy *deploy)
{
	long long deadline = now_ms() + deploy->deploy_timeout_ms;
	while (!target_healthy(deploy->target, deploy->health_path, deploy->timeout_ms)) {
		long long left = deadline - now_ms();
		if (left <= 0)
			return 0;
		poll(NULL, 0, left < deploy->interval_ms ? (int)left : deploy->interval_ms);
	}
	return 1;
}

int deploy_run(int argc, char **argv, FILE *out)
{
	struct deploy deploy = {.health_path = "/up",
				.deploy_timeout_ms = 30000,
				.interval_ms = 1000,
				.timeout_ms = 5000,
				.response_timeout_ms = 30000,
				.hosts = cJSON_CreateArray(),
				.paths = cJSON_CreateArray()};
	char target[160];
	for (int i = 1; i < argc;) {
		if (!strncmp(argv[i], "--", 2))
			i += option_take(&deploy, argv + i);
		else
			deploy.name = argv[i++];
	}
	const char *why = NULL;
	if (!deploy.name)
		why = "accepts 1 arg(s), received 0";
	else if (!deploy.target)
		why = "required flag(s) \"target\" not set";
	if (!why) {
		if (!cJSON_GetArraySize(deploy.paths))
			cJSON_AddItemToArray(deploy.paths, cJSON_CreateString("/"));
		if (!strchr(deploy.target, ':')) {
			snprintf(target, sizeof target, "%s:80", deploy.target);
			deploy.target = target;
		}
		if (!deploy.force && !become_healthy(&deploy)) {
			fprintf(out,
				"Error: target failed to become healthy within configured timeout (%gs)\n",
				deploy.deploy_timeout_ms / 1000.0);
		} else {
			why = services_put(service_make(&deploy));
			if (!why)
				return 0;
			fprintf(out, "Error: %s\n", why);
			return 1;
		}
	} else {
		fprintf(out, "Error: %s\n", why);
	}
	cJSON_Delete(deploy.hosts);
	cJSON_Delete(deploy.paths);
	return 1;
}
