/* What a child is told when it starts: the night so far on its job line, its secrets, and an environment
 * without any. */
#include "core/engine/inner.h"

/* The standing ones: what people let pass is judged by who looks at it. */
static void hello_waivers(const struct engine *e, struct jw *w)
{
	const struct watching_state *watching = &e->state->watching;
	jw_arr(w, "waivers");
	for (size_t i = 0; i < watching->n_waivers; i++) {
		const struct waiver_seen *x = &watching->waivers[i];
		if (waiver_get(e->state, x->about) != x)
			continue;
		jw_obj(w, NULL);
		jw_str(w, "about", x->about);
		jw_str(w, "by", x->by);
		jw_str(w, "reason", x->reason);
		jw_str(w, "fact", x->fact);
		jw_end(w);
	}
	jw_end(w);
}

void child_hello(struct child *c, const struct child_spec *spec)
{
	struct engine *e = c->e;
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "hello");
	jw_int(&w, "proto", JOB_PROTO);
	jw_str(&w, "role", spec->role);
	jw_str(&w, "name", spec->name);
	jw_str(&w, "verb", spec->verb);
	jw_str(&w, "step", spec->step);
	jw_str(&w, "attempt", spec->attempt);
	jw_str(&w, "spool", spec->spool ? spec->spool : "");
	jw_str(&w, "dir", e->dir);
	jw_bool(&w, "locked", spec->lock_fd >= 0);
	jw_json(&w, "config", e->config);
	/* Where the lines lend: a path that is there as soon as the line is. */
	jw_obj(&w, "lines");
	for (size_t i = 0; line_table[i] && *json_str(json_get(e->config, "host"), "address", ""); i++)
		jw_strf(&w, line_table[i]->name, "%s/%s", e->dir, i ? line_table[i]->name : "ctl");
	jw_end(&w);
	jw_str(&w, "night", json_str(e->opened, "night", ""));
	jw_str(&w, "head", journal_head(e->journal));
	if (spec->params)
		jw_json(&w, "params", spec->params);
	if (spec->plan_text)
		jw_raw(&w, "plan", spec->plan_text, strlen(spec->plan_text));
	jw_arr(&w, "facts");
	for (size_t i = 0; i < e->state->facts.n; i++) {
		const struct fact_seen *f = &e->state->facts.facts[i];
		jw_obj(&w, NULL);
		jw_str(&w, "name", f->name);
		jw_str(&w, "key", f->key);
		jw_str(&w, "attempt", f->attempt);
		jw_raw(&w, "data", f->data ? f->data : "null", f->data ? strlen(f->data) : 4);
		jw_end(&w);
	}
	jw_end(&w);
	hello_waivers(e, &w);
	jw_finish(&w);
	child_send(c, w.buf.data);
	jw_done(&w);

	jw_open(&w);
	jw_str(&w, "t", "secrets");
	jw_obj(&w, "values");
	for (size_t i = 0; spec->secrets && spec->secrets[i]; i++)
		jw_str(&w, spec->secrets[i], secrets_get(e, spec->secrets[i]));
	jw_finish(&w);
	child_send(c, w.buf.data);
	jw_done(&w);
}

static bool holds_secret(const struct engine *e, const char *variable)
{
	for (size_t i = 0; i < e->n_secrets; i++)
		if (strstr(variable, e->secrets[i]))
			return true;
	return false;
}

/* Children get no secrets by environment: only those that name them, by fd 3. */
char **child_environment(const struct engine *e)
{
	extern char **environ;
	size_t n = 0, kept = 0;
	while (environ[n])
		n++;
	char **env = xcalloc(n + 1, sizeof *env);
	for (size_t i = 0; i < n; i++)
		if (!strstr(environ[i], "_API_KEY=") && !strstr(environ[i], "_TOKEN=") &&
		    !strstr(environ[i], "DATABASE_URL=") && !text_starts(environ[i], "PGPASSWORD=") &&
		    !holds_secret(e, environ[i]))
			env[kept++] = environ[i];
	return env;
}
