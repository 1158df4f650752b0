/* A copy worker: `nightferry __copy VERB <ORDER`. Started by a step beside the data, and found again by what
 * it writes; see core/copy/order.h. */
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/copy/order.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int copy_run(int argc, char **argv);

const struct cmd copy_cmd = {
    .name = "__copy", .help = "copies beside the data", .run = copy_run, .hidden = true};

enum { ORDER_BYTES = 256 << 10 };

static const struct copy_verb *verb_find(const char *name)
{
	for (size_t i = 0; copy_verbs[i]; i++)
		if (text_equal(copy_verbs[i]->name, name))
			return copy_verbs[i];
	return NULL;
}

/* Addresses with passwords are in here: no core file, and nobody of this login may look into us. */
static void keep_to_oneself(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGPIPE, SIG_IGN);
}

static int read_order(struct buf *text, struct err *err)
{
	char chunk[8192];
	for (;;) {
		ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, ERR_IO, "The order could not be read: %s", strerror(errno));
		if (n == 0)
			break;
		buf_add(text, chunk, (size_t)n);
		if (text->len > ORDER_BYTES)
			return err_set(err, ERR_USAGE, "The order is longer than any order is.");
	}
	explicit_bzero(chunk, sizeof chunk);
	return 0;
}

static int stop_signals(struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : err_set(err, ERR_IO, "Signals cannot be heard: %s", strerror(errno));
}

static void tell_error(const struct err *err)
{
	struct jw w;
	order_line(&w, "error");
	jw_str(&w, "error", err_kind_name(err->kind));
	jw_str(&w, "text", err->text);
	order_tell(&w);
}

static int copy_run(int argc, char **argv)
{
	struct err err = {0};
	struct buf text = {0};
	const struct copy_verb *verb = argc == 2 ? verb_find(argv[1]) : NULL;
	if (!verb) {
		fprintf(stderr, "nightferry: __copy is for nightferry's own steps\n");
		return EXIT_USAGE;
	}
	keep_to_oneself();
	struct copy_order order = {.stop_fd = stop_signals(&err)};
	struct json *json = NULL;
	int rc = order.stop_fd < 0 ? -1 : read_order(&text, &err);
	if (rc == 0) {
		order.json = json = json_parse(text.data, text.len, &err);
		rc = json ? verb->run(&order, &err) : -1;
	}
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_done(&text);
	json_free(json);
	if (rc < 0)
		tell_error(&err);
	return rc < 0 ? EXIT_FAILED : EXIT_DONE;
}
