/* Finding Ruby in Kamal's file, and asking the repository's own Kamal for its value: see kamal_ruby.h. */
#include "core/night/kamal_ruby.h"
#include "core/base/program.h"
#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ASK_MS = 60000, ANSWER_MAX = 1000000 };
#define MARK "\nnightferry reads from here:"

/* ---- finding it ---- */

/* `<%= %>` or `<%# %>` that ends in its line without eating the line's end. */
static bool is_harmless(const char *tag)
{
	const char *end = strstr(tag, "%>"), *line_end = tag + strcspn(tag, "\n");

	return (tag[2] == '=' || tag[2] == '#') && end && end < line_end && end[-1] != '-';
}

/* A `#` before it in its line that begins a comment, unless it stands in quotes or a block of text: then the
 * tree holds the tag, and the tree is asked as well. */
static bool is_comment(const char *text, const char *tag)
{
	const char *p = tag;

	while (p > text && p[-1] != '\n')
		p--;
	for (const char *start = p; p < tag; p++)
		if (*p == '#' && (p == start || p[-1] == ' ' || p[-1] == '\t'))
			return true;
	return false;
}

static int line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static int find_in_tree(const struct yaml *node)
{
	for (; node; node = node->next) {
		int below = find_in_tree(node->first);

		if ((node->text && strstr(node->text, "<%")) || (node->key && strstr(node->key, "<%")))
			return node->key && strstr(node->key, "<%") ? node->key_line : node->line;
		if (below)
			return below;
	}
	return 0;
}

int kamal_ruby_line(const char *text, const struct yaml_doc *doc)
{
	bool any = false;

	for (const char *tag = strstr(text, "<%"); tag; tag = strstr(tag + 2, "<%")) {
		if (!is_comment(text, tag) || !is_harmless(tag))
			return line_of(text, tag);
		any = true;
	}
	return any && doc ? find_in_tree(doc->root) : 0;
}

/* ---- asking for it ---- */

static bool lock_names_kamal(const char *folder)
{
	char *path = xasprintf("%s/Gemfile.lock", folder), line[300];
	FILE *f = fopen(path, "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = text_starts(line, "    kamal (");
	if (f)
		fclose(f);
	free(path);
	return found;
}

void kamal_write_command(const char *folder, struct jw *w)
{
	char *binstub = xasprintf("%s/bin/kamal", folder);

	jw_arr(w, "command");
	if (access(binstub, X_OK) == 0) {
		jw_str(w, NULL, "bin/kamal");
	} else {
		if (lock_names_kamal(folder)) {
			jw_str(w, NULL, "bundle");
			jw_str(w, NULL, "exec");
		}
		jw_str(w, NULL, "kamal");
	}
	jw_end(w);
	free(binstub);
}

/* Nothing is validated and no secret is read by this; what the file's own Ruby does is another matter. The
 * mark tells its output from whatever that Ruby prints. */
static const char script[] = "begin; require 'kamal'; rescue LoadError; exit 42; end\n"
			     "require 'json'; require 'pathname'\n"
			     "file, destination = ARGV\n"
			     "ENV['KAMAL_DESTINATION'] = destination\n"
			     "merged = Kamal::Configuration.load_raw_config(\n"
			     "  config_file: Pathname.new(file), destination: destination)\n"
			     "$stdout.print \"\\nnightferry reads from here:\", JSON.generate(merged)\n";
enum { NO_KAMAL = 42 };

/* JSON is YAML, too. Its lines are none of the file's, and its name says so. */
static struct yaml_doc *read_answer(const char *config, const char *json, struct err *err)
{
	char *name = xasprintf("%s as Kamal reads it", config);
	struct yaml_doc *doc = yaml_parse(name, json, strlen(json), YAML_RUBY, err);

	free(name);
	return doc;
}

struct yaml_doc *kamal_ruby_read(const struct kamal_source *source, struct err *err)
{
	bool bundle = lock_names_kamal(source->folder);
	const char *destination = *source->destination ? source->destination : NULL;
	const char *const with[] = {"bundle", "exec",         "ruby",      "-e",
				    script,   source->config, destination, NULL};
	const struct program program = {.argv = bundle ? with : with + 2,
					.folder = source->folder,
					.timeout_real_ms = ASK_MS,
					.output_max = ANSWER_MAX};
	struct buf out = {0};
	struct yaml_doc *doc = NULL;
	struct err why = {0};
	int status = program_run(&program, &out, &why);
	const char *answer = strstr(buf_text(&out), MARK);

	/* What Ruby printed is not shown: it may hold what a password manager gave it. */
	if (status < 0)
		err_set(err, ERR_CONFIG, "Kamal could not be asked for %s: %s.", source->config, why.text);
	else if (status == NO_KAMAL)
		err_set(err, ERR_CONFIG,
			"Ruby in %s has to be read by Kamal, and Ruby finds no Kamal here; install it "
			"(`bundle install` or "
			"`gem install kamal`) and try again.",
			source->config);
	else if (status != 0 || !answer)
		err_set(err, ERR_CONFIG,
			"Kamal was asked for %s and gave no answer (exit status %d); `kamal config%s%s` says "
			"why.",
			source->config, status, *source->destination ? " -d " : "", source->destination);
	else
		doc = read_answer(source->config, answer + sizeof(MARK) - 1, err);
	/* A password written into the file by its Ruby is in here. */
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_done(&out);
	return doc;
}
