/* Where Amazon's own tools look, in their order. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/s3.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 1 << 20 };

static const char *trimmed(char *text)
{
	text += strspn(text, " \t");
	size_t len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	return text;
}

bool s3_profile(const char *text, const char *section, const char *name, char *out, size_t size)
{
	bool inside = false;
	char line[5000];
	*out = '\0';
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "\n");
		text_copyf(line, sizeof line, "%.*s", (int)(len < 4900 ? len : 4900), at);
		const char *words = trimmed(line);
		char *is = strchr(line, '=');
		if (*words == '[') {
			size_t n = strlen(section);
			const char *title = words + 1 + strspn(words + 1, " \t");
			if (text_starts(title, "profile "))
				title += 8;
			inside =
			    strncmp(title, section, n) == 0 && title[n + strspn(title + n, " \t")] == ']';
		} else if (inside && is && *words != '#' && *words != ';') {
			*is = '\0';
			if (text_equal(trimmed(line), name))
				return text_copy(out, size, trimmed(is + 1)) && *out;
		}
		at += len + (at[len] == '\n');
	}
	return false;
}

static void read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "re");
	while (f && out->len < FILE_MOST && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(out, chunk, n);
	explicit_bzero(chunk, sizeof chunk);
	if (f)
		fclose(f);
}

static void aws_file(const char *variable, const char *name, char *out, size_t size)
{
	const char *given = getenv(variable), *home = getenv("HOME");
	if (given && *given)
		text_copy(out, size, given);
	else
		text_copyf(out, size, "%s/.aws/%s", home ? home : "", name);
}

static const char *profile_of(const struct job *job)
{
	const char *given = job_config_str(job, "backup.profile", "");
	const char *usual = getenv("AWS_PROFILE");
	return *given ? given : usual && *usual ? usual : "default";
}

static void find_region(const struct job *job, char *out, size_t size)
{
	static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
	char path[400];
	struct buf text = {0};
	text_copy(out, size, job_config_str(job, "backup.region", ""));
	for (size_t i = 0; i < 2 && !*out; i++)
		text_copy(out, size, getenv(names[i]) ? getenv(names[i]) : "");
	if (!*out) {
		aws_file("AWS_CONFIG_FILE", "config", path, sizeof path);
		read_file(path, &text);
		s3_profile(buf_text(&text), profile_of(job), "region", out, size);
	}
	if (!*out)
		text_copy(out, size, "us-east-1");
	buf_done(&text);
}

bool s3_place_read(const struct job *job, struct s3_place *out)
{
	const char *to = job_config_str(job, "backup.to", "");
	*out = (struct s3_place){.endpoint = ""};
	/* What a rehearsal dumps is no backup, and would be taken for one. */
	if (!text_starts(to, "s3://") || job_rehearsal(job))
		return false;
	to += 5;
	size_t len = strcspn(to, "/");
	text_copyf(out->bucket, sizeof out->bucket, "%.*s", (int)len, to);
	text_copy(out->folder, sizeof out->folder, to + len + (to[len] == '/'));
	len = strlen(out->folder);
	if (len && out->folder[len - 1] == '/')
		out->folder[len - 1] = '\0';
	find_region(job, out->region, sizeof out->region);
	text_copy(out->endpoint, sizeof out->endpoint, job_config_str(job, "backup.endpoint", ""));
	if (!*out->endpoint)
		text_copyf(out->endpoint, sizeof out->endpoint, "https://s3.%s.amazonaws.com", out->region);
	return true;
}

static int from_file(struct job *job, struct s3_login *out, struct err *err)
{
	char path[400];
	struct buf text = {0};
	const char *profile = profile_of(job);
	aws_file("AWS_SHARED_CREDENTIALS_FILE", "credentials", path, sizeof path);
	read_file(path, &text);
	bool found =
	    s3_profile(buf_text(&text), profile, "aws_access_key_id", out->key, sizeof out->key) &&
	    s3_profile(buf_text(&text), profile, "aws_secret_access_key", out->secret, sizeof out->secret);
	s3_profile(buf_text(&text), profile, "aws_session_token", out->token, sizeof out->token);
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_done(&text);
	text_copyf(out->from, sizeof out->from, "profile %.40s of the AWS credentials file", profile);
	return found ? 0
		     : err_set(err, ERR_CONFIG,
			       "there are no keys for the storage: set AWS_ACCESS_KEY_ID and "
			       "AWS_SECRET_ACCESS_KEY, or "
			       "write the profile %.60s into ~/.aws/credentials",
			       profile);
}

int s3_login_find(struct job *job, struct s3_login *out, struct err *err)
{
	const char *key = job_secret(job, "AWS_ACCESS_KEY_ID"),
		   *secret = job_secret(job, "AWS_SECRET_ACCESS_KEY"),
		   *token = job_secret(job, "AWS_SESSION_TOKEN");
	*out = (struct s3_login){.from = "AWS_ACCESS_KEY_ID"};
	if (!key || !secret) {
		if (from_file(job, out, err) < 0)
			return -1;
	} else {
		text_copy(out->key, sizeof out->key, key);
		text_copy(out->secret, sizeof out->secret, secret);
		text_copy(out->token, sizeof out->token, token ? token : "");
	}
	job_learn_secret(job, out->secret);
	if (*out->token)
		job_learn_secret(job, out->token);
	return 0;
}
