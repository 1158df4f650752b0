/* A shell of the driver's own: the seat gives its screen away and gets it back. What is done in it goes past
 * every gate, so it is on every screen and in the journal, and no secret of ours goes into it: the new
 * database is reached inside its container, the old one by the person's own Heroku CLI. */
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "tui/cockpit.h"
#include <stdlib.h>
#include <string.h>

enum { WORDS = 20 };

struct shell {
	char *argv[WORDS + 1];
	int n;
	struct buf texts[5]; /* what argv points into */
	const char *side;
	char banner[300];
};

static void word(struct shell *s, const char *text)
{
	if (s->n < WORDS)
		s->argv[s->n++] = (char *)(uintptr_t)text;
	s->argv[s->n] = NULL;
}

/* ssh -t to the new host with the night's own port, key and known hosts. */
static void say_ssh(struct shell *s, const struct json *host)
{
	const char *key = json_str(host, "key", ""), *known = json_str(host, "known_hosts", ""),
		   *user = json_str(host, "user", ""), *jump = json_str(host, "proxy_jump", ""),
		   *proxy = json_str(host, "proxy_command", "");

	buf_addf(&s->texts[0], "%lld", (long long)json_int(host, "port", 0));
	buf_addf(&s->texts[1], "%s%s%s", user, *user ? "@" : "", json_str(host, "address", ""));
	buf_addf(&s->texts[2], "UserKnownHostsFile=%s", known);
	word(s, "ssh");
	word(s, "-t");
	if (json_int(host, "port", 0) > 0) {
		word(s, "-p");
		word(s, buf_text(&s->texts[0]));
	}
	if (*key) {
		word(s, "-i");
		word(s, key);
	}
	if (*known) {
		word(s, "-o");
		word(s, buf_text(&s->texts[2]));
	}
	/* Behind a jump host the same address may be another machine here. */
	if (*jump) {
		word(s, "-J");
		word(s, jump);
	} else if (*proxy) {
		buf_addf(&s->texts[4], "ProxyCommand=%s", proxy);
		word(s, "-o");
		word(s, buf_text(&s->texts[4]));
	}
	word(s, "--");
	word(s, buf_text(&s->texts[1]));
}

/* The container that Postgres runs in; "" when the night knows none. */
static const char *db_container(const struct json *config)
{
	const char *own = json_str(json_get(config, "database"), "container", ""),
		   *accessory = json_str(json_get(config, "kamal"), "accessory", "");

	if (*own)
		return own;
	for (const struct json *x = json_first(json_path(config, "kamal.accessories")); x; x = json_next(x))
		if (*accessory && text_equal(json_str(x, "name", ""), accessory))
			return json_str(x, "service", "");
	return "";
}

/* Inside the container nobody is asked for a password, and it knows its own user and database. */
static bool say_psql(struct shell *s, const struct json *config)
{
	const char *container = db_container(config);

	if (!*container || strpbrk(container, "'\\ "))
		return false;
	say_ssh(s, json_get(config, "host"));
	buf_addf(&s->texts[3],
		 "docker exec -it '%s' sh -c 'exec psql -U \"${POSTGRES_USER:-postgres}\" -d "
		 "\"${POSTGRES_DB:-${POSTGRES_USER:-postgres}}\"'",
		 container);
	word(s, buf_text(&s->texts[3]));
	text_copyf(
	    s->banner, sizeof(s->banner),
	    "--- NEW database in %s: psql of yours, past every gate; \\q comes back to the cockpit ---",
	    container);
	return true;
}

static void say_host(struct shell *s, const struct json *config)
{
	say_ssh(s, json_get(config, "host"));
	text_copyf(s->banner, sizeof(s->banner),
		   "--- NEW %s: a shell of yours, past every gate; exit comes back to the cockpit ---",
		   buf_text(&s->texts[1]));
}

/* Read-only from its first statement: who wants to write there has to say so in psql, with open eyes. */
static void say_old(struct shell *s, const struct json *config)
{
	const char *app = json_str(json_get(config, "heroku"), "app", "");

	s->side = "OLD";
	word(s, "env");
	word(s, "PGOPTIONS=-c default_transaction_read_only=on");
	word(s, "heroku");
	word(s, "pg:psql");
	word(s, "--app");
	word(s, app);
	text_copyf(
	    s->banner, sizeof(s->banner),
	    "--- OLD database of %s: psql by your Heroku CLI, read-only; \\q comes back to the cockpit ---",
	    app);
}

/* On every screen and in the journal. */
static void shell_said(struct cockpit *c, bool open, const char *side)
{
	struct jw w;

	link_command(&w, "shell");
	jw_bool(&w, "open", open);
	jw_str(&w, "side", side);
	link_send(c, &w);
}

static const char *why_not(const struct cockpit *c)
{
	if (c->replay)
		return "a recorded night has no shell";
	if (!c->me.driver)
		return "only the driver's seat opens a shell; D asks for the wheel";
	if (!c->me.connected)
		return "no engine is there to write down that you are in a shell; nothing was opened";
	return NULL;
}

static void lend(struct cockpit *c, struct shell *s)
{
	shell_said(c, true, s->side);
	int status = terminal_lend(c->terminal, s->argv, s->banner);
	if (status == 127)
		seat_toast(c, ROLE_BAD, "%s could not be started: %s",
			   text_equal(s->side, "OLD") ? "the Heroku CLI" : "ssh",
			   text_equal(s->side, "OLD") ? "the program heroku is not installed here"
						      : "install openssh-client");
	shell_said(c, false, s->side);
}

void shell_open(struct cockpit *c, const char *where)
{
	struct json *config =
	    c->state->config ? json_parse(c->state->config, strlen(c->state->config), NULL) : NULL;
	bool host = *json_str(json_get(config, "host"), "address", "") != '\0', ready = false;
	struct shell s = {.side = "NEW"};

	if (why_not(c))
		seat_toast(c, ROLE_WARN, "%s", why_not(c));
	else if (text_equal(where, "old"))
		say_old(&s, config), ready = true;
	else if (*where && !text_equal(where, "psql") && !text_equal(where, "host"))
		seat_toast(c, ROLE_WARN,
			   "a shell is `:shell` on the new host, `:shell psql` on NEW's database or "
			   "`:shell old` on OLD's");
	else if (!host)
		seat_toast(c, ROLE_WARN, "the night's config names no host, so there is none to log in to");
	else if (!text_equal(where, "psql"))
		say_host(&s, config), ready = true;
	else if (!(ready = say_psql(&s, config)))
		seat_toast(c, ROLE_WARN,
			   "the new database runs in no container that the config names; psql to it is "
			   "yours to open");
	if (ready)
		lend(c, &s);
	for (size_t i = 0; i < sizeof(s.texts) / sizeof(s.texts[0]); i++)
		buf_done(&s.texts[i]);
	json_free(config);
}
