/* curl on the host, detached from us: started, followed, started again where it broke. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/detached.h"
#include "core/links/heroku.h"
#include "core/steps/download.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program that has begun is seen under its name a moment later; two at once would write one file. */
enum { TRIES = 8, LOOK_MS = 500, DEAD_LOOKS = 20, PROBE_MS = 60000, SAMPLE_BYTES = 8 << 20, SAMPLE_S = 4 };

/* "url = ..." as curl's config file takes it. */
static void add_url(struct buf *input, const char *url)
{
	buf_adds(input, "url = \"");
	for (; *url; url++) {
		if (*url == '"' || *url == '\\')
			buf_addc(input, '\\');
		buf_addc(input, *url);
	}
	buf_adds(input, "\"\n");
}

int download_url(struct download *d, char *url, size_t size, struct err *err)
{
	struct heroku *heroku = heroku_open(d->job, HEROKU_PATIENT, err);
	if (!heroku)
		return -1;
	int rc = heroku_public_url(heroku, d->app, d->id, url, size, err);
	heroku_close(heroku);
	return rc;
}

static void take_head(const char *text, const char *name, char *out, size_t size)
{
	const char *at = text_find(text, name);
	at = at ? at + strlen(name) : "";
	at += strspn(at, " ");
	text_clean(out, size, at, strcspn(at, "\r\n"));
}
/* One byte of it, asked from the host: its size, its tag, and that the host has a way to it at all. */
int download_ask_size(struct download *d, const char *url, struct err *err)
{
	struct buf input = {0};
	struct ssh_reply reply;
	char range[80], length[40], etag[120];
	add_url(&input, url);
	buf_adds(&input, "range = \"0-0\"\nsilent\nshow-error\nfail\nlocation\nconnect-timeout = "
			 "15\nmax-time = 50\ndump-header = \"-\"\n"
			 "output = \"/dev/null\"\n");
	int rc = ssh_exec(d->ssh,
			  &(struct ssh_call){.command = "curl -K -",
					     .say = "curl -K - (asks for one byte of the dump)",
					     .input = input.data,
					     .input_len = input.len,
					     .timeout_ms = PROBE_MS},
			  &reply, err);
	explicit_bzero(input.data, input.len);
	buf_done(&input);
	take_head(buf_text(&reply.out), "\ncontent-range:", range, sizeof range);
	take_head(buf_text(&reply.out), "\ncontent-length:", length, sizeof length);
	take_head(buf_text(&reply.out), "\netag:", etag, sizeof etag);
	const char *slash = strchr(range, '/');
	int64_t total = slash ? strtoll(slash + 1, NULL, 10) : *range ? -1 : strtoll(length, NULL, 10);
	if (rc == 0 && (reply.status != 0 || total <= 0)) {
		char said[200];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_NET,
			     "the host cannot fetch the dump (curl ended with %d: %s); look whether it may "
			     "reach Heroku's storage",
			     reply.status, *said ? said : "no size was told");
	}
	if (rc == 0) {
		d->total = total;
		text_copy(d->etag, sizeof d->etag, etag);
	}
	ssh_reply_done(&reply);
	return rc;
}

/* What curl says of itself: "8388608 84123456", bytes and bytes per second. */
static int read_measure(struct download *d, const struct ssh_reply *reply, double *rate, struct err *err)
{
	char range[80];
	long long bytes = 0;
	const char *last = strrchr(buf_text(&reply->out), '\n');
	take_head(buf_text(&reply->out), "\ncontent-range:", range, sizeof range);
	const char *slash = strchr(range, '/');
	if (slash && strtoll(slash + 1, NULL, 10) > 0)
		d->total = strtoll(slash + 1, NULL, 10);
	if (last && sscanf(last, " %lld %lf", &bytes, rate) == 2 && bytes > 0 && *rate > 0)
		return 0;
	char said[200];
	text_clean(said, sizeof said, buf_text(&reply->err), reply->err.len);
	return err_set(err, ERR_NET, "curl ended with %d: %s", reply->status,
		       *said ? said : "it brought no byte");
}

int download_measure(struct download *d, double *rate, struct err *err)
{
	struct buf input = {0};
	struct ssh_reply reply;
	char url[4096];
	if (download_url(d, url, sizeof url, err) < 0)
		return -1;
	add_url(&input, url);
	explicit_bzero(url, sizeof url);
	buf_addf(&input,
		 "range = \"0-%d\"\nsilent\nshow-error\nfail\nlocation\nconnect-timeout = 5\nmax-time = "
		 "%d\ndump-header = \"-\"\noutput = \"/dev/null\"\nwrite-out = \"\\n%%{size_download} "
		 "%%{speed_download}\"\n",
		 SAMPLE_BYTES - 1, SAMPLE_S);
	int rc =
	    ssh_exec(d->ssh,
		     &(struct ssh_call){.command = "curl -K -",
					.say = "curl -K - (some MB of the dump, to see how fast they come)",
					.input = input.data,
					.input_len = input.len,
					.timeout_ms = PROBE_MS},
		     &reply, err);
	explicit_bzero(input.data, input.len);
	buf_done(&input);
	if (rc == 0)
		rc = read_measure(d, &reply, rate, err);
	ssh_reply_done(&reply);
	return rc;
}

static int start_curl(struct download *d, const struct detached *curl, const char *url, struct err *err)
{
	struct buf input = {0};
	add_url(&input, url);
	buf_addf(&input,
		 "output = \"%s\"\ncontinue-at = \"-\"\nsilent\nshow-error\nfail\nlocation\nconnect-timeout "
		 "= 15\nspeed-limit = 1\nspeed-time = 30\n",
		 d->part);
	/* A weak tag never matches. */
	if (*d->etag == '"') {
		buf_adds(&input, "header = \"If-Match: ");
		for (const char *c = d->etag; *c; c++)
			buf_addf(&input, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
		buf_adds(&input, "\"\n");
	}
	int rc = detached_start(curl, "curl -K -", buf_text(&input), err);
	explicit_bzero(input.data, input.len);
	buf_done(&input);
	return rc;
}

static void tell(struct download *d, int64_t have, struct copy_rate *rate, const char *text)
{
	double speed = copy_rate(rate, have);
	struct copy_total total = {.stage = "download", .text = text, COPY_UNKNOWN};
	total.bytes = have;
	total.bytes_total = d->total;
	total.rate = speed;
	if (speed > 0 && d->total > have)
		total.eta_ms = (int64_t)((double)(d->total - have) * 1000 / speed);
	copy_tell(d->job, &total);
	job_progress(d->job, have, d->total, "bytes", text);
}

/* Follows curl until it ends; *code gets its exit status, -1 when it vanished. A lost connection is made
 * again. */
static int follow_curl(struct download *d, const struct detached *curl, struct copy_rate *rate, int *code,
		       int64_t *have, char *said, size_t said_size, struct err *err)
{
	for (int dead = 0;;) {
		struct detached_look look;
		struct err seen = {0};
		if (detached_look(curl, 0, &look, &seen) < 0) {
			detached_look_done(&look);
			if (seen.kind != ERR_NET)
				return err_set(err, seen.kind, "%s", seen.text);
			if (copy_reconnect(d->ssh, err) < 0)
				return -1;
			continue;
		}
		*have = strtoll(look.extra, NULL, 10);
		*code = look.state == DETACHED_ENDED ? look.rc : -1;
		text_clean(said, said_size, buf_text(&look.log), look.log.len);
		dead = look.state == DETACHED_DEAD || look.state == DETACHED_NEVER ? dead + 1 : 0;
		bool over = look.state == DETACHED_ENDED || dead >= DEAD_LOOKS;
		detached_look_done(&look);
		tell(d, *have, rate, "Heroku S3 → host");
		if (over)
			return 0;
		if (job_wait(d->job, LOOK_MS))
			return err_set(err, ERR_CANCELLED, "stopped");
	}
}

/* The storage has another object there now: If-Match holds no more. */
static bool is_another(int code, const char *said)
{
	return code == 22 && text_find(said, "412");
}

static int explain_curl(const struct download *d, int code, const char *said, struct err *err)
{
	if (is_another(code, said))
		return err_set(
		    err, ERR_WORLD,
		    "the backup %s at Heroku is not the file any more that was begun; nothing of it was "
		    "mixed, run download again to fetch it from the beginning, or capture a new one",
		    d->label);
	if (code == 23)
		return err_set(err, ERR_IO,
			       "the dump could not be written on %s (%s); its disk is full or read-only: "
			       "make room and run again, it goes on where it "
			       "stopped",
			       ssh_name(d->ssh), *said ? said : "curl 23");
	return err_set(err, ERR_NET,
		       "the dump stopped coming %d times without a new byte (curl %d: %s); what is there is "
		       "kept, run again to go on",
		       TRIES, code, *said ? said : "no words");
}

static int cancel_fetch(struct download *d, const struct detached *curl, struct err *err)
{
	char size[UNITS_MAX];
	int64_t have = 0;
	ssh_deaf(d->ssh, true);
	if (detached_stop(curl, 5000, NULL) < 0)
		return err_set(err, ERR_CANCELLED, "stopped here, but curl may still run on %s",
			       ssh_name(d->ssh));
	copy_file_size(d->ssh, NULL, d->part, &have, NULL);
	return err_set(err, ERR_CANCELLED,
		       "stopped; %s of the dump are kept on %s and the next run goes on from there",
		       units_size(size, have > 0 ? have : 0), ssh_name(d->ssh));
}
/* Until all bytes are there. Each try gets a fresh address: they expire, also in the middle. */
int download_fetch(struct download *d, char *url, size_t url_size, struct err *err)
{
	char *extra = xasprintf("stat -c %%s '%s' 2>/dev/null || echo 0", d->part);
	struct detached curl = {.ssh = d->ssh, .base = d->base, .program = "curl", .extra = extra};
	struct detached_look look = {0};
	struct copy_rate rate = {0};
	struct err own = {0};
	char said[200] = "";
	int64_t have = 0, best = -1;
	int code = -1, rc = detached_look(&curl, 0, &look, &own);
	bool running = look.state == DETACHED_ALIVE;
	have = strtoll(look.extra, NULL, 10);
	detached_look_done(&look);
	if (rc == 0 && !running && have > d->total) {
		rc = ssh_run(d->ssh, NULL, &own, "rm -f '%s'", d->part);
		have = 0;
	}
	for (int vain = 0;
	     rc == 0 && have < d->total && vain < TRIES && code != 23 && !is_another(code, said);
	     running = false) {
		if (!running && best >= 0)
			rc = download_url(d, url, url_size, &own);
		if (rc == 0 && !running)
			rc = start_curl(d, &curl, url, &own);
		if (rc == 0)
			rc = follow_curl(d, &curl, &rate, &code, &have, said, sizeof said, &own);
		/* 33: the storage cannot continue; 36: what is there does not fit. Then from the beginning.
		 */
		if (rc == 0 && (code == 33 || code == 36 || have > d->total)) {
			rc = ssh_run(d->ssh, NULL, &own, "rm -f '%s'", d->part);
			have = 0;
		}
		vain = have > best ? 0 : vain + 1;
		best = have > best ? have : best;
		if (rc == 0 && have < d->total && code != 23 && code != 0)
			job_log(d->job, "NEW",
				"the dump stopped at %lld of %lld bytes (curl %d: %s); going on with a fresh "
				"address",
				(long long)have, (long long)d->total, code, said);
		if (rc == 0 && have < d->total && code != 23 && !is_another(code, said) &&
		    job_wait(d->job, vain ? 1000 * vain : 100))
			rc = err_set(&own, ERR_CANCELLED, "stopped");
	}
	if (rc < 0 && own.kind == ERR_CANCELLED)
		cancel_fetch(d, &curl, err);
	else if (rc < 0)
		err_set(err, own.kind, "%s", own.text);
	else if (have != d->total)
		rc = explain_curl(d, code, said, err);
	free(extra);
	return rc;
}
