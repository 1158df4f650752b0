--
-- PostgreSQL database dump
--
\restrict aBc
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
--
-- Name: f(integer); Type: FUNCTION; Schema: public; Owner: -
--
CREATE FUNCTION "public"."f"("i" integer) RETURNS integer
    LANGUAGE "plpgsql"
    AS $_$BEGIN RETURN '; -- Name: x; Type: TABLE; Schema: y; Owner: -'; END$_$;
CREATE OR REPLACE PROCEDURE "public"."p"()
    LANGUAGE "sql"
    BEGIN ATOMIC
 SELECT CASE WHEN true THEN 1 ELSE 2 END;
 SELECT 2;
END;
--
-- Name: orders; Type: TABLE; Schema: public; Owner: -; Tablespace: x
--
CREATE TABLE "public"."orders" ("id" bigint DEFAULT E'it\'s; \\' /* a /* b */ ; */);
COMMENT ON TABLE "public"."orders" IS 'a;
--
-- Name: x; Type: TABLE; Schema: s; Owner: -
--
b''';
