/* Looks at units and containers: see service_look.h. */
#include "core/steps/service_look.h"
#include "core/base/buf.h"
#include "core/base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 12 };

/* Names go into commands on the server. */
static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < sizeof(((struct service *)0)->name) && *name != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@:._-") == len;
}

static int add_names(struct job *job, struct services *out, const char *param, struct err *err)
{
	const struct json *given = json_get(job_params(job), param);
	bool alone = json_text(given) && *json_text(given);

	for (const struct json *n = alone ? given : json_first(given); n; n = alone ? NULL : json_next(n)) {
		const char *name = json_text(n) ? json_text(n) : "";

		if (!is_name(name))
			return err_set(
			    err, ERR_CONFIG,
			    "service: \"%.80s\" in %s is no name of a unit or container; mend `steps:` of "
			    "nightferry.yml",
			    name, param);
		if (out->n == MOST)
			return err_set(err, ERR_CONFIG,
				       "service: more than %d names; make a second step of them", MOST);
		out->list = xrealloc(out->list, out->n + 1, sizeof out->list[0]);
		out->list[out->n] = (struct service){.container = text_equal(param, "containers")};
		text_copy(out->list[out->n++].name, sizeof out->list[0].name, name);
	}
	return 0;
}

int services_open(struct job *job, struct services *out, struct err *err)
{
	*out = (struct services){0};
	if (add_names(job, out, "units", err) < 0 || add_names(job, out, "containers", err) < 0)
		return -1;
	if (!out->n)
		return err_set(
		    err, ERR_CONFIG,
		    "service: nobody says what the app is on the new server; write steps: {%s: {units: "
		    "[acme-web]}} into nightferry.yml, or {containers: [acme-web]}",
		    job_step(job));
	out->ssh = ssh_open(job, SSH_ASKING, err);
	return out->ssh ? 0 : -1;
}

static char *look_command(const struct services *s)
{
	struct buf command = {0};

	buf_adds(&command, "export LC_ALL=C; ");
	for (size_t i = 0; i < s->n; i++) {
		const struct service *item = &s->list[i];

		buf_addf(&command, "echo 'name=%s'; ", item->name);
		if (item->container)
			buf_addf(&command,
				 "docker inspect --format '{{.State.Status}} {{.State.StartedAt}}' %s 2>&1; ",
				 item->name);
		else
			buf_addf(
			    &command,
			    "systemctl show -p LoadState -p ActiveState -p ActiveEnterTimestamp %s 2>&1; ",
			    item->name);
	}
	buf_adds(&command, "true");
	return command.data;
}

/* "running 2026-11-21T10:59:51.1Z" */
static int read_container(struct service *item, const char *text, struct err *err)
{
	static const char *const words[] = {"created",  "running", "paused", "restarting",
					    "removing", "exited",  "dead"};
	size_t len = strcspn(text, " \n");

	item->missing = text_find(text, "no such") != NULL;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i]) == len && strncmp(words[i], text, len) == 0) {
			text_copy(item->state, sizeof item->state, words[i]);
			text_copyf(item->since, sizeof item->since, "%.*s", (int)strcspn(text + len, "\n"),
				   text + len);
			item->running = i >= 1 && i <= 3;
			item->well = i == 1;
			return 0;
		}
	if (!item->missing)
		return err_set(err, ERR_WORLD, "docker's answer about %s was not understood: %.120s",
			       item->name, text);
	text_copy(item->state, sizeof item->state, "missing");
	return 0;
}

static const char *property(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);

	text_copyf(out, size, "%.*s", at ? (int)strcspn(at + strlen(name), "\n") : 0,
		   at ? at + strlen(name) : "");
	return out;
}

static int read_unit(struct service *item, const char *text, struct err *err)
{
	char load[40];

	property(text, "LoadState=", load, sizeof load);
	property(text, "\nActiveState=", item->state, sizeof item->state);
	property(text, "ActiveEnterTimestamp=", item->since, sizeof item->since);
	if (!*load || !*item->state)
		return err_set(err, ERR_WORLD, "systemd's answer about %s was not understood: %.120s",
			       item->name, text);
	item->missing = text_equal(load, "not-found");
	item->well = text_equal(item->state, "active") || text_equal(item->state, "reloading");
	item->running = !text_equal(item->state, "inactive") && !text_equal(item->state, "failed");
	if (item->missing)
		text_copy(item->state, sizeof item->state, "missing");
	return 0;
}

static int read_answer(struct services *s, char *text, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		struct service *item = &s->list[i];
		char *mark = xasprintf("name=%s\n", item->name), *at = strstr(text, mark), *next, clean[1000];

		free(mark);
		if (!at)
			return err_set(err, ERR_WORLD,
				       "the server's answer was not understood; its login shell may print or "
				       "do something "
				       "of its own");
		at = strchr(at, '\n') + 1;
		next = strstr(at, "name=");
		text_copyf(clean, sizeof clean, "\n%.*s", (int)(next ? next - at : (long)strlen(at)), at);
		item->missing = item->running = false;
		if ((item->container ? read_container(item, clean + 1, err) : read_unit(item, clean, err)) <
		    0)
			return -1;
		text = at;
	}
	return 0;
}

int services_look(struct services *s, struct err *err)
{
	char *command = look_command(s);
	struct ssh_reply reply;
	int rc =
	    ssh_exec(s->ssh, &(struct ssh_call){.command = command, .say = "systemctl show, docker inspect"},
		     &reply, err);

	if (rc == 0)
		rc = read_answer(s, reply.out.data ? reply.out.data : (char[]){""}, err);
	ssh_reply_done(&reply);
	free(command);
	return rc;
}

void services_say(const struct services *s, char *out, size_t size)
{
	struct buf text = {0};

	for (size_t i = 0; i < s->n; i++)
		buf_addf(&text, "%s%s %s", i ? ", " : "", s->list[i].name, s->list[i].state);
	text_copy(out, size, buf_text(&text));
	buf_done(&text);
}

void services_copy(struct services *out, const struct services *s)
{
	*out = (struct services){.n = s->n};
	out->list = xcalloc(s->n ? s->n : 1, sizeof out->list[0]);
	memcpy(out->list, s->list, s->n * sizeof out->list[0]);
}

void services_close(struct services *s)
{
	ssh_close(s->ssh);
	free(s->list);
	*s = (struct services){0};
}
