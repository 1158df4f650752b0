/* What the dynos' watch sees beside the dynos: add-ons, domains, the database, backups, Heroku itself. Only
 * for core/watches/dynos*.c. */
#ifndef CORE_WATCHES_DYNOS_MORE_H
#define CORE_WATCHES_DYNOS_MORE_H

#include "core/job.h"
#include "core/links/heroku.h"

struct dynos_more {
	struct heroku *heroku;
	struct heroku_database database;
	struct heroku_database_info info;
	struct heroku_data_maintenance maintenance;
	struct heroku_platform platform;
	struct heroku_token token;
	struct heroku_addon *addons;
	struct heroku_domain *domains;
	struct heroku_feature *features;
	struct heroku_transfer *transfers;
	struct heroku_schedule *schedules;
	size_t n_addons, n_domains, n_features, n_transfers, n_schedules;
	bool have_database, have_info, have_maintenance, have_platform, have_transfers, have_token;
	char unseen[6][160]; /* why the newest look at that part failed; "" when it did not */
};

/* Each part when its turn has come; what fails keeps its last answer and is said. */
void dynos_more_look(struct job *job, struct dynos_more *more, uint64_t round);
/* The event heroku.seen. */
void dynos_more_tell(struct job *job, const struct dynos_more *more);
void dynos_more_done(struct dynos_more *more);

#endif
