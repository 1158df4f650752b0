#include "core/night/rehearsal.h"
#include "core/base/text.h"
#include <string.h>

enum { NAME_BYTES_MAX = 63 }; /* PostgreSQL cuts longer ones */

/* "acme_rehearsal_20261121_0104": the app in front, so that it is found beside its target in any list. */
static void database_name(const char *app, const char *night, char out[NAME_BYTES_MAX + 1])
{
	char when[24];
	size_t n = 0, room = NAME_BYTES_MAX - strlen(REHEARSAL_MARK);

	for (const char *c = night; *c && n + 1 < sizeof when && !text_starts(c, REHEARSAL_FOLDER); c++)
		if (*c >= '0' && *c <= '9')
			when[n++] = *c;
		else if (*c == 'T')
			when[n++] = '_';
	when[n] = '\0';
	room -= n;
	n = 0;
	for (; app[n] && n < room; n++) {
		char c = app[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';

		out[n] = plain ? c : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : '_';
	}
	text_copyf(out + n, NAME_BYTES_MAX + 1 - n, "%s%s", REHEARSAL_MARK, when);
}

static void copy_but(struct jw *w, const struct json *object, const char *first, const char *second)
{
	for (const struct json *x = json_first(object); x; x = json_next(x))
		if (!text_equal(json_key(x), first) && !text_equal(json_key(x), second))
			jw_json(w, json_key(x), x);
}

static struct json *parse_done(struct jw *w)
{
	const char *text = jw_finish(w);
	struct json *out = json_parse(text, strlen(text), NULL);

	jw_done(w);
	return out;
}

struct json *rehearsal_config(const struct json *config, const char *night)
{
	char name[NAME_BYTES_MAX + 1];
	struct jw w = {0};

	database_name(json_str(config, "app", ""), night, name);
	jw_open(&w);
	copy_but(&w, config, "rehearsal", NULL);
	jw_obj(&w, "rehearsal");
	jw_str(&w, "database", name);
	jw_end(&w);
	return parse_done(&w);
}

/* ---- its playbook ---- */

static void add_step(struct jw *w, const char *id, const char *kind, const char *title, const char *gate,
		     const char *say)
{
	jw_obj(w, NULL);
	jw_str(w, "id", id);
	jw_str(w, "do", kind);
	jw_str(w, "title", title);
	jw_obj(w, "with");
	jw_end(w);
	jw_str(w, "gate", gate);
	jw_int(w, "budget_ms", 60000);
	jw_int(w, "estimate_ms", -1);
	jw_str(w, "say", say);
	jw_end(w);
}

static void add_drop(struct jw *w)
{
	add_step(w, "rehearsal-drop", "rehearsal-drop", "Drop the rehearsal's database", "yes",
		 "The rehearsal is over; its database and its dump are being removed.");
}

/* What a night gives back whichever way it ends. */
static void add_unlocks(struct jw *w, const struct json *steps)
{
	for (const struct json *x = json_first(steps); x; x = json_next(x))
		if (text_equal(json_str(x, "do", ""), "kamal-unlock"))
			jw_json(w, NULL, x);
}

struct json *rehearsal_playbook(const struct json *playbook)
{
	struct jw w = {0};

	jw_open(&w);
	copy_but(&w, playbook, "phases", "rollback");
	jw_arr(&w, "phases");
	jw_obj(&w, NULL);
	jw_str(&w, "name", "rehearsal");
	jw_arr(&w, "steps");
	add_step(&w, "rehearsal-create", "rehearsal-create", "Make a database to rehearse in", "yes",
		 "We are rehearsing. Nobody notices, and nothing of tonight counts.");
	jw_end(&w);
	jw_end(&w);
	for (const struct json *x = json_first(json_get(playbook, "phases")); x; x = json_next(x))
		jw_json(&w, NULL, x);
	jw_obj(&w, NULL);
	jw_str(&w, "name", "clear away");
	jw_arr(&w, "steps");
	add_drop(&w);
	jw_end(&w);
	jw_end(&w);
	jw_end(&w);
	jw_arr(&w, "rollback");
	add_unlocks(&w, json_get(playbook, "rollback"));
	/* Its id is the playbook's own only once. */
	add_step(&w, "back-rehearsal-drop", "rehearsal-drop", "Drop the rehearsal's database", "yes",
		 "The rehearsal is given up; its database and its dump are being removed.");
	jw_end(&w);
	return parse_done(&w);
}

const char *rehearsal_omits(const struct step *row)
{
	switch (row ? row->rehearse : REHEARSE_UNSAID) {
	case REHEARSE_SAME:
	case REHEARSE_THROWAWAY: return NULL;
	case REHEARSE_SKIP:
		return "left out in a rehearsal: it acts on the running app, its traffic or people, or asks "
		       "an app "
		       "that stands on the copy";
	default: return "left out in a rehearsal: this kind of step does not say what it may do in one";
	}
}
