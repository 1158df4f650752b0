/* What a job was told: its names, the config, facts and secrets. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/job_inner.h"
#include <stdlib.h>
#include "core/job_write.h"

const char *job_name(const struct job *job)
{
	return json_str(job->hello, "name", "");
}

const char *job_step(const struct job *job)
{
	return json_str(job->hello, "step", "");
}

const char *job_attempt(const struct job *job)
{
	return json_str(job->hello, "attempt", "");
}

const char *job_dir(const struct job *job)
{
	return json_str(job->hello, "dir", "");
}

int job_lock_fd(const struct job *job)
{
	return json_bool(job->hello, "locked", false) ? JOB_LOCK_FD : -1;
}

const struct json *job_config(const struct job *job)
{
	return json_get(job->hello, "config");
}

const char *job_night(const struct job *job)
{
	return json_str(job->hello, "night", "");
}

const char *job_journal_head(const struct job *job)
{
	return json_str(job->hello, "head", "");
}

const char *job_config_str(const struct job *job, const char *dotted, const char *otherwise)
{
	const char *text = json_text(json_path(job_config(job), dotted));
	return text && *text ? text : otherwise;
}

bool job_rehearsal(const struct job *job)
{
	return *job_config_str(job, "rehearsal.database", "") != '\0';
}

const char *job_first_name(const struct job *job)
{
	return json_text(json_first(json_path(job_config(job), "dns.names")));
}

const struct json *job_params(const struct job *job)
{
	return json_get(job->hello, "params");
}

const struct json *job_plan(const struct job *job)
{
	return json_get(job->hello, "plan");
}

const struct json *job_fact(const struct job *job, const char *name, const char *key)
{
	for (size_t i = job->n_fresh; i-- > 0;)
		if (text_equal(json_str(job->fresh[i], "name", ""), name) &&
		    text_equal(json_str(job->fresh[i], "key", ""), key ? key : ""))
			return json_get(job->fresh[i], "data");
	const struct json *facts = json_get(job->hello, "facts");
	const struct json *found = NULL;
	for (const struct json *f = json_first(facts); f; f = json_next(f))
		if (text_equal(json_str(f, "name", ""), name) &&
		    text_equal(json_str(f, "key", ""), key ? key : ""))
			found = json_get(f, "data");
	return found;
}

const struct json *job_fact_at(const struct job *job, const char *name, size_t i)
{
	const struct json *facts = json_get(job->hello, "facts");
	for (const struct json *f = json_first(facts); f; f = json_next(f))
		if (text_equal(json_str(f, "name", ""), name) && i-- == 0)
			return job_fact(job, name, json_str(f, "key", ""));
	for (size_t k = 0; k < job->n_fresh; k++) {
		const char *key = json_str(job->fresh[k], "key", "");
		bool known = !text_equal(json_str(job->fresh[k], "name", ""), name);
		for (const struct json *f = json_first(facts); f && !known; f = json_next(f))
			known = text_equal(json_str(f, "name", ""), name) &&
				text_equal(json_str(f, "key", ""), key);
		for (size_t p = 0; p < k && !known; p++)
			known = text_equal(json_str(job->fresh[p], "name", ""), name) &&
				text_equal(json_str(job->fresh[p], "key", ""), key);
		if (!known && i-- == 0)
			return job_fact(job, name, key);
	}
	return NULL;
}

const struct json *job_waiver(const struct job *job, const char *about, const char *fact)
{
	const struct json *found = NULL;
	for (const struct json *x = json_first(json_get(job->hello, "waivers")); x; x = json_next(x))
		if (text_equal(json_str(x, "about", ""), about))
			found = x;
	const char *given_for = json_str(found, "fact", "");
	return !*fact || text_equal(given_for, fact) ? found : NULL;
}

const char *job_secret(const struct job *job, const char *name)
{
	const char *value = json_text(
	    json_path(job->secrets, "values") ? json_get(json_get(job->secrets, "values"), name) : NULL);
	return value && *value ? value : NULL;
}

void job_keep(struct job *job, const char *name, const char *text)
{
	for (size_t i = 0; i < sizeof job->kept / sizeof *job->kept; i++) {
		if (job->kept[i].text && !text_equal(job->kept[i].name, name))
			continue;
		free(job->kept[i].text);
		text_copy(job->kept[i].name, sizeof job->kept[i].name, name);
		job->kept[i].text = xstrdup(text);
		job->kept[i].life_ms = clock_life_ms();
		return;
	}
}

const char *job_kept(const struct job *job, const char *name, int most_ms)
{
	for (size_t i = 0; i < sizeof job->kept / sizeof *job->kept; i++)
		if (job->kept[i].text && text_equal(job->kept[i].name, name) &&
		    clock_real_ms(clock_life_ms() - job->kept[i].life_ms) <= most_ms)
			return job->kept[i].text;
	return NULL;
}

const char *job_line(const struct job *job, const char *name)
{
	const char *path = json_text(json_get(json_get(job->hello, "lines"), name));
	return path && *path ? path : NULL;
}
