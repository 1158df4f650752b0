/* Requests to Route 53, and what its refusals mean. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/http.h"
#include "core/links/route53_inner.h"
#include "core/links/xml.h"
#include <stdlib.h>
#include <string.h>

enum { PACE_MS = 500, BURST = 4, TRIES = 5, RETRY_MS = 1000, BRISK_TRIES = 3 };

/* Five a second is all that an account had for years, and other programs want some of them: a few at once,
 * then two a second. */
static int keep_pace(struct route53 *r, struct err *err)
{
	int64_t now_ms = clock_life_ms();
	if (r->due_ms < now_ms - BURST * PACE_MS)
		r->due_ms = now_ms - BURST * PACE_MS;
	r->due_ms += PACE_MS;
	if (r->due_ms > now_ms && job_wait(r->job, r->due_ms - now_ms) && job_cancelled(r->job))
		return err_set(err, ERR_CANCELLED, "route53: stopped before the next request");
	return 0;
}

/* <ErrorResponse><Error>, or <InvalidChangeBatch><Messages>. */
static void error_words(const struct json *answer, char *code, size_t code_size, char *words, size_t size)
{
	const struct json *error = xml_child(answer, "Error"), *messages = xml_child(answer, "Messages");
	const char *message = messages ? xml_text(messages, "Message") : xml_text(error, "Message");
	text_clean(code, code_size, messages ? "InvalidChangeBatch" : xml_text(error, "Code"),
		   strlen(messages ? "InvalidChangeBatch" : xml_text(error, "Code")));
	text_clean(words, size, *message ? message : "no reason given",
		   strlen(*message ? message : "no reason given"));
}

static bool is_held(const char *code)
{
	return text_equal(code, "Throttling") || text_equal(code, "ThrottlingException") ||
	       text_equal(code, "PriorRequestNotComplete");
}

static int explain(const struct route53 *r, const struct http_reply *reply, const char *code,
		   const char *words, struct err *err)
{
	if (text_equal(code, "RequestExpired") || strstr(words, "Signature expired") ||
	    strstr(words, "not yet current"))
		return err_set(err, ERR_AUTH,
			       "route53: the request is too old or too new for them, because this machine's "
			       "clock is wrong; nothing was changed, set the clock and try again");
	if (text_equal(code, "AccessDenied"))
		return err_set(err, ERR_AUTH,
			       "route53: this login (%s) may not do that: %s; it needs "
			       "ListHostedZonesByName, ListResourceRecordSets, ChangeResourceRecordSets and "
			       "GetChange. Nothing was changed by this request",
			       r->login.from, words);
	if (reply->status == 401 || reply->status == 403)
		return err_set(err, ERR_AUTH,
			       "route53: the credentials of %s are not accepted (HTTP %d, %s: %s); nothing "
			       "was changed by this request",
			       r->login.from, reply->status, code, words);
	if (is_held(code))
		return err_set(err, ERR_REFUSED,
			       "route53: too many requests with this account just now (%s); nothing was "
			       "changed, try again in a minute",
			       code);
	if (reply->status >= 500 || !*code)
		return err_set(err, ERR_NET,
			       "route53: failed on their side (HTTP %d, %s); try again in a minute",
			       reply->status, words);
	return err_set(err, ERR_REFUSED, "route53: the request was refused, nothing was changed (%s: %s)",
		       code, words);
}

/* One try. `again`: nothing was done, and the same may be asked once more. */
static struct json *once(struct route53 *r, const struct http_request *request, const char *path, bool *again,
			 struct err *err)
{
	struct http_reply reply;
	char code[60] = "", words[300] = "", ended[HTTP_ENDED_MAX];
	bool changes = request->method != NULL;
	int rc = http_perform(r->http, request, &reply, err);
	job_command(r->job, "http", "%s %s%s%s %s %lld ms", changes ? request->method : "GET", path,
		    changes ? " " : "", changes ? request->body : "", http_ended(&reply, ended),
		    (long long)reply.ms);
	struct json *answer = rc == 0 ? xml_parse(buf_text(&reply.body), reply.body.len, NULL) : NULL;
	r->lost = changes && ((rc < 0 && reply.end == HTTP_LOST) || (rc == 0 && reply.status >= 500));
	*again = !changes && rc < 0 && err->kind == ERR_NET;
	if (rc == 0 && reply.status / 100 == 2 && !answer) {
		r->lost = changes;
		err_set(err, ERR_NET, "route53: an answer that is no XML; look at dns.api");
	} else if (rc == 0 && reply.status / 100 != 2) {
		error_words(answer, code, sizeof code, words, sizeof words);
		*again = is_held(code) || (!changes && reply.status >= 500);
		explain(r, &reply, code, words, err);
		json_free(answer);
		answer = NULL;
	}
	http_reply_done(&reply);
	return answer;
}

struct json *route53_call(struct route53 *r, const char *method, const char *path, const char *body,
			  struct err *err)
{
	char *url = xasprintf("%s%s", r->base, path),
	     *token = r->login.token ? xasprintf("X-Amz-Security-Token: %s", r->login.token) : NULL;
	static const char *const xml[] = {"Content-Type: text/xml", NULL};
	struct http_request request = {.method = method,
				       .url = url,
				       .headers = body ? xml : NULL,
				       .secret = token,
				       .sign_for = "aws:amz:us-east-1:route53",
				       .sign_key_id = r->login.key_id,
				       .sign_key = r->login.key,
				       .body = body,
				       .body_len = body ? strlen(body) : 0,
				       .timeout_ms = 20000};
	struct json *answer = NULL;
	int tries = r->manner == DNS_PATIENT ? TRIES : BRISK_TRIES;
	bool again = true;
	for (int i = 0; !answer && again && i < tries; i++) {
		if (i && job_wait(r->job, RETRY_MS << (i - 1)) && job_cancelled(r->job)) {
			err_set(err, ERR_CANCELLED, "route53: stopped while waiting for leave to ask again");
			break;
		}
		*err = (struct err){0};
		if (keep_pace(r, err) < 0)
			break;
		answer = once(r, &request, path, &again, err);
	}
	free(url);
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	return answer;
}

/* ---- the batch ---- */

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			buf_adds(out, "&amp;");
		else if (*text == '<')
			buf_adds(out, "&lt;");
		else if (*text == '>')
			buf_adds(out, "&gt;");
		else
			buf_addc(out, *text);
	}
}

/* Values as Amazon has them, with or without a final dot: a DELETE has to name them exactly. */
static void add_values(struct buf *out, const struct dns_rrset *set)
{
	const struct json *raw = xml_child(xml_child(set->raw, "ResourceRecords"), "ResourceRecord");
	bool host = text_equal(set->type, "CNAME") || text_equal(set->type, "NS");
	for (size_t i = 0; i < set->n; i++) {
		buf_adds(out, "<ResourceRecord><Value>");
		add_escaped(out, raw ? xml_text(raw, "Value") : set->values[i]);
		buf_adds(out, host && !raw ? ".</Value></ResourceRecord>" : "</Value></ResourceRecord>");
		raw = xml_next(raw, "ResourceRecord");
	}
}

/* The order of the elements is Amazon's, and it counts. */
static void add_change(struct buf *out, const char *action, const struct dns_rrset *set)
{
	buf_addf(out, "<Change><Action>%s</Action><ResourceRecordSet><Name>", action);
	add_escaped(out, set->name);
	buf_addf(out, ".</Name><Type>%s</Type>", set->type);
	if (set->weight >= 0) {
		buf_adds(out, "<SetIdentifier>");
		add_escaped(out, set->member);
		buf_addf(out, "</SetIdentifier><Weight>%d</Weight>", set->weight);
	}
	buf_addf(out, "<TTL>%lld</TTL><ResourceRecords>", (long long)set->ttl_s);
	add_values(out, set);
	buf_adds(out, "</ResourceRecords></ResourceRecordSet></Change>");
}

static bool moves(const struct dns_change *c)
{
	return c->from.n && (!c->to.n || !text_equal(c->from.type, c->to.type) ||
			     !text_equal(c->from.member, c->to.member));
}

void route53_batch(struct buf *out, const struct dns_change *changes, size_t n)
{
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChangeResourceRecordSetsRequest "
		      "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch>"
		      "<Comment>nightferry</Comment><Changes>");
	for (size_t i = 0; i < n; i++)
		if (moves(&changes[i]))
			add_change(out, "DELETE", &changes[i].from);
	for (size_t i = 0; i < n; i++)
		if (changes[i].to.n)
			add_change(out, changes[i].from.n && !moves(&changes[i]) ? "UPSERT" : "CREATE",
				   &changes[i].to);
	buf_adds(out, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
}
