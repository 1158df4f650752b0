/* Kamal's configuration in every form: each folder of kamal_config/ is a repository's deploy.yml, perhaps
 * with one destination's file, and what Kamal makes of it: expected.json, or expected.txt with what it says.
 */
#include "core/base/buf.h"
#include "core/night/kamal.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char *here(void)
{
	return getenv("ROOT") ? getenv("ROOT") : ".";
}

/* The file's text without the last newline; NULL when there is none. To be freed. */
static char *read_text(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name), part[4096];
	FILE *f = fopen(path, "re");
	struct buf text = {0};
	size_t n;

	free(path);
	if (!f)
		return NULL;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&text, part, n);
	fclose(f);
	if (text.len && text.data[text.len - 1] == '\n')
		text.data[text.len - 1] = '\0';
	return text.data ? text.data : xstrdup("");
}

/* Of the one file beside deploy.yml, or written down when that file is missing. To be freed. */
static char *find_destination(const char *folder)
{
	char *written = read_text(folder, "destination"), name[100];
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e && !written; e = readdir(dir))
		if (sscanf(e->d_name, "deploy.%99[^.].yml", name) == 1 && strcmp(name, "yml") != 0)
			written = xstrdup(name);
	closedir(dir);
	return written ? written : xstrdup("");
}

static void expect_same(const char *folder, const char *got, const char *want)
{
	if (strcmp(got, want) == 0)
		return;
	fail_msg("%s\n  got  %s\n  want %s", folder, got, want);
}

static void try_folder(const char *folder)
{
	char *destination = find_destination(folder), *json = read_text(folder, "expected.json"),
	     *text = read_text(folder, "expected.txt"), *got;
	const struct kamal_source source = {
	    .folder = folder, .config = "deploy.yml", .destination = destination};
	struct json *out = NULL, *want;
	struct err err = {0};
	enum kamal_read read = kamal_load(&source, &out, &err);

	assert_true((json == NULL) != (text == NULL));
	if (json) {
		expect_same(folder, err.text, "");
		assert_int_equal(read, KAMAL_READ);
		want = json_parse(json, strlen(json), &err);
		expect_same(folder, err.text, "");
		free(json);
		json = json_print(want);
		got = json_print(out);
		expect_same(folder, got, json);
		free(got);
		json_free(want);
	} else {
		assert_null(out);
		assert_int_equal(read, KAMAL_FAILED);
		expect_same(folder, err.text, text);
	}
	json_free(out);
	free(destination);
	free(json);
	free(text);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_folders(void **state)
{
	char *root = xasprintf("%s/tests/unit/kamal_config", here()), *folders[200];
	DIR *dir = opendir(root);
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e && n < 200; e = readdir(dir))
		if (e->d_name[0] != '.')
			folders[n++] = xasprintf("%s/%s", root, e->d_name);
	closedir(dir);
	assert_true(n >= 70);
	qsort(folders, n, sizeof(folders[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		try_folder(folders[i]);
		free(folders[i]);
	}
	free(root);
}

/* ---- files that are made here ---- */

static char folder[] = "/tmp/nightferry-kamal-XXXXXX";

static void write_file(const char *name, const char *text, size_t len)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	free(path);
}

static enum kamal_read load(const char *text, struct json **out, struct err *err)
{
	const struct kamal_source source = {.folder = folder, .config = "deploy.yml", .destination = ""};

	write_file("deploy.yml", text, strlen(text));
	*err = (struct err){0};
	return kamal_load(&source, out, err);
}

#define REST "image: a\nregistry: {username: a, password: [P]}\nbuilder: {arch: amd64}\n"

/* Ruby counts where it decides about the result, and nowhere else. */
static void test_ruby_lines(void **state)
{
	static const struct {
		const char *text;
		int line; /* 0: read without Ruby */
	} rows[] = {
	    {REST "service: a\nservers: [h]\n# a: <%= ENV['A'] %>\n", 0},
	    {REST "service: a\nservers: [h] # <%# note %> <%= 1 %>\n", 0},
	    {REST "service: <%= 'a' %>\nservers: [h]\n", 4},
	    {REST "service: \"a # <%= 1 %>\"\nservers: [h]\n", 4},
	    {REST "service: a\nenv:\n  A: |\n    # <%= 1 %>\nservers: [h]\n", 7},
	    {REST "service: a\n# <% if ENV['X'] %>\nservers: [h]\n# <% end %>\n", 5},
	    {REST "service: a\n# <%= 1 -%>\nservers: [h]\n", 5},
	    {REST "service: a\nservers: [h]\n# <%=\n  1 %>\n", 6},
	    {REST "service: a\nservers: [h]\nenv: {<%= 'A' %>: b}\n", 6},
	    {REST "service: a\n<% 2.times do |i| %>\n- h<%= i %>\n<% end %>\n", 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json *out;
		struct err err;
		enum kamal_read read = load(rows[i].text, &out, &err);
		char want[60];

		snprintf(want, sizeof(want), "deploy.yml:%d: this line holds Ruby", rows[i].line);
		assert_int_equal(read, rows[i].line ? KAMAL_RUBY : KAMAL_READ);
		if (rows[i].line)
			assert_memory_equal(err.text, want, strlen(want));
		json_free(out);
	}
}

/* What is in the file and is nobody's business stays there. */
static void test_no_secrets(void **state)
{
	struct json *out;
	struct err err;
	char *text;

	(void)state;
	assert_int_equal(
	    load("service: a\nimage: a\nregistry: {username: s3cret1, password: s3cret2}\n"
		 "builder: {arch: amd64, args: {TOKEN: s3cret3}}\nservers: [h]\n"
		 "env: {clear: {API_KEY: s3cret4}, secret: [NAME:OTHER]}\n"
		 "ssh: {key_data: [\"-----BEGIN OPENSSH PRIVATE KEY----- s3cret5\"]}\n"
		 "accessories: {db: {image: postgres, host: h, env: {POSTGRES_PASSWORD: s3cret6}}}\n",
		 &out, &err),
	    KAMAL_READ);
	text = json_print(out);
	assert_null(strstr(text, "s3cret"));
	assert_non_null(strstr(text, "\"POSTGRES_PASSWORD\""));
	free(text);
	json_free(out);
	/* Not in the sentence about a wrong value either. */
	assert_int_equal(
	    load("service: a\nimage: a\nregistry: {username: a, password: {a: s3cret}}\nbuilder: {arch: a}\n"
		 "servers: [h]\n",
		 &out, &err),
	    KAMAL_FAILED);
	assert_null(strstr(err.text, "s3cret"));
}

/* Hostile text becomes harmless, hostile files become sentences. */
static void test_hostile(void **state)
{
	static const char *const texts[] = {
	    "",
	    "\n",
	    "a",
	    "[]",
	    "{}",
	    "- a\n",
	    "servers: [h]\n---\nservers: [i]\n",
	    "service: \"\\0\"\n",
	    REST "service: a\nservers: {web: {hosts: [{}]}}\n",
	    REST "service: a\nservers: [[h]]\n",
	    REST "service: a\nservers: {web: [h]}\naccessories: {db: [a]}\n",
	    REST "service: a\nservers: {web: [h]}\naccessories: [db]\n",
	    REST "service: a\nservers: [h]\naccessories: {db: {image: postgres, tags: [[a], {b: c}]}}\n",
	    REST "service: a\nservers: [{h: {a: b}}]\n",
	    REST
	    "service: a\nservers: [h]\nproxy: {hosts: [{a: b}], ssl: {certificate_pem: [a], private_key_pem: "
	    "{}}}\n",
	    REST "service: a\nservers: [h]\nssh: {port: [1]}\n",
	    REST "service: a\nservers: [h]\nenv: {tags: {a: {tags: {b: {}}}}}\n",
	    REST "service: [a]\nservers: [h]\n",
	    REST "service: a\nservers: [h]\naliases: {a: {b: c}}\n",
	    "a: &a [*a]\n",
	    REST "service: a\nservers: [h]\nenv: &e {clear: *e}\n",
	};
	struct json *out;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		enum kamal_read read = load(texts[i], &out, &err);

		assert_true(read == KAMAL_READ ? out != NULL : out == NULL && *err.text);
		for (const char *p = err.text; *p; p++)
			assert_true((unsigned char)*p >= ' ');
		json_free(out);
	}
	assert_int_equal(
	    load("service: a\nimage: a\nregistry: {username: a, password: [P]}\nbuilder: {arch: a}\n"
		 "servers: {web: {hosts: [h], cmd: \"\\e[31mred \\u202e\"}}\n",
		 &out, &err),
	    KAMAL_READ);
	assert_null(strpbrk(json_str(json_path(out, "role.web"), "cmd", ""), "\033"));
	assert_null(strstr(json_str(json_path(out, "role.web"), "cmd", ""), "\xe2\x80\xae"));
	json_free(out);
	write_file("deploy.yml", "service: a\xff\n", 12);
	const struct kamal_source source = {.folder = folder, .config = "deploy.yml", .destination = ""};
	assert_int_equal(kamal_load(&source, &out, &err), KAMAL_FAILED);
}

static int enter(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int leave(void **state)
{
	char *path = xasprintf("%s/deploy.yml", folder);

	(void)state;
	unlink(path);
	free(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_folders),
	    cmocka_unit_test(test_ruby_lines),
	    cmocka_unit_test(test_no_secrets),
	    cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
