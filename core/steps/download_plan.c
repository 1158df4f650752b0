/* The plan of download: is there a curl, is there room for the dump twice, and what lies there already. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/download.h"
#include "core/steps/earlier.h"
#include <string.h>

enum { MARGIN_BYTES = 256 << 20 };
#define GUESS_LINE 20e6
#define GUESS_CHECKS 50e6

/* Both copies at once: the file on the host, and the one pg_restore can see inside. */
static int plan_space(struct download *d, int64_t there, int64_t inside, struct plan *plan, struct err *err)
{
	struct docker_disk home, docker;
	char need[UNITS_MAX], have[UNITS_MAX], also[UNITS_MAX];
	if (docker_disk(d->ssh, d->folder, &home, err) < 0 ||
	    docker_disk(d->ssh, "\"$(docker info -f '{{.DockerRootDir}}')\"", &docker, err) < 0)
		return -1;
	if (d->total < 0) {
		evidence_add(&plan->seen, VERDICT_WARN, "space", "size unknown",
			     "Heroku does not say how large the dump is; %s are free",
			     units_size(have, home.free_bytes));
		return 0;
	}
	bool shared = text_equal(home.device, docker.device);
	int64_t first = d->total - (there > 0 ? there : 0), second = inside == d->total ? 0 : d->total;
	bool fits =
	    shared ? home.free_bytes >= first + second + MARGIN_BYTES
		   : home.free_bytes >= first + MARGIN_BYTES && docker.free_bytes >= second + MARGIN_BYTES;
	units_size(need, shared ? first + second : first);
	units_size(have, home.free_bytes);
	units_size(also, docker.free_bytes);
	evidence_add(&plan->seen, fits ? VERDICT_PASS : VERDICT_FAIL, "space", fits ? "fits" : "too little",
		     "%s needed (one copy on the host, one inside %s), %s free%s%s%s", need,
		     d->names.accessory, have, shared ? "" : ", ", shared ? "" : also,
		     shared ? "" : " where docker lives");
	if (!fits)
		plan_refuse(plan,
			    "the host has not enough room for the dump twice (%s needed, %s free): make room "
			    "on %s, then plan again",
			    need, have, ssh_name(d->ssh));
	return 0;
}

static void plan_words(struct download *d, struct plan *plan)
{
	char size[UNITS_MAX];
	text_copy(plan->target, sizeof plan->target, d->path);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "FETCHES THE DUMP");
	text_copyf(plan->from, sizeof plan->from, "Heroku's backup %s, %s", d->label,
		   d->total > 0 ? units_size(size, d->total) : "size not told");
	text_copyf(plan->to, sizeof plan->to, "%s:%s", ssh_name(d->ssh), d->path);
	plan_does(plan, "POST /client/v11/apps/%s/transfers/%s/actions/public-url", d->app, d->label);
	plan_does(plan, "on %s: curl -K - (address by standard input, resumed when it breaks)",
		  ssh_name(d->ssh));
	plan_does(plan, "docker cp %s.dump %s:%s, sha256sum on both", d->label, d->names.accessory,
		  d->inside);
	plan_does(plan, "docker exec %s pg_restore -f /dev/null %s (one full read)", d->names.accessory,
		  d->inside);
	text_copy(plan->then, sizeof plan->then, "nobody notices; the host's line and disk are busy");
	text_copy(plan->back, sizeof plan->back, "delete the two files");
	plan->gate = GATE_NONE;
}

/* The line is measured by some MB of the dump itself; hash, copy and full read by the last night that had
 * them. */
static void plan_pace(struct download *d, struct plan *plan)
{
	struct earlier_pace checked;
	struct err seen = {0};
	double rate = 0;
	char speed[UNITS_MAX];
	bool measured = download_measure(d, &rate, &seen) == 0,
	     known = earlier_pace(d->job, "dump-checked", &checked);
	if (measured)
		evidence_add(&plan->seen, VERDICT_PASS, "path", "direct",
			     "Heroku S3 → host, %s measured; the bytes do not pass this machine",
			     units_rate(speed, rate));
	else
		evidence_add(&plan->seen, VERDICT_WARN, "path", "unseen",
			     "Heroku S3 → host, not measured: %s", seen.text);
	if (d->total <= 0)
		return;
	plan->estimate_ms =
	    (int64_t)((double)d->total * 1000 / (measured ? rate : GUESS_LINE)) + 3000 +
	    (known ? earlier_ms(&checked, d->total) : (int64_t)((double)d->total * 1000 / GUESS_CHECKS));
	if (!known)
		evidence_add(
		    &plan->seen, VERDICT_PASS, "pace", "",
		    "hash, copy into the container and full read were not measured yet: guessed at %s",
		    units_rate(speed, GUESS_CHECKS));
}

/* The programs that will be run there, with their versions. */
static int look_tools(struct download *d, struct plan *plan, struct err *err)
{
	struct buf out = {0};
	char curl[40] = "", restore[24] = "";
	int major;
	int rc = ssh_run(d->ssh, &out, err,
			 "command -v curl >/dev/null && curl --version | head -n 1 || echo none");
	if (rc == 0 && text_starts(buf_text(&out), "none"))
		plan_refuse(
		    plan, "there is no curl on %s: install it there (apt-get install curl), then plan again",
		    ssh_name(d->ssh));
	if (rc == 0)
		rc = docker_pg_version(d->ssh, d->names.accessory, "pg_restore", &major, restore,
				       sizeof restore, err);
	text_clean(curl, sizeof curl, buf_text(&out),
		   strcspn(buf_text(&out), "\n") < 12 ? 0 : 5 + strcspn(buf_text(&out) + 5, " \n"));
	if (rc == 0 && !*plan->refused)
		evidence_add(&plan->seen, VERDICT_PASS, "programs", restore, "%s on %s, pg_restore %s in %s",
			     curl, ssh_name(d->ssh), restore, d->names.accessory);
	buf_done(&out);
	return rc;
}

int download_fill_plan(struct download *d, struct plan *plan, struct err *err)
{
	const struct json *dump = job_fact(d->job, "dump", "");
	int64_t there, part, inside;
	if (copy_file_size(d->ssh, NULL, d->path, &there, err) < 0 ||
	    copy_file_size(d->ssh, NULL, d->part, &part, err) < 0 ||
	    copy_file_size(d->ssh, d->names.accessory, d->inside, &inside, err) < 0 ||
	    look_tools(d, plan, err) < 0)
		return -1;
	plan_words(d, plan);
	bool same = text_equal(json_str(dump, "backup", ""), d->id);
	int64_t want = json_int(dump, "size_bytes", -2);
	plan->nothing_to_do = same && there == want && inside == want;
	if (part > 0 && there < 0) {
		char have[UNITS_MAX];
		evidence_add(
		    &plan->seen, VERDICT_PASS, "part", "",
		    "%s lie on the host already; where they are of this backup, it goes on from there",
		    units_size(have, part));
	}
	if (!plan->nothing_to_do)
		plan_pace(d, plan);
	if (!plan->nothing_to_do && plan_space(d, there > 0 ? there : part, inside, plan, err) < 0)
		return -1;
	return 0;
}
