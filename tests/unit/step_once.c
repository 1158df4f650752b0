/* One verb of one step, as the engine would have it done, without an engine: for tests that try a step
 * against a world that misbehaves, dozens of times.
 *
 *   step_once CONFIG.json FACTS STEP VERB [PARAMS [CODE...]]
 *
 * FACTS is a file of recorded facts, one JSON object a line; what the step records is added to it. The
 * secrets come from the environment, and so does PLAN, the approved plan as `plan` has printed it. A question
 * is answered by the next CODE; there is nobody when none is left. Prints the lines that the step sent, its
 * end last; exits 0 when that says ok. */
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/job.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct once {
	int fd;
	FILE *facts;
	char **codes; /* NULL-ended */
	bool ok;
};

static void take(struct once *once, const char *line, size_t len)
{
	struct json *m = json_parse(line, len, NULL);
	const char *what = json_str(m, "t", "");
	printf("%.*s\n", (int)len, line);
	if (text_equal(what, "record")) {
		char *fact = json_print(json_get(m, "ev"));
		fprintf(once->facts, "%s\n", fact);
		fflush(once->facts);
		free(fact);
		dprintf(once->fd, "{\"t\":\"ack\",\"n\":%d,\"ok\":true}\n", (int)json_int(m, "n", 0));
	} else if (text_equal(what, "ask") && *once->codes) {
		dprintf(once->fd, "{\"t\":\"answer\",\"n\":%d,\"text\":\"%s\"}\n", (int)json_int(m, "n", 0),
			*once->codes++);
	} else if (text_equal(what, "ask")) {
		dprintf(once->fd, "{\"t\":\"answer\",\"n\":%d,\"refused\":true}\n", (int)json_int(m, "n", 0));
	} else if (text_equal(what, "end")) {
		once->ok = json_bool(m, "ok", false);
	}
	json_free(m);
}

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "re");
	struct buf text = {0};
	char chunk[4096];
	size_t n;
	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&text, chunk, n);
	if (f)
		fclose(f);
	return text.data ? text.data : xstrdup("");
}

static void say_hello(int fd, char **argv, const char *params)
{
	static const char *const names[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", "DIGEST_KEY",
					    "CLOUDFLARE_API_TOKEN"};
	char *config = file_text(argv[1]), *facts = file_text(argv[2]);
	size_t len = strlen(facts);
	for (size_t i = 0; i + 1 < len; i++)
		if (facts[i] == '\n')
			facts[i] = ',';
	dprintf(fd,
		"{\"t\":\"hello\",\"proto\":1,\"role\":\"step\",\"verb\":\"%s\",\"name\":\"%s\",\"step\":\"%"
		"s\",\"params\":%s,"
		"\"plan\":%s,\"facts\":[%.*s],\"config\":%.*s}\n{\"t\":\"secrets\",\"values\":{\"none\":\"\"",
		argv[4], argv[3], argv[3], params, getenv("PLAN") ? getenv("PLAN") : "null",
		(int)(len ? len - 1 : 0), facts, (int)strcspn(config, "\n"), config);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (getenv(names[i]))
			dprintf(fd, ",\"%s\":\"%s\"", names[i], getenv(names[i]));
	dprintf(fd, "}}\n");
	free(config);
	free(facts);
}

static void become_child(int end)
{
	dup2(end, 100);
	dup2(100, 3);
	for (int fd = 4; fd <= 100; fd++)
		close(fd);
	_exit(job_main(0, NULL));
}

int main(int argc, char **argv)
{
	int ends[2];
	struct buf in = {0};
	char chunk[4096];
	if (argc < 5 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0)
		become_child(ends[1]);
	close(ends[1]);
	say_hello(ends[0], argv, argc > 5 ? argv[5] : "{}");
	struct once once = {
	    .fd = ends[0], .facts = fopen(argv[2], "ae"), .codes = argv + (argc > 6 ? 6 : argc)};
	for (ssize_t got; once.facts && (got = read(ends[0], chunk, sizeof chunk)) > 0;) {
		buf_add(&in, chunk, (size_t)got);
		for (char *nl; in.len && (nl = memchr(in.data, '\n', in.len));) {
			size_t len = (size_t)(nl - in.data);
			take(&once, in.data, len);
			buf_cut(&in, len + 1);
		}
	}
	buf_done(&in);
	waitpid(pid, NULL, 0);
	return once.ok ? 0 : 1;
}
