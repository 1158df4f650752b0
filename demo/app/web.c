/* The web process of the shop: a few pages, an API and a cart, all from the database. */
#include "demo/app/app.h"
#include "demo/app/db.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One daemon thread answers one request after the other, so one connection is enough. */
struct web {
	struct db db;
	unsigned long carts;
};

/* A page being written; `status` stays 200 unless something went wrong. */
struct page {
	FILE *out;
	unsigned status;
	const char *type;
	struct MHD_Connection *request;
};

static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '&': fputs("&amp;", out); break;
		case '"': fputs("&quot;", out); break;
		default: fputc(*text, out);
		}
	}
}

static void write_list(FILE *out, const PGresult *rows)
{
	fputs("<ul>\n", out);
	for (int i = 0; i < PQntuples(rows); i++) {
		fputs("<li>", out);
		for (int j = 0; j < PQnfields(rows); j++) {
			fputs(j ? " · " : "", out);
			write_escaped(out, PQgetvalue(rows, i, j));
		}
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void page_up(struct web *web, struct page *page)
{
	page->type = "text/plain";
	if (db_do(&web->db, "SELECT 1", 0, NULL))
		fputs("ok\n", page->out);
	else
		page->status = 500;
}

static void page_home(struct web *web, struct page *page)
{
	PGresult *rows =
	    db_query(&web->db, "SELECT name FROM categories ORDER BY position LIMIT 12", 0, NULL);

	if (!rows) {
		page->status = 500;
		return;
	}
	fputs("<title>Acme</title><h1>Acme shoes</h1>\n", page->out);
	write_list(page->out, rows);
	PQclear(rows);
}

static void page_products(struct web *web, struct page *page)
{
	PGresult *rows = db_query(
	    &web->db,
	    "SELECT name, round(price_cents / 100.0, 2), sku FROM products ORDER BY id DESC LIMIT 20", 0,
	    NULL);

	if (!rows) {
		page->status = 500;
		return;
	}
	fputs("<title>Acme: products</title><h1>Products</h1>\n", page->out);
	write_list(page->out, rows);
	PQclear(rows);
}

static void page_search(struct web *web, struct page *page)
{
	const char *query = MHD_lookup_connection_value(page->request, MHD_GET_ARGUMENT_KIND, "q");
	const char *const values[] = {query ? query : ""};
	PGresult *rows = db_query(&web->db,
				  "SELECT name, price, count(*) OVER () FROM products "
				  "WHERE name ILIKE '%' || $1::text || '%' ORDER BY id LIMIT 10",
				  1, values);

	if (!rows) {
		page->status = 500;
		return;
	}
	fprintf(page->out, "<title>Acme: search</title><h1>%s results for \"",
		PQntuples(rows) ? PQgetvalue(rows, 0, 2) : "0");
	write_escaped(page->out, values[0]);
	fputs("\"</h1>\n", page->out);
	write_list(page->out, rows);
	PQclear(rows);
}

/* PostgreSQL writes the JSON: it is the better writer. */
static void page_json(struct db *db, struct page *page, const char *sql, int count, const char *const *values,
		      unsigned status)
{
	PGresult *rows = db_query(db, sql, count, values);

	page->type = "application/json";
	if (!rows || PQntuples(rows) == 0) {
		page->status = 500;
	} else {
		page->status = status;
		fprintf(page->out, "%s\n", PQgetvalue(rows, 0, 0));
	}
	PQclear(rows);
}

static void page_cart(struct web *web, struct page *page)
{
	page_json(
	    &web->db, page,
	    "SELECT json_build_object('cart', c.id, 'token', c.token, 'updated_at', c.updated_at, 'items', "
	    "(SELECT count(*) FROM cart_items i WHERE i.cart_id = c.id)) FROM carts c ORDER BY c.id DESC "
	    "LIMIT 1",
	    0, NULL, 200);
}

/* An order nobody may lose: cart item, order, its line and its event in one statement. */
static void page_cart_add(struct web *web, struct page *page)
{
	char number[32];
	const char *const values[] = {number};

	snprintf(number, sizeof(number), "%lu", ++web->carts);
	page_json(
	    &web->db, page,
	    "WITH p AS (SELECT id, price FROM products ORDER BY id LIMIT 1 OFFSET $1::bigint % 40), "
	    "u AS (SELECT id FROM users ORDER BY id LIMIT 1 OFFSET $1::bigint % 10), "
	    "c AS (INSERT INTO carts (user_id, created_at, updated_at) SELECT id, now(), now() FROM u "
	    "RETURNING id), "
	    "i AS (INSERT INTO cart_items (cart_id, product_id) SELECT c.id, p.id FROM c, p RETURNING id), "
	    "o AS (INSERT INTO orders (user_id, number, total, created_at, updated_at) "
	    "SELECT u.id, 'W' || nextval('order_numbers_seq'), p.price, now(), now() FROM u, p RETURNING id, "
	    "user_id), "
	    "l AS (INSERT INTO line_items (order_id, product_id, quantity, unit_price) "
	    "SELECT o.id, p.id, 1, p.price FROM o, p), "
	    "e AS (INSERT INTO events (user_id, name, properties, created_at) "
	    "SELECT user_id, 'checkout', jsonb_build_object('order', id), now() FROM o) "
	    "SELECT json_build_object('order', o.id, 'cart_item', i.id) FROM o, i",
	    1, values, 201);
}

static const struct route {
	const char *method, *path;
	void (*answer)(struct web *, struct page *);
} routes[] = {
    {"GET", "/up", page_up},
    {"GET", "/", page_home},
    {"GET", "/products", page_products},
    {"GET", "/search", page_search},
    {"GET", "/v1/cart", page_cart},
    {"POST", "/cart", page_cart_add},
    {"POST", "/v1/cart", page_cart_add},
};

static const char *reason(unsigned status)
{
	switch (status) {
	case 200: return "OK";
	case 201: return "Created";
	case 404: return "Not Found";
	default: return "Internal Server Error";
	}
}

static enum MHD_Result send_page(const struct page *page, char *body, size_t size)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);

	if (!response) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
	MHD_add_response_header(response, "X-Served-By", app_env("SERVED_BY", app_name()));
	enum MHD_Result queued = MHD_queue_response(page->request, page->status, response);
	MHD_destroy_response(response);
	return queued;
}

static void write_answer(struct web *web, struct page *page, const char *method, const char *path)
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].method, method) == 0 && strcmp(routes[i].path, path) == 0) {
			routes[i].answer(web, page);
			if (page->status >= 500)
				fputs("We're sorry, but something went wrong.\n", page->out);
			return;
		}
	}
	page->status = 404;
	fputs("The page you were looking for doesn't exist.\n", page->out);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *request, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	static char seen;
	struct web *web = data;
	struct page page = {.status = 200, .type = "text/html; charset=utf-8", .request = request};
	char *body = NULL, when[40];
	size_t size = 0;
	time_t now = time(NULL);
	struct tm utc;

	(void)version;
	(void)upload;
	/* The first call brings the head only, the next ones the body, which no page needs. */
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	page.out = open_memstream(&body, &size);
	if (!page.out)
		return MHD_NO;
	const char *client = MHD_lookup_connection_value(request, MHD_HEADER_KIND, "X-Forwarded-For");
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S +0000", gmtime_r(&now, &utc));
	app_log("Started %s \"%s\" for %s at %s", method, url, client ? client : "127.0.0.1", when);
	double began_ms = app_now_ms();
	web->db.spent_ms = 0;
	write_answer(web, &page, method, url);
	fclose(page.out);
	app_log("Completed %u %s in %.0fms (ActiveRecord: %.1fms)", page.status, reason(page.status),
		app_now_ms() - began_ms, web->db.spent_ms);
	return send_page(&page, body, size);
}

int app_web(void)
{
	struct web web = {0};
	const char *port = app_env("PORT", "3000");
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	sigset_t stop;
	int number;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* Blocked before the daemon's thread starts, so that only this thread takes the signal. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	struct MHD_Daemon *daemon = MHD_start_daemon(
	    MHD_USE_AUTO_INTERNAL_THREAD, (uint16_t)strtoul(port, NULL, 10), NULL, NULL, on_request, &web,
	    MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_TIMEOUT, 30U, MHD_OPTION_END);
	if (!daemon) {
		fprintf(stderr, "app web cannot listen on 127.0.0.1:%s: is the port taken?\n", port);
		return 1;
	}
	app_log("* Listening on http://127.0.0.1:%s", port);
	sigwait(&stop, &number);
	app_stop();
	MHD_stop_daemon(daemon);
	db_close(&web.db);
	return 0;
}
