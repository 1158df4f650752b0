/* host-destinations: other destinations of the same app on the host. Kamal's accessories have no destination
 * in their name, so a staging beside production shares its database server. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"

static enum verdict host_destinations_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_destinations_check = {
    .name = "host-destinations",
    .help = "which destinations of the app are on the host, and whether they share the database",
    .bite = "kamal accessory reboot for staging restarts the database of production",
    .run = host_destinations_run,
};

static const char *named(const char *destination)
{
	return *destination ? destination : "none";
}

static void tell_other(const struct kamal_look *look, size_t at, const struct docker_names *names,
		       struct evidence *ev)
{
	const struct kamal_container *c = &look->list[at];
	for (size_t i = 0; i < at; i++)
		if (text_equal(look->list[i].destination, c->destination))
			return;
	if (*names->accessory)
		evidence_add(ev, VERDICT_WARN, "other", c->destination,
			     "the destination \"%s\" is on this host too, and %s belongs to both: what is "
			     "done to that "
			     "container tonight is done to both",
			     named(c->destination), names->accessory);
	else
		evidence_add(ev, VERDICT_PASS, "other", c->destination,
			     "the destination \"%s\" is on this host too", named(c->destination));
}

static enum verdict host_destinations_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct docker_names names;
	struct kamal_look look;
	size_t ours = 0;
	if (docker_names(job, &names, err) < 0 || kamal_look(job, &look, err) < 0)
		return VERDICT_UNKNOWN;
	for (size_t i = 0; i < look.n; i++)
		ours += look.list[i].ours;
	if (!ours && look.n)
		evidence_add(ev, VERDICT_FAIL, "ours", look.list[0].destination,
			     "%s has containers here for the destination \"%s\" only, and nightferry.yml "
			     "says \"%s\": write "
			     "kamal: {destination: ...} as you deploy it",
			     names.service, named(look.list[0].destination), named(names.destination));
	else
		evidence_add(ev, VERDICT_PASS, "ours", names.destination,
			     "%zu container%s of %s, destination \"%s\"", ours, ours == 1 ? "" : "s",
			     names.service, named(names.destination));
	for (size_t i = 0; i < look.n; i++)
		if (!look.list[i].ours)
			tell_other(&look, i, &names, ev);
	kamal_look_done(&look);
	return evidence_verdict(ev);
}
