/* Finding a login: see aws_login.h. */
#include "core/links/aws_login.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/base/program.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, PROCESS_MS = 60000, WORDS_MAX = 32 };

/* "key = value" with blanks around both; a line that begins with a blank belongs to the one before. */
static bool line_value(const char *line, size_t len, const char *key, char *out, size_t size)
{
	size_t want = strlen(key), at = want;
	if (len < want || strncasecmp(line, key, want) != 0)
		return false;
	while (at < len && isblank((unsigned char)line[at]))
		at++;
	if (at == len || line[at] != '=')
		return false;
	for (at++; at < len && isblank((unsigned char)line[at]);)
		at++;
	while (len > at && isspace((unsigned char)line[len - 1]))
		len--;
	text_copyf(out, size, "%.*s", (int)(len - at), line + at);
	return true;
}

/* "[default]", "[ profile acme ]" */
static bool line_opens(const char *line, size_t len, const char *section)
{
	char name[200];
	const char *close = memchr(line, ']', len);
	if (!close)
		return false;
	size_t from = 1, to = (size_t)(close - line);
	while (from < to && isblank((unsigned char)line[from]))
		from++;
	while (to > from && isblank((unsigned char)line[to - 1]))
		to--;
	text_copyf(name, sizeof name, "%.*s", (int)(to - from), line + from);
	return text_equal(name, section);
}

bool aws_ini_find(const char *text, const char *section, const char *key, char *out, size_t size)
{
	bool here = false, found = false;
	*out = '\0';
	for (const char *line = text; line && *line;) {
		size_t len = strcspn(line, "\n");
		if (*line == '[') {
			here = line_opens(line, len, section);
			found = found || here;
		} else if (here && line_value(line, len, key, out, size)) {
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return found;
}

/* An unreadable file is none. To be freed. */
static char *read_file(const char *variable, const char *below_home)
{
	const char *path = getenv(variable), *home = getenv("HOME");
	char *own = path && *path ? xstrdup(path) : xasprintf("%s/%s", home ? home : "", below_home);
	FILE *file = fopen(own, "re");
	char *text = NULL;
	free(own);
	if (!file)
		return NULL;
	text = xcalloc(1, FILE_MAX + 1);
	size_t got = fread(text, 1, FILE_MAX, file);
	text[got] = '\0';
	fclose(file);
	return text;
}

static void file_done(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static int learn(struct job *job, struct aws_login *login)
{
	job_learn_secret(job, login->key);
	if (login->token)
		job_learn_secret(job, login->token);
	return 0;
}

/* 1 found, 0 not there. */
static int from_section(const char *text, const char *section, struct aws_login *out)
{
	char token[4096];
	if (!text || !aws_ini_find(text, section, "aws_access_key_id", out->key_id, sizeof out->key_id) ||
	    !*out->key_id ||
	    !aws_ini_find(text, section, "aws_secret_access_key", out->key, sizeof out->key) || !*out->key)
		return 0;
	if (aws_ini_find(text, section, "aws_session_token", token, sizeof token) && *token)
		out->token = xstrdup(token);
	explicit_bzero(token, sizeof token);
	return 1;
}

/* What `credential_process` and `aws configure export-credentials` both say. */
static int from_json(const struct buf *said, const char *who, struct aws_login *out, struct err *err)
{
	struct json *answer = json_parse(buf_text(said), said->len, NULL);
	text_copy(out->key_id, sizeof out->key_id, json_str(answer, "AccessKeyId", ""));
	text_copy(out->key, sizeof out->key, json_str(answer, "SecretAccessKey", ""));
	if (*json_str(answer, "SessionToken", ""))
		out->token = xstrdup(json_str(answer, "SessionToken", ""));
	json_free(answer);
	if (*out->key_id && *out->key)
		return 0;
	return err_set(err, ERR_AUTH, "route53: %s gave no credentials; run it by hand to see why", who);
}

static int from_program(const char *const *argv, const char *who, struct aws_login *out, struct err *err)
{
	struct buf said = {0};
	struct program program = {.argv = argv, .timeout_real_ms = PROCESS_MS, .output_max = 64 * 1024};
	int status = program_run(&program, &said, err);
	int rc = -1;
	if (status == 0)
		rc = from_json(&said, who, out, err);
	else if (status > 0)
		err_set(err, ERR_AUTH,
			"route53: %s ended with %d, so there are no credentials; run it by hand to see why",
			who, status);
	if (said.data)
		explicit_bzero(said.data, said.len);
	buf_done(&said);
	return rc;
}

/* Words between blanks; "double quotes" hold one together. No shell, as Amazon's own tools have none. */
static int from_process(char *line, struct aws_login *out, struct err *err)
{
	const char *argv[WORDS_MAX + 1] = {NULL};
	size_t n = 0;
	for (char *at = line; *at && n < WORDS_MAX;) {
		at += strspn(at, " \t");
		bool quoted = *at == '"';
		at += quoted;
		char *end = at + strcspn(at, quoted ? "\"" : " \t");
		if (end > at || quoted)
			argv[n++] = at;
		at = *end ? end + 1 : end;
		*end = '\0';
	}
	if (!n)
		return err_set(err, ERR_CONFIG, "route53: credential_process in the AWS config is empty");
	return from_program(argv, "the credential_process of the AWS config", out, err);
}

static int from_files(const char *profile, struct aws_login *out, struct err *err)
{
	char section[160], process[1024] = "";
	char *credentials = read_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
	     *config = read_file("AWS_CONFIG_FILE", ".aws/config");
	text_copyf(section, sizeof section, "%s%s", text_equal(profile, "default") ? "" : "profile ",
		   profile);
	text_copyf(out->from, sizeof out->from, "the profile %s", profile);
	bool known = (credentials && aws_ini_find(credentials, profile, "", process, sizeof process)) ||
		     (config && aws_ini_find(config, section, "", process, sizeof process));
	int rc = -1;
	if (from_section(credentials, profile, out) || from_section(config, section, out))
		rc = 0;
	else if (config && aws_ini_find(config, section, "credential_process", process, sizeof process) &&
		 *process)
		rc = from_process(process, out, err);
	else if (known)
		rc = from_program((const char *const[]){"aws", "configure", "export-credentials", "--format",
							"process", "--profile", profile, NULL},
				  "`aws configure export-credentials`", out, err);
	else
		err_set(err, ERR_AUTH,
			"route53: there are no credentials: neither AWS_ACCESS_KEY_ID and "
			"AWS_SECRET_ACCESS_KEY in the environment nor the profile %s in ~/.aws; log in as "
			"for the aws program, then start nightferry again",
			profile);
	file_done(credentials);
	file_done(config);
	return rc;
}

int aws_login_find(struct job *job, struct aws_login *out, struct err *err)
{
	const char *key_id = job_secret(job, "AWS_ACCESS_KEY_ID"),
		   *key = job_secret(job, "AWS_SECRET_ACCESS_KEY"),
		   *token = job_secret(job, "AWS_SESSION_TOKEN"), *profile = getenv("AWS_PROFILE");
	*out = (struct aws_login){0};
	if (!profile || !*profile)
		profile = getenv("AWS_DEFAULT_PROFILE");
	if (!profile || !*profile)
		profile = "default";
	if (key_id && key) {
		text_copy(out->key_id, sizeof out->key_id, key_id);
		text_copy(out->key, sizeof out->key, key);
		out->token = token ? xstrdup(token) : NULL;
		text_copy(out->from, sizeof out->from, "the environment");
		return 0;
	}
	if (from_files(profile, out, err) == 0)
		return learn(job, out);
	aws_login_done(out);
	return -1;
}

void aws_login_done(struct aws_login *login)
{
	if (login->token)
		explicit_bzero(login->token, strlen(login->token));
	free(login->token);
	explicit_bzero(login, sizeof *login);
}
