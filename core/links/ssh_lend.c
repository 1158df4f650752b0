/* Holds the connections to the host and hands their channels out. */
#include "core/links/ssh_lend.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_lend_inner.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	FIRST_MS = 1000,
	MOST_MS = 30000,
	BEAT_MS = 10000,
	LINGER_MS = 60000, /* for commands of steps that are under way when the engine ends */
	IDLE_WAY_MS = 60000,
};

/* ---- ways ---- */

static int sessions(const struct ssh *ssh)
{
	int n = 0;
	for (const struct ssh_channel *c = ssh->channels; c; c = c->next)
		n += c->command != NULL;
	return n;
}

/* The same way in, without a question. */
static int connect_way(struct lend *l, struct lend_way *way, struct err *err)
{
	const struct ssh *first = l->ways[0].ssh;
	struct ssh *ssh = ssh_new(l->job, l->host, SSH_SILENT, err);
	if (!ssh)
		return -1;
	memcpy(ssh->answers, first->answers, sizeof ssh->answers);
	ssh->own = way->bulk ? &ssh_program : first->own;
	ssh->chosen = true;
	text_copy(ssh->because, sizeof ssh->because,
		  way->bulk ? "it is the faster one for many bytes" : first->because);
	if (ssh_connect(ssh, err) < 0) {
		ssh_close(ssh);
		return -1;
	}
	way->ssh = ssh;
	l->ways[l->n_ways++] = *way;
	job_command(l->job, "ssh", "%s: one more connection by %s%s%s", ssh->name, ssh->own->name,
		    *ssh->because ? ", because " : "", ssh->because);
	return 0;
}

/* Where many bytes go. What carries everything else carries them too when there is no other way. */
static struct lend_way *bulk_way(struct lend *l)
{
	const struct ssh *first = l->ways[0].ssh;
	struct lend_way way = {.bulk = true};
	for (size_t i = 0; i < l->n_ways; i++)
		if (l->ways[i].bulk)
			return &l->ways[i];
	if (first->own == &ssh_library && first->at.program && !l->no_bulk && l->n_ways < LEND_WAYS_MAX &&
	    connect_way(l, &way, NULL) == 0)
		return &l->ways[l->n_ways - 1];
	l->no_bulk = true;
	return &l->ways[0];
}

static int session_way(struct lend *l, struct lend_way **out, struct err *err)
{
	struct lend_way way = {.most = l->ways[0].most};
	struct err why = {0};
	for (size_t i = 0; i < l->n_ways; i++)
		if (!l->ways[i].bulk && (!l->ways[i].most || sessions(l->ways[i].ssh) < l->ways[i].most)) {
			*out = &l->ways[i];
			return 0;
		}
	/* It knocks at sshd, which locks out whoever knocks too often, and everybody waits meanwhile. */
	if (l->n_ways == LEND_WAYS_MAX || (l->no_way_ms && ssh_since(l->no_way_ms) < l->no_way_backoff_ms))
		return SSH_AGAIN;
	if (connect_way(l, &way, &why) < 0) {
		int64_t next = l->no_way_ms ? l->no_way_backoff_ms * 2 : FIRST_MS;
		l->no_way_backoff_ms = next > MOST_MS ? MOST_MS : next;
		l->no_way_ms = clock_life_ms();
		err_set(
		    err, why.kind,
		    "%s: no more sessions are free, and a further connection was refused (MaxSessions and "
		    "MaxStartups in its sshd_config are low): %.300s",
		    ssh_name(l->ways[0].ssh), why.text);
		return SSH_NOT;
	}
	l->no_way_ms = 0;
	*out = &l->ways[l->n_ways - 1];
	return 0;
}

int lend_channel(struct lend *l, struct borrower *b, struct err *err)
{
	if (!l->up) {
		err_set(err, ERR_NET, "%s", l->failed.text);
		return SSH_NOT;
	}
	struct lend_way *way = b->bulk ? bulk_way(l) : &l->ways[0];
	bool full = way->most && sessions(way->ssh) >= way->most;
	int rc = b->command && (!b->bulk || full) ? session_way(l, &way, err) : 0;
	if (rc != 0)
		return rc;
	way->idle_from_ms = 0;
	b->channel = ssh_channel_new(way->ssh, b->command, b->host, b->port);
	return 0;
}

void lend_is_full(struct lend *l, struct ssh_channel *channel)
{
	for (size_t i = 0; i < l->n_ways; i++)
		if (l->ways[i].ssh == channel->ssh) {
			int open = 0;
			for (const struct ssh_channel *c = channel->ssh->channels; c; c = c->next)
				open += c->command && c->open;
			l->ways[i].most = open > 0 ? open : 1;
		}
	lend_close(l, channel);
}

void lend_close(struct lend *l, struct ssh_channel *channel)
{
	if (ssh_channel_close(channel) == 0)
		return;
	l->closing = xrealloc(l->closing, l->n_closing + 1, sizeof *l->closing);
	l->closing[l->n_closing++] = channel;
}

static void forget_closing(struct lend *l, const struct ssh *of)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->n_closing; i++)
		if ((of && l->closing[i]->ssh != of) || (!of && ssh_channel_close(l->closing[i]) != 0))
			l->closing[kept++] = l->closing[i];
	l->n_closing = kept;
}

/* ---- up and down ---- */

static void beat(struct lend *l, bool ok, const char *text)
{
	l->beat_ms = clock_life_ms();
	job_beat(l->job, BEAT_MS, ok, text);
}

static void refuse_waiting(struct lend *l)
{
	for (struct borrower *b = l->borrowers; b; b = b->next)
		if (b->state == BORROWER_WAITS)
			borrower_refuse(b, l->failed.kind, l->failed.text, false);
}

static void came_up(struct lend *l)
{
	const char *because;
	const char *by = ssh_by(l->ways[0].ssh, &because);
	char text[200];
	l->up = true;
	l->failed = (struct err){0};
	l->backoff_ms = FIRST_MS;
	text_copyf(text, sizeof text, "by %s%s%s", by, *because ? ", because " : "", because);
	beat(l, true, text);
	for (struct borrower *b = l->borrowers; b; b = b->next)
		if (b->state == BORROWER_WAITS)
			borrower_welcome(l, b);
}

static void stayed_down(struct lend *l, const struct err *why)
{
	l->failed = *why;
	l->failed_ms = clock_life_ms();
	l->again_ms = l->failed_ms + l->backoff_ms;
	l->backoff_ms = l->backoff_ms * 2 > MOST_MS ? MOST_MS : l->backoff_ms * 2;
	if (why->kind == ERR_CANCELLED && job_stopping(l->job))
		return;
	beat(l, false, why->text);
	refuse_waiting(l);
}

/* A host that is not there is looked for again as soon as somebody wants it. One that does not let us in, or
 * whose key nobody trusts, is not asked again every second: sshd's own watchmen lock out whoever knocks too
 * often. */
static bool is_due(const struct lend *l)
{
	bool waits = false, asks = false;
	for (const struct borrower *b = l->borrowers; b; b = b->next) {
		waits = waits || b->state == BORROWER_WAITS;
		asks = asks || (b->state == BORROWER_WAITS && b->asking);
	}
	int64_t real_ms = ssh_since(l->failed_ms);
	return !l->asked || clock_life_ms() >= l->again_ms || (asks && real_ms > 500) ||
	       (waits && l->failed.kind == ERR_NET && real_ms > FIRST_MS);
}

/* Asks a person the first time, and again only when a step wants the host. */
static void go_up(struct lend *l)
{
	struct err why = {0};
	struct ssh *ssh = l->ways[0].ssh;
	bool asks = !l->asked;
	for (const struct borrower *b = l->borrowers; b; b = b->next)
		asks = asks || (b->state == BORROWER_WAITS && b->asking);
	ssh->manner = asks ? SSH_ASKING : SSH_SILENT;
	l->asked = true;
	l->no_bulk = false;
	if (ssh_reopen(ssh, &why) == 0)
		came_up(l);
	else
		stayed_down(l, &why);
}

static void refuse_those_of(struct lend *l, const struct ssh *ssh, bool all, const char *text)
{
	for (struct borrower *b = l->borrowers; b; b = b->next) {
		bool its = b->channel && b->channel->ssh == ssh;
		/* Also one that has said its wish and waits for a channel: it would be given one of a way
		 * that is gone. */
		bool waits = b->state == BORROWER_READY ||
			     (!b->channel && (b->state == BORROWER_OPENS || b->state == BORROWER_LOOKS));
		if (its || (all && waits))
			borrower_refuse(b, ERR_NET, text, false);
		if (its)
			lend_close(l, b->channel);
		if (its)
			b->channel = NULL;
	}
}

static void way_lost(struct lend *l, size_t i)
{
	struct ssh *ssh = l->ways[i].ssh;
	struct err why = {0};
	/* A command in the midst of it may have been carried out: whoever asked for it has to look. */
	ssh_say_lost(ssh, "it was lent", &why);
	refuse_those_of(l, ssh, i == 0, why.text);
	forget_closing(l, ssh);
	if (i == 0) {
		l->up = false;
		l->failed = why;
		l->failed_ms = clock_life_ms();
		l->again_ms = l->failed_ms + l->backoff_ms;
		beat(l, false, why.text);
		return;
	}
	ssh_close(ssh);
	memmove(&l->ways[i], &l->ways[i + 1], (l->n_ways - i - 1) * sizeof *l->ways);
	l->n_ways--;
}

static void close_idle(struct lend *l, size_t i)
{
	struct lend_way *way = &l->ways[i];
	if (way->ssh->channels || way->bulk)
		way->idle_from_ms = 0;
	else if (!way->idle_from_ms)
		way->idle_from_ms = clock_life_ms();
	else if (ssh_since(way->idle_from_ms) > IDLE_WAY_MS)
		way->ssh->lost = true;
}

static void keep_up(struct lend *l)
{
	for (size_t i = l->n_ways; i-- > 0;) {
		struct ssh *ssh = l->ways[i].ssh;
		if (i == 0 && !l->up)
			continue;
		ssh->carrier->turn(ssh);
		if (i > 0)
			close_idle(l, i);
		if (ssh->lost)
			way_lost(l, i);
	}
	if (!l->up && is_due(l))
		go_up(l);
	else if (!l->up && l->failed.kind != ERR_NET)
		refuse_waiting(l);
	if (l->up && ssh_since(l->beat_ms) > BEAT_MS)
		came_up(l);
}

/* ---- the loop ---- */

static bool all_turn(struct lend *l)
{
	bool moved = false;
	for (struct borrower *b = l->borrowers, *next; b; b = next) {
		next = b->next;
		moved = borrower_turn(l, b) || moved;
	}
	forget_closing(l, NULL);
	return moved;
}

static void wait_for_more(struct lend *l)
{
	size_t most = 8 + LEND_WAYS_MAX * SSH_FDS_MAX, n = 0;
	bool queued = l->n_closing > 0, fresh = false;
	for (const struct borrower *b = l->borrowers; b; b = b->next)
		most++;
	struct pollfd *fds = xcalloc(most, sizeof *fds);
	fds[n++] = (struct pollfd){.fd = job_cancel_fd(l->job), .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = l->sig, .events = POLLIN};
	bool no_fd = l->no_fd_ms && ssh_since(l->no_fd_ms) < LEND_NO_FD_MS;
	fds[n++] = (struct pollfd){.fd = no_fd ? -1 : l->ctl, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = no_fd ? -1 : l->pg, .events = POLLIN};
	/* An engine that is gone would wake us for ever; then only commands under way keep us. */
	if (l->ctl < 0)
		fds[0].fd = fds[1].fd = -1;
	for (size_t i = 0; i < l->n_ways; i++) {
		if (i > 0 || l->up)
			n += l->ways[i].ssh->carrier->fds(l->ways[i].ssh, fds + n);
		queued = queued || l->ways[i].ssh->opening;
		fresh = fresh || l->ways[i].ssh->fresh;
		l->ways[i].ssh->fresh = false;
	}
	for (const struct borrower *b = l->borrowers; b; b = b->next) {
		queued =
		    queued || ((b->state == BORROWER_OPENS || b->state == BORROWER_LOOKS) && !b->channel);
		borrower_fds(b, &fds[n++]);
	}
	poll(fds, (nfds_t)n, fresh ? 0 : queued ? 50 : l->up && !no_fd ? 1000 : LEND_NO_FD_MS);
	free(fds);
}

static bool must_linger(const struct lend *l)
{
	for (const struct borrower *b = l->borrowers; b; b = b->next)
		if (b->step && (b->state == BORROWER_OPEN || b->state == BORROWER_LAST))
			return true;
	return false;
}

static void serve(struct lend *l)
{
	int64_t stop_ms = 0;
	while (!stop_ms || (must_linger(l) && ssh_since(stop_ms) < LINGER_MS)) {
		struct signalfd_siginfo told;
		if (!stop_ms && (job_stopping(l->job) || read(l->sig, &told, sizeof told) > 0)) {
			stop_ms = clock_life_ms();
			lend_hang_up(l);
			continue;
		}
		keep_up(l);
		lend_accept(l);
		if (!all_turn(l))
			wait_for_more(l);
	}
}

static void lend_done(struct lend *l)
{
	lend_hang_up(l);
	while (l->borrowers)
		borrower_free(l, l->borrowers);
	l->n_closing = 0;
	free(l->closing);
	for (size_t i = 0; i < l->n_ways; i++)
		ssh_close(l->ways[i].ssh);
	if (l->sig >= 0)
		close(l->sig);
}

int ssh_lend_run(struct job *job, const struct json *host, const struct ssh_lend *what, struct err *err)
{
	struct lend l = {
	    .job = job, .host = host, .what = what, .ctl = -1, .pg = -1, .sig = -1, .backoff_ms = FIRST_MS};
	sigset_t term;
	signal(SIGPIPE, SIG_IGN);
	l.ways[0].ssh = ssh_new(job, host, SSH_ASKING, err);
	if (!l.ways[0].ssh)
		return -1;
	l.n_ways = 1;
	/* An end by a signal is an end like any other: sockets and the ssh program's folder do not stay. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	l.sig = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	int rc = lend_listen(&l, err);
	if (rc == 0)
		serve(&l);
	lend_done(&l);
	return rc;
}
