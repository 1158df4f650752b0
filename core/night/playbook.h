/* A playbook: phases of steps, and the way back. Checked against the steps this build knows.
 *
 * name: heroku-to-kamal            # default: the file's name
 * help: one sentence
 * unattended: false                # true: polls may be passed by --yes
 * phases:
 *   - phase: freeze
 *     steps:
 *       - {id: quiet, do: wait-quiet, with: {for: 60s}, title: ..., gate: "yes"|type|poll, budget: 2m,
 * estimate: 1m, say: "...", auto: true, checks: [ttl]} rollback:
 *   - {id: back-dns, do: dns-point, with: {to: old}}
 */
#ifndef CORE_NIGHT_PLAYBOOK_H
#define CORE_NIGHT_PLAYBOOK_H

#include "core/job.h"

/* What a playbook may name. */
struct playbook_kinds {
	const struct step *const *steps;
	const struct check *const *checks;
};

/* A name is looked for as NAME.yml in ./playbooks and in the source's playbooks folder; with a `/` or `.yml`
 * it is a path. Merges `steps:` of the configuration (may be NULL) into `with:`. The result is the object
 * documented as `playbook` of night.opened (core/night/kinds/steps.h), plus "unattended": params' defaults
 * are filled in, `gate` is the higher of the step's and the playbook's, budget_ms and estimate_ms are -1 when
 * not given. Durations among the params stay texts ("60s"), ints and flags become JSON's. NULL and ERR_CONFIG
 * otherwise. Free with json_free(). */
struct json *playbook_load(const char *name_or_path, const struct json *config, struct err *err);
/* The same for a path and given tables. */
struct json *playbook_resolve(const char *path, const struct playbook_kinds *kinds, const struct json *config,
			      struct err *err);
/* Where the playbook is; to be freed. NULL and an error that names near ones when there is none. */
char *playbook_find(const char *name_or_path, struct err *err);

#endif
