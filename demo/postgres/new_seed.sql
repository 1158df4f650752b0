-- The new side before the night: somebody ran db:seed against the fresh accessory. 61 rows in four tables, three of
-- which the old side has too, in another shape, so that a restore that does not wipe first collides.
CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
INSERT INTO schema_migrations SELECT (20230101120000 + i * 9000000)::text FROM generate_series(1::bigint, 9) i;
CREATE TABLE users (
	id bigserial PRIMARY KEY,
	email varchar NOT NULL UNIQUE,
	name varchar,
	created_at timestamp(6) NOT NULL DEFAULT now()
);
-- Seeded when the server was set up, days before the night: fresh rows would look like a live target.
INSERT INTO users (email, name, created_at) SELECT 'demo' || i || '@acme.example', 'Seed ' || i, now() - interval '6 days' FROM generate_series(1, 4) i;
CREATE TABLE products (
	id bigserial PRIMARY KEY,
	name varchar NOT NULL,
	price numeric(10, 2) NOT NULL,
	created_at timestamp(6) NOT NULL DEFAULT now()
);
INSERT INTO products (name, price, created_at) SELECT 'Sample shoe ' || i, 10 + i, now() - interval '6 days' FROM generate_series(1, 40) i;
CREATE TABLE feature_flags (id bigserial PRIMARY KEY, name varchar NOT NULL, enabled boolean NOT NULL DEFAULT false);
INSERT INTO feature_flags (name) SELECT 'flag_' || i FROM generate_series(1, 8) i;
ANALYZE;
