/* The drill's hands in the world (demo/fault, and a judge of both databases), and its eyes on the night's
 * files. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/drill.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAULT_SCRIPT NIGHTFERRY_SOURCE "/demo/fault"
#define JUDGE_SCRIPT NIGHTFERRY_SOURCE "/demo/postgres/equal"

enum { MEND_ALL_MS = 30000, STEP_MS = 20 };

void drill_world_init(struct drill_world *world, const char *demo)
{
	memset(world, 0, sizeof *world);
	text_copy(world->world, sizeof world->world, demo);
}

/* Its standard output comes by *fd, which never blocks; what it says on standard error is the reason of a
 * refusal and comes the same way. */
static int spawn(const char *const *argv, int *fd)
{
	int out[2];
	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);
		dup2(null, 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	*fd = out[0];
	if (pid < 0)
		close(out[0]);
	return pid < 0 ? -1 : (int)pid;
}

static void listen_to(int fd, struct buf *said)
{
	char chunk[4096];
	ssize_t n;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		buf_add(said, chunk, (size_t)n);
}

/* -1: it still runs; else its exit status. */
static int ended(int *pid, int *fd, struct buf *said)
{
	int status = 0;
	listen_to(*fd, said);
	if (waitpid(*pid, &status, WNOHANG) == 0)
		return -1;
	listen_to(*fd, said);
	close(*fd);
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* ---- demo/fault ---- */

static int start(void *ctx, size_t i, const struct drill_one *one, const char *verb)
{
	struct drill_world *w = ctx;
	const char *argv[] = {FAULT_SCRIPT, w->world, *w->dir ? w->dir : "-", one->fault->name, verb,
			      one->step,    NULL};
	buf_reset(&w->calls[i].said);
	int pid = spawn(argv, &w->calls[i].fd);
	w->calls[i].pid = pid < 0 ? 0 : pid;
	return pid < 0 ? -1 : 0;
}

/* "at MS" is when it was done; a refusal ends in a sentence. */
static enum drill_hand look(void *ctx, size_t i, int64_t *at_ms, char *said, size_t size)
{
	struct drill_world *w = ctx;
	struct buf *text = &w->calls[i].said;
	int status = w->calls[i].pid ? ended(&w->calls[i].pid, &w->calls[i].fd, text) : 128;
	if (status < 0)
		return DRILL_BUSY;
	while (text->len && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	const char *last = strrchr(buf_text(text), '\n');
	last = last ? last + 1 : buf_text(text);
	*at_ms = text_starts(last, "at ") ? units_parse_int(last + 3, clock_wall_ms()) : clock_wall_ms();
	if (status == 0)
		return DRILL_OK;
	text_clean(said, size, last, strlen(last));
	if (!*said)
		text_copyf(said, size, "demo/fault ended with %d and no word", status);
	return DRILL_REFUSED;
}

struct drill_hands drill_world_hands(struct drill_world *world)
{
	return (struct drill_hands){.ctx = world, .start = start, .look = look};
}

void drill_mend_all(struct drill_world *world, struct drill *drill)
{
	int64_t until_ms = clock_life_ms() + MEND_ALL_MS;
	for (size_t i = 0; i < drill->n; i++) {
		struct drill_one *one = &drill->list[i];
		int64_t at_ms;
		char said[200];
		/* What was begun is let come to its end, or it could not be taken back. */
		bool struck =
		    one->stage == DRILL_STRUCK || one->stage == DRILL_STRIKING || world->calls[i].pid;
		while (world->calls[i].pid && clock_life_ms() < until_ms &&
		       look(world, i, &at_ms, said, sizeof said) == DRILL_BUSY)
			clock_sleep_ms(STEP_MS);
		if (!struck || !one->fault->mended || one->mend == DRILL_MENDED ||
		    start(world, i, one, "mend") < 0)
			continue;
		while (clock_life_ms() < until_ms && look(world, i, &at_ms, said, sizeof said) == DRILL_BUSY)
			clock_sleep_ms(STEP_MS);
		if (one->mend == DRILL_MENDING)
			one->mend = DRILL_UNMENDED;
	}
}

/* ---- the judge ---- */

void drill_judge_start(struct drill_world *world, struct drill *drill)
{
	const char *argv[] = {JUDGE_SCRIPT, world->world, NULL};
	int pid = spawn(argv, &world->judge_fd);
	world->judge_pid = pid < 0 ? 0 : pid;
	drill->judge = DRILL_UNREAD;
}

bool drill_judge_busy(const struct drill_world *world)
{
	return world->judge_pid != 0;
}

void drill_judge_look(struct drill_world *world, struct drill *drill)
{
	int status = world->judge_pid ? ended(&world->judge_pid, &world->judge_fd, &world->judge_said) : -1;
	if (status < 0)
		return;
	drill->judge = status == 0 ? DRILL_EQUAL : status == 1 ? DRILL_DIFFER : DRILL_UNREAD;
	text_clean(drill->differs, sizeof drill->differs, buf_text(&world->judge_said),
		   world->judge_said.len);
	buf_reset(&world->judge_said);
}

/* ---- journal and trace ---- */

/* From the last whole line on: a torn one is set aside by the next engine, and another stands there then. */
static void read_file(struct drill_file *file, struct drill *drill, bool journal)
{
	struct stat st;
	char chunk[65536];
	ssize_t n;
	struct buf text = {0};
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size < file->at)
		file->at = 0; /* the trace went on in a new file */
	for (off_t at = file->at; (n = pread(fd, chunk, sizeof chunk, at)) > 0; at += n)
		buf_add(&text, chunk, (size_t)n);
	close(fd);
	const char *p = buf_text(&text), *nl;
	while ((nl = strchr(p, '\n'))) {
		drill_take(drill, p, (size_t)(nl - p), journal);
		file->at += nl + 1 - p;
		p = nl + 1;
	}
	buf_done(&text);
}

void drill_read(struct drill_world *world, struct drill *drill)
{
	if (!*world->dir)
		return;
	if (!*world->journal.path) {
		text_copyf(world->journal.path, sizeof world->journal.path, "%s/journal.jsonl", world->dir);
		text_copyf(world->trace.path, sizeof world->trace.path, "%s/trace.jsonl", world->dir);
	}
	/* The trace first: what the journal says to be over has left its marks there by then. */
	read_file(&world->trace, drill, false);
	read_file(&world->journal, drill, true);
}

void drill_world_done(struct drill_world *world)
{
	for (size_t i = 0; i < DRILL_MOST; i++) {
		if (world->calls[i].pid)
			close(world->calls[i].fd);
		buf_done(&world->calls[i].said);
	}
	if (world->judge_pid)
		close(world->judge_fd);
	buf_done(&world->judge_said);
}
