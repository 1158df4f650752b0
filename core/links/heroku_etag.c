/* Answers that are asked for again and again come with a tag; who has it is told "the same" instead. Only the
 * looks of a watch are kept, and never what may hold secrets. */
#include "core/base/text.h"
#include "core/links/heroku_inner.h"
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX_BYTES = 256 * 1024 };

static struct heroku_etag *find(const struct heroku *heroku, const char *what)
{
	for (size_t i = 0; i < HEROKU_ETAGS; i++)
		if (heroku->etags[i].what && text_equal(heroku->etags[i].what, what))
			return (struct heroku_etag *)&heroku->etags[i];
	return NULL;
}

static void forget(struct heroku_etag *etag)
{
	free(etag->what);
	free(etag->etag);
	buf_done(&etag->body);
	*etag = (struct heroku_etag){0};
}

const char *heroku_etag_known(const struct heroku *heroku, const char *what)
{
	const struct heroku_etag *etag = find(heroku, what);
	return etag ? etag->etag : NULL;
}

static void keep(struct heroku *heroku, const char *what, const char *tag)
{
	struct heroku_etag *etag = find(heroku, what);
	if (!etag)
		etag = &heroku->etags[heroku->next_etag++ % HEROKU_ETAGS];
	forget(etag);
	etag->what = xstrdup(what);
	etag->etag = xstrdup(tag);
	buf_add(&etag->body, heroku->reply.body.data, heroku->reply.body.len);
}

void heroku_etag_take(struct heroku *heroku, const char *what)
{
	char tag[160];
	struct http_reply *reply = &heroku->reply;
	if (reply->status == 304) {
		const struct heroku_etag *etag = find(heroku, what);
		buf_reset(&reply->body);
		if (etag) {
			buf_add(&reply->body, etag->body.data, etag->body.len);
			reply->status = 200;
		}
	} else if (reply->status == 200 && reply->body.len && reply->body.len <= KEPT_MAX_BYTES &&
		   http_head(reply, "etag", tag, sizeof tag)) {
		keep(heroku, what, tag);
	}
}

void heroku_etags_done(struct heroku *heroku)
{
	for (size_t i = 0; i < HEROKU_ETAGS; i++)
		forget(&heroku->etags[i]);
}
