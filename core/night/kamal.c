/* Kamal's files, read, laid over each other, checked and resolved: see kamal.h. */
#include "core/night/kamal.h"
#include "core/base/text.h"
#include "core/night/kamal_check.h"
#include "core/night/kamal_json.h"
#include "core/night/kamal_ruby.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 1000000 };

struct reading {
	const struct kamal_source *source;
	char *over; /* "config/deploy.production.yml"; NULL without a destination */
	struct err *err;
	int ruby_line; /* the first one of `ruby_file`; 0: there is no Ruby */
	const char *ruby_file;
};

/* "config/deploy.yml" and "production": the same name with the destination before its ending. */
static char *over_name(const char *config, const char *destination)
{
	const char *slash = strrchr(config, '/'), *dot = strrchr(config, '.');

	if (!dot || (slash && dot <= slash + 1))
		dot = config + strlen(config);
	return xasprintf("%.*s.%s.yml", (int)(dot - config), config, destination);
}

static FILE *open_file(const struct reading *r, const char *name)
{
	char *path = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", r->source->folder, name);
	FILE *f = fopen(path, "re");
	int why = errno;

	free(path);
	if (!f && why == ENOENT)
		err_set(r->err, ERR_CONFIG,
			"Configuration file not found in %s. Kamal refuses to run without it; write it, or "
			"change "
			"`kamal:` in nightferry.yml.",
			name);
	else if (!f)
		err_set(r->err, ERR_CONFIG, "%s could not be opened: %s.", name, strerror(why));
	return f;
}

/* Before Ruby is spoken of: without all files there is nothing to ask Kamal for. */
static int check_there(const struct reading *r)
{
	const char *const names[] = {r->source->config, r->over};
	FILE *f;

	for (size_t i = 0; i < 2 && names[i]; i++) {
		f = open_file(r, names[i]);
		if (!f)
			return -1;
		fclose(f);
	}
	return 0;
}

static int read_text(const struct reading *r, const char *name, struct buf *text)
{
	FILE *f = open_file(r, name);
	char part[4096];
	size_t n;

	if (!f)
		return -1;
	while (text->len <= FILE_MAX && (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(text, part, n);
	n = (size_t)ferror(f);
	fclose(f);
	return n ? err_set(r->err, ERR_CONFIG, "%s could not be read: %s.", name, strerror(EIO)) : 0;
}

/* A tree, or NULL with the error; also NULL, with `ruby_line`, when Ruby decides what the file says. */
static struct yaml_doc *read_file(struct reading *r, const char *name)
{
	struct buf text = {0};
	struct yaml_doc *doc = NULL;
	int line;

	if (read_text(r, name, &text) == 0) {
		doc = yaml_parse(name, buf_text(&text), text.len, YAML_RUBY, r->err);
		line = kamal_ruby_line(buf_text(&text), doc);
		if (line && !r->ruby_line) {
			r->ruby_line = line;
			r->ruby_file = name;
		}
		if (doc && !line && (!doc->root || doc->root->kind != YAML_MAP))
			yaml_err(doc, doc->root, r->err, "Kamal's file must be a map of keys.");
	}
	buf_done(&text);
	if (doc && !r->ruby_line && (!doc->root || doc->root->kind != YAML_MAP)) {
		yaml_free(doc);
		return NULL;
	}
	return doc;
}

/* Both files as one tree, unless there is Ruby in them. */
static struct yaml_doc *read_plain(struct reading *r)
{
	struct yaml_doc *doc = read_file(r, r->source->config), *over = NULL;

	if ((doc || r->ruby_line) && r->over)
		over = read_file(r, r->over);
	if (doc && r->over && !r->ruby_line && (!over || yaml_overlay(doc, over, r->err))) {
		yaml_free(doc);
		doc = NULL;
	}
	yaml_free(over);
	if (r->ruby_line) {
		yaml_free(doc);
		doc = NULL;
	}
	return doc;
}

static bool may_run(const struct reading *r)
{
	char question[400];

	if (r->source->ruby)
		return true;
	text_copyf(
	    question, sizeof(question),
	    "%.120s holds Ruby (line %d), and only Kamal can tell what it means. Ask the Kamal of this "
	    "folder? That runs the file's Ruby, as every kamal command does.",
	    r->ruby_file, r->ruby_line);
	return r->source->ask && r->source->ask(question);
}

static enum kamal_read read_ruby(struct reading *r, struct yaml_doc **doc)
{
	if (r->err)
		*r->err = (struct err){0};
	if (!may_run(r)) {
		err_set(
		    r->err, ERR_CONFIG,
		    "%s:%d: this line holds Ruby (<%%), and only Kamal can tell what it means. Write kamal: "
		    "{ruby: "
		    "true} into nightferry.yml, and the Kamal of this folder is asked, which runs that Ruby.",
		    r->ruby_file, r->ruby_line);
		return KAMAL_RUBY;
	}
	*doc = kamal_ruby_read(r->source, r->err);
	if (*doc && (!(*doc)->root || (*doc)->root->kind != YAML_MAP)) {
		yaml_free(*doc);
		*doc = NULL;
		err_set(r->err, ERR_CONFIG, "Kamal's answer for %s is no map of keys.", r->source->config);
	}
	return *doc ? KAMAL_READ : KAMAL_FAILED;
}

static struct json *resolve(const struct reading *r, const struct kamal *kamal)
{
	struct json *out;
	struct jw w;
	const char *text;

	jw_open(&w);
	jw_arr(&w, "files");
	jw_str(&w, NULL, r->source->config);
	if (r->over)
		jw_str(&w, NULL, r->over);
	jw_end(&w);
	kamal_write(kamal, &w);
	text = jw_finish(&w);
	out = json_parse(text, w.buf.len, r->err);
	jw_done(&w);
	return out;
}

enum kamal_read kamal_load(const struct kamal_source *source, struct json **out, struct err *err)
{
	struct err own = {0};
	struct reading r = {.source = source, .err = err ? err : &own};
	struct yaml_doc *doc;
	enum kamal_read read = KAMAL_READ;
	struct kamal kamal;

	*out = NULL;
	if (*source->destination)
		r.over = over_name(source->config, source->destination);
	doc = check_there(&r) == 0 ? read_plain(&r) : NULL;
	if (r.ruby_line)
		read = read_ruby(&r, &doc);
	if (doc) {
		kamal_take(&kamal, doc, source->destination);
		if (kamal_check(&kamal, r.err) == 0)
			*out = resolve(&r, &kamal);
		kamal_done(&kamal);
	}
	free(r.over);
	return read == KAMAL_RUBY ? KAMAL_RUBY : *out ? KAMAL_READ : KAMAL_FAILED;
}
