/* Who may ask and how often, and errors in Amazon's XML. */
#include "api.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const ns = "https://route53.amazonaws.com/doc/2013-04-01/";

void api_xml(struct http_reply *reply, const char *root, const char *inside)
{
	struct text text = {0};
	text_add(&text, "<?xml version=\"1.0\"?>\n<%s xmlns=\"%s\">%s</%s>", root, ns, inside, root);
	http_reply_text(reply, 200, "text/xml", text.data);
	free(text.data);
}

void api_error(struct http_reply *reply, int status, const char *code, const char *format, ...)
{
	char words[500];
	struct text text = {0};
	va_list list;
	va_start(list, format);
	vsnprintf(words, sizeof(words), format, list);
	va_end(list);
	text_add(&text,
		 "<?xml version=\"1.0\"?>\n<ErrorResponse "
		 "xmlns=\"%s\"><Error><Type>Sender</Type><Code>%s</Code><Message>",
		 ns, code);
	text_add_escaped(&text, words);
	text_add(&text, "</Message></Error><RequestId>4442587f-b7bb-11e0-9c18-1f2f6e5d8cbd</RequestId>"
			"</ErrorResponse>");
	http_reply_text(reply, status, "text/xml", text.data);
	free(text.data);
}

void api_invalid(struct http_reply *reply, const char *format, ...)
{
	char words[700];
	struct text text = {0};
	va_list list;
	va_start(list, format);
	vsnprintf(words, sizeof(words), format, list);
	va_end(list);
	text_add(&text, "<?xml version=\"1.0\"?>\n<InvalidChangeBatch xmlns=\"%s\"><Messages><Message>", ns);
	text_add_escaped(&text, words);
	text_add(&text, "</Message></Messages><RequestId>4442587f-b7bb-11e0-9c18-1f2f6e5d8cbd</RequestId>"
			"</InvalidChangeBatch>");
	http_reply_text(reply, 400, "text/xml", text.data);
	free(text.data);
}

long long api_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A bucket that holds one second's requests. */
static bool is_throttled(struct api *api)
{
	long long now = api_now_ms(), each = 1000 / api->rate;
	if (api->allowance_ms < now)
		api->allowance_ms = now;
	if (api->allowance_ms > now + 1000 - each)
		return true;
	api->allowance_ms += each;
	return false;
}

bool api_admit(struct http_request *req, struct http_reply *reply)
{
	struct api *api = req->ctx;
	char why[400];
	const char *code = sign_check(api, req, why, sizeof(why));
	if (code)
		api_error(reply, 403, code, "%s", why);
	else if (is_throttled(api))
		api_error(reply, 400, "Throttling", "Rate exceeded");
	else
		return false;
	return true;
}

void api_missing(struct http_request *req, struct http_reply *reply)
{
	api_error(reply, 404, "NoSuchHostedZone", "No hosted zone found for %s", req->path);
}
