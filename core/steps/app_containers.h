/* Stopping and starting the app on the new host, as `kamal app stop` and `kamal app start` do it, but for
 * every container: Kamal stops only the newest of each role, and what is left goes on writing. */
#ifndef CORE_STEPS_APP_CONTAINERS_H
#define CORE_STEPS_APP_CONTAINERS_H

#include "core/job.h"
#include "core/links/docker.h"

struct app {
	struct job *job;
	struct ssh *ssh;
	struct docker_names names;
	struct docker_container *list;
	size_t n;
	struct docker_route *routes;
	size_t n_routes;
	struct json *state; /* of the proxy; NULL when it does not run */
};
int app_open(struct job *job, struct app *app, struct err *err);
int app_look(struct app *app, struct err *err);
void app_close(struct app *app);

bool app_running(const struct docker_container *c); /* of an app role, and running */
/* Docker starts it again and again, and waits longer each time. */
bool app_crashes(const struct docker_container *c);
/* One of the containers that are to run does so. */
bool app_any_crashes(const struct app *app);
/* The container to start for a role: the one recorded by app-stop, else the newest; NULL for none. */
const struct docker_container *app_choice(const struct app *app, const char *role);
/* How many containers of a role run, and the newest of them. */
size_t app_running_of(const struct app *app, const char *role, const struct docker_container **one);
bool app_routed_to(const struct app *app, const struct docker_container *c);
/* One container for each role, and not what a broken boot left; the proxy leads to the web one. */
bool app_up(const struct app *app);
const struct docker_route *app_route(const struct app *app, const char *role); /* NULL: the proxy has none */
/* Records the fact "app-stopped", takes the app out of the proxy, stops every container. Nothing running:
 * nothing done. */
int app_stop_all(struct app *app, struct err *err);
/* Records the fact "app-booted", starts one container per role, puts the web back into the proxy, waits until
 * they are well. */
int app_start_all(struct app *app, struct err *err);
/* A service of the proxy's state by its name. */
const struct json *app_find_service(const struct json *list, const char *name);
/* The fact "app-booted", before whatever starts containers. */
int app_record_boot(struct app *app, struct err *err);
/* Stops what runs beside the newest container of each role, once that one is well. */
int app_stop_leftovers(struct app *app, struct err *err);
/* Waits a minute at most until every role's container runs, is healthy where it says so, and stays so. */
int app_wait_well(struct app *app, struct err *err);
/* The proof: lines of evidence for each role, the route, and two paths from outside. `version` "" : any. */
int app_prove_up(struct app *app, const char *version, struct evidence *ev, struct err *err);
/* The command that puts a role's container into the proxy; false when that role has no route. */
bool app_deploy_command(const struct app *app, const struct docker_container *c, struct buf *out);
int app_not_locked(struct app *app, struct err *err); /* refuses while somebody deploys */
/* The same for a plan, which is refused by it. -1: nobody knows. */
int app_plan_not_locked(struct app *app, struct plan *plan, struct err *err);
/* Steps act on the primary host. What Kamal's file runs on others is looked at all the same: the first
 * container of the app that runs on another host, as "acme-job-4f2c91a on 203.0.113.8"; "" for none. -1: one
 * of them cannot be seen. */
int app_elsewhere(struct app *app, char *out, size_t size, struct err *err);
/* Opens, acts, closes. */
int app_with(struct job *job, int (*act)(struct app *app, struct err *err), struct err *err);
/* Status of a path of the new side, past DNS. */
int app_get(struct app *app, const char *path, int *status, struct err *err);

#endif
