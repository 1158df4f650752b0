/* host-pg-exposed: the new database's port, open to the world. Docker writes its own firewall rules, past
 * ufw. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/links/target.h"
#include <stdlib.h>

static enum verdict host_pg_exposed_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_pg_exposed_check = {
    .name = "host-pg-exposed",
    .help = "whether the new database's port is open to the world",
    .bite = "port: 5432 in deploy.yml opens the database on every address, and docker goes past ufw",
    .run = host_pg_exposed_run,
};

/* What Kamal's file would publish, where no container tells yet or the one that runs was booted by an older
 * file. */
static void look_at_file(struct job *job, const struct docker_container *list, size_t n, struct evidence *ev)
{
	char where[80];
	for (const struct json *a = json_first(json_path(job_config(job), "kamal.accessories")); a;
	     a = json_next(a)) {
		const char *service = json_str(a, "service", "");
		const struct docker_container *c = docker_find(list, n, service);
		if (!json_bool(a, "open", false) || (c && docker_exposed(c, where, sizeof where)))
			continue;
		evidence_add(ev, VERDICT_WARN, service, "file",
			     "Kamal's file says port: %.40s for %s: the next boot of it opens that port to "
			     "everybody, past "
			     "ufw; write 127.0.0.1: before it",
			     json_str(a, "port", ""), service);
	}
}

static enum verdict host_pg_exposed_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct docker_names names;
	struct docker_container *list = NULL;
	size_t n = 0;
	char where[80];
	if (target_no_kamal(job) && !*job_config_str(job, "database.container", ""))
		return target_skip(ev, target_no_kamal(job));
	struct ssh *ssh = docker_names(job, &names, err) < 0 ? NULL : ssh_open(job, SSH_SILENT, err);
	if (!ssh)
		return VERDICT_UNKNOWN;
	int rc = docker_containers(ssh, &names, &list, &n, err);
	ssh_close(ssh);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (list[i].kind != DOCKER_ACCESSORY)
			continue;
		if (docker_exposed(&list[i], where, sizeof where))
			evidence_add(ev,
				     text_equal(list[i].name, names.accessory) ? VERDICT_FAIL : VERDICT_WARN,
				     list[i].name, where,
				     "%s listens on %s for everybody: write port: \"127.0.0.1:5432:5432\" "
				     "and reboot the accessory",
				     list[i].name, where);
		else
			evidence_add(ev, VERDICT_PASS, list[i].name, "closed",
				     "%s can be reached from the host only", list[i].name);
	}
	if (rc == 0)
		look_at_file(job, list, n, ev);
	if (rc == 0 && !ev->n)
		evidence_add(ev, VERDICT_PASS, "accessory", "none",
			     "there is no database container on the host");
	free(list);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
