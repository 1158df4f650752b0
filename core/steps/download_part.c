/* Whose bytes lie on the host. A name such as b007.part is given again by another app, or by an app that was
 * made anew: half of one dump and half of another may be a file of the right size. So what was begun says
 * beside it of which object it is, and only that is gone on with. */
#include "core/base/text.h"
#include "core/links/detached.h"
#include "core/steps/download.h"
#include <stdlib.h>

static int write_owner(struct download *d, const char *owner, struct err *err)
{
	struct buf command = {0};
	buf_adds(&command, "umask 077; printf %s ");
	ssh_quote(&command, owner);
	buf_addf(&command, " >'%s.of.new' && mv -f '%s.of.new' '%s.of'", d->part, d->part, d->part);
	int rc = ssh_run(d->ssh, NULL, err, "%s", buf_text(&command));
	buf_done(&command);
	return rc;
}

int download_claim(struct download *d, struct err *err)
{
	struct buf was = {0};
	struct detached curl = {.ssh = d->ssh, .base = d->base, .program = "curl"};
	char *owner = xasprintf("%s %lld %s", d->id, (long long)d->total, d->etag);
	int rc = ssh_run(d->ssh, &was, err, "umask 077; mkdir -p '%s'; cat '%s.of' 2>/dev/null || true",
			 d->folder, d->part);
	if (rc == 0 && !text_equal(buf_text(&was), owner)) {
		job_log(d->job, "NEW",
			"what lies on the host as %s is of another backup, or says nothing of "
			"itself; it is fetched from the beginning",
			d->label);
		rc = detached_stop(&curl, 5000, err);
		if (rc == 0)
			rc = ssh_run(d->ssh, NULL, err, "rm -f '%s'; [ ! -e '%s' ] || mv -f '%s' '%s.other'",
				     d->part, d->path, d->path, d->path);
		if (rc == 0)
			rc = write_owner(d, owner, err);
	}
	free(owner);
	buf_done(&was);
	return rc;
}
