-- The old side, loading session B: the shop itself.
BEGIN;
CREATE TABLE users (
	id bigserial PRIMARY KEY,
	email heroku_ext.citext NOT NULL,
	name varchar,
	role user_role NOT NULL DEFAULT 'customer',
	encrypted_password varchar NOT NULL,
	preferences jsonb,
	last_seen_ip inet,
	created_at timestamp(6) NOT NULL,
	updated_at timestamp(6) NOT NULL
);
INSERT INTO users
SELECT i, CASE WHEN i % 3 = 0 THEN 'User.' ELSE 'user.' END || i || '@acme.example',
	CASE WHEN i % 11 <> 0 THEN (ARRAY['Ana', 'Bea', 'Jörg', 'Zoë', 'O''Brien', '山田', 'Łukasz'])[1 + i % 7] || ' ' || i END,
	(ARRAY['customer', 'customer', 'customer', 'staff', 'owner'])[1 + i % 5]::user_role, md5('pw' || i),
	CASE WHEN i % 2 = 0 THEN jsonb_build_object('newsletter', i % 4 = 0, 'note', demo_text(i)) END, NULL,
	timestamp '2023-01-01' + i * interval '13 min', timestamp '2024-06-01' + i * interval '1 min'
FROM generate_series(1::bigint, :users) i;
CREATE UNIQUE INDEX users_email_idx ON users (email);
CREATE INDEX users_staff_idx ON users (role) WHERE role <> 'customer';
COMMENT ON COLUMN users.email IS 'citext: the copy fails without heroku_ext';

CREATE TABLE tokens (
	id uuid PRIMARY KEY DEFAULT heroku_ext.uuid_generate_v4(),
	user_id bigint NOT NULL,
	scope text[] NOT NULL DEFAULT '{}',
	expires_at timestamptz
);
INSERT INTO tokens
SELECT md5('token' || i)::uuid, 1 + i % :users, CASE WHEN i % 2 = 0 THEN ARRAY['cart', 'a "b", {c}', NULL] ELSE '{}' END,
	CASE WHEN i % 7 = 0 THEN 'infinity'::timestamptz ELSE timestamptz '2026-01-01 00:00+00' + i * interval '1 min' END
FROM generate_series(1::bigint, :users * 2) i;
CREATE INDEX tokens_user_idx ON tokens (user_id);

CREATE TABLE categories (
	id bigserial PRIMARY KEY,
	parent_id bigint,
	name varchar NOT NULL,
	position integer NOT NULL DEFAULT 0
);
INSERT INTO categories
SELECT i, CASE WHEN i > 6 THEN 1 + i % 6 END, (ARRAY['Shoes', 'Boots', 'Sandalen', 'Läufer', '靴', 'Zubehör'])[1 + (i - 1) % 6] || CASE WHEN i > 6 THEN ' ' || i ELSE '' END, i
FROM generate_series(1::bigint, 24) i;
CREATE UNIQUE INDEX categories_name_idx ON categories (name);

CREATE TABLE products (
	id bigserial PRIMARY KEY,
	sku varchar NOT NULL,
	name varchar NOT NULL,
	description text,
	price numeric(10, 2) NOT NULL CHECK (price >= 0),
	price_cents bigint GENERATED ALWAYS AS ((price * 100)::bigint) STORED,
	tags text[] NOT NULL DEFAULT '{}',
	weight_grams integer,
	created_at timestamp(6) NOT NULL,
	updated_at timestamp(6) NOT NULL
);
INSERT INTO products (id, sku, name, description, price, tags, weight_grams, created_at, updated_at)
SELECT i, 'SKU-' || lpad(i::text, 7, '0'),
	(ARRAY['Red', 'Blue', 'Grüner', 'Crème', 'Black'])[1 + i % 5] || ' ' || (ARRAY['running shoe', 'boot', 'sandal', 'tennis shoe'])[1 + i % 4] || ' ' || i,
	CASE WHEN i % 9 <> 0 THEN demo_text(i) END, (i * 37 % 20000) / 100.0, ARRAY['shoe', 'tag ' || i % 13],
	CASE WHEN i % 4 = 0 THEN 200 + i % 900 END, timestamp '2023-01-01' + i * interval '1 h', timestamp '2024-01-01' + i * interval '1 h'
FROM generate_series(1::bigint, :products) i;
CREATE UNIQUE INDEX products_sku_idx ON products (sku);
CREATE INDEX products_name_trgm_idx ON products USING gin (name heroku_ext.gin_trgm_ops);
CREATE INDEX products_lower_name_idx ON products (lower(name::text));
CREATE INDEX products_tags_idx ON products USING gin (tags);

CREATE TABLE categorizations (
	product_id bigint NOT NULL,
	category_id bigint NOT NULL,
	PRIMARY KEY (product_id, category_id)
);
INSERT INTO categorizations SELECT 1 + i / 2, 1 + (i * 5) % 24 FROM generate_series(0::bigint, :products * 2 - 1) i;
CREATE INDEX categorizations_category_idx ON categorizations (category_id);

CREATE TABLE stock_levels (
	product_id bigint NOT NULL,
	warehouse varchar(3) NOT NULL,
	amount integer NOT NULL,
	counted_on date,
	CONSTRAINT stock_levels_amount_check CHECK (amount >= 0),
	PRIMARY KEY (product_id, warehouse)
);
INSERT INTO stock_levels
SELECT i, (ARRAY['HAM', 'MUC'])[1 + i % 2], i * 7 % 300, CASE WHEN i % 6 <> 0 THEN date '2025-05-01' + (i % 30)::int END
FROM generate_series(1::bigint, :products) i;

CREATE TABLE addresses (
	id bigserial PRIMARY KEY,
	user_id bigint NOT NULL,
	street text NOT NULL,
	city varchar NOT NULL,
	zip varchar(10),
	country char(2) NOT NULL DEFAULT 'DE'
);
INSERT INTO addresses
SELECT i, 1 + i % :users, E'Straße ' || i || CASE WHEN i % 10 = 0 THEN E'\nHinterhaus' ELSE '' END,
	(ARRAY['Köln', 'Zürich', 'Łódź', 'Berlin'])[1 + i % 4], CASE WHEN i % 8 <> 0 THEN lpad((i * 17 % 100000)::text, 5, '0') END
FROM generate_series(1::bigint, :users) i;
CREATE INDEX addresses_user_idx ON addresses (user_id);

CREATE TABLE coupons (
	id serial PRIMARY KEY,
	code heroku_ext.citext NOT NULL UNIQUE,
	percent integer NOT NULL CHECK (percent BETWEEN 1 AND 90),
	valid daterange
);
INSERT INTO coupons
SELECT i, 'Sommer' || i, 1 + i * 2 % 90, CASE WHEN i % 5 <> 0 THEN daterange('2025-06-01', date '2025-06-01' + i) END FROM generate_series(1, 40) i;

CREATE TABLE carts (
	id bigserial PRIMARY KEY,
	user_id bigint,
	token uuid NOT NULL DEFAULT heroku_ext.gen_random_uuid(),
	created_at timestamp(6) NOT NULL,
	updated_at timestamp(6) NOT NULL
);
INSERT INTO carts
SELECT i, CASE WHEN i % 3 <> 0 THEN 1 + i % :users END, md5('cart' || i)::uuid, timestamp '2025-04-01' + i * interval '40 s', timestamp '2025-04-01' + i * interval '50 s'
FROM generate_series(1::bigint, :carts) i;
CREATE UNIQUE INDEX carts_token_idx ON carts (token);
CREATE INDEX carts_user_idx ON carts (user_id);

CREATE TABLE cart_items (
	id bigserial PRIMARY KEY,
	cart_id bigint NOT NULL,
	product_id bigint NOT NULL,
	quantity integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
	created_at timestamp(6) NOT NULL DEFAULT now()
);
INSERT INTO cart_items
SELECT i, 1 + i % :carts, 1 + (i * 3) % :products, 1 + i % 4, timestamp '2025-04-01' + i * interval '30 s'
FROM generate_series(1::bigint, :cart_items) i;
CREATE INDEX cart_items_cart_idx ON cart_items (cart_id);
CREATE INDEX cart_items_product_idx ON cart_items (product_id);

CREATE TABLE orders (
	id bigserial PRIMARY KEY,
	user_id bigint NOT NULL,
	coupon_id integer,
	number varchar NOT NULL,
	status order_status NOT NULL DEFAULT 'placed',
	total numeric(12, 2) NOT NULL DEFAULT 0,
	note text,
	created_at timestamp(6) NOT NULL,
	updated_at timestamp(6) NOT NULL
);
INSERT INTO orders
SELECT i, 1 + (i * 7) % :users, CASE WHEN i % 12 = 0 THEN 1 + i % 40 END, 'A' || 100000 + i,
	(ARRAY['placed', 'paid', 'paid', 'shipped', 'returned'])[1 + i % 5]::order_status, (i * 113 % 50000) / 100.0,
	CASE WHEN i % 10 = 0 THEN demo_text(i) END, timestamp '2024-01-01' + i * interval '90 s', timestamp '2024-01-02' + i * interval '90 s'
FROM generate_series(1::bigint, :orders) i;
CREATE UNIQUE INDEX orders_number_idx ON orders (number);
CREATE INDEX orders_user_idx ON orders (user_id);
CREATE INDEX orders_created_idx ON orders (created_at);
CREATE INDEX orders_open_idx ON orders (status) WHERE status IN ('placed', 'paid');
COMMENT ON COLUMN orders.total IS 'in euros, taxes included; 100 % real';

CREATE TABLE line_items (
	id bigserial,
	order_id bigint NOT NULL,
	product_id bigint NOT NULL,
	quantity integer NOT NULL,
	unit_price numeric(10, 2) NOT NULL,
	line_total numeric(12, 2) GENERATED ALWAYS AS (quantity * unit_price) STORED
);
INSERT INTO line_items (id, order_id, product_id, quantity, unit_price)
SELECT i, 1 + i % :orders, 1 + (i * 11) % :products, 1 + i % 3, (i * 7 % 9900) / 100.0
FROM generate_series(1::bigint, :line_items) i;
ALTER TABLE line_items ADD PRIMARY KEY (id);
CREATE INDEX line_items_order_idx ON line_items (order_id);
CREATE INDEX line_items_product_idx ON line_items (product_id);

CREATE TABLE payments (
	id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	order_id bigint NOT NULL,
	amount numeric(12, 2) NOT NULL,
	provider varchar NOT NULL,
	reference text,
	paid_at timestamptz NOT NULL
);
INSERT INTO payments
SELECT i, i, (i * 113 % 50000) / 100.0, (ARRAY['card', 'sepa', 'paypal'])[1 + i % 3], CASE WHEN i % 5 <> 0 THEN md5('pay' || i) END,
	timestamptz '2024-01-01 00:00+00' + i * interval '91 s'
FROM generate_series(1::bigint, :payments) i;
CREATE INDEX payments_order_idx ON payments (order_id);

CREATE TABLE refunds (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	payment_id bigint NOT NULL,
	amount numeric(12, 2) NOT NULL,
	reason text
);
INSERT INTO refunds OVERRIDING SYSTEM VALUE
SELECT i, 1 + i % :payments, i % 100, CASE WHEN i % 2 = 0 THEN demo_text(i * 89) END FROM generate_series(1::bigint, :refunds) i;
CREATE INDEX refunds_payment_idx ON refunds (payment_id);

CREATE TABLE shipments (
	id bigserial PRIMARY KEY,
	order_id bigint NOT NULL,
	carrier varchar NOT NULL,
	tracking varchar,
	shipped_on date,
	duration interval
);
INSERT INTO shipments
SELECT i, i, (ARRAY['DHL', 'Österreichische Post'])[1 + i % 2], CASE WHEN i % 4 <> 0 THEN 'T' || i END, date '2024-01-02' + (i % 400)::int,
	i % 90 * interval '1 h'
FROM generate_series(1::bigint, :shipments) i;
CREATE INDEX shipments_order_idx ON shipments (order_id);

CREATE TABLE reviews (
	id bigserial PRIMARY KEY,
	product_id bigint NOT NULL,
	user_id bigint,
	stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
	body text,
	created_at timestamp(6) NOT NULL
);
INSERT INTO reviews
SELECT i, 1 + (i * 13) % :products, CASE WHEN i % 6 <> 0 THEN 1 + i % :users END, 1 + i % 5, demo_text(i), timestamp '2024-05-01' + i * interval '17 min'
FROM generate_series(1::bigint, :reviews) i;
CREATE INDEX reviews_product_idx ON reviews (product_id);
CREATE INDEX reviews_body_trgm_idx ON reviews USING gin (body heroku_ext.gin_trgm_ops) WHERE stars < 3;

CREATE TABLE subscriptions (
	id bigserial PRIMARY KEY,
	user_id bigint NOT NULL,
	plan varchar NOT NULL,
	active boolean NOT NULL DEFAULT true,
	renews_on date
);
INSERT INTO subscriptions
SELECT i, i, (ARRAY['basis', 'plus', 'für immer'])[1 + i % 3], i % 7 <> 0, CASE WHEN i % 3 <> 2 THEN date '2025-07-01' + (i % 30)::int END
FROM generate_series(1::bigint, :subscriptions) i;
CREATE UNIQUE INDEX subscriptions_active_idx ON subscriptions (user_id) WHERE active;

CREATE TABLE audits (
	id bigserial,
	auditable_type varchar NOT NULL,
	auditable_id bigint,
	action varchar NOT NULL,
	changes jsonb,
	comment text,
	created_at timestamp(6) NOT NULL
);
INSERT INTO audits
SELECT i, (ARRAY['orders', 'users', 'products'])[1 + i % 3], i % 1000, (ARRAY['insert', 'update'])[1 + i % 2],
	CASE WHEN i % 3 = 0 THEN ('{"total": [' || i || ', ' || i + 1 || ']}')::jsonb END, CASE WHEN i % 20 = 0 THEN demo_text(i) END,
	timestamp '2024-01-01' + i * interval '20 s'
FROM generate_series(1::bigint, :audits) i;
ALTER TABLE audits ADD PRIMARY KEY (id);
CREATE INDEX audits_auditable_idx ON audits (auditable_type, auditable_id);
CREATE INDEX audits_created_idx ON audits (created_at);
COMMIT;
