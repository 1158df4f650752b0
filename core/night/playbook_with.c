/* Params of steps: types, defaults, overrides. */
#include "core/night/playbook_with.h"
#include "core/base/suggest.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <stdlib.h>
#include <string.h>

/* Writes one value, or says in `why` what it must be instead. */
static int write_value(const struct yaml_doc *doc, const struct param *param, const struct yaml *node,
		       struct jw *w, char *why, size_t size)
{
	bool scalar = node->kind == YAML_SCALAR, flag;
	char what[128];
	const char *wanted;
	int64_t n;

	if (strcmp(param->type, "any") == 0) {
		yaml_json(doc, node, w, param->name);
		return 0;
	}
	if (strcmp(param->type, "int") == 0) {
		wanted = "a whole number";
		if (yaml_int(node, &n)) {
			jw_int(w, param->name, n);
			return 0;
		}
	} else if (strcmp(param->type, "flag") == 0) {
		wanted = "true or false";
		if (yaml_bool(doc, node, &flag)) {
			jw_bool(w, param->name, flag);
			return 0;
		}
	} else {
		bool duration = strcmp(param->type, "duration") == 0;

		wanted = duration ? "a duration such as 90s, 5m or 1h30m" : "a text";
		if (scalar && (!duration || units_parse_duration_ms(node->text) >= 0)) {
			jw_str(w, param->name, node->text);
			return 0;
		}
	}
	text_copyf(why, size, "must be %s, not %s", wanted, yaml_what(doc, node, what, sizeof(what)));
	return -1;
}

static int write_over(const struct yaml_doc *doc, const struct param *param, const char *id,
		      const struct json *value, struct jw *w, struct err *err)
{
	struct yaml node = {.kind = YAML_SCALAR};
	char why[256] = "must be a single value";

	if (strcmp(param->type, "any") == 0 && !json_is_string(value)) {
		jw_json(w, param->name, value);
		return 0;
	}
	if (json_is_string(value)) {
		char *text = xstrdup(json_text(value));
		int failed;

		node.text = text;
		failed = write_value(doc, param, &node, w, why, sizeof(why));
		free(text);
		if (!failed)
			return 0;
	}
	return err_set(err, ERR_CONFIG, "nightferry.yml: \"steps.%s.%s\" %s (%s).", id, param->name, why,
		       param->help);
}

static int write_default(const struct schema_run *run, const struct yaml *step, const struct step *kind,
			 const struct param *param, struct jw *w, struct err *err)
{
	struct yaml node = {.kind = YAML_SCALAR};
	char why[256], *text;
	int failed;

	if (!param->otherwise)
		return yaml_err(run->doc, step, err, "the step \"%s\" needs \"%s\" in `with:`: %s.",
				yaml_str(step, "id", kind->name), param->name, param->help);
	if (!*param->otherwise)
		return 0;
	text = xstrdup(param->otherwise);
	node.text = text;
	failed = write_value(run->doc, param, &node, w, why, sizeof(why));
	free(text);
	if (failed)
		return err_set(err, ERR_BUG, "The default of \"%s\" of the step %s %s; please report this.",
			       param->name, kind->name, why);
	return 0;
}

static int write_param(const struct schema_run *run, const struct yaml *step, const struct step *kind,
		       const struct param *param, const struct json *over, struct jw *w, struct err *err)
{
	const struct yaml *node = yaml_get(yaml_get(step, "with"), param->name);
	const struct json *value = json_get(over, param->name);
	char why[256];

	if (!json_is_null(value))
		return write_over(run->doc, param, yaml_str(step, "id", kind->name), value, w, err);
	if (yaml_is_null(node))
		return write_default(run, step, kind, param, w, err);
	if (schema_check_secret(run, node, err))
		return -1;
	if (write_value(run->doc, param, node, w, why, sizeof(why)))
		return yaml_err(run->doc, node, err, "\"%s\" %s (%s).", param->name, why, param->help);
	return 0;
}

static const struct param *find_param(const struct step *kind, const char *name)
{
	for (const struct param *p = kind->params; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* "; did you mean ...", or the names there are. */
static void other_names(const struct step *kind, const char *name, struct buf *out)
{
	struct suggest s = {.word = name};

	for (const struct param *p = kind->params; p && p->name; p++)
		suggest_offer(&s, p->name);
	if (suggest_best(&s)) {
		buf_adds(out, suggest_text(&s, ""));
		return;
	}
	buf_adds(out,
		 kind->params && kind->params->name ? "; its parameters are " : "; it has none, remove this");
	for (const struct param *p = kind->params; p && p->name; p++)
		buf_addf(out, "%s%s", p == kind->params ? "" : ", ", p->name);
	buf_addc(out, '.');
}

static int check_names(const struct schema_run *run, const struct yaml *step, const struct step *kind,
		       const struct json *over, struct err *err)
{
	const struct yaml *with = yaml_get(step, "with");
	struct buf names = {0};
	int failed = 0;

	if (!yaml_is_null(with) && with->kind != YAML_MAP)
		return yaml_err(run->doc, with, err,
				"`with:` must be a map of parameters; write {name: value}.");
	for (const struct yaml *n = with ? with->first : NULL; n && !failed; n = n->next) {
		if (find_param(kind, n->key))
			continue;
		other_names(kind, n->key, &names);
		failed = yaml_err_key(run->doc, n, err, "\"%.60s\" is no parameter of %s%s", n->key,
				      kind->name, buf_text(&names));
	}
	for (const struct json *n = json_first(over); n && !failed; n = json_next(n)) {
		if (find_param(kind, json_key(n)))
			continue;
		other_names(kind, json_key(n), &names);
		failed =
		    err_set(err, ERR_CONFIG, "nightferry.yml: \"steps.%s.%.60s\" is no parameter of %s%s",
			    yaml_str(step, "id", ""), json_key(n), kind->name, buf_text(&names));
	}
	buf_done(&names);
	return failed;
}

int playbook_write_with(const struct schema_run *run, const struct yaml *step, const struct step *kind,
			const struct json *over, struct jw *w, struct err *err)
{
	if (check_names(run, step, kind, over, err))
		return -1;
	jw_obj(w, "with");
	for (const struct param *p = kind->params; p && p->name; p++)
		if (write_param(run, step, kind, p, over, w, err))
			return -1;
	jw_end(w);
	return 0;
}
