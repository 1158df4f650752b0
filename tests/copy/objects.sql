-- One of everything that pg_dump carries, with names and values that are meant to hurt.
-- In a schema of its own, and owned by :owner, as the app's tables are; what only a superuser may make comes last.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS hstore;
SELECT format('GRANT CREATE ON DATABASE %I TO %I', current_database(), :'owner') \gexec
SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') AS extensions FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname IN ('citext', 'hstore') \gset
SET ROLE :"owner";
CREATE SCHEMA zoo;
SET search_path = zoo, :extensions;
CREATE SCHEMA "Odd ""schema";
CREATE SCHEMA billing;
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'ha;ppy');
CREATE TYPE pair AS (a int, b mood);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN few AS positive CHECK (VALUE < 1000);
CREATE SEQUENCE lonely START 7 INCREMENT 3 CYCLE MAXVALUE 1000;
SELECT setval('lonely', 40, false);
CREATE SEQUENCE "Odd ""schema"."se;q";
SELECT nextval('"Odd ""schema"."se;q"') FROM generate_series(1, 12);
CREATE FUNCTION add_one(i int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT CASE WHEN i > 0 THEN i + 1 ELSE 1 END; END;
CREATE FUNCTION add_two(i int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT i + 1; SELECT CASE WHEN i > 0 THEN i + 2 ELSE 2 END; END;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
  -- Name: not_a_heading; Type: TABLE; Schema: public; Owner: -
  INSERT INTO fired VALUES (TG_TABLE_NAME || ';');
  RETURN NEW;
END $f$;
CREATE PROCEDURE tidy(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n * 2; END $$;
CREATE AGGREGATE longest(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE OPERATOR ~~~ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE TABLE fired (what text);
CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100) PRIMARY KEY,
  email citext NOT NULL UNIQUE, name text COLLATE "C" DEFAULT 'no;body', mood mood, moods mood[], pair pair, tags hstore,
  age few, doc jsonb, raw bytea, ok boolean, price numeric(12, 4), ratio double precision, small real, at timestamptz, day date,
  span interval, address inet, mac macaddr, ids int[], words text[][], u uuid, bits bit varying, r tstzrange, x xml, m money,
  full_name text GENERATED ALWAYS AS (coalesce(name, '') || '!') STORED,
  CONSTRAINT sane CHECK (price IS NULL OR price > -1000));
INSERT INTO users (email, name, mood, moods, pair, tags, age, doc, raw, ok, price, ratio, small, at, day, span, address, mac, ids,
  words, u, bits, r, x, m)
SELECT 'u' || i || '@Example.com', CASE WHEN i % 7 = 0 THEN NULL WHEN i % 5 = 0 THEN E'tab\t nl\n bs\\ \\N "q" ü 漢 🚢' ELSE 'n' || i END,
  (enum_range(NULL::mood))[1 + i % 3], ARRAY['sad', 'ha;ppy']::mood[], ROW(i, 'sad')::pair, hstore('k', i::text), 1 + i % 900,
  jsonb_build_object('i', i, 'deep', jsonb_build_array(NULL, 'x', i / 3.0)), decode(md5(i::text), 'hex'), i % 2 = 0,
  (ARRAY['NaN', '0.0001', '12345678.9999'])[1 + i % 3]::numeric, (ARRAY['Infinity', '-Infinity', 'NaN', '0.1', '-0'])[1 + i % 5]::float8,
  1.1 * i, CASE WHEN i % 11 = 0 THEN 'infinity' ELSE timestamptz '2026-01-01 00:00:00.123456+02' + i * interval '1 h' END,
  CASE WHEN i % 13 = 0 THEN '-infinity' ELSE date '0044-03-15 BC' + i END, '1 mon -3 days 04:05:06.789', '2001:db8::1/64', '08:00:2b:01:02:03', ARRAY[i, NULL],
  ARRAY[['a', NULL], ['{"x"}', '']], md5(i::text)::uuid, B'1011', tstzrange(now(), NULL), '<a>ü</a>', 12.34
FROM generate_series(1, 3000) i;
CREATE TABLE "Odd ""schema"."ta;ble ""x" (
  "Id" int, "co;l" text, k int, PRIMARY KEY ("Id", "co;l"));
INSERT INTO "Odd ""schema"."ta;ble ""x" SELECT i, 'x' || i, i FROM generate_series(1, 500) i;
CREATE TABLE billing.invoices (
  id serial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  total money, note text, during tsrange, EXCLUDE USING gist (during WITH &&));
INSERT INTO billing.invoices (user_id, total, note, during)
SELECT 100 + i % 3000, i, repeat(md5(i::text), 200), tsrange(timestamp '2020-01-01' + i * interval '1 h', timestamp '2020-01-01' + (i + 1) * interval '1 h') FROM generate_series(1, 4000) i;
ALTER TABLE billing.invoices ADD CONSTRAINT later CHECK (id < 4001) NOT VALID;
CREATE TABLE parts (
  id int, year int NOT NULL, what text, PRIMARY KEY (id, year)) PARTITION BY RANGE (year);
CREATE TABLE parts_2025 PARTITION OF parts FOR VALUES FROM (2025) TO (2026);
CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM (2026) TO (2027) PARTITION BY LIST (id);
CREATE TABLE parts_2026_a PARTITION OF parts_2026 FOR VALUES IN (1, 2, 3);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE TABLE parts_2026_rest PARTITION OF parts_2026 DEFAULT;
CREATE INDEX parts_what ON parts (what);
INSERT INTO parts SELECT i, 2024 + i % 4, 'w' || i FROM generate_series(1, 6000) i;
CREATE TABLE of_parts (id int PRIMARY KEY, part int, year int, FOREIGN KEY (part, year) REFERENCES parts);
INSERT INTO of_parts SELECT i, i, 2024 + i % 4 FROM generate_series(1, 100) i;
CREATE TABLE mother (id int PRIMARY KEY, a text);
CREATE TABLE child (b text) INHERITS (mother);
INSERT INTO mother SELECT i, 'm' FROM generate_series(1, 40) i;
INSERT INTO child SELECT i, 'c', 'd' FROM generate_series(41, 90) i;
CREATE TABLE no_columns ();
INSERT INTO no_columns SELECT FROM generate_series(1, 5);
CREATE TABLE empty (id int PRIMARY KEY REFERENCES empty, t tsvector);
CREATE UNLOGGED TABLE cache (k text PRIMARY KEY, v text);
INSERT INTO cache VALUES ('a', 'b');
CREATE TABLE dropped (a int, gone text, b int GENERATED BY DEFAULT AS IDENTITY);
INSERT INTO dropped (a, gone) SELECT i, 'x' FROM generate_series(1, 50) i;
ALTER TABLE dropped DROP COLUMN gone;
CREATE TABLE rings (id int PRIMARY KEY, other int REFERENCES rings DEFERRABLE);
INSERT INTO rings VALUES (1, 2), (2, 1);
CREATE INDEX users_doc ON users USING gin (doc jsonb_path_ops);
CREATE INDEX users_lower ON users (lower(name) DESC NULLS LAST) WHERE ok AND name <> 'it''s ; not' ;
CREATE UNIQUE INDEX users_u ON users (u) INCLUDE (age);
CREATE INDEX "in;dex" ON "Odd ""schema"."ta;ble ""x" USING hash (k);
CREATE STATISTICS users_stats (dependencies) ON age, ok FROM users;
ALTER TABLE users CLUSTER ON users_pkey;
ALTER TABLE "Odd ""schema"."ta;ble ""x" REPLICA IDENTITY FULL;
ALTER TABLE users ALTER COLUMN name SET STATISTICS 500;
ALTER TABLE users ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE mother SET (fillfactor = 70);
CREATE TRIGGER shouts AFTER INSERT ON users FOR EACH ROW WHEN (NEW.name <> ';') EXECUTE FUNCTION shout();
CREATE TRIGGER off BEFORE UPDATE ON billing.invoices FOR EACH ROW EXECUTE FUNCTION shout();
ALTER TABLE billing.invoices DISABLE TRIGGER off;
CREATE RULE quiet AS ON DELETE TO mother DO INSTEAD (INSERT INTO fired VALUES ('a;'); INSERT INTO fired VALUES ('b'));
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON users USING (name = current_user) WITH CHECK (name <> 'x;y');
CREATE VIEW people AS SELECT id, name FROM users WHERE ok;
CREATE VIEW people_of AS SELECT p.name, i.total FROM people p JOIN billing.invoices i ON i.user_id = p.id;
CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(total) AS total FROM billing.invoices GROUP BY 1;
CREATE MATERIALIZED VIEW top AS SELECT user_id FROM totals WHERE total > 100::money;
CREATE MATERIALIZED VIEW never AS SELECT 1 AS one WITH NO DATA;
CREATE UNIQUE INDEX totals_user ON totals (user_id);
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
COMMENT ON TABLE users IS E'people;\n--\n-- Name: x; Type: TABLE; Schema: public; Owner: -\n--\n\nDROP TABLE users;';
COMMENT ON INDEX users_u IS 'don''t; $$ "';
COMMENT ON COLUMN users.name IS 'the ''name''';
COMMENT ON CONSTRAINT sane ON users IS 'so;';
COMMENT ON TRIGGER shouts ON users IS 'loud';
COMMENT ON SCHEMA billing IS 'bills';
SELECT lo_from_bytea(4711, decode(repeat('00ff', 1500000), 'hex'));
SELECT lo_from_bytea(4712, '');
SELECT lo_from_bytea(0, decode(repeat('ab', 1048576), 'hex'));
COMMENT ON LARGE OBJECT 4711 IS 'an old file';
REFRESH MATERIALIZED VIEW totals;
REFRESH MATERIALIZED VIEW top;
RESET ROLE;
CREATE FOREIGN DATA WRAPPER none;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER none OPTIONS (host 'x');
CREATE FOREIGN TABLE far (id int) SERVER elsewhere;
ALTER TABLE far OWNER TO :"owner";
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE DEBUG 'x'; END $$;
CREATE EVENT TRIGGER watching ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watch();
CREATE PUBLICATION out FOR TABLE users;
