/* The new app asked from outside: past DNS, or from the host itself when only the proxy knows its
 * certificate. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/http.h"
#include "core/steps/app_containers.h"
#include <stdlib.h>
#include <string.h>

static const char *first_name(const struct app *app)
{
	const char *name = job_first_name(app->job);
	return name ? name : ssh_host(app->ssh);
}

/* With ssl the proxy sends everything to https, and has no certificate before DNS points here: then the
 * container is asked itself, from the host. */
static int get_inside(struct app *app, const struct docker_container *web, int port, const char *path,
		      int *status, struct err *err)
{
	struct buf command = {0}, out = {0};
	char *url = xasprintf("http://%s:%d%s", web->address, port, path),
	     *host = xasprintf("Host: %s", first_name(app));
	buf_adds(&command, "curl -s -m 10 -o /dev/null -w '%{http_code}' -H ");
	ssh_quote(&command, host);
	buf_adds(&command, " -H 'X-Forwarded-Proto: https' ");
	ssh_quote(&command, url);
	buf_adds(&command, " || true");
	int rc = ssh_run(app->ssh, &out, err, "%s", buf_text(&command));
	*status = (int)units_parse_int(buf_text(&out), 0);
	free(url);
	free(host);
	buf_done(&command);
	buf_done(&out);
	return rc;
}

int app_get(struct app *app, const char *path, int *status, struct err *err)
{
	const struct docker_route *route = app_route(app, "web");
	const struct docker_container *web = app_choice(app, "web");
	const char *colon = route ? strrchr(route->target, ':') : NULL,
		   *way = job_config_str(app->job, "web.new", "");
	if (route && route->tls && web && *web->address && !*way)
		return get_inside(app, web, (int)units_parse_int(colon ? colon + 1 : NULL, 80), path, status,
				  err);
	const char *scheme = job_config_str(app->job, "web.scheme", route && route->tls ? "https" : "http");
	char to[220];
	text_copy(to, sizeof to, way);
	if (!*to)
		text_copyf(to, sizeof to, "%s:%d", ssh_host(app->ssh),
			   text_equal(scheme, "https") ? 443 : 80);
	char *url = xasprintf("%s://%s%s", scheme, first_name(app), path);
	struct http_request request = {
	    .url = url, .connect_to = to, .timeout_ms = 10000, .body_max = 1 << 20, .insecure = true};
	struct http_reply reply;
	int rc = http_once(app->job, &request, &reply, err);
	*status = reply.status;
	job_command(app->job, "http", "GET %s at %s %d %lld ms", url, to, reply.status, (long long)reply.ms);
	http_reply_done(&reply);
	free(url);
	return rc;
}
