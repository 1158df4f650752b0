/* The checks around Kamal, each in its situations: files in a folder of the test's own, docker's answer given
 * as it would come from the host. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include "core/links/kamal_secrets.h"
#include "core/base/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/nfkXXXXXX";

static void put(const char *name, const char *text)
{
	char path[200];
	text_copyf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void gone(const char *name)
{
	char path[200];
	text_copyf(path, sizeof path, "%s/%s", folder, name);
	unlink(path);
}

static int ask(const char *const *argv, const char *where, int real_ms, struct buf *out, struct err *err)
{
	const struct program program = {
	    .argv = argv, .folder = where, .timeout_real_ms = real_ms, .output_max = 256 * 1024};
	return program_run(&program, out, err);
}

static void run_in(const char *const *argv)
{
	struct buf out = {0};
	struct err err = {0};
	assert_int_equal(ask(argv, folder, 20000, &out, &err), 0);
	buf_done(&out);
}

/* By name and not by the table, which in tests is another one. */
extern const struct check git_version_check;
extern const struct check health_path_check;
extern const struct check host_destinations_check;
extern const struct check host_image_check;
extern const struct check host_restart_check;
extern const struct check host_rollback_check;
extern const struct check kamal_config_check;
extern const struct check kamal_destination_check;
extern const struct check kamal_secrets_check;
extern const struct check kamal_version_check;
extern const struct check proxy_tls_check;
static const struct check *row(const char *name)
{
	static const struct check *const rows[] = {
	    &git_version_check,   &health_path_check,   &host_destinations_check, &host_image_check,
	    &host_restart_check,  &host_rollback_check, &kamal_config_check,      &kamal_destination_check,
	    &kamal_secrets_check, &kamal_version_check, &proxy_tls_check};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_equal(rows[i]->name, name))
			return rows[i];
	fail_msg("there is no check %s", name);
	return NULL;
}

/* `kamal`: more keys of the configuration's part; `seen`: docker's answer, NULL: none was ever asked. */
static void expect(const char *name, const char *kamal, const char *more, const char *seen,
		   enum verdict verdict, const char *words)
{
	char *text = xasprintf("{\"kamal\":{\"service\":\"acme\",\"roles\":[\"web\",\"job\"],\"folder\":\"%"
			       "s\",\"read\":true%s%s}%s%s}",
			       folder, *kamal ? "," : "", kamal, *more ? "," : "", more);
	struct err err = {0};
	struct json *config = json_parse(text, strlen(text), &err);
	struct job *job = job_by_hand(name, config, NULL);
	struct evidence ev = {0};
	assert_non_null(config);
	if (seen)
		job_keep(job, "kamal-look", seen);
	enum verdict got = row(name)->run(job, &ev, &err);
	got = err.kind ? VERDICT_UNKNOWN : got;
	bool said = err.kind && strstr(err.text, words);
	for (size_t i = 0; i < ev.n; i++)
		said = said || (ev.lines[i].verdict == verdict && strstr(ev.lines[i].text, words));
	if (got != verdict || !said)
		fail_msg("%s: wanted %s \"%s\", got %s: %s", name, verdict_name(verdict), words,
			 verdict_name(got),
			 err.kind ? err.text
			 : ev.n   ? ev.lines[ev.n - 1].text
				  : "nothing");
	evidence_done(&ev);
	job_free(job);
	json_free(config);
	free(text);
}

static void test_secret_names(void **state)
{
	struct kamal_secrets s = {0};
	(void)state;
	kamal_secrets_read(
	    &s, "# a comment\nA=zebra\n  export B = 'x # y'  # why\nC=\"$(op read x)\"\nD=$(cat f)\n"
		"E=\nF=''\nG=\"first\nH=no name, inside G\nlast\"\nI: "
		"yes\nJ='it\\'s'\nK=\"$\\(x)\"\n=x\nL\nM=\\$(x)\n"
		"N='a'b'\nA=\"again\"\n.DOT=1\nO='open\nP=1");
	static const struct {
		const char *name;
		enum env_style style;
		bool empty;
	} want[] = {
	    {"A", ENV_DOUBLE, false},  {"B", ENV_SINGLE, false}, {"C", ENV_COMMAND, false},
	    {"D", ENV_COMMAND, false}, {"E", ENV_BARE, true},    {"F", ENV_SINGLE, true},
	    {"G", ENV_DOUBLE, false},  {"I", ENV_BARE, false},   {"J", ENV_SINGLE, false},
	    {"K", ENV_DOUBLE, false},  {"M", ENV_BARE, false},   {"N", ENV_BARE, false},
	    {".DOT", ENV_BARE, false}, {"O", ENV_BARE, false},   {"P", ENV_BARE, false},
	};
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		const struct kamal_secret *found = kamal_secrets_find(&s, want[i].name);
		if (!found || found->style != want[i].style || found->empty != want[i].empty)
			fail_msg("%s: %s, style %d", want[i].name, found ? "found" : "not found",
				 found ? (int)found->style : -1);
	}
	assert_int_equal(s.n, sizeof want / sizeof *want);
	kamal_secrets_done(&s);
	kamal_secrets_read(&s, "A='\n\n\xff\xfe\x01=\"");
	kamal_secrets_done(&s);
}

static void test_secrets(void **state)
{
	(void)state;
	const char *needs = "\"secrets\":[\"DATABASE_URL\",\"RAILS_MASTER_KEY\"]";
	gone(".kamal/secrets");
	expect("kamal-secrets", needs, "", NULL, VERDICT_FAIL,
	       "2 secrets are needed, and there is no .kamal/secrets");
	put(".kamal/secrets", "DATABASE_URL=$(touch executed)\n");
	expect("kamal-secrets", needs, "", NULL, VERDICT_FAIL, "RAILS_MASTER_KEY is named in Kamal's file");
	put(".kamal/secrets-common", "RAILS_MASTER_KEY=\n");
	expect("kamal-secrets", needs, "", NULL, VERDICT_WARN,
	       "RAILS_MASTER_KEY stands in the secrets file with nothing");
	put(".kamal/secrets-common", "RAILS_MASTER_KEY=$(cat config/master.key)\n");
	expect("kamal-secrets", needs, "", NULL, VERDICT_PASS,
	       "2 of 2 secrets stand in .kamal/secrets-common and .kamal/secrets");
	/* With a destination .kamal/secrets is not read. */
	expect("kamal-secrets",
	       "\"destination\":\"production\",\"secrets\":[\"DATABASE_URL\",\"RAILS_MASTER_KEY\"]", "", NULL,
	       VERDICT_FAIL, "DATABASE_URL is named in Kamal's file");
	put(".kamal/secrets.production", "DATABASE_URL='x'");
	expect("kamal-secrets",
	       "\"destination\":\"production\",\"secrets\":[\"DATABASE_URL\",\"RAILS_MASTER_KEY\"]", "", NULL,
	       VERDICT_PASS, "secrets-common and .kamal/secrets.production");
	expect("kamal-secrets", "\"secrets\":[]", "", NULL, VERDICT_PASS, "0 of 0");
	expect("kamal-secrets", "\"secrets_path\":\".kamal\",\"secrets\":[\"A\"]", "", NULL, VERDICT_UNKNOWN,
	       ".kamal cannot be read");
	expect("kamal-secrets", "\"read\":false,\"why\":\"deploy.yml has Ruby in it\"", "", NULL,
	       VERDICT_PASS, "");
	char path[200];
	text_copyf(path, sizeof path, "%s/executed", folder);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_config(void **state)
{
	(void)state;
	put("config/deploy.yml", "service: acme # <%% no %>\nimage: <%# no %> x\n");
	expect("kamal-config", "\"files\":[\"config/deploy.yml\"]", "", NULL, VERDICT_PASS,
	       "config/deploy.yml has no Ruby");
	put("config/deploy.yml", "service: acme\n# host: <%= ENV['HOST'] %>\n\nx: <%= 1 %>\n");
	expect("kamal-config", "\"files\":[\"config/deploy.yml\"]", "", NULL, VERDICT_WARN,
	       "has Ruby in line 2, 4, which Kamal runs");
	expect("kamal-config", "\"ruby\":true,\"files\":[\"config/deploy.yml\"]", "", NULL, VERDICT_PASS,
	       "Kamal itself said");
	expect("kamal-config", "\"files\":[\"config/none.yml\"]", "", NULL, VERDICT_UNKNOWN,
	       "config/none.yml cannot be read");
	expect("kamal-config", "\"files\":[]", "", NULL, VERDICT_PASS, "does not apply");
	expect("kamal-config", "\"used\":true,\"why\":\"it is broken\",\"files\":[]", "", NULL, VERDICT_WARN,
	       "it is broken");
}

static void test_destination(void **state)
{
	(void)state;
	gone("config/deploy.production.yml");
	expect("kamal-destination", "", "", NULL, VERDICT_PASS, "one app and no destination");
	put("config/deploy.production.yml", "");
	put("config/deploy.staging.yml", "");
	expect("kamal-destination", "", "", NULL, VERDICT_WARN, "there are files for production, staging");
	expect("kamal-destination", "\"require_destination\":true", "", NULL, VERDICT_FAIL,
	       "one of production, staging");
	expect("kamal-destination", "\"destination\":\"production\"", "", NULL, VERDICT_WARN,
	       "require_destination: true");
	expect("kamal-destination", "\"destination\":\"production\",\"require_destination\":true", "", NULL,
	       VERDICT_PASS, "Kamal does nothing without -d");
}

#define C(name, role, destination, status, restart, image)                                             \
	"c|" name "|acme|" role "|" destination "|" status "|" restart "|sha256:" image "|acme:" image \
	"|2026-11-20T12:00:00Z|2026-11-21T12:00:00Z\n"
#define WEB C("acme-web-v2", "web", "", "running", "unless-stopped", "a")
#define JOB C("acme-job-v2", "job", "", "running", "unless-stopped", "a")
#define PROXY "p|basecamp/kamal-proxy:v0.9.2|running\n"
#define END "e|\n"

static void test_host(void **state)
{
	(void)state;
	const char *fine = WEB JOB "i|sha256:a\n" PROXY END;
	expect("host-image", "", "", fine, VERDICT_PASS, "the image of web carries service=acme");
	expect("host-image", "", "", WEB JOB "i|sha256:b\n" END, VERDICT_WARN,
	       "lacks the label service=acme");
	expect("host-image", "", "", END, VERDICT_PASS, "so no image is used");
	expect("host-image", "", "", WEB, VERDICT_UNKNOWN, "broke off");
	expect("host-image", "", "", "c|acme-web-v2|acme\n" END, VERDICT_UNKNOWN, "was not understood");

	expect("host-restart", "", "", fine, VERDICT_PASS, "acme-web-v2 comes back after a restart");
	expect("host-restart", "", "", WEB JOB "r|\n" END, VERDICT_WARN,
	       "the host's updates ask for a restart");
	expect("host-restart", "", "", WEB C("acme-job-v2", "job", "", "exited", "always", "a") END,
	       VERDICT_WARN, "acme-job-v2 has the restart policy always");
	expect("host-restart", "", "", C("acme-web-v2", "web", "", "running", "no", "a") END, VERDICT_WARN,
	       "stays down");
	expect("host-restart", "", "",
	       C("acme-job-v2_replaced_0123456789abcdef", "job", "", "running", "unless-stopped", "a") END,
	       VERDICT_WARN, "left over from a boot");

	expect("host-rollback", "", "", fine, VERDICT_WARN, "there is no older container of web");
	expect("host-rollback", "\"retain_containers\":2", "", fine, VERDICT_WARN,
	       "Kamal keeps 2 stopped ones");
	expect("host-rollback", "", "",
	       WEB JOB C("acme-web-v1", "web", "", "exited", "unless-stopped", "b")
		   C("acme-job-v1", "job", "", "exited", "unless-stopped", "b") END,
	       VERDICT_PASS, "job can go back to v1");
	expect("host-rollback", "", "",
	       WEB JOB C("acme-web-v1_replaced_0123456789abcdef", "web", "", "exited", "unless-stopped", "b")
		   C("acme-job-staging-v1", "job", "staging", "exited", "unless-stopped", "b") END,
	       VERDICT_WARN, "no older container of web");

	expect("host-destinations", "", "", fine, VERDICT_PASS, "2 containers of acme, destination \"none\"");
	expect("host-destinations", "\"accessory\":\"db\"", "",
	       WEB C("acme-web-staging-v2", "web", "staging", "running", "no", "a") END, VERDICT_WARN,
	       "acme-db belongs to both");
	expect("host-destinations", "\"destination\":\"production\"", "", fine, VERDICT_FAIL,
	       "for the destination \"none\" only, and nightferry.yml says \"production\"");
	expect("host-destinations", "", "", END, VERDICT_PASS, "0 containers");
}

static void test_version(void **state)
{
	(void)state;
	assert_true(kamal_version_order("2.10.1", "2.9") > 0 && kamal_version_order("v0.9.2", "0.9.2") == 0);
	assert_true(kamal_version_order("2.6", "2.6.1") < 0 && kamal_version_order("", "0.1") < 0);
	assert_true(kamal_version_order("2.7.0.rc1", "2.7.0") == 0 && kamal_version_order("x", "") == 0);
	put("Gemfile.lock", "GEM\n  specs:\n    kamal (2.7.0)\n      thor (~> 1.3)\n");
	expect("kamal-version", "", "", PROXY END, VERDICT_PASS, "Kamal here is 2.7.0");
	expect("kamal-version", "\"minimum_version\":\"2.8\"", "", PROXY END, VERDICT_FAIL,
	       "asks for 2.8 or newer");
	expect("kamal-version", "", "", "p|basecamp/kamal-proxy:v0.8.7|running\n" END, VERDICT_FAIL,
	       "Kamal 2.7.0 needs v0.9.0");
	expect("kamal-version", "", "", "p|localhost:5000/proxy|running\n" END, VERDICT_WARN,
	       "does not say its version");
	expect("kamal-version", "", "", END, VERDICT_WARN, "there is no kamal-proxy");
	put("Gemfile.lock", "    kamal (2.12.0)\n");
	expect("kamal-version", "", "", "p|basecamp/kamal-proxy:v0.9.0|running\n" END, VERDICT_FAIL,
	       "needs v0.9.2");
	put("Gemfile.lock", "    kamal (../x)\n");
	char bin[200], command[300];
	text_copyf(bin, sizeof bin, "%s/kamal", folder);
	put("kamal", "#!/bin/sh\n[ \"$1\" = version ] && echo 2.5.0\n");
	chmod(bin, 0755);
	text_copyf(command, sizeof command, "\"command\":[\"%s\"]", bin);
	expect("kamal-version", command, "", "p|x/kamal-proxy:v0.8.1|running\n" END, VERDICT_PASS,
	       "Kamal here is 2.5.0");
	put("kamal", "#!/bin/sh\necho 'Could not find kamal'; exit 1\n");
	expect("kamal-version", command, "", PROXY END, VERDICT_WARN, "told no version");
	expect("kamal-version", "\"command\":[\"/nowhere/kamal\"]", "", PROXY END, VERDICT_WARN,
	       "is not known: `/nowhere/kamal` could not be started");
}

/* A look must not wait for what never ends, nor keep it. */
static void test_program(void **state)
{
	static const char *const hangs[] = {"sh", "-c", "echo begun; sleep 1000", NULL},
				 *const fails[] = {"sh", "-c", "exit 3", NULL},
				 *const floods[] = {"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x",
						    NULL};
	struct buf out = {0};
	struct err err = {0};
	(void)state;
	assert_int_equal(ask(hangs, NULL, 300, &out, &err), -1);
	assert_non_null(strstr(err.text, "did not end"));
	assert_string_equal(buf_text(&out), "begun\n");
	assert_int_equal(ask(fails, "/", 20000, &out, &err), 3);
	buf_reset(&out);
	assert_int_equal(ask(floods, NULL, 20000, &out, &err), -1);
	assert_non_null(strstr(err.text, "printed more than can be right"));
	assert_true(out.len <= 256 * 1024 + 4096);
	assert_int_equal(ask(fails, "/nowhere", 20000, &out, &err), -1);
	buf_done(&out);
}

static void test_git(void **state)
{
	static const char *const init[] = {"git", "init", "-q", NULL};
	static const char *const commit[] = {
	    "git",           "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q",
	    "--allow-empty", "-m", "x",           NULL};
	static const char *const head[] = {"git", "rev-parse", "HEAD", NULL};
	static const char *const add[] = {"git", "add", "tracked", NULL};
	struct buf sha = {0};
	struct err err = {0};
	(void)state;
	expect("git-version", "", "", WEB END, VERDICT_WARN, "git knows no commit");
	run_in(init);
	expect("git-version", "", "", WEB END, VERDICT_WARN, "git knows no commit");
	run_in(commit);
	assert_int_equal(ask(head, folder, 20000, &sha, &err), 0);
	char *name = xasprintf("%.40s", buf_text(&sha));
	char *same = xasprintf("c|acme-web-%s|acme|web||running|no|i|acme:1|x|x\n" END, name);
	char *dirty = xasprintf(
	    "c|acme-web-%s_uncommitted_0123456789abcdef|acme|web||running|no|i|acme:1|x|x\n" END, name);
	expect("git-version", "", "", same, VERDICT_PASS, "which is what lies here");
	expect("git-version", "", "", WEB END, VERDICT_PASS, "the version v2, which is no commit");
	expect("git-version", "", "", dirty, VERDICT_WARN, "never committed");
	expect("git-version", "", "",
	       "c|acme-web-0123456789012345678901234567890123456789|acme|web||running|no|i|acme:1|x|x\n" END,
	       VERDICT_WARN, "web runs 012345678901, and here lies");
	expect("git-version", "", "", "", VERDICT_UNKNOWN, "broke off");
	put("tracked", "x");
	expect("git-version", "", "", same, VERDICT_PASS, "nothing here is changed");
	run_in(add);
	expect("git-version", "", "", same, VERDICT_WARN, "1 file is changed here");
	free(name);
	free(same);
	free(dirty);
	buf_done(&sha);
}

static void test_paths(void **state)
{
	(void)state;
	expect("health-path", "", "\"smoke\":[{\"get\":\"/up\"}]", NULL, VERDICT_WARN, "ask for /up only");
	expect("health-path", "", "\"smoke\":[{\"get\":\"/up\"},{\"post\":\"/login\"}]", NULL, VERDICT_PASS,
	       "1 of 2");
	expect("health-path", "\"proxy\":{\"healthcheck_path\":\"/health\"}",
	       "\"smoke\":[{\"get\":\"/health\"}]", NULL, VERDICT_WARN, "ask for /health only");
	expect("proxy-tls", "\"proxy\":{\"ssl\":true}", "\"dns\":{\"names\":[\"www.acme.com\"]}", NULL,
	       VERDICT_WARN, "so visit www.acme.com at once");
	expect("proxy-tls", "\"proxy\":{\"ssl\":true,\"certificate\":true}", "", NULL, VERDICT_PASS,
	       "certificate of yours");
	expect("proxy-tls", "\"proxy\":{\"ssl\":false}", "\"web\":{\"scheme\":\"https\"}", NULL, VERDICT_WARN,
	       "somebody in front of it");
	expect("proxy-tls", "\"proxy\":{\"ssl\":false}", "\"web\":{\"scheme\":\"http\"}", NULL, VERDICT_PASS,
	       "speaks http");
	expect("proxy-tls", "\"read\":false,\"used\":false", "", NULL, VERDICT_PASS, "");
}

static int make_folder(void **state)
{
	char path[200];
	(void)state;
	/* Nothing of the person who runs the tests: neither their git's settings nor a repository above. */
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CEILING_DIRECTORIES", "/tmp", 1);
	if (!mkdtemp(folder))
		return -1;
	text_copyf(path, sizeof path, "%s/config", folder);
	mkdir(path, 0700);
	text_copyf(path, sizeof path, "%s/.kamal", folder);
	return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
	const char *const argv[] = {"rm", "-rf", folder, NULL};
	struct buf out = {0};
	(void)state;
	int rc = ask(argv, NULL, 20000, &out, NULL);
	buf_done(&out);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_secret_names), cmocka_unit_test(test_secrets),
	    cmocka_unit_test(test_config),       cmocka_unit_test(test_destination),
	    cmocka_unit_test(test_host),         cmocka_unit_test(test_version),
	    cmocka_unit_test(test_program),      cmocka_unit_test(test_git),
	    cmocka_unit_test(test_paths),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
