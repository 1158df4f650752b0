-- The old side, last: what needs every table. Keys between tables, triggers, views, sequences, statistics.
ALTER TABLE tokens ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE categories ADD FOREIGN KEY (parent_id) REFERENCES categories;
ALTER TABLE categorizations ADD FOREIGN KEY (product_id) REFERENCES products, ADD FOREIGN KEY (category_id) REFERENCES categories;
ALTER TABLE stock_levels ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE addresses ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE carts ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE cart_items ADD FOREIGN KEY (cart_id) REFERENCES carts ON DELETE CASCADE, ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users, ADD FOREIGN KEY (coupon_id) REFERENCES coupons;
ALTER TABLE line_items ADD FOREIGN KEY (order_id) REFERENCES orders, ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE payments ADD FOREIGN KEY (order_id) REFERENCES orders DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE refunds ADD FOREIGN KEY (payment_id) REFERENCES payments;
ALTER TABLE shipments ADD FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE reviews ADD FOREIGN KEY (product_id) REFERENCES products, ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE subscriptions ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE images ADD FOREIGN KEY (product_id) REFERENCES products;
-- As many apps have it: a key that was added later and never checked against the old rows.
ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;

CREATE TRIGGER orders_touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER products_touch BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER orders_audit AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION audit_row();

CREATE VIEW open_orders AS
	SELECT o.id, o.number, u.email, o.total FROM orders o JOIN users u ON u.id = o.user_id WHERE o.status IN ('placed', 'paid');
CREATE MATERIALIZED VIEW product_sales AS
	SELECT product_id, sum(quantity) AS sold, sum(line_total) AS turnover FROM line_items GROUP BY product_id;
CREATE UNIQUE INDEX product_sales_idx ON product_sales (product_id);
DROP FUNCTION demo_text(bigint);

DO $$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT c.oid::regclass AS tab, a.attname, pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS seq
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE n.nspname = 'public' AND c.relkind = 'r' AND NOT a.attisdropped
	LOOP
		IF r.seq IS NOT NULL THEN
			EXECUTE format('SELECT setval(%L, (SELECT max(%I) FROM %s))', r.seq, r.attname, r.tab);
		END IF;
	END LOOP;
END
$$;
