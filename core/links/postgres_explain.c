/* What PostgreSQL's codes and libpq's complaints mean for the person at the keyboard. */
#include "core/base/text.h"
#include "core/links/postgres.h"
#include <string.h>

struct meaning {
	const char *code; /* an SQLSTATE, or the first two of it for its class */
	enum err_kind kind;
	const char *text; /* after "The NEW database x on y " */
};

static const struct meaning meanings[] = {
    {"28P01", ERR_AUTH,
     "does not accept the password; nothing was changed. Passwords of Heroku change when credentials are "
     "rotated: take "
     "the URL afresh, and for the new side look at the variable that database.url names."},
    {"28000", ERR_AUTH,
     "does not let this login in from here (pg_hba.conf, or a role that does not exist); nothing was "
     "changed. Check user, "
     "database and sslmode of its URL."},
    {"28", ERR_AUTH, "does not let this login in; nothing was changed. Check user and password of its URL."},
    {"3D000", ERR_REFUSED, "does not exist on that server; check the name at the end of the URL."},
    {"53300", ERR_REFUSED,
     "has no connection left for us (too many clients); nothing was changed. Stop an app or a console that "
     "holds "
     "connections, then try again."},
    {"53", ERR_REFUSED,
     "has run out of a resource (disk or memory); make room on its server, then try again."},
    {"57P03", ERR_NET, "is starting up or shutting down; wait until it is up, then try again."},
    {"57P", ERR_NET,
     "ended our session (server stopped or restarted, or an administrator did); look whether it is up, then "
     "try again."},
    {"57014", ERR_CANCELLED,
     "stopped our statement: it took longer than its limit, or somebody cancelled it; try again."},
    {"55P03", ERR_REFUSED,
     "has a table locked by somebody else for too long; end that session (pg_stat_activity), then try "
     "again."},
    {"42501", ERR_REFUSED,
     "does not allow this to our role; log in as the owner of the database, or let an administrator grant "
     "it."},
    {"25006", ERR_REFUSED,
     "takes no writes: it is read-only (a follower, or set so). Use the URL of the primary."},
    {"55006", ERR_REFUSED,
     "is in use by other sessions; end them (stop the app, close consoles), then try again."},
    {"0A000", ERR_REFUSED, "cannot do this in its version."},
    {"58P01", ERR_REFUSED,
     "misses a file on its server: the package of an extension is not installed there."},
    {"08001", ERR_NET, "cannot be reached through the SSH connection to its host; nothing was changed."},
    {"08", ERR_NET, "lost the connection; look whether the server and the network are up, then try again."},
};

/* libpq's own complaints carry no code. */
struct complaint {
	const char *words, *code;
	enum err_kind kind;
	const char *text;
};
static const struct complaint complaints[] = {
    {"could not translate host name", "", ERR_NET,
     "cannot be found: its host name does not resolve. Check the host in its URL and this machine's DNS."},
    {"Connection refused", "", ERR_NET,
     "refuses connections: nothing listens on that port. Look whether the server is up and the port is "
     "right."},
    {"No route to host", "", ERR_NET,
     "cannot be reached: no route to its host. Check network, VPN and firewall."},
    {"timeout expired", "", ERR_NET, "did not answer in 10 s. Check its address and the firewall between."},
    {"does not support SSL", "", ERR_NET,
     "offers no TLS although the URL demands it. Turn on ssl on the server, or reach it over SSH."},
    {"certificate verify failed", "", ERR_AUTH,
     "shows a certificate that its URL's sslmode does not trust. Check sslrootcert, or the host name."},
    {"root certificate file", "", ERR_CONFIG,
     "needs a root certificate file for its sslmode that is not there. Set sslrootcert in its URL."},
    {"server closed the connection", "", ERR_NET,
     "closed the connection: the server stopped, or something between cut it. What it was doing is not "
     "proved; look, then try again."},
    {"SSL connection has been closed", "", ERR_NET,
     "closed the TLS connection: the server stopped, or something between cut it. What it was doing is not "
     "proved; look, then try again."},
    {"Connection reset", "", ERR_NET,
     "cut the connection. What it was doing is not proved; look, then try again."},
    {"Connection timed out", "", ERR_NET,
     "does not answer any more: the network between is down. What it was doing is not proved; look, then try "
     "again."},
    {"no password supplied", "", ERR_AUTH, "asks for a password and its URL has none."},
};

static const struct meaning *meaning_of(const char *code)
{
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
		if (*code && !strncmp(code, meanings[i].code, strlen(meanings[i].code)))
			return &meanings[i];
	}
	return NULL;
}

/* One line of the server's words, cleaned, without the severity libpq puts before it. */
static void first_line(char *out, size_t size, const char *said)
{
	size_t len = strcspn(said, "\n");
	text_clean(out, size, said, len);
	size_t n = strlen(out);
	while (n && (out[n - 1] == '.' || out[n - 1] == ' '))
		out[--n] = 0;
}

int pg_explain(struct err *err, const char *name, const char *sqlstate, const char *said)
{
	char line[400];
	first_line(line, sizeof line, said ? said : "");
	const struct meaning *meaning = meaning_of(sqlstate ? sqlstate : "");
	if (meaning && !strncmp(meaning->code, "28", 2))
		return err_set(err, meaning->kind, "The %s %s", name,
			       meaning->text); /* its words name the role */
	if (meaning)
		return err_set(err, meaning->kind, "The %s %s (It said: %s.)", name, meaning->text, line);
	if (sqlstate && *sqlstate)
		return err_set(err, ERR_REFUSED, "The %s refused a statement: %s (%s).", name, line,
			       sqlstate);
	for (size_t i = 0; i < sizeof complaints / sizeof complaints[0]; i++) {
		if (said && text_find(said, complaints[i].words))
			return err_set(err, complaints[i].kind, "The %s %s", name, complaints[i].text);
	}
	return err_set(err, ERR_NET, "The %s cannot be reached: %s.", name, *line ? line : "no reason given");
}
