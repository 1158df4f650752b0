/* versions: a dump goes into the same major version or a newer one, and the programs must be as new as the
 * server. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static enum verdict versions_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct check versions_check = {
    .name = "versions",
    .help = "the new server is at least as new as the old one, and so are pg_dump and pg_restore",
    .bite = "pg_dump: aborting because of server version mismatch, or backups that are empty because nobody "
	    "saw it",
    .secrets = secrets,
    .run = versions_run,
};

/* Runs `NAME --version` and takes its first line; -1 when there is no such program or it fails. */
static int first_line(const char *name, char *line, size_t size)
{
	int pipe_fds[2], status = -1;
	char program[32], version[] = "--version";
	pid_t pid;
	text_copy(program, sizeof program, name);
	char *const argv[] = {program, version, NULL};
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
	int failed = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	FILE *out = fdopen(pipe_fds[0], "r");
	if (!failed && (!out || !fgets(line, (int)size, out)))
		*line = 0;
	if (out)
		fclose(out);
	while (!failed && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return failed || status ? -1 : 0;
}

/* "pg_restore (PostgreSQL) 15.20 (Debian ...)" -> 15; 0 when there is no such program. */
static int program_major(const char *name, char *said, size_t size)
{
	char line[160] = "";
	*said = 0;
	int rc = first_line(name, line, sizeof line);
	const char *at = strchr(line, ')');
	if (rc < 0 || !at || !at[1])
		return 0;
	text_clean(said, size, at + 2, strcspn(at + 2, " \n"));
	return (int)strtol(at + 2, NULL, 10);
}

static void judge_program(const char *name, const char *job_of_it, int need, struct evidence *ev)
{
	char said[40], fact[60];
	int major = program_major(name, said, sizeof said);
	text_copyf(fact, sizeof fact, "%s %d", name, major);
	if (!major)
		evidence_add(
		    ev, VERDICT_WARN, name, fact,
		    "%s is not on this machine: the database container's own is used; %s needs %d or newer",
		    name, job_of_it, need);
	else if (major < need)
		evidence_add(ev, VERDICT_WARN, name, fact,
			     "%s here is %s, too old for %s (needs %d): the database container's own is "
			     "used, or install postgresql-client-%d",
			     name, said, job_of_it, need, need);
	else
		evidence_add(ev, VERDICT_PASS, name, fact, "%s here is %s, new enough for %s", name, said,
			     job_of_it);
}

static enum verdict versions_run(struct job *job, struct evidence *ev, struct err *err)
{
	char fact[40];
	struct pg *old_pg = pg_open_old(job, err), *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	if (new_pg) {
		int old_major = pg_major(old_pg), new_major = pg_major(new_pg);
		text_copyf(fact, sizeof fact, "OLD %d NEW %d", old_major, new_major);
		if (new_major < old_major)
			evidence_add(ev, VERDICT_FAIL, "servers", fact,
				     "OLD is PostgreSQL %d and NEW only %d: a dump does not go into an older "
				     "server; set the accessory's image to postgres:%d",
				     old_major, new_major, old_major);
		else if (new_major > old_major)
			evidence_add(ev, VERDICT_WARN, "servers", fact,
				     "OLD is PostgreSQL %d and NEW %d: the dump will go in; contents can "
				     "then only be compared by counts",
				     old_major, new_major);
		else
			evidence_add(ev, VERDICT_PASS, "servers", fact, "both are PostgreSQL %d", new_major);
		judge_program("pg_restore", "the restore", old_major, ev);
		judge_program("pg_dump", "the first backup", new_major, ev);
	}
	bool looked = new_pg != NULL;
	pg_close(old_pg);
	pg_close(new_pg);
	return looked ? evidence_verdict(ev) : VERDICT_UNKNOWN;
}
