/* pg_dump's script taken apart: what looks like an end or a heading inside of texts, names and bodies is
 * none. */
#include "core/copy/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void read_script(const char *text, struct copy_script *out)
{
	struct err err = {0};
	assert_int_equal(copy_script_read(text, strlen(text), out, &err), 0);
	assert_string_equal(err.text, "");
}

static void entries(void **state)
{
	struct copy_script s;
	char schema[64], name[64];
	bool only;
	(void)state;
	read_script(
	    "\\restrict abc\n--\n-- dump\n--\nSET a = 1;\n"
	    "-- Name: od;d; Type: TABLE; x; Type: INDEX; Schema: pub; Owner: -\n"
	    "CREATE INDEX \"i ON \"\"x\" ON ONLY \"s\".\"t\"\"a;\" USING btree (\"b\");\nALTER TABLE \"x\" "
	    "CLUSTER ON "
	    "\"i\";\n"
	    "-- Name: t fk; Type: FK CONSTRAINT; Schema: public; Owner: -; Tablespace: x\n"
	    "ALTER TABLE ONLY \"public\".\"t\"\n    ADD CONSTRAINT \"f;k\" FOREIGN KEY (\"a\") REFERENCES "
	    "\"o\".\"p\"(\"id\");\n\\unrestrict abc\n",
	    &s);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.list[0].type, "");
	assert_int_equal(s.list[0].n, 1);
	assert_string_equal(s.list[0].list[0], "SET a = 1");
	assert_string_equal(s.list[1].name, "od;d; Type: TABLE; x");
	assert_string_equal(s.list[1].type, "INDEX");
	assert_int_equal(s.list[1].n, 2);
	assert_true(copy_entry_table(&s.list[1], schema, name, &only));
	assert_true(only);
	assert_string_equal(schema, "s");
	assert_string_equal(name, "t\"a;");
	assert_string_equal(s.list[2].type, "FK CONSTRAINT");
	assert_true(copy_entry_references(&s.list[2], schema, name));
	assert_string_equal(schema, "o");
	assert_string_equal(name, "p");
	assert_true(copy_entry_constraint(&s.list[2], name));
	assert_string_equal(name, "f;k");
	copy_script_done(&s);
}

static void hidden_ends(void **state)
{
	static const char *const each[] = {
	    "COMMENT ON TABLE t IS 'a;\n--\n-- Name: x; Type: TABLE; Schema: s; Owner: -\n--\nb''; c'",
	    "SELECT E'it\\'s; \\\\'",
	    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $_$ SELECT 1; $x$; $_$",
	    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
	    "CREATE RULE r AS ON DELETE TO t DO INSTEAD (SELECT 1; SELECT (2); SELECT ';')",
	    "SELECT 1 /* a; /* nested; */ b; */ + 1 -- tail; of it\n + 2",
	    "SELECT \"a;\"\"b;\", $1, x$y$z",
	};
	(void)state;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		struct copy_script s;
		char text[600];
		assert_true(strlen(each[i]) < 500);
		strncpy(text, each[i], sizeof text - 1);
		text[strlen(each[i])] = 0;
		memcpy(text + strlen(each[i]), ";\nSELECT 9;\n", 13);
		read_script(text, &s);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.list[0].n, 2);
		assert_string_equal(s.list[0].list[0], each[i]);
		assert_string_equal(s.list[0].list[1], "SELECT 9");
		copy_script_done(&s);
	}
}

static void cut_short(void **state)
{
	static const char *const each[] = {"SELECT 1",   "SELECT 'a;", "CREATE TABLE t (a int;",
					   "SELECT $$;", "/* x",       "SELECT \"",
					   "'",          "E'\\",       "$a$"};
	(void)state;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		struct copy_script s;
		struct err err = {0};
		assert_int_equal(copy_script_read(each[i], strlen(each[i]), &s, &err), -1);
		assert_int_equal(s.n, 0);
		assert_non_null(strstr(err.text, "in the middle of a statement"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(entries), cmocka_unit_test(hidden_ends),
					   cmocka_unit_test(cut_short)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
