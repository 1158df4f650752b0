/* What target_fit has seen, as evidence. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/target_fit.h"
#include <string.h>

/* Extensions that are nothing without their library in shared_preload_libraries. `needs_it`: it cannot even
 * be created; else it is there and tells nothing. */
static const struct {
	const char *extension, *library;
	bool needs_it;
} preloaded[] = {
    {"pg_stat_statements", "pg_stat_statements", false},
    {"timescaledb", "timescaledb", true},
    {"pg_cron", "pg_cron", true},
    {"pgaudit", "pgaudit", true},
    {"citus", "citus", true},
    {"pg_partman_bgw", "pg_partman_bgw", false},
};

static void judge_extensions(const struct target_fit *fit, bool wiping, struct plan *plan)
{
	for (size_t i = 0; i < fit->wants.n; i++) {
		const struct pg_want *want = &fit->wants.list[i];
		/* What stands in another schema now goes with the rest. */
		bool bad = want->verdict == VERDICT_FAIL && !(wiping && want->installed);
		if (wiping && !bad)
			continue;
		evidence_add(&plan->seen, want->verdict, "extension", want->fact, "%s", want->text);
		if (bad && !*plan->refused)
			plan_refuse(plan, "%s", want->fix);
	}
}

static void judge_preload(const struct target_fit *fit, struct plan *plan)
{
	for (size_t i = 0; i < fit->wants.n; i++)
		for (size_t k = 0; k < sizeof preloaded / sizeof *preloaded; k++) {
			const struct pg_want *want = &fit->wants.list[i];
			if (want->skipped || !text_equal(want->name, preloaded[k].extension) ||
			    text_find(fit->now.preload, preloaded[k].library))
				continue;
			evidence_add(&plan->seen, preloaded[k].needs_it ? VERDICT_FAIL : VERDICT_WARN,
				     "preload", want->name, "shared_preload_libraries of NEW %s %s: %s",
				     *fit->now.preload ? "lacks" : "is not known to have",
				     preloaded[k].library,
				     preloaded[k].needs_it
					 ? "the extension cannot be created without it"
					 : "the extension comes, and its views fail until the server has it");
			if (preloaded[k].needs_it && *fit->now.preload && !*plan->refused)
				plan_refuse(
				    plan,
				    "The extension %s needs shared_preload_libraries = '%s' on NEW: set it "
				    "(accessory: cmd: postgres -c shared_preload_libraries=%s), start the "
				    "server again, then plan again.",
				    want->name, preloaded[k].library, preloaded[k].library);
		}
}

static void judge_locale(const struct target_fit *fit, bool wiping, struct plan *plan)
{
	const struct pg_source *old = &fit->source, *now = &fit->now;
	if (!text_equal(old->encoding, now->encoding)) {
		evidence_add(&plan->seen, VERDICT_FAIL, "encoding", now->encoding, "OLD is %s and NEW is %s",
			     old->encoding, now->encoding);
		if (!*plan->refused)
			plan_refuse(
			    plan,
			    "NEW stores text as %s and OLD as %s, so the restore could change or refuse "
			    "text. Create the database of "
			    "NEW again with ENCODING '%s'.",
			    now->encoding, old->encoding, old->encoding);
		return;
	}
	bool same = pg_same_locale(old->collate, now->collate) && pg_same_locale(old->ctype, now->ctype) &&
		    (!*old->provider || text_equal(old->provider, now->provider));
	if (!same)
		evidence_add(
		    &plan->seen, VERDICT_WARN, "collation", now->collate,
		    "OLD sorts by %s%s%s and NEW by %s, %s: lists may come in another order; while NEW is "
		    "empty its database may still be made anew with LC_COLLATE '%s'",
		    old->collate, *old->provider ? ", " : "", old->provider, now->collate, now->provider,
		    old->collate);
	else if (!wiping)
		evidence_add(&plan->seen, VERDICT_PASS, "collation", now->collate,
			     "both sides sort by %s (%s)", now->collate, now->encoding);
	if (!wiping && *now->actual && !text_equal(now->made, now->actual))
		evidence_add(&plan->seen, now->tables.n ? VERDICT_WARN : VERDICT_PASS, "version", now->made,
			     "NEW was made with collation version %s and its server has %s: %s",
			     *now->made ? now->made : "(none)", now->actual,
			     now->tables.n ? "repair looks which indexes must be built again"
					   : "it is empty, so the server's is simply taken");
}

static void judge_versions(const struct target_fit *fit, struct plan *plan)
{
	if (fit->source.major > fit->now.major)
		evidence_add(
		    &plan->seen, VERDICT_FAIL, "major", "older",
		    "NEW is PostgreSQL %d and OLD is %d: a dump does not go into an older server; set "
		    "the accessory's image to postgres:%d",
		    fit->now.major, fit->source.major, fit->source.major);
	if (!fit->has_dump || fit->restore_major >= fit->needs.dumped_major)
		return;
	evidence_add(&plan->seen, VERDICT_FAIL, "programs", fit->restore_by,
		     "pg_restore in %s is %s, and the dump was written by pg_dump %s", fit->container,
		     fit->restore_by, fit->needs.dumped_by);
	if (!*plan->refused)
		plan_refuse(
		    plan,
		    "pg_restore %s in %s cannot read a dump of pg_dump %s: boot the accessory with a newer "
		    "PostgreSQL image, then plan again.",
		    fit->restore_by, fit->container, fit->needs.dumped_by);
}

/* The database that is emptied gives its room back. */
static void judge_room(const struct target_fit *fit, struct plan *plan)
{
	char need[UNITS_MAX], have[UNITS_MAX];
	int64_t needs = fit->source.size_bytes + fit->source.size_bytes / 5 - fit->now.size_bytes;
	if (fit->free_bytes < 0 || fit->free_bytes >= needs)
		return;
	units_size(need, needs);
	units_size(have, fit->free_bytes);
	evidence_add(&plan->seen, VERDICT_FAIL, "room", "too little",
		     "%s more needed for data and sorting, %s free on the disk of NEW", need, have);
	if (!*plan->refused)
		plan_refuse(
		    plan,
		    "The disk of NEW has not enough room (%s more needed, %s free): make room, then plan "
		    "again.",
		    need, have);
}

static void judge_roles(const struct target_fit *fit, bool wiping, struct plan *plan)
{
	const struct pg_access *access = &fit->source.access;
	if (*fit->app_role && !fit->app_role_there) {
		evidence_add(&plan->seen, VERDICT_FAIL, "role", fit->app_role,
			     "role %s of database.app_role is not there on NEW", fit->app_role);
		if (!*plan->refused)
			plan_refuse(
			    plan,
			    "The app logs in as %s, and NEW has no such role: create it (CREATE ROLE %s "
			    "LOGIN PASSWORD ...), or correct database.app_role, then plan again.",
			    fit->app_role, fit->app_role);
	}
	if (wiping)
		return;
	for (size_t i = 0; i < access->n; i++)
		if (access->list[i].owns)
			evidence_add(&plan->seen, VERDICT_PASS, "owner", "",
				     "%lld objects of OLD's %s will belong to %s%s%s",
				     (long long)access->list[i].owns, access->list[i].name, fit->user,
				     *fit->app_role ? ", and by repair to " : "", fit->app_role);
	for (size_t i = 0; i < access->n; i++)
		if (access->list[i].granted)
			evidence_add(
			    &plan->seen, VERDICT_WARN, "rights", access->list[i].name,
			    "rights of OLD's %s on %lld objects do not come (--no-acl): grant them after "
			    "repair, if that role shall read here too",
			    access->list[i].name, (long long)access->list[i].granted);
	for (size_t i = 0; i < fit->n_strangers; i++)
		evidence_add(&plan->seen, VERDICT_WARN, "role", fit->strangers[i],
			     "NEW has no role %s, which has rights on OLD", fit->strangers[i]);
	if (access->defaults)
		evidence_add(
		    &plan->seen, VERDICT_WARN, "defaults", "",
		    "%lld default privileges of OLD do not come: new tables get none of them until they "
		    "are set here",
		    (long long)access->defaults);
}

static void judge_schemas(const struct target_fit *fit, struct plan *plan)
{
	for (size_t i = 0; i < fit->needs.n_schemas; i++)
		evidence_add(&plan->seen, VERDICT_PASS, "schema", fit->needs.schemas[i],
			     "schema %s: the dump uses it and does not make it", fit->needs.schemas[i]);
}

void target_fit_judge(const struct target_fit *fit, bool wiping, struct plan *plan)
{
	char size[UNITS_MAX];
	size_t before = plan->seen.n;
	judge_extensions(fit, wiping, plan);
	if (!wiping)
		judge_schemas(fit, plan);
	judge_preload(fit, plan);
	judge_locale(fit, wiping, plan);
	judge_versions(fit, plan);
	judge_room(fit, plan);
	judge_roles(fit, wiping, plan);
	if (wiping && plan->seen.n == before)
		evidence_add(&plan->seen, VERDICT_PASS, "fits", "fits",
			     "NEW can take OLD: %zu extensions, %s, %s, PostgreSQL %d from %d", fit->wants.n,
			     units_size(size, fit->source.size_bytes), fit->now.encoding, fit->now.major,
			     fit->source.major);
	if (!wiping && *fit->restore_by)
		evidence_add(&plan->seen, VERDICT_PASS, "programs", fit->restore_by,
			     "pg_restore %s in %s%s%s", fit->restore_by, fit->container,
			     fit->has_dump ? ", the dump was written by pg_dump " : "", fit->needs.dumped_by);
}
