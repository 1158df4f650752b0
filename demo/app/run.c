/* The one-off that somebody forgot: `rails runner Backfill.call`. Scaling to zero does not stop it. */
#include "demo/app/app.h"
#include "demo/app/db.h"

#include <stdio.h>
#include <stdlib.h>

int app_run(void)
{
	struct db db = {0};
	char number[32];
	const char *const values[] = {number};
	long batch = strtol(app_env("BACKFILL_BATCH", "1"), NULL, 10);

	app_log("Backfill: started on %s", app_name());
	while (!app_stopping()) {
		snprintf(number, sizeof(number), "%ld", batch);
		if (db_do(&db,
			  "INSERT INTO audits (auditable_type, auditable_id, action, comment, created_at) "
			  "SELECT 'products', i, 'backfill', 'batch ' || $1::bigint, now() "
			  "FROM generate_series(1::bigint, 25) i",
			  1, values)) {
			app_log("Backfill: batch %ld done", batch);
			batch++;
		} else {
			app_log("Backfill: batch %ld failed, trying again", batch);
		}
		app_sleep_ms(1000);
	}
	app_stop();
	db_close(&db);
	return 0;
}
