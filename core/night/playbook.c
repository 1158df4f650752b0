/* Playbooks: read, checked against the tables of steps and checks, resolved. */
#include "core/night/playbook.h"
#include "core/base/suggest.h"
#include "core/base/text.h"
#include "core/night/playbook_with.h"

#include <stdlib.h>
#include <string.h>

struct book {
	const struct playbook_kinds *kinds;
	const struct json *overrides; /* `steps:` of the configuration */
	const struct yaml *step;      /* the one being written */
	const struct yaml *phase;
	const struct step *kind;
	const struct yaml **ids; /* the id nodes so far */
	size_t n_ids;
};

static int check_id(const struct schema_run *, const struct yaml *, struct err *);
static int check_kind(const struct schema_run *, const struct yaml *, struct err *);
static int check_check(const struct schema_run *, const struct yaml *, struct err *);
static int write_title(const struct schema_run *, const struct yaml *, struct jw *, struct err *);
static int write_gate(const struct schema_run *, const struct yaml *, struct jw *, struct err *);
static int write_with(const struct schema_run *, const struct yaml *, struct jw *, struct err *);
static int write_phase_steps(const struct schema_run *, const struct yaml *, struct jw *, struct err *);
static int write_phases(const struct schema_run *, const struct yaml *, struct jw *, struct err *);
static int write_rollback(const struct schema_run *, const struct yaml *, struct jw *, struct err *);

/* The lengths are those of struct step_seen: what is longer would be cut on the screen. */
static const struct schema step_fields[] = {
    {.name = "id",
     .required = true,
     .length_max = 48,
     .check = check_id,
     .help = "a short name of its own, for example scale-to-zero"},
    {.name = "do",
     .required = true,
     .length_max = 32,
     .check = check_kind,
     .help = "the kind of step, for example scale"},
    {.name = "title", .write = write_title},
    {.name = "with", .write = write_with},
    {.name = "gate", .write = write_gate},
    {.name = "budget",
     .type = SCHEMA_DURATION,
     .as = "budget_ms",
     .otherwise = "-1",
     .help = "for example 90s or 5m"},
    {.name = "estimate",
     .type = SCHEMA_DURATION,
     .as = "estimate_ms",
     .otherwise = "-1",
     .help = "for example 90s or 5m"},
    {.name = "say", .length_max = 160, .otherwise = "\"\"", .help = "one sentence"},
    {.name = "auto",
     .type = SCHEMA_FLAG,
     .otherwise = "true",
     .help = "true when it may start by itself after the one before"},
    {.name = "checks",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .check = check_check,
     .help = "a list of checks, for example [ttl]"},
    {0},
};
static const struct schema phase_fields[] = {
    {.name = "phase",
     .as = "name",
     .required = true,
     .length_max = 32,
     .help = "its name, for example freeze"},
    {.name = "status",
     .otherwise = "\"\"",
     .length_max = 300,
     .help = "what to write on the status page meanwhile"},
    {.name = "steps", .write = write_phase_steps},
    {0},
};
static const struct schema book_fields[] = {
    {.name = "name", .length_max = 64, .help = "the playbook's name"},
    {.name = "help", .otherwise = "\"\"", .help = "one sentence"},
    {.name = "unattended", .type = SCHEMA_FLAG, .otherwise = "false", .help = "true or false"},
    {.name = "done_status",
     .otherwise = "\"\"",
     .length_max = 300,
     .help = "for the status page, at the end"},
    {.name = "rollback_status",
     .otherwise = "\"\"",
     .length_max = 300,
     .help = "for the status page, on the way back"},
    {.name = "rolled_back_status",
     .otherwise = "\"\"",
     .length_max = 300,
     .help = "for the status page, when the way back is done"},
    {.name = "phases", .required = true, .write = write_phases, .help = "a list of phases"},
    {.name = "rollback", .write = write_rollback, .help = "a list of steps"},
    {0},
};

static struct book *book_of(const struct schema_run *run)
{
	return run->arg;
}

static int check_id(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	struct book *book = book_of(run);
	size_t len = strlen(node->text);

	if (!len || node->text[0] == '-' ||
	    strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return yaml_err(
		    run->doc, node, err,
		    "an id holds small letters, digits and -; \"%.48s\" does not fit, write for example "
		    "scale-to-zero.",
		    node->text);
	for (size_t i = 0; i < book->n_ids; i++)
		if (strcmp(book->ids[i]->text, node->text) == 0)
			return yaml_err(
			    run->doc, node, err,
			    "there is a step \"%s\" already, in line %d; give this one another id.",
			    node->text, book->ids[i]->line);
	book->ids = xrealloc(book->ids, book->n_ids + 1, sizeof(*book->ids));
	book->ids[book->n_ids++] = node;
	return 0;
}

static int check_kind(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	struct book *book = book_of(run);
	struct suggest s = {.word = node->text};
	struct buf names = {0};

	for (size_t i = 0; book->kinds->steps[i]; i++) {
		const char *name = book->kinds->steps[i]->name;

		if (strcmp(name, node->text) == 0) {
			buf_done(&names);
			book->kind = book->kinds->steps[i];
			return 0;
		}
		suggest_offer(&s, name);
		buf_addf(&names, "%s%s", names.len ? ", " : "", name);
	}
	if (suggest_best(&s))
		yaml_err(run->doc, node, err, "\"%s\" is no kind of step; did you mean \"%s\"?", node->text,
			 suggest_best(&s));
	else
		yaml_err(run->doc, node, err, "\"%s\" is no kind of step; there are %s.", node->text,
			 names.len ? buf_text(&names) : "none in this build");
	buf_done(&names);
	return -1;
}

static int check_check(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	const struct check *const *checks = book_of(run)->kinds->checks;
	struct suggest s = {.word = node->text};

	for (size_t i = 0; checks && checks[i]; i++) {
		if (strcmp(checks[i]->name, node->text) == 0)
			return 0;
		suggest_offer(&s, checks[i]->name);
	}
	return yaml_err(run->doc, node, err, "there is no check \"%.40s\"%s", node->text,
			suggest_text(&s, "; remove it."));
}

static int write_title(const struct schema_run *run, const struct yaml *node, struct jw *w, struct err *err)
{
	const struct book *book = book_of(run);
	char title[64];

	if (!yaml_is_null(node) && node->kind != YAML_SCALAR)
		return yaml_err(run->doc, node, err, "\"title\" must be a text; write one short line.");
	if (!yaml_is_null(node) && strlen(node->text) >= sizeof(title))
		return yaml_err(run->doc, node, err, "\"title\" is longer than 63 bytes; shorten it.");
	if (!yaml_is_null(node))
		text_copy(title, sizeof(title), node->text);
	else if (book->kind->help && *book->kind->help)
		text_fit(title, sizeof(title), book->kind->help, 60);
	else
		text_copy(title, sizeof(title), yaml_str(book->step, "id", ""));
	jw_str(w, "title", title);
	return 0;
}

static int write_gate(const struct schema_run *run, const struct yaml *node, struct jw *w, struct err *err)
{
	const struct book *book = book_of(run);
	enum gate least = book->kind->gate, gate = least;

	if (!yaml_is_null(node)) {
		gate = node->kind == YAML_SCALAR ? gate_of(node->text) : GATE_NONE;
		if (gate == GATE_NONE && (node->kind != YAML_SCALAR || strcmp(node->text, "none") != 0))
			return yaml_err(run->doc, node, err, "\"gate\" is one of none, \"yes\", type, poll.");
		if (gate < least)
			return yaml_err(run->doc, node, err,
					"the gate of %s is at least \"%s\"; a playbook can only raise it, so "
					"remove this.",
					book->kind->name, gate_name(least));
	}
	jw_str(w, "gate", gate_name(gate));
	return 0;
}

static int write_with(const struct schema_run *run, const struct yaml *node, struct jw *w, struct err *err)
{
	const struct book *book = book_of(run);

	(void)node;
	return playbook_write_with(run, book->step, book->kind,
				   json_get(book->overrides, yaml_str(book->step, "id", "")), w, err);
}

static int write_steps(const struct schema_run *run, const struct yaml *list, const char *key, struct jw *w,
		       struct err *err)
{
	struct book *book = book_of(run);

	if (!yaml_is_null(list) && list->kind != YAML_LIST)
		return yaml_err(run->doc, list, err,
				"`%s:` must be a list of steps; begin each with `- {id: `.", list->key);
	jw_arr(w, key);
	for (const struct yaml *n = list ? list->first : NULL; n; n = n->next) {
		if (n->kind != YAML_MAP)
			return yaml_err(run->doc, n, err,
					"a step must be a map; write - {id: quiet, do: wait-quiet}.");
		book->step = n;
		book->kind = NULL;
		jw_obj(w, NULL);
		if (schema_write(run, n, step_fields, "a step", w, err))
			return -1;
		jw_end(w);
	}
	jw_end(w);
	return 0;
}

static int write_phase_steps(const struct schema_run *run, const struct yaml *list, struct jw *w,
			     struct err *err)
{
	if (!yaml_count(list))
		return yaml_err(run->doc, book_of(run)->phase, err,
				"this phase has no steps; write `steps:` with a list below it.");
	return write_steps(run, list, "steps", w, err);
}

static int write_phases(const struct schema_run *run, const struct yaml *list, struct jw *w, struct err *err)
{
	if (!list || list->kind != YAML_LIST || !list->first)
		return yaml_err(
		    run->doc, list ? list : run->doc->root, err,
		    "a playbook needs `phases:`, a list; begin each with `- phase: ` and its name.");
	jw_arr(w, "phases");
	for (const struct yaml *n = list->first; n; n = n->next) {
		if (n->kind != YAML_MAP)
			return yaml_err(run->doc, n, err,
					"a phase must be a map; write - {phase: freeze, steps: [...]}.");
		book_of(run)->phase = n;
		jw_obj(w, NULL);
		if (schema_write(run, n, phase_fields, "a phase", w, err))
			return -1;
		jw_end(w);
	}
	jw_end(w);
	return 0;
}

static int write_rollback(const struct schema_run *run, const struct yaml *list, struct jw *w,
			  struct err *err)
{
	return write_steps(run, list, "rollback", w, err);
}

/* Overrides of steps that the playbook has not. */
static int check_overrides(const struct book *book, const char *path, struct err *err)
{
	for (const struct json *n = json_first(book->overrides); n; n = json_next(n)) {
		struct suggest s = {.word = json_key(n)};
		bool found = false;

		for (size_t i = 0; i < book->n_ids; i++) {
			found = found || strcmp(book->ids[i]->text, json_key(n)) == 0;
			suggest_offer(&s, book->ids[i]->text);
		}
		if (!found)
			return err_set(err, ERR_CONFIG, "nightferry.yml: \"steps.%.48s\" is no step of %s%s",
				       json_key(n), path, suggest_text(&s, "; remove it."));
	}
	return 0;
}

/* "playbooks/heroku-to-kamal.yml" is called heroku-to-kamal. */
static char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t len = strlen(base);

	if (len > 4 && strcmp(base + len - 4, ".yml") == 0)
		len -= 4;
	return xasprintf("%.*s", len > 63 ? 63 : (int)len, base);
}

struct json *playbook_resolve(const char *path, const struct playbook_kinds *kinds, const struct json *config,
			      struct err *err)
{
	struct book book = {.kinds = kinds, .overrides = json_get(config, "steps")};
	struct yaml_doc *doc = yaml_load(path, YAML_OURS, err);
	struct schema_run run = {.doc = doc, .arg = &book};
	struct json *playbook = NULL;
	struct jw w;

	if (!doc)
		return NULL;
	jw_open(&w);
	if (!yaml_str(doc->root, "name", NULL)) {
		char *name = base_name(path);

		jw_str(&w, "name", name);
		free(name);
	}
	if (!doc->root || doc->root->kind != YAML_MAP) {
		yaml_err(doc, doc->root, err, "a playbook must be a map; begin it with `phases:`.");
	} else if (schema_write(&run, doc->root, book_fields, "", &w, err) == 0 &&
		   check_overrides(&book, path, err) == 0) {
		jw_finish(&w);
		playbook = json_parse(buf_text(&w.buf), w.buf.len, err);
	}
	jw_done(&w);
	free(book.ids);
	yaml_free(doc);
	return playbook;
}

struct json *playbook_load(const char *name_or_path, const struct json *config, struct err *err)
{
	const struct playbook_kinds kinds = {.steps = step_table, .checks = check_table};
	char *path = playbook_find(name_or_path, err);
	struct json *playbook = path ? playbook_resolve(path, &kinds, config, err) : NULL;

	free(path);
	return playbook;
}
