/* kamal-version: the Kamal here against what its file asks for, and the proxy there against what this Kamal
 * needs. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include <string.h>

static enum verdict kamal_version_run(struct job *job, struct evidence *ev, struct err *err);

const struct check kamal_version_check = {
    .name = "kamal-version",
    .help = "Kamal is as new as its file asks for, and the proxy on the host as new as Kamal asks for",
    .bite = "kamal-proxy version is too old: the deploy stops, or --lock-wait and app maintenance are not "
	    "there yet",
    .run = kamal_version_run,
};

/* The proxy that each Kamal demands; "" : before there was a demand. */
static const char *proxy_needed(const char *kamal)
{
	if (kamal_version_order(kamal, "2.11") >= 0)
		return "v0.9.2";
	return kamal_version_order(kamal, "2.6") >= 0 ? "v0.9.0" : "";
}

static bool judge_kamal(struct job *job, char *here, size_t size, struct evidence *ev)
{
	struct err err = {0};
	const char *least = job_config_str(job, "kamal.minimum_version", "");
	if (kamal_version_here(job, here, size, &err) < 0) {
		evidence_add(ev, VERDICT_WARN, "kamal", "unknown",
			     "which Kamal runs here is not known: %.160s", err.text);
		return false;
	}
	if (*least && kamal_version_order(here, least) < 0)
		evidence_add(
		    ev, VERDICT_FAIL, "kamal", here,
		    "Kamal here is %s, and its file asks for %s or newer: it refuses everything; update it",
		    here, least);
	else
		evidence_add(ev, VERDICT_PASS, "kamal", here, "Kamal here is %s%s%s", here,
			     *least ? ", its file asks for " : "", least);
	return true;
}

static void judge_proxy(const struct kamal_look *look, const char *kamal, struct evidence *ev)
{
	const char *tag = strrchr(look->proxy_image, ':'), *need = proxy_needed(kamal);
	if (!*look->proxy_image)
		evidence_add(ev, VERDICT_WARN, "proxy", "none",
			     "there is no kamal-proxy on the host: kamal proxy boot");
	else if (!tag || tag[1] != 'v' || strchr(tag, '/'))
		evidence_add(ev, VERDICT_WARN, "proxy", look->proxy_image,
			     "the proxy's image %.120s does not say its version; Kamal %s needs %s",
			     look->proxy_image, kamal, *need ? need : "any");
	else if (*need && kamal_version_order(tag + 1, need) < 0)
		evidence_add(
		    ev, VERDICT_FAIL, "proxy", tag + 1,
		    "kamal-proxy on the host is %s, and Kamal %s needs %s: run kamal proxy reboot before the "
		    "night, while a second without answers hurts nobody",
		    tag + 1, kamal, need);
	else
		evidence_add(ev, VERDICT_PASS, "proxy", tag + 1, "kamal-proxy on the host is %s", tag + 1);
}

static enum verdict kamal_version_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct kamal_look look;
	char here[40] = "";
	if (!kamal_applies(job, ev))
		return evidence_verdict(ev);
	if (!judge_kamal(job, here, sizeof here, ev))
		return evidence_verdict(ev);
	if (kamal_look(job, &look, err) < 0)
		return VERDICT_UNKNOWN;
	judge_proxy(&look, here, ev);
	kamal_look_done(&look);
	return evidence_verdict(ev);
}
