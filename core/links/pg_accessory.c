/* Looking into the database's container for its login: see pg_accessory.h. */
#include "core/links/pg_accessory.h"
#include "core/base/text.h"
#include "core/links/docker.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct login {
	char user[64], password[512], database[64];
};

/* One variable of the environment. False for a value that has no room: half a password is none. */
static bool take(struct login *login, const char *variable)
{
	static const char user[] = "POSTGRES_USER=", password[] = "POSTGRES_PASSWORD=",
			  database[] = "POSTGRES_DB=";

	if (text_starts(variable, user))
		return text_copy(login->user, sizeof login->user, variable + sizeof user - 1);
	if (text_starts(variable, password))
		return text_copy(login->password, sizeof login->password, variable + sizeof password - 1);
	if (text_starts(variable, database))
		return text_copy(login->database, sizeof login->database, variable + sizeof database - 1);
	return true;
}

static bool read_lines(struct login *login, const char *text)
{
	bool whole = true;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		struct json *line = json_parse(text, strcspn(text, "\n"), NULL);

		whole = whole && (!json_text(line) || take(login, json_text(line)));
		json_free(line);
	}
	return whole;
}

/* What is no plain letter or digit is written as %XX. */
static void add_part(struct buf *url, const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr("-_.~", *text))
			buf_addc(url, *text);
		else
			buf_addf(url, "%%%02X", (unsigned)(unsigned char)*text);
}

int pg_accessory_read(const char *text, const char *container, char *url, size_t size, char *password,
		      size_t password_size, struct err *err)
{
	struct login login = {0};
	struct buf out = {0};
	bool whole = read_lines(&login, text);

	if (whole && *login.password) {
		/* As the image does it: the superuser is postgres, its database has its name. */
		buf_adds(&out, "postgres://");
		add_part(&out, *login.user ? login.user : "postgres");
		buf_addc(&out, ':');
		add_part(&out, login.password);
		buf_addf(&out, "@%s/", container);
		add_part(&out, *login.database ? login.database : *login.user ? login.user : "postgres");
		whole = text_copy(url, size, out.data) && text_copy(password, password_size, login.password);
		explicit_bzero(out.data, out.len);
	}
	buf_done(&out);
	bool found = *login.password != 0;
	explicit_bzero(&login, sizeof login);
	if (!whole)
		return err_set(err, ERR_WORLD, "the login in the environment of %s is too long to be one",
			       container);
	if (!found)
		return err_set(
		    err, ERR_CONFIG,
		    "the container %s holds no POSTGRES_PASSWORD in its environment; write database: {url: "
		    "\"env:NEW_DATABASE_URL\"} into nightferry.yml and set that variable",
		    container);
	return 0;
}

int pg_accessory_url(struct job *job, char *url, size_t size, struct err *err)
{
	struct docker_names names;
	struct buf out = {0}, quoted = {0};
	char password[512] = "";

	if (docker_names(job, &names, err) < 0 || docker_need_accessory(&names, err) < 0)
		return -1;
	struct ssh *ssh = ssh_open(job, SSH_SILENT, err);
	if (!ssh)
		return -1;
	/* Its answer goes into this process and nowhere else. */
	ssh_hush(ssh, true);
	ssh_quote(&quoted, names.accessory);
	int rc = ssh_run(ssh, &out, err,
			 "docker inspect -f '{{range .Config.Env}}{{json .}}{{\"\\n\"}}{{end}}' %s",
			 buf_text(&quoted));
	buf_done(&quoted);
	if (rc == 0)
		rc = pg_accessory_read(buf_text(&out), names.accessory, url, size, password, sizeof password,
				       err);
	if (rc == 0) {
		job_learn_secret(job, password);
		job_learn_secret(job, url);
	}
	explicit_bzero(password, sizeof password);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_done(&out);
	ssh_close(ssh);
	return rc;
}
