#include "demo/zone/knot.h"
#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

enum { OUTPUT_MAX = 1 << 20, ARGS_MAX = 16, NAME_SIZE = 260 };

extern char **environ;

static char *read_all(int fd)
{
	char *text = malloc(OUTPUT_MAX + 1);
	size_t used = 0;
	ssize_t got;
	while (text && used < OUTPUT_MAX) {
		got = read(fd, text + used, OUTPUT_MAX - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (text)
		text[used] = '\0';
	return text;
}

static int spawn_knotc(char *const argv[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	int rc = posix_spawnp(pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* Run `knotc ARGS...`; the list ends with NULL. *output (may be NULL) is the caller's to free. */
static int knotc(const struct knot *knot, char **output, ...)
{
	const char *args[ARGS_MAX] = {"knotc", "-t", "5", "-s", knot->socket};
	size_t count = 5;
	va_list list;
	va_start(list, output);
	while (count < ARGS_MAX - 1 && (args[count] = va_arg(list, const char *)))
		count++;
	va_end(list);

	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	/* posix_spawnp takes its arguments as not const for the sake of old programs and does not change
	 * them. */
	char *argv[ARGS_MAX] = {NULL};
	memcpy(argv, args, count * sizeof(*argv));
	int rc = spawn_knotc(argv, ends[1], &pid);
	close(ends[1]);
	char *text = rc == 0 ? read_all(ends[0]) : NULL;
	close(ends[0]);
	int status = -1;
	if (rc == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	if (output)
		*output = text;
	else
		free(text);
	return rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void cut_dot(char *name)
{
	size_t length = strlen(name);
	if (length && name[length - 1] == '.')
		name[length - 1] = '\0';
}

static bool holds_name(const char *type)
{
	return !strcmp(type, "CNAME") || !strcmp(type, "NS") || !strcmp(type, "MX");
}

static bool is_own(const struct knot *knot, const struct record *record)
{
	char ns[NAME_SIZE];
	if (!strcasecmp(record->name, knot->zone))
		return !strcmp(record->type, "SOA") || !strcmp(record->type, "NS");
	for (int i = 1; i <= 2; i++) {
		snprintf(ns, sizeof(ns), "ns%d.%s", i, knot->zone);
		if (!strcasecmp(record->name, ns))
			return true;
	}
	return false;
}

/* "[acme.example.] www.acme.example. 20 CNAME acme-production.herokudns.example." */
static bool parse_line(const char *line, struct record *record)
{
	int rdata = 0;
	memset(record, 0, sizeof(*record));
	if (sscanf(line, "[%*[^]]] %255s %ld %7s %n", record->name, &record->ttl, record->type, &rdata) < 3 ||
	    !rdata)
		return false;
	const char *content = line + rdata;
	if (!strcmp(record->type, "MX")) {
		char *end;
		record->priority = (int)strtol(content, &end, 10);
		content = end + (*end == ' ');
	}
	snprintf(record->content, sizeof(record->content), "%s", content);
	for (size_t n = strlen(record->content); n && record->content[n - 1] == ' '; n--)
		record->content[n - 1] = '\0';
	cut_dot(record->name);
	if (holds_name(record->type))
		cut_dot(record->content);
	return true;
}

int knot_read(const struct knot *knot, struct record_set *set, char *why, size_t why_size)
{
	char *text = NULL;
	records_free(set);
	if (knotc(knot, &text, "zone-read", knot->zone, NULL) != 0 || !text) {
		snprintf(why, why_size, "The name server did not give the zone %s: %.300s", knot->zone,
			 text ? text : "knotc did not start");
		free(text);
		return -1;
	}
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct record seen, *record;
		if (parse_line(line, &seen) && !is_own(knot, &seen) && (record = records_add(set)))
			*record = seen;
	}
	free(text);
	return 0;
}

static long rrset_ttl(const struct record_set *set, const struct record *like)
{
	long least = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct record *record = &set->list[i];
		long ttl = record->ttl == TTL_AUTOMATIC ? TTL_AUTOMATIC_SECONDS : record->ttl;
		if (record_is(record, like->name, like->type) && (!least || ttl < least))
			least = ttl;
	}
	return least;
}

static bool rrset_holds(const struct record_set *set, const struct record *wanted)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct record *record = &set->list[i];
		if (record_is(record, wanted->name, wanted->type) &&
		    !strcmp(record->content, wanted->content) && record->priority == wanted->priority)
			return true;
	}
	return false;
}

/* All records of this name and type, and their common TTL, are the same in both sets. */
static bool rrset_equal(const struct record_set *a, const struct record_set *b, const struct record *like)
{
	if (rrset_ttl(a, like) != rrset_ttl(b, like))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (record_is(&a->list[i], like->name, like->type) && !rrset_holds(b, &a->list[i]))
			return false;
	for (size_t i = 0; i < b->count; i++)
		if (record_is(&b->list[i], like->name, like->type) && !rrset_holds(a, &b->list[i]))
			return false;
	return true;
}

static bool first_of_rrset(const struct record_set *set, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (record_is(&set->list[i], set->list[at].name, set->list[at].type))
			return false;
	return true;
}

static int set_record(const struct knot *knot, const struct record_set *to, const struct record *record,
		      char **said)
{
	char owner[NAME_SIZE], ttl[24], rdata[sizeof(record->content) + 16];
	snprintf(owner, sizeof(owner), "%s.", record->name);
	snprintf(ttl, sizeof(ttl), "%ld", rrset_ttl(to, record));
	const char *dot = holds_name(record->type) ? "." : "";
	if (!strcmp(record->type, "MX"))
		snprintf(rdata, sizeof(rdata), "%d %s%s", record->priority, record->content, dot);
	else
		snprintf(rdata, sizeof(rdata), "%s%s", record->content, dot);
	return knotc(knot, said, "zone-set", knot->zone, owner, ttl, record->type, rdata, NULL);
}

static int write_changes(const struct knot *knot, const struct record_set *from, const struct record_set *to,
			 char **said)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct record *record = &from->list[i];
		char owner[NAME_SIZE];
		snprintf(owner, sizeof(owner), "%s.", record->name);
		if (!first_of_rrset(from, i) || rrset_equal(from, to, record))
			continue;
		if (knotc(knot, said, "zone-unset", knot->zone, owner, record->type, NULL) != 0)
			return -1;
		free(*said);
		*said = NULL;
	}
	for (size_t i = 0; i < to->count; i++) {
		if (rrset_equal(from, to, &to->list[i]))
			continue;
		if (set_record(knot, to, &to->list[i], said) != 0)
			return -1;
		free(*said);
		*said = NULL;
	}
	return 0;
}

static bool same(const struct record_set *from, const struct record_set *to)
{
	for (size_t i = 0; i < from->count; i++)
		if (!rrset_equal(from, to, &from->list[i]))
			return false;
	for (size_t i = 0; i < to->count; i++)
		if (!rrset_equal(from, to, &to->list[i]))
			return false;
	return true;
}

int knot_replace(const struct knot *knot, const struct record_set *from, const struct record_set *to,
		 char *why, size_t why_size)
{
	char *said = NULL;
	/* A comment or the proxied flag alone changes nothing in DNS, and the serial shall not rise for it.
	 */
	if (same(from, to))
		return 0;
	if (knotc(knot, &said, "zone-begin", knot->zone, NULL) == 0) {
		free(said);
		said = NULL;
		if (write_changes(knot, from, to, &said) == 0 &&
		    knotc(knot, &said, "zone-commit", knot->zone, NULL) == 0) {
			free(said);
			return 0;
		}
		knotc(knot, NULL, "zone-abort", knot->zone, NULL);
	}
	snprintf(why, why_size, "The name server refused the change: %.300s",
		 said ? said : "knotc did not start");
	free(said);
	return -1;
}

int knot_reload(const struct knot *knot, char *why, size_t why_size)
{
	char *said = NULL;
	int rc = knotc(knot, &said, "reload", NULL);
	if (rc != 0)
		snprintf(why, why_size, "The name server did not take the new weights: %.300s",
			 said ? said : "knotc did not start");
	free(said);
	return rc;
}
