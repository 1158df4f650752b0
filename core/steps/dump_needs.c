#include "core/steps/dump_needs.h"
#include "core/base/text.h"
#include "core/steps/host_copy.h"
#include "core/steps/restore_log.h"
#include <stdlib.h>
#include <string.h>

static bool has_entry(const struct restore_log *log, const char *type, const char *name)
{
	for (size_t i = 0; i < log->n; i++)
		if (text_equal(log->items[i].type, type) && text_equal(log->items[i].name, name))
			return true;
	return false;
}

/* A name as SQL writes it, quoted or not; false when there is none. */
static bool take_name(const char **at, char *out, size_t size)
{
	size_t n = 0;
	const char *c = *at + strspn(*at, " ");
	bool quoted = *c == '"';
	for (c += quoted; *c && *c != '\n' && (quoted || !strchr(" ;", *c)); c++) {
		if (quoted && *c == '"' && c[1] != '"')
			break;
		c += quoted && *c == '"';
		if (n + 1 < size)
			out[n++] = *c;
	}
	out[n] = 0;
	*at = c + (quoted && *c == '"');
	return n > 0;
}

static void add_schema(struct dump_needs *out, const struct restore_log *log, const char *name)
{
	if (!*name || text_equal(name, "-") || text_equal(name, "public") || text_equal(name, "pg_catalog") ||
	    text_equal(name, "information_schema") || has_entry(log, "SCHEMA", name))
		return;
	for (size_t i = 0; i < out->n_schemas; i++)
		if (text_equal(out->schemas[i], name))
			return;
	out->schemas = xrealloc(out->schemas, out->n_schemas + 1, sizeof *out->schemas);
	text_copy(out->schemas[out->n_schemas++], sizeof *out->schemas, name);
}

/* A function's body may hold such a line as well: only what the table of contents names counts. */
static void add_extension(struct dump_needs *out, const struct restore_log *log, const char *line)
{
	static const char head[] = "CREATE EXTENSION IF NOT EXISTS ", with[] = " WITH SCHEMA ";
	struct pg_extension e = {.schema = "public"};
	if (!text_starts(line, head))
		return;
	line += sizeof head - 1;
	if (!take_name(&line, e.name, sizeof e.name) || !has_entry(log, "EXTENSION", e.name))
		return;
	if (text_starts(line, with)) {
		line += sizeof with - 1;
		take_name(&line, e.schema, sizeof e.schema);
	}
	if (text_equal(e.name, "plpgsql"))
		return;
	out->extensions = xrealloc(out->extensions, out->n_extensions + 1, sizeof *out->extensions);
	out->extensions[out->n_extensions++] = e;
	add_schema(out, log, e.schema);
}

bool dump_needs_read(const char *toc, const char *lines, struct dump_needs *out)
{
	struct restore_log log = {0};
	*out = (struct dump_needs){0};
	bool is_one = restore_log_toc(&log, toc);
	text_copy(out->dumped_by, sizeof out->dumped_by, log.dumped_by);
	out->dumped_major = log.dumped_major;
	for (size_t i = 0; i < log.n; i++)
		add_schema(out, &log, log.items[i].schema);
	for (const char *line = lines; *line;) {
		add_extension(out, &log, line);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	restore_log_done(&log);
	return is_one;
}

int dump_needs_look(struct ssh *ssh, const char *container, const char *file, struct dump_needs *out,
		    struct err *err)
{
	struct buf toc = {0}, lines = {0};
	*out = (struct dump_needs){0};
	int rc = copy_contents(ssh, container, file, &toc, err);
	/* grep ends with 1 where there is none; of a pipe only its own end is seen, so the other says it. */
	if (rc == 0)
		rc = ssh_run(ssh, &lines, err,
			     "docker exec %s sh -c '{ pg_restore -s -f - %s && echo \"-- nightferry: "
			     "whole\"; } | grep -a -e "
			     "\"^CREATE EXTENSION \" -e \"^-- nightferry: whole$\" || true'",
			     container, file);
	if (rc == 0 && !text_find(buf_text(&lines), "-- nightferry: whole"))
		rc = err_set(err, ERR_WORLD,
			     "the definitions in the dump %s in %s cannot be read to their end; nothing was "
			     "changed, run download again",
			     file, container);
	if (rc == 0 && !dump_needs_read(buf_text(&toc), buf_text(&lines), out))
		rc = err_set(err, ERR_WORLD, "the dump %s in %s lists no contents; run download again", file,
			     container);
	buf_done(&toc);
	buf_done(&lines);
	return rc;
}

void dump_needs_done(struct dump_needs *needs)
{
	free(needs->extensions);
	free(needs->schemas);
	*needs = (struct dump_needs){0};
}
