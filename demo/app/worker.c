/* The job process: about five small writes a second, of every sort that a copy must notice. */
#include "demo/app/app.h"
#include "demo/app/db.h"

#include <stdio.h>
#include <stdlib.h>

struct job {
	const char *name;
	const char *sql; /* $1 is a counter */
};

static const struct job jobs[] = {
    {"TrackEventJob", "INSERT INTO events (user_id, name, properties, created_at) SELECT id, 'job', "
		      "jsonb_build_object('n', $1::bigint, 'by', 'worker'), now() FROM users ORDER BY id "
		      "LIMIT 1 OFFSET $1::bigint % 10"},
    {"AuditJob", "INSERT INTO audits (auditable_type, auditable_id, action, created_at) VALUES "
		 "('products', $1::bigint % 1000, 'sync', now())"},
    /* An order with its items and its event, all or nothing. */
    {"PlaceOrderJob",
     "WITH o AS (INSERT INTO orders (user_id, number, total, created_at, updated_at) "
     "SELECT id, 'J' || nextval('order_numbers_seq'), 10 + $1::bigint % 90, now(), now() "
     "FROM users ORDER BY id LIMIT 1 OFFSET $1::bigint % 10 RETURNING id, user_id), "
     "l AS (INSERT INTO line_items (order_id, product_id, quantity, unit_price) "
     "SELECT o.id, p.id, 1, p.price FROM o, (SELECT id, price FROM products ORDER BY id LIMIT 2) p) "
     "INSERT INTO events (user_id, name, properties, created_at) "
     "SELECT user_id, 'order', jsonb_build_object('order', id), now() FROM o"},
    {"ShipOrderJob", "UPDATE orders SET status = 'shipped' WHERE id = (SELECT id FROM orders WHERE status IN "
		     "('placed', 'paid') ORDER BY id DESC OFFSET $1::bigint % 5 LIMIT 1)"},
    {"SweepCartsJob", "DELETE FROM cart_items WHERE id = (SELECT id FROM cart_items WHERE id > $1::bigint "
		      "ORDER BY id LIMIT 1)"},
    {"DigestJob", "UPDATE good_jobs SET finished_at = now() WHERE id = (SELECT id FROM good_jobs WHERE "
		  "finished_at IS NULL AND $1::bigint > 0 ORDER BY scheduled_at LIMIT 1)"},
};

int app_worker(void)
{
	struct db db = {0};
	char number[32];
	const char *const values[] = {number};

	app_log("[GoodJob] [%s] started with 5 threads", app_name());
	for (long turn = 1; !app_stopping(); turn++) {
		const struct job *job = &jobs[(size_t)turn % (sizeof(jobs) / sizeof(jobs[0]))];
		snprintf(number, sizeof(number), "%ld", turn);
		double began_ms = app_now_ms();
		bool done = db_do(&db, job->sql, 1, values);
		app_log("[ActiveJob] [%s] %s in %.1fms", job->name, done ? "Performed" : "Error performing",
			app_now_ms() - began_ms);
		/* A job that cannot run is tried again later, as job runners do: the placeholder app has no
		 * tables yet. */
		app_sleep_ms(done ? 200 : 4000);
	}
	app_stop();
	db_close(&db);
	return 0;
}
