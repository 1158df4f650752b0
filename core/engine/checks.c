/* Checks outside a gate: looked at when somebody asks, and how a look is told. */
#include "core/engine/inner.h"

const struct check *check_row(const char *name)
{
	for (size_t i = 0; check_table[i]; i++)
		if (text_equal(check_table[i]->name, name))
			return check_table[i];
	return NULL;
}

void check_tell(struct child *child)
{
	struct jw w;
	jw_event(&w, "check.seen");
	jw_str(&w, "check", child->name);
	jw_str(&w, "verdict", json_str(child->end, "verdict", "UNKNOWN"));
	jw_json(&w, "lines", json_get(child->end, "seen"));
	jw_str(&w, "fix", child_last_word(child, "it ended without a word"));
	jw_str(&w, "bite", json_str(child->end, "bite", ""));
	engine_emit(child->e, &w, NULL);
	jw_event(&w, "check.beat");
	jw_str(&w, "check", child->name);
	engine_emit(child->e, &w, NULL);
}

int check_look(struct engine *e, const char *name, struct err *err)
{
	const struct check *row = check_row(name);
	if (!row)
		return err_set(err, ERR_USAGE, "there is no check \"%s\"", name);
	if (child_find(e, "check", name))
		return 0; /* it is being looked at */
	struct child_spec spec = {.role = "check",
				  .name = row->name,
				  .verb = "run",
				  .step = "",
				  .attempt = "",
				  .secrets = row->secrets,
				  .lock_fd = -1,
				  .ended = check_tell};
	return child_start(e, &spec, err) ? 0 : -1;
}
