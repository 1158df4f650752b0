/* The names that will be moved are the names Heroku serves: no more, no less. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>
#include <strings.h>

static enum verdict heroku_domains_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_domains_check = {
    .name = "heroku-domains",
    .help = "dns.names are the custom domains of the app on Heroku",
    .bite = "a forgotten domain keeps sending its visitors to the old app after the move",
    .secrets = secrets,
    .run = heroku_domains_run,
};

static const struct heroku_domain *find(const struct heroku_domain *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(list[i].hostname, name) == 0)
			return &list[i];
	return NULL;
}

static bool is_named(const struct json *names, const char *hostname)
{
	for (const struct json *name = json_first(names); name; name = json_next(name))
		if (json_text(name) && strcasecmp(json_text(name), hostname) == 0)
			return true;
	return false;
}

static void judge_names(const struct json *names, const struct heroku_domain *list, size_t n,
			struct evidence *ev)
{
	size_t good = 0;
	for (const struct json *item = json_first(names); item; item = json_next(item)) {
		const char *name = json_text(item) ? json_text(item) : "";
		const struct heroku_domain *domain = find(list, n, name);
		if (domain && text_equal(domain->kind, "custom")) {
			good++;
			continue;
		}
		evidence_add(
		    ev, VERDICT_FAIL, "missing", name,
		    "%s is in dns.names, but the app on Heroku does not serve it: is it spelled right?",
		    name);
	}
	if (good)
		evidence_add(ev, VERDICT_PASS, "names", "", "%zu name%s of dns.names %s served by the app.",
			     good, good == 1 ? "" : "s", good == 1 ? "is" : "are");
	if (!json_count(names))
		evidence_add(ev, VERDICT_WARN, "names", "none",
			     "dns.names in nightferry.yml is empty: no name would be moved.");
}

static enum verdict heroku_domains_run(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *names = json_path(job_config(job), "dns.names");
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_domain *list;
	size_t n;
	if (!heroku)
		return VERDICT_UNKNOWN;
	if (heroku_domains(heroku, &list, &n, err) < 0) {
		heroku_close(heroku);
		return VERDICT_UNKNOWN;
	}
	judge_names(names, list, n, ev);
	for (size_t i = 0; i < n; i++) {
		if (!text_equal(list[i].kind, "custom") || is_named(names, list[i].hostname))
			continue;
		evidence_add(
		    ev, VERDICT_WARN, "forgotten", list[i].hostname,
		    "Heroku serves %s too, and dns.names does not move it: add it, or leave it on purpose.",
		    list[i].hostname);
	}
	free(list);
	heroku_close(heroku);
	return evidence_verdict(ev);
}
