/* proxy-tls: a certificate that Let's Encrypt gives only once DNS points to the new host. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"

static enum verdict proxy_tls_run(struct job *job, struct evidence *ev, struct err *err);

const struct check proxy_tls_check = {
    .name = "proxy-tls",
    .help = "what the proxy's certificate will be at the moment of the flip",
    .bite =
	"https on the new host fails until DNS points there, and the first visitors wait for the certificate",
    .run = proxy_tls_run,
};

static enum verdict proxy_tls_run(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *proxy = json_path(job_config(job), "kamal.proxy");
	const char *scheme = job_config_str(job, "web.scheme", "https"), *name = job_first_name(job);
	(void)err;
	if (!kamal_applies(job, ev))
		return evidence_verdict(ev);
	if (!json_is_object(proxy))
		evidence_add(ev, VERDICT_PASS, "tls", "none",
			     "Kamal's file has no proxy for the primary role");
	else if (json_bool(proxy, "certificate", false))
		evidence_add(ev, VERDICT_PASS, "tls", "own",
			     "the proxy has a certificate of yours from the first moment");
	else if (json_bool(proxy, "ssl", false))
		evidence_add(ev, VERDICT_WARN, "tls", "lets encrypt",
			     "ssl: true has no certificate before DNS points to the new host: until then "
			     "http answers 301 "
			     "everywhere, /up too, and https fails; after the flip the first visit of each "
			     "name fetches it, "
			     "so visit %s at once",
			     name ? name : "each");
	else if (text_equal(scheme, "https"))
		evidence_add(ev, VERDICT_WARN, "tls", "elsewhere",
			     "the proxy speaks plain http and the names are visited by https: somebody in "
			     "front of it must end "
			     "TLS and reach the new host by http, or write proxy: {ssl: true}");
	else
		evidence_add(ev, VERDICT_PASS, "tls", "http",
			     "the proxy speaks http, and so do the visitors");
	return evidence_verdict(ev);
}
