/* The autopsy of a restore, on tables of contents and logs that the real pg_restore 15 wrote: a Heroku dump
 * into a database without heroku_ext, a dump cut to 60 %, and a role that lost its rights on the schema
 * public. */
#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/steps/restore_autopsy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void read_file(const char *name, const char *ending, struct buf *out)
{
	char path[400], chunk[4096];
	const char *root = getenv("ROOT");
	snprintf(path, sizeof path, "%s/tests/unit/restore_logs/%s.%s", root ? root : ".", name, ending);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
		buf_add(out, chunk, n);
	fclose(file);
}

static void open_up(const char *name, struct restore_log *log, struct restore_autopsy *a)
{
	struct buf toc = {0}, text = {0};
	read_file(name, "toc", &toc);
	read_file(name, "log", &text);
	*log = (struct restore_log){0};
	assert_true(restore_log_toc(log, buf_text(&toc)));
	restore_log_feed(log, buf_text(&text), text.len);
	restore_autopsy(log, a);
	buf_done(&toc);
	buf_done(&text);
}

static void close_up(struct restore_log *log, struct restore_autopsy *a)
{
	restore_autopsy_done(a);
	restore_log_done(log);
}

static void test_heroku_ext(void **state)
{
	struct restore_log log;
	struct restore_autopsy a;
	char said[400];
	(void)state;
	open_up("heroku_ext", &log, &a);
	/* pg_restore counts 27: 11 before its parallel part, and the 8 in it twice. */
	assert_int_equal(log.ignored, 27);
	assert_int_equal(log.n_errors, 19);
	assert_true(restore_log_names_all(&log));
	restore_autopsy_say(&a, said, sizeof said);
	/* Three are comments on extensions, which cost nothing. */
	assert_string_equal(said, "16 errors, 1 cause: schema heroku_ext → 2 tables lost: tokens, users");
	assert_true(restore_cause_spares(&a.list[0]));
	restore_cause_fix(&a.list[0], said, sizeof said);
	assert_non_null(strstr(said, "prepare-target"));
	close_up(&log, &a);
}

static void test_cut(void **state)
{
	struct restore_log log;
	struct restore_autopsy a;
	char said[400];
	size_t done;
	(void)state;
	open_up("cut", &log, &a);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.list[0].why, WHY_CUT);
	assert_false(restore_cause_spares(&a.list[0]));
	restore_autopsy_say(&a, said, sizeof said);
	assert_string_equal(said, "2 errors, 1 cause: the dump is cut or damaged → no table lost");
	/* No entry is blamed, but not all rows came. */
	assert_true(restore_log_count(&log, RESTORE_DATA, &done) > done);
	close_up(&log, &a);
}

static void test_rights(void **state)
{
	struct restore_log log;
	struct restore_autopsy a;
	char said[400];
	(void)state;
	open_up("rights", &log, &a);
	restore_autopsy_say(&a, said, sizeof said);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.tables, 5);
	assert_non_null(
	    strstr(said, "1 cause: rights: permission denied for schema public → 5 tables lost: "));
	close_up(&log, &a);
}

static void feed(struct restore_log *log, const char *text)
{
	restore_log_feed(log, text, strlen(text));
}

static const char small_toc[] = "10; 3079 1 EXTENSION - postgis \n"
				"20; 1259 2 TABLE public places ann\n"
				"21; 1259 3 TABLE public other ann\n"
				"30; 0 2 TABLE DATA public places ann\n"
				"31; 0 3 TABLE DATA public other ann\n"
				"40; 2606 4 CONSTRAINT public other other_pkey ann\n";

static void test_two_causes(void **state)
{
	struct restore_log log = {0};
	struct restore_autopsy a;
	char said[400];
	(void)state;
	assert_true(restore_log_toc(&log, small_toc));
	feed(&log,
	     "pg_restore: from TOC entry 10; 3079 1 EXTENSION postgis (no owner)\n"
	     "pg_restore: error: could not execute query: ERROR:  could not open extension control file "
	     "\"/usr/share/postgresql/15/extension/postgis.control\": No such file or directory\n"
	     "pg_restore: from TOC entry 20; 1259 2 TABLE places ann\n"
	     "pg_restore: error: could not execute query: ERROR:  type \"public.geometry\" does not exist\n"
	     "pg_restore: launching item 31 TABLE DATA other\n"
	     "pg_restore: from TOC entry 30; 0 2 TABLE DATA places ann\n"
	     "pg_restore: error: could not execute query: ERROR:  relation \"public.places\" does not exist\n"
	     "pg_restore: from TOC entry 31; 0 3 TABLE DATA other ann\n"
	     "pg_restore: error: COPY failed for table \"other\": ERROR:  could not extend file "
	     "\"base/16384/16385\": No space left on device\n"
	     "pg_restore: from TOC entry 40; 2606 4 CONSTRAINT other other_pkey ann\n"
	     "pg_restore: error: could not execute query: ERROR:  could not extend file \"base/1/2\": No "
	     "space "
	     "left on device\n"
	     "pg_restore: error: could not execute query: ERROR:  there is no unique constraint matching "
	     "given "
	     "keys for referenced table \"other\"\n"
	     "pg_restore: error: could not execute query: ERROR:  relation \"public.other_pkey\" does not "
	     "exist\n");
	restore_autopsy(&log, &a);
	restore_autopsy_say(&a, said, sizeof said);
	assert_string_equal(said, "7 errors, 3 causes: extension postgis → no table lost; missing "
				  "public.geometry → 1 table lost: places; no room on the database's disk → "
				  "1 table lost: other");
	close_up(&log, &a);
}

/* As two jobs of a real pg_restore 15 did it: the beginning of an error stands before another's word, and its
 * rest comes two lines later, behind a statement that is quoted. */
static void test_torn_by_pieces(void **state)
{
	struct restore_log log = {0};
	(void)state;
	assert_true(restore_log_toc(&log, small_toc));
	feed(&log, "pg_restore: launching item 30 TABLE DATA places\n"
		   "pg_restore: pg_restore:launching item 31 TABLE DATA other\n"
		   "    ADD CONSTRAINT x UNIQUE (y);\n"
		   "from TOC entry 30; 0 2 TABLE DATA places ann\n"
		   "pg_restore: pg_restore:finished item 31 TABLE DATA other\n"
		   " error: could not execute query: ERROR:  relation \"places\" does not exist\n"
		   "Command was: COPY places\n"
		   "pg_restore: detail: pg_restore: launching item 40 CONSTRAINT x\n"
		   "error: could not execute query: ERROR:  relation \"places\" does not exist\n"
		   "pg_restore: pg_restore: error: processing data for table \"public.LegacyOrders\"\n"
		   "could not execute query: ERROR:  relation \"places\" does not exist\n"
		   "pg_restore: warning: errors ignored on restore: 3\n");
	assert_int_equal(log.n_errors, 3);
	for (size_t i = 0; i < log.n_errors; i++)
		assert_string_equal(log.errors[i].text,
				    "could not execute query: ERROR:  relation \"places\" does not exist");
	assert_true(restore_log_names_all(&log));
	assert_int_equal(restore_log_item(&log, 30)->state, RESTORE_FAILED);
	assert_int_equal(restore_log_item(&log, 31)->state, RESTORE_DONE);
	restore_log_done(&log);
}

/* While jobs run side by side, the words of two errors may change places; the numbers do not lie. */
static void test_torn(void **state)
{
	struct restore_log log = {0};
	struct restore_autopsy a;
	size_t done;
	(void)state;
	assert_true(restore_log_toc(&log, small_toc));
	feed(&log, "pg_restore: launching item 30 TABLE DATA places\n"
		   "pg_restore: launching item 31 TABLE DATA other\n"
		   "pg_restore: pg_restore: from TOC entry 30; 0 2 TABLE DATA places ann\n"
		   "from TOC entry 31; 0 3 TABLE DATA other ann\n"
		   "pg_restore: error: pg_restore: error: COPY failed for table \"other\": ERROR:  canceling "
		   "statement due to user request\n"
		   "COPY failed for table \"places\": ERROR:  canceling statement due to user request\n"
		   "Command was: COPY from TOC entry 40; not ours\n"
		   "from TOC entry 40; 2606 4 a line of a function's body\n"
		   "pg_restore: finished item 30 TABLE DATA places\n"
		   "pg_restore: finished item 31 TABLE DATA other\n"
		   "pg_restore: warning: errors ignored on restore: 2\n");
	assert_int_equal(restore_log_item(&log, 30)->state, RESTORE_FAILED);
	assert_int_equal(restore_log_item(&log, 31)->state, RESTORE_FAILED);
	assert_int_equal(restore_log_item(&log, 40)->state, RESTORE_DONE);
	assert_int_equal(log.ignored, 2);
	restore_autopsy(&log, &a);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.tables, 2);
	/* A second pg_restore that was given only these two, and ended well. */
	restore_log_again(&log);
	assert_int_equal(restore_log_harm(&log, NULL), 0);
	feed(&log, "pg_restore: launching item 30 TABLE DATA places\n"
		   "pg_restore: finished item 30 TABLE DATA places\n");
	assert_int_equal(restore_log_count(&log, RESTORE_DATA, &done), 2);
	assert_int_equal(done, 1);
	close_up(&log, &a);
}

static const char beside_toc[] = "20; 1259 2 TABLE public places ann\n"
				 "30; 0 2 TABLE DATA public places ann\n"
				 "50; 0 0 COMMENT - EXTENSION citext \n"
				 "60; 3466 5 EVENT TRIGGER - watching ann\n"
				 "70; 1255 6 FUNCTION _heroku drop_ext() ann\n";
#define NO_COMMENT                                                       \
	"pg_restore: from TOC entry 50; 0 0 COMMENT EXTENSION citext \n" \
	"pg_restore: error: could not execute query: ERROR:  must be owner of extension citext\n"

/* What costs no row, and what only a superuser may make: told, and no reason to begin anew. */
static void test_beside(void **state)
{
	struct restore_log log = {0};
	(void)state;
	assert_true(restore_log_toc(&log, beside_toc));
	feed(&log, NO_COMMENT
	     "pg_restore: from TOC entry 70; 1255 6 FUNCTION drop_ext() ann\n"
	     "pg_restore: error: could not execute query: ERROR:  schema \"_heroku\" does not exist\n"
	     "pg_restore: from TOC entry 60; 3466 5 EVENT TRIGGER watching ann\n"
	     "pg_restore: error: could not execute query: ERROR:  permission denied to create event trigger "
	     "\"watching\"\n"
	     "pg_restore: warning: errors ignored on restore: 3\n");
	assert_int_equal(log.n_errors, 3);
	assert_int_equal(restore_log_harm(&log, NULL), 0);
	assert_true(restore_log_whole(&log, 1));
	assert_false(restore_log_whole(&log, -1));
	restore_log_done(&log);
}

/* An error that costs nothing, and then it is stopped: it ends with 1 as well, and has not come to its end.
 */
static void test_stopped_after_harmless(void **state)
{
	struct restore_log log = {0};
	(void)state;
	assert_true(restore_log_toc(&log, beside_toc));
	feed(&log, NO_COMMENT "pg_restore: processing data for table \"public.places\"\n");
	assert_int_equal(log.n_errors, 1);
	assert_int_equal(restore_log_harm(&log, NULL), 0);
	assert_false(restore_log_whole(&log, 1));
	restore_log_done(&log);
}

/* A job that dies is not about the entry that an earlier, harmless error was about; nor is a dump that cannot
 * be read on. */
static void test_job_died_after_harmless(void **state)
{
	static const char *const ends[] = {"a worker process died unexpectedly",
					   "could not read from input file: end of file"};
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct restore_log log = {0};
		char text[400];
		assert_true(restore_log_toc(&log, beside_toc));
		snprintf(text, sizeof text,
			 NO_COMMENT
			 "pg_restore: launching item 30 TABLE DATA places\npg_restore: error: %s\n",
			 ends[i]);
		feed(&log, text);
		assert_int_equal(log.n_errors, 2);
		assert_int_equal(restore_log_harm(&log, NULL), 1);
		assert_false(restore_log_whole(&log, 1));
		restore_log_done(&log);
	}
}

/* It counted more than its log names: nobody knows what the one that is lost was about. */
static void test_counted_more(void **state)
{
	struct restore_log log = {0};
	(void)state;
	assert_true(restore_log_toc(&log, beside_toc));
	feed(&log, NO_COMMENT "pg_restore: warning: errors ignored on restore: 2\n");
	assert_int_equal(restore_log_harm(&log, NULL), 0);
	assert_false(restore_log_whole(&log, 1));
	restore_log_done(&log);
}

/* Numbers and names that no dump has, and a text that is none. */
static void test_hostile(void **state)
{
	struct restore_log log = {0};
	struct restore_autopsy a;
	(void)state;
	assert_false(restore_log_toc(&log, "no entries\n\xff\xfe\n"));
	assert_null(restore_log_item(&log, 1));
	assert_null(restore_log_table(&log, "public", "x"));
	assert_true(restore_log_toc(&log,
				    "2147483647; 0 1 TABLE DATA public a ann\n-3; 0 1 TABLE public b ann\n"
				    "5; 0 1 TABLE DATA public \x1b[31mred ann\n"));
	feed(&log,
	     "pg_restore: from TOC entry 99999999999999999999; x\npg_restore: error: \x1b]0;x\x07 \xff\n"
	     "pg_restore: error: \npg_restore: finished item -7 x\npg_restore: launching item 2147483647 "
	     "x\n");
	assert_null(restore_log_item(&log, -7));
	restore_autopsy(&log, &a);
	assert_true(a.errors >= 1);
	assert_null(strchr(a.list[0].first, '\x1b'));
	close_up(&log, &a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_heroku_ext),   cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_rights),       cmocka_unit_test(test_two_causes),
	    cmocka_unit_test(test_torn),         cmocka_unit_test(test_torn_by_pieces),
	    cmocka_unit_test(test_beside),       cmocka_unit_test(test_stopped_after_harmless),
	    cmocka_unit_test(test_hostile),      cmocka_unit_test(test_job_died_after_harmless),
	    cmocka_unit_test(test_counted_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
