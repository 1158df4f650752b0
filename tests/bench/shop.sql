-- A shop of about :size MB: text with a search vector (gin), orders and their items with foreign keys, events as jsonb.
SELECT greatest(:size, 20) * 27 AS n \gset
CREATE TABLE products (id bigserial PRIMARY KEY, sku text NOT NULL, name text NOT NULL, description text, price numeric(10, 2), tags text[], search tsvector, created_at timestamptz);
CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL, name text, city text, settings jsonb, created_at timestamptz, updated_at timestamptz);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL, state text, total numeric(12, 2), placed_at timestamptz, updated_at timestamptz, note text);
CREATE TABLE order_items (id bigserial PRIMARY KEY, order_id bigint NOT NULL, product_id bigint NOT NULL, quantity int, price numeric(10, 2), created_at timestamptz);
CREATE TABLE events (id bigserial PRIMARY KEY, user_id bigint, kind text, data jsonb, at timestamptz);
SELECT setseed(0.5);
INSERT INTO products (sku, name, description, price, tags, search, created_at)
SELECT 'SKU-' || i, 'Product ' || md5(i::text), d, (random() * 500)::numeric(10, 2), ARRAY['t' || i % 50, 'u' || i % 7], to_tsvector('simple', d), now() - random() * interval '900 days'
FROM (SELECT i, (SELECT string_agg(substr(md5((i * 31 + w % (7 + i % 40))::text), 1, 3 + w % 6), ' ') FROM generate_series(1, 40) w) AS d FROM generate_series(1, :n * 2) i) p;
INSERT INTO users (email, name, city, settings, created_at, updated_at)
SELECT 'user' || i || '@shop.example', 'Name ' || i % 9999, 'City ' || i % 500, jsonb_build_object('news', i % 2 = 0, 'lang', 'en', 'seen', i % 100), now() - random() * interval '900 days', now()
FROM generate_series(1, :n * 10) i;
INSERT INTO orders (user_id, state, total, placed_at, updated_at, note)
SELECT 1 + (random() * (:n * 10 - 1))::bigint, (ARRAY['paid', 'sent', 'open', 'lost'])[1 + i % 4], (random() * 900)::numeric(12, 2), now() - random() * interval '900 days', now(), CASE WHEN i % 5 = 0 THEN md5(i::text) END
FROM generate_series(1, :n * 50) i;
INSERT INTO order_items (order_id, product_id, quantity, price, created_at)
SELECT 1 + (random() * (:n * 50 - 1))::bigint, 1 + (random() * (:n * 2 - 1))::bigint, 1 + i % 4, (random() * 200)::numeric(10, 2), now() - random() * interval '900 days'
FROM generate_series(1, :n * 150) i;
INSERT INTO events (user_id, kind, data, at)
SELECT 1 + (random() * (:n * 10 - 1))::bigint, 'k' || i % 12, jsonb_build_object('path', '/products/' || i % 5000, 'ms', i % 900, 'agent', md5((i % 300)::text)), now() - random() * interval '90 days'
FROM generate_series(1, :n * 20) i;
CREATE UNIQUE INDEX users_email ON users (email);
CREATE INDEX products_search ON products USING gin (search);
CREATE UNIQUE INDEX products_sku ON products (sku);
CREATE INDEX orders_user ON orders (user_id);
CREATE INDEX orders_placed ON orders (placed_at);
CREATE INDEX order_items_order ON order_items (order_id);
CREATE INDEX order_items_product ON order_items (product_id);
CREATE INDEX events_data ON events USING gin (data jsonb_path_ops);
CREATE INDEX events_user_at ON events (user_id, at);
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE order_items ADD FOREIGN KEY (order_id) REFERENCES orders, ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users;
VACUUM ANALYZE;
