-- The old side, loading session A: the streams (events, page views, images, jobs).
-- Table and rows are one transaction, so that the rows need no write-ahead log.
BEGIN;
CREATE TABLE events (
	id bigserial,
	user_id bigint,
	name varchar NOT NULL,
	properties jsonb NOT NULL DEFAULT '{}',
	ip inet,
	created_at timestamp(6) NOT NULL
);
INSERT INTO events
SELECT i, CASE WHEN i % 5 <> 0 THEN 1 + (i * 31) % :users END,
	(ARRAY['view', 'search', 'add_to_cart', 'checkout', 'login', 'größe gewählt'])[1 + i % 6],
	('{"n": ' || i || ', "path": "/products/' || 1 + i % :products || '", "tags": ["' ||
		(ARRAY['shoe', 'boot', 'läufer', '靴'])[1 + i % 4] || '", null], "quote": "\"\\\\"}')::jsonb,
	CASE WHEN i % 3 = 0 THEN '10.0.0.0'::inet + i % 65000 END,
	timestamp '2025-03-01' + i * interval '1.7 s'
FROM generate_series(1::bigint, :events) i;
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX events_properties_idx ON events USING gin (properties jsonb_path_ops) WITH (fastupdate = on);
CREATE INDEX events_user_idx ON events (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX events_created_idx ON events USING brin (created_at);
COMMIT;

BEGIN;
CREATE TABLE page_views (
	id bigint NOT NULL,
	viewed_on date NOT NULL,
	path text NOT NULL,
	referrer text,
	seconds double precision,
	PRIMARY KEY (id, viewed_on)
) PARTITION BY RANGE (viewed_on);
CREATE TABLE page_views_2025_03 PARTITION OF page_views FOR VALUES FROM ('2025-03-01') TO ('2025-04-01');
CREATE TABLE page_views_2025_04 PARTITION OF page_views FOR VALUES FROM ('2025-04-01') TO ('2025-05-01');
CREATE TABLE page_views_2025_05 PARTITION OF page_views FOR VALUES FROM ('2025-05-01') TO ('2025-06-01');
INSERT INTO page_views
SELECT i, date '2025-03-01' + (i % 92)::int, '/products/' || i % :products,
	CASE WHEN i % 4 = 0 THEN 'https://example.org/?q=' || demo_text(i) END, (i % 1000) / 7.0
FROM generate_series(1::bigint, :page_views) i;
CREATE INDEX page_views_day_idx ON page_views (viewed_on, path);

CREATE TABLE images (
	id bigserial PRIMARY KEY,
	product_id bigint,
	filename varchar NOT NULL,
	data bytea NOT NULL,
	created_at timestamp(6) NOT NULL
);
INSERT INTO images
SELECT i, 1 + i % :products, 'schuh-' || i || '.jpg',
	decode('ffd800ff5c275c', 'hex') || decode(repeat(md5(i::text) || md5((i + 1)::text), 40), 'hex'), timestamp '2025-02-01' + i * interval '1 min'
FROM generate_series(1::bigint, :images) i;
CREATE INDEX images_product_idx ON images (product_id);

CREATE TABLE good_jobs (
	id uuid PRIMARY KEY DEFAULT heroku_ext.gen_random_uuid(),
	queue_name text,
	job_class text NOT NULL,
	serialized_params jsonb,
	scheduled_at timestamp(6),
	finished_at timestamp(6),
	error text,
	created_at timestamp(6) NOT NULL
);
INSERT INTO good_jobs
SELECT md5('job' || i)::uuid, (ARRAY['default', 'mailers'])[1 + i % 2], (ARRAY['ReceiptJob', 'StockJob', 'DigestJob'])[1 + i % 3],
	jsonb_build_object('order', i), timestamp '2025-06-01' + i * interval '1 min',
	CASE WHEN i % 20 <> 0 THEN timestamp '2025-06-01' + i * interval '1 min' END,
	CASE WHEN i % 50 = 0 THEN demo_text(97) END, timestamp '2025-06-01'
FROM generate_series(1::bigint, :good_jobs) i;
CREATE INDEX good_jobs_waiting_idx ON good_jobs (queue_name, scheduled_at) WHERE finished_at IS NULL;
CREATE INDEX good_jobs_class_idx ON good_jobs (job_class);

CREATE TABLE settings (name varchar, value text, changed_at timestamptz);
COMMENT ON TABLE settings IS 'No key, and two rows are twins: a copy by key would lose one.';
INSERT INTO settings VALUES
	('shop.name', 'Acme Schuhe & Söhne', '2024-01-01 10:00+00'), ('shop.currency', 'EUR', '2024-01-01 10:00+00'),
	('mail.from', '"Acme" <shop@acme.example>', '2024-02-01 10:00+00'), ('banner', E'two\nlines', NULL),
	('banner', E'two\nlines', NULL), ('path', 'C:\temp\new', '2024-03-01 10:00+00'), ('empty', '', NULL),
	('null', NULL, NULL), ('flags', '{"warm": true}', '2024-04-01 10:00+00');

CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
INSERT INTO schema_migrations SELECT (20230101120000 + i * 9000000)::text FROM generate_series(1::bigint, 42) i;
CREATE TABLE ar_internal_metadata (
	key varchar NOT NULL PRIMARY KEY,
	value varchar,
	created_at timestamp(6) NOT NULL,
	updated_at timestamp(6) NOT NULL
);
INSERT INTO ar_internal_metadata VALUES
	('environment', 'production', '2023-01-01', '2023-01-01'), ('schema_sha1', md5('schema'), '2023-01-01', '2025-05-01');

CREATE TABLE "LegacyOrders" (
	"OrderNo" integer NOT NULL,
	"Region" char(2) NOT NULL,
	"Customer Name" text,
	"Total" money,
	"PlacedAt" timestamptz,
	PRIMARY KEY ("OrderNo", "Region")
);
INSERT INTO "LegacyOrders"
SELECT i, (ARRAY['DE', 'AT', 'F '])[1 + i % 3], demo_text(i), (i * 3)::numeric::money, timestamptz '2019-01-01 00:00+00' + i * interval '1 h'
FROM generate_series(1, :legacy) i;
CREATE INDEX "LegacyOrders_Customer_idx" ON "LegacyOrders" (lower("Customer Name"));

CREATE TABLE "größen" (
	id smallserial PRIMARY KEY,
	"länge" numeric(5, 2) NOT NULL UNIQUE,
	bezeichnung text NOT NULL
);
COMMENT ON TABLE "größen" IS 'Schuhgrößen, vom ersten Praktikanten';
INSERT INTO "größen" SELECT i, 21.5 + i, 'Größe ' || 34 + i || '½' FROM generate_series(1, 11) i;
COMMIT;
