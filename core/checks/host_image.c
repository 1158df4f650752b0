/* host-image: Kamal takes only images that carry its own label, but for `app boot`, which does not look. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"

static enum verdict host_image_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_image_check = {
    .name = "host-image",
    .help = "the app's image carries the label by which Kamal knows it",
    .bite = "Image is missing the 'service' label: the app boots tonight, and tomorrow's deploy is refused",
    .run = host_image_run,
};

static enum verdict host_image_run(struct job *job, struct evidence *ev, struct err *err)
{
	const char *service = job_config_str(job, "kamal.service", "");
	struct kamal_look look;
	if (kamal_look(job, &look, err) < 0)
		return VERDICT_UNKNOWN;
	for (size_t i = 0; i < look.n; i++) {
		const struct kamal_container *c = &look.list[i];
		if (!c->ours || !c->running || c->replaced)
			continue;
		if (c->labelled)
			evidence_add(ev, VERDICT_PASS, c->role, "labelled",
				     "the image of %s carries service=%s", c->role, service);
		else
			evidence_add(ev, VERDICT_WARN, c->role, c->image,
				     "the image of %s (%.90s) lacks the label service=%s: kamal deploy and "
				     "pull refuse it; "
				     "write LABEL service=%s into the Dockerfile, or let Kamal build it",
				     c->role, c->image, service, service);
	}
	kamal_look_done(&look);
	if (!ev->n)
		evidence_add(ev, VERDICT_PASS, "image", "none",
			     "no container of %s runs, so no image is used", service);
	return evidence_verdict(ev);
}
