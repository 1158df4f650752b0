-- The old side, first: what both loading sessions need. Run as the owner role.
CREATE TYPE order_status AS ENUM ('cart', 'placed', 'paid', 'shipped', 'returned');
CREATE TYPE user_role AS ENUM ('customer', 'staff', 'owner');
-- Order numbers come from a sequence that belongs to no column: easily forgotten when sequences are set anew.
CREATE SEQUENCE order_numbers_seq START 5001;

CREATE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.updated_at := now();
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION touch_updated_at() IS 'Keeps updated_at honest when a write goes around Rails.';

CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.audits (auditable_type, auditable_id, action, changes, created_at)
	VALUES (TG_TABLE_NAME, NEW.id, lower(TG_OP), jsonb_build_object('by', current_setting('application_name')), now());
	RETURN NULL;
END
$$;

-- A text with everything that a careless copy loses: quotes, backslashes, tabs, line ends, marks of other scripts.
CREATE FUNCTION demo_text(i bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE
		WHEN i % 97 = 0 THEN E'O''Brien said "né\\à"\nand then\tleft; \\N is not NULL, \\. is no end'
		WHEN i % 89 = 0 THEN 'Grüße aus 東京, Žluťoučký kůň, Ωμέγα ' || i
		WHEN i % 83 = 0 THEN ''
		ELSE (ARRAY['fits well', 'a bit small', 'arrived early', 'colour differs', 'sehr schön', 'très bien'])[1 + i % 6] || ' ' || i
	END
$$;
