/* What kamal-proxy routes to, and Kamal's lock. */
#include "core/base/text.h"
#include "core/links/docker.h"
#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

const char *docker_routes_command(void)
{
	return "docker exec kamal-proxy cat /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state";
}

static void read_hosts(const struct json *service, char *out, size_t size)
{
	/* Before 0.9 hosts stood one level higher. */
	const struct json *hosts = json_path(service, "options.hosts");
	*out = 0;
	for (const struct json *h = json_first(hosts ? hosts : json_get(service, "hosts")); h;
	     h = json_next(h)) {
		char one[200];
		const char *text = json_text(h) ? json_text(h) : "";
		text_clean(one, sizeof one, text, strlen(text));
		text_copyf(out + strlen(out), size - strlen(out), "%s%s", *out ? "," : "", one);
	}
}

static int read_route(const struct json *service, struct docker_route *r, struct err *err)
{
	static const char *const states[] = {"running", "paused", "stopped"};
	const char *name = json_str(service, "name", "");
	const char *target = json_text(json_first(json_get(service, "active_targets")));
	if (!target)
		target = json_str(service, "active_target", "");
	int64_t state = json_int(json_get(service, "pause_controller"), "state", 0);
	if (!*name || state < 0 || state > 2)
		return err_set(err, ERR_WORLD,
			       "kamal-proxy's state file was not understood: a service without name or with "
			       "pause state %lld",
			       (long long)state);
	text_clean(r->service, sizeof r->service, name, strlen(name));
	text_clean(r->target, sizeof r->target, target, strlen(target));
	read_hosts(service, r->hosts, sizeof r->hosts);
	text_copy(r->state, sizeof r->state, states[state]);
	const char *path = json_str(json_path(service, "target_options.health_check_config"), "path", "/up");
	text_clean(r->health_path, sizeof r->health_path, path, strlen(path));
	r->tls =
	    json_bool(json_get(service, "options"), "tls_enabled", json_bool(service, "tls_enabled", false));
	return 0;
}

int docker_routes_read(const char *text, size_t len, struct docker_route **out, size_t *n,
		       struct json **state, struct err *err)
{
	struct json *root = json_parse(text, len, err);
	*out = NULL;
	*n = 0;
	if (!root || !json_is_array(root)) {
		json_free(root);
		return err_set(
		    err, ERR_WORLD,
		    "kamal-proxy's state file is no list; a custom proxy image may keep it elsewhere");
	}
	int rc = 0;
	*out = xcalloc(json_count(root) + 1, sizeof **out);
	for (const struct json *s = json_first(root); s && rc == 0; s = json_next(s))
		if ((rc = read_route(s, &(*out)[*n], err)) == 0)
			(*n)++;
	if (rc < 0) {
		free(*out);
		*out = NULL;
		*n = 0;
	}
	if (state && rc == 0)
		*state = root;
	else
		json_free(root);
	return rc;
}

int docker_routes(struct ssh *ssh, struct docker_route **out, size_t *n, struct json **state, struct err *err)
{
	struct buf text = {0};
	*out = NULL;
	*n = 0;
	int rc = ssh_run(ssh, &text, err, "%s", docker_routes_command());
	if (rc == 0)
		rc = docker_routes_read(buf_text(&text), text.len, out, n, state, err);
	buf_done(&text);
	return rc;
}

static void add_option(struct buf *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	buf_addf(out, " --%s=", name);
	ssh_quote(out, value);
}

static void add_list(struct buf *out, const char *name, const struct json *list, const char *but)
{
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (!text_equal(json_text(item), but))
			add_option(out, name, json_text(item));
}

/* The state keeps Go durations: nanoseconds. */
static void add_duration(struct buf *out, const char *name, const struct json *object, const char *key)
{
	int64_t ns = json_int(object, key, 0);
	char text[32];
	text_copyf(text, sizeof text, "%lldms", (long long)(ns / 1000000));
	if (ns > 0)
		add_option(out, name, text);
}

static void add_number(struct buf *out, const char *name, const struct json *object, const char *key)
{
	char text[32];
	int64_t value = json_int(object, key, 0);
	text_copyf(text, sizeof text, "%lld", (long long)value);
	if (value > 0)
		add_option(out, name, text);
}

void docker_route_options(const struct json *service, struct buf *out)
{
	const struct json *options = json_get(service, "options"),
			  *target = json_get(service, "target_options");
	const struct json *check = json_get(target, "health_check_config");
	const struct json *hosts = json_get(options, "hosts");
	add_list(out, "host", hosts ? hosts : json_get(service, "hosts"), "");
	add_list(out, "path-prefix", json_get(options, "path_prefixes"), "/");
	if (json_bool(options, "tls_enabled", false))
		buf_adds(out, " --tls");
	add_option(out, "tls-certificate-path", json_str(options, "tls_certificate_path", ""));
	add_option(out, "tls-private-key-path", json_str(options, "tls_private_key_path", ""));
	if (json_bool(options, "tls_enabled", false) && !json_bool(options, "tls_redirect", true))
		buf_adds(out, " --tls-redirect=false");
	if (!json_bool(options, "strip_prefix", true))
		buf_adds(out, " --strip-path-prefix=false");
	add_option(out, "error-pages", json_str(options, "error_page_path", ""));
	add_option(out, "health-check-path", json_str(check, "path", ""));
	add_duration(out, "health-check-interval", check, "interval");
	add_duration(out, "health-check-timeout", check, "timeout");
	add_number(out, "health-check-port", check, "port");
	add_option(out, "health-check-host", json_str(check, "host", ""));
	add_duration(out, "target-timeout", target, "response_timeout");
	if (json_bool(target, "buffer_requests", false))
		buf_adds(out, " --buffer-requests");
	if (json_bool(target, "buffer_responses", false))
		buf_adds(out, " --buffer-responses");
	add_number(out, "buffer-memory", target, "max_memory_buffer_size");
	add_number(out, "max-request-body", target, "max_request_body_size");
	add_number(out, "max-response-body", target, "max_response_body_size");
	if (json_bool(target, "forward_headers", false))
		buf_adds(out, " --forward-headers");
	add_list(out, "log-request-header", json_get(target, "log_request_headers"), "");
	add_list(out, "log-response-header", json_get(target, "log_response_headers"), "");
}

/* ---- the lock ---- */

const char *docker_lock_command(void)
{
	return "for d in .kamal/lock-*; do [ -d \"$d\" ] || continue; stat -c %Y \"$d\"; tr -d '\\n' "
	       "<\"$d/details\" 2>/dev/null; echo; done";
}

static void take_word(const char *text, const char *head, char *out, size_t size)
{
	const char *at = strstr(text, head);
	if (at)
		text_clean(out, size, at + strlen(head), strcspn(at + strlen(head), "\n"));
}

void docker_lock_read(const char *text, struct docker_lock *out)
{
	*out = (struct docker_lock){0};
	if (!isdigit((unsigned char)*text))
		return;
	out->held = true;
	out->since_ms = strtoll(text, NULL, 10) * 1000;
	const char *coded = text + strcspn(text, "\n");
	coded += *coded == '\n';
	size_t len = strcspn(coded, "\n");
	unsigned char plain[3000] = "";
	int n = len && len % 4 == 0 && len / 4 * 3 < sizeof plain
		    ? EVP_DecodeBlock(plain, (const unsigned char *)coded, (int)len)
		    : 0;
	plain[n > 0 ? n : 0] = 0;
	take_word((const char *)plain, "Locked by: ", out->by, sizeof out->by);
	take_word((const char *)plain, "Message: ", out->why, sizeof out->why);
	char *at = strstr(out->by, " at 20");
	if (at)
		*at = 0;
	if (!*out->by)
		text_copy(out->by, sizeof out->by, "somebody who left no name");
	/* kamal lock release says there is no lock, and yet it blocks every deploy. */
	if (!len)
		text_copy(out->why, sizeof out->why,
			  "an empty lock folder, left by a crash: rmdir it on the host");
}

int docker_lock(struct ssh *ssh, struct docker_lock *out, struct err *err)
{
	struct buf text = {0};
	int rc = ssh_run(ssh, &text, err, "%s", docker_lock_command());
	docker_lock_read(buf_text(&text), out);
	buf_done(&text);
	return rc;
}
