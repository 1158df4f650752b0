/* nightferry rows: both databases held side by side now, without a night; or one table's rows that differ. */
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/cmds.h"
#include "core/copy/bisect.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/steps/count_compare.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int rows_run(int argc, char **argv);
const struct cmd rows_cmd = {
    .name = "rows", .help = "compares every table of both databases now", .run = rows_run};

static const char *side_count(char out[UNITS_MAX], int64_t rows)
{
	return rows == -1 ? "missing" : rows < 0 ? "not counted" : units_count(out, rows);
}

static const char *content_word(const struct compared_table *t)
{
	return !t->content ? "-" : text_equal(t->old_hash, t->new_hash) ? "equal" : "differs";
}

/* A text that begins like a formula would be carried out by a spreadsheet. */
static void csv_text(const char *text)
{
	putchar('"');
	if (*text && strchr("=+-@\t\r", *text))
		putchar('\'');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void print_csv(const struct compared *c)
{
	fputs("table,old_rows,new_rows,old_hash,new_hash,verdict,cause\r\n", stdout);
	for (size_t i = 0; i < c->n; i++) {
		const struct compared_table *t = &c->list[i];
		csv_text(t->label);
		printf(t->old_rows >= 0 ? ",%lld" : ",", (long long)t->old_rows);
		printf(t->new_rows >= 0 ? ",%lld" : ",", (long long)t->new_rows);
		printf(",%s,%s,%s,", t->old_hash, t->new_hash, verdict_name(t->verdict));
		csv_text(t->cause);
		fputs("\r\n", stdout);
	}
}

static void markdown_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			putchar('\\');
		putchar(*text);
	}
}

static void print_markdown(const struct compared *c, int64_t took_ms)
{
	char a[UNITS_MAX], b[UNITS_MAX];
	puts("| table | OLD | NEW | content | verdict | cause |\n|---|---:|---:|---|---|---|");
	for (size_t i = 0; i < c->n; i++) {
		const struct compared_table *t = &c->list[i];
		fputs("| ", stdout);
		markdown_text(t->label);
		printf(" | %s | %s | %s | %s | ", side_count(a, t->old_rows), side_count(b, t->new_rows),
		       content_word(t), t->skipped ? "skipped" : verdict_name(t->verdict));
		markdown_text(t->cause);
		puts(" |");
	}
	printf("\n%zu of %zu tables equal%s, %zu differ, %zu missing, %zu skipped; %s rows on OLD, %s on "
	       "NEW; %.1f s.\n",
	       c->equal, c->n, c->content ? " in rows and content" : " in rows", c->differ + c->unknown,
	       c->missing, c->skipped, units_count(a, c->old_rows), units_count(b, c->new_rows),
	       (double)took_ms / 1000);
	if (*c->no_content)
		printf("%s.\n", c->no_content);
}

static int compare_now(struct job *job, bool content, bool csv, struct err *err)
{
	struct compared compared;
	int64_t began_ms = clock_life_ms();
	int status = -1;
	if (compare_sides(job, content, false, &compared, err) == 0) {
		if (csv)
			print_csv(&compared);
		else
			print_markdown(&compared, clock_life_ms() - began_ms);
		/* What was asked for and not compared is not equal. */
		bool all = compared.n && compared.equal + compared.skipped == compared.n &&
			   compared.content == content;
		status = all ? EXIT_DONE : EXIT_FAILED;
	}
	compared_done(&compared);
	return status;
}

static void print_found(const char *table, const struct copy_bisected *found)
{
	static const char *const how[] = {"only on OLD", "only on NEW", ""};
	if (!*found->key) {
		printf("%s: %s.\n", table, found->why);
		return;
	}
	printf("%s: %s%s%s\n", table, found->n ? "the first rows that differ, by " : "no row differs",
	       found->n ? found->key : "", found->n ? ":" : ".");
	for (size_t i = 0; i < found->n; i++)
		printf("  %s  %s%s\n", found->rows[i].key, how[found->rows[i].how], found->rows[i].columns);
	if (found->more)
		puts("  and more");
}

static void tell_progress(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
}

static int bisect_now(struct job *job, const char *label, struct err *err)
{
	struct pg_tables tables = {0};
	struct copy_bisected found = {0};
	struct pg *old_pg = pg_open_old(job, err);
	struct pg *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = new_pg ? pg_tables_look(old_pg, &tables, err) : -1;
	const struct pg_table *table = rc == 0 ? pg_tables_find(&tables, label) : NULL;
	const struct copy_bisect_options options = {.progress = tell_progress};
	if (rc == 0 && !table)
		rc = err_set(err, ERR_USAGE, "there is no table \"%s\" on OLD", label);
	if (rc == 0)
		rc = copy_bisect_run(old_pg, new_pg, table->schema, table->name, &options, &found, err);
	if (rc == 0)
		print_found(label, &found);
	pg_tables_done(&tables);
	pg_close(old_pg);
	pg_close(new_pg);
	return rc < 0 ? -1 : *found.key && !found.n ? EXIT_DONE : EXIT_FAILED;
}

static int rows_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    {"config", "FILE", "the configuration (default: nightferry.yml)"},
	    CMD_APP_OPTION,
	    {"counts", NULL, "only how many rows there are, not what they say"},
	    {"csv", NULL, "for a spreadsheet, instead of Markdown"},
	    {"bisect", "TABLE", "the first rows of one table that differ; values are never shown"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "rows",
	    .help =
		"Counts every table of both databases, hashes its content, and says what differs and why. "
		"Nothing is changed. Exit status: 0 everything is equal, 1 it is not, or is not known.",
	    .options = options,
	};
	struct cli cli;
	struct err err = {0};
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct json *config = cmd_config_cli(&cli, &err);
	if (!config)
		return cmd_fail(&err);
	struct job *job = job_by_hand("rows", config, NULL);
	status = cli_has(&cli, "bisect")
		     ? bisect_now(job, cli_get(&cli, "bisect", ""), &err)
		     : compare_now(job, !cli_has(&cli, "counts"), cli_has(&cli, "csv"), &err);
	job_free(job);
	json_free(config);
	if (status < 0)
		return cmd_fail(&err);
	if (fflush(stdout) == 0)
		return status;
	err_set(&err, ERR_IO, "the comparison could not be written: %s", strerror(errno));
	return cmd_fail(&err);
}
