#include "core/links/kamal_look.h"
#include "core/base/text.h"
#include "core/job.h"
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 10, SHARED_MS = 15000 };

/* Go's names of the fields, as in docker_look_command(). */
#define CONTAINER                                                                                        \
	"c|{{slice .Name 1}}|{{index .Config.Labels \"service\"}}|{{index .Config.Labels \"role\"}}|"    \
	"{{index .Config.Labels \"destination\"}}|{{.State.Status}}|{{.HostConfig.RestartPolicy.Name}}|" \
	"{{.Image}}|{{.Config.Image}}|{{.State.StartedAt}}|{{.State.FinishedAt}}"

/* What is gone between ps and inspect makes inspect fail, and the others are told; so ends are not looked at
 * but for docker itself. */
static void look_command(struct buf *out, const struct docker_names *names)
{
	struct buf label = {0}, quoted = {0};
	buf_addf(&label, "label=service=%s", names->service);
	ssh_quote(&quoted, buf_text(&label));
	buf_addf(out,
		 "ids=$(docker ps -aq --no-trunc -f %s) || exit; [ -z \"$ids\" ] || docker inspect --format "
		 "'" CONTAINER "' $ids 2>/dev/null; docker images -q --no-trunc -f %s | sed 's/^/i|/'; "
		 "docker inspect --format 'p|{{.Config.Image}}|{{.State.Status}}' kamal-proxy 2>/dev/null; "
		 "[ ! -e /var/run/reboot-required ] || echo 'r|'; echo 'e|'",
		 buf_text(&quoted), buf_text(&quoted));
	buf_done(&label);
	buf_done(&quoted);
}

static void read_version(struct kamal_container *c, const struct docker_names *names)
{
	char prefix[200];
	text_copyf(prefix, sizeof prefix, "%s-%s%s%s-", names->service, c->role, *c->destination ? "-" : "",
		   c->destination);
	const char *replaced = strstr(c->name, "_replaced_");
	c->replaced = replaced != NULL;
	const char *at = text_starts(c->name, prefix) ? c->name + strlen(prefix) : "";
	text_copyf(c->version, sizeof c->version, "%.*s",
		   replaced && replaced > at ? (int)(replaced - at) : 79, at);
}

static int read_container(char *rest, const struct docker_names *names, struct kamal_look *look,
			  char image_id[80], struct err *err)
{
	char *f[FIELDS];
	for (size_t i = 0; i < FIELDS; i++)
		if (!(f[i] = strsep(&rest, "|")))
			return err_set(err, ERR_WORLD,
				       "docker's answer about its containers was not understood (%zu of %d "
				       "fields); is its version very old?",
				       i, FIELDS);
	/* Accessories carry their own name as service; what has no role is no container of the app. */
	if (!text_equal(f[1], names->service) || !*f[2])
		return 0;
	look->list = xrealloc(look->list, look->n + 1, sizeof *look->list);
	struct kamal_container *c = &look->list[look->n];
	*c =
	    (struct kamal_container){.started_ms = docker_time_ms(f[8]), .finished_ms = docker_time_ms(f[9])};
	text_clean(c->name, sizeof c->name, f[0], strlen(f[0]));
	text_clean(c->role, sizeof c->role, f[2], strlen(f[2]));
	text_clean(c->destination, sizeof c->destination, f[3], strlen(f[3]));
	text_clean(c->status, sizeof c->status, f[4], strlen(f[4]));
	text_clean(c->restart, sizeof c->restart, f[5], strlen(f[5]));
	text_clean(c->image, sizeof c->image, f[7], strlen(f[7]));
	text_copy(image_id, 80, f[6]);
	c->running = text_equal(c->status, "running") || text_equal(c->status, "restarting");
	c->ours = text_equal(c->destination, names->destination);
	read_version(c, names);
	look->n++;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct kamal_container *x = a, *y = b;
	if (x->running != y->running)
		return x->running ? -1 : 1;
	return x->started_ms == y->started_ms  ? strcmp(x->name, y->name)
	       : x->started_ms > y->started_ms ? -1
					       : 1;
}

int kamal_look_read(const char *text, const struct docker_names *names, struct kamal_look *out,
		    struct err *err)
{
	char *copy = xstrdup(text), *rest = copy, (*ids)[80] = NULL;
	bool ended = false;
	int rc = 0;
	*out = (struct kamal_look){0};
	for (char *line = strsep(&rest, "\n"); line && rc == 0; line = strsep(&rest, "\n")) {
		char *data = line + 2;
		if (text_starts(line, "c|")) {
			ids = xrealloc(ids, out->n + 1, sizeof *ids);
			rc = read_container(data, names, out, ids[out->n], err);
		} else if (text_starts(line, "i|")) {
			for (size_t i = 0; i < out->n; i++)
				out->list[i].labelled = out->list[i].labelled || text_equal(ids[i], data);
		} else if (text_starts(line, "p|")) {
			const char *status = strchr(data, '|');
			text_clean(out->proxy_image, sizeof out->proxy_image, data, strcspn(data, "|"));
			text_clean(out->proxy_status, sizeof out->proxy_status, status ? status + 1 : "",
				   status ? strlen(status + 1) : 0);
		} else if (text_starts(line, "r|")) {
			out->wants_reboot = true;
		} else if (text_starts(line, "e|")) {
			ended = true;
		}
	}
	if (rc == 0 && !ended)
		rc = err_set(err, ERR_WORLD, "docker's answer about the app's containers broke off");
	free(copy);
	free(ids);
	if (rc < 0)
		kamal_look_done(out);
	else if (out->n)
		qsort(out->list, out->n, sizeof *out->list, by_age);
	return rc;
}

static int ask(struct job *job, const struct docker_names *names, struct err *err)
{
	struct ssh *ssh = ssh_open(job, SSH_SILENT, err);
	struct buf command = {0};
	struct ssh_reply reply;
	if (!ssh)
		return -1;
	look_command(&command, names);
	int rc = ssh_exec(ssh,
			  &(struct ssh_call){.command = buf_text(&command),
					     .say = "docker ps, docker inspect, docker images"},
			  &reply, err);
	if (rc == 0 && reply.status != 0) {
		char said[200];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_REFUSED,
			     "docker on %s does not answer (status %d: %s); is the user in the group docker?",
			     ssh_name(ssh), reply.status, *said ? said : "no words");
	}
	if (rc == 0)
		job_keep(job, "kamal-look", buf_text(&reply.out));
	ssh_reply_done(&reply);
	buf_done(&command);
	ssh_close(ssh);
	return rc;
}

int kamal_look(struct job *job, struct kamal_look *out, struct err *err)
{
	struct docker_names names;
	*out = (struct kamal_look){0};
	if (docker_names(job, &names, err) < 0)
		return -1;
	if (!job_kept(job, "kamal-look", SHARED_MS) && ask(job, &names, err) < 0)
		return -1;
	return kamal_look_read(job_kept(job, "kamal-look", INT32_MAX), &names, out, err);
}

void kamal_look_done(struct kamal_look *look)
{
	free(look->list);
	*look = (struct kamal_look){0};
}
