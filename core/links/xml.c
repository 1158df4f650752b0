/* Reading XML: see xml.h. Written as JSON while it is read, so that one kind of tree serves for both. */
#include "core/links/xml.h"
#include "core/base/text.h"
#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 24, NAME_MAX_LEN = 64 };

struct reader {
	const char *at, *end;
	struct jw w;
	struct {
		char name[NAME_MAX_LEN];
		struct buf text;
	} open[DEPTH_MAX];
	size_t depth;
	bool whole; /* the root has been closed */
};

static const char *find(const struct reader *r, const char *what)
{
	return memmem(r->at, (size_t)(r->end - r->at), what, strlen(what));
}

static void add_entity(struct buf *out, const char *name, size_t len)
{
	static const struct {
		const char *name;
		char is;
	} known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i].name) == len && memcmp(known[i].name, name, len) == 0) {
			buf_addc(out, known[i].is);
			return;
		}
	uint32_t code = 0;
	bool hex = len > 1 && name[0] == '#' && (name[1] == 'x' || name[1] == 'X');
	for (size_t i = hex ? 2 : 1; i < len && code <= 0x10ffff; i++) {
		const char *digits = "0123456789abcdef", *d = strchr(digits, name[i] | 32);
		if (!d || d - digits >= (hex ? 16 : 10))
			return;
		code = code * (hex ? 16 : 10) + (uint32_t)(d - digits);
	}
	char utf8[4];
	if (len > 1 && name[0] == '#' && code && code <= 0x10ffff)
		buf_add(out, utf8, text_encode(code, utf8));
}

static void add_text(struct buf *out, const char *text, const char *end)
{
	while (text < end) {
		const char *semicolon = *text == '&' ? memchr(text, ';', (size_t)(end - text)) : NULL;
		if (semicolon && semicolon - text < 12) {
			add_entity(out, text + 1, (size_t)(semicolon - text - 1));
			text = semicolon + 1;
		} else {
			buf_addc(out, *text++);
		}
	}
}

static void close_element(struct reader *r)
{
	struct buf *text = &r->open[--r->depth].text;
	jw_end(&r->w);
	jw_str(&r->w, "text", buf_text(text));
	if (r->depth)
		jw_end(&r->w);
	buf_done(text);
	r->whole = r->depth == 0;
}

static bool open_element(struct reader *r, const char *tag, size_t len)
{
	size_t name = strcspn(tag, " \t\r\n/>");
	if (r->depth == DEPTH_MAX || r->whole || name == 0 || name >= NAME_MAX_LEN || name > len)
		return false;
	if (r->depth)
		jw_obj(&r->w, NULL);
	else
		jw_open(&r->w);
	memcpy(r->open[r->depth].name, tag, name);
	r->open[r->depth].name[name] = '\0';
	r->open[r->depth].text = (struct buf){0};
	jw_str(&r->w, "name", r->open[r->depth++].name);
	jw_arr(&r->w, "kids");
	if (tag[len - 1] == '/')
		close_element(r);
	return true;
}

/* `r->at` stands behind "<". */
static bool read_tag(struct reader *r)
{
	bool comment = r->end - r->at >= 3 && memcmp(r->at, "!--", 3) == 0;
	const char *close = find(r, comment ? "-->" : ">");
	if (!close || (*r->at == '!' && !comment))
		return false;
	const char *tag = r->at;
	size_t len = (size_t)(close - tag);
	r->at = close + (comment ? 3 : 1);
	if (comment || *tag == '?')
		return true;
	if (*tag != '/')
		return len > 0 && open_element(r, tag, len);
	const char *name = r->depth ? r->open[r->depth - 1].name : "";
	if (!*name || strncmp(tag + 1, name, strlen(name)) != 0 || strlen(name) + 1 > len)
		return false;
	close_element(r);
	return true;
}

static bool read_all(struct reader *r)
{
	while (r->at < r->end) {
		const char *tag = memchr(r->at, '<', (size_t)(r->end - r->at));
		const char *stop = tag ? tag : r->end;
		if (r->depth)
			add_text(&r->open[r->depth - 1].text, r->at, stop);
		r->at = tag ? tag + 1 : r->end;
		if (tag && !read_tag(r))
			return false;
	}
	return r->whole;
}

struct json *xml_parse(const char *text, size_t len, struct err *err)
{
	struct reader r = {.at = text, .end = text + len};
	struct json *root = NULL;
	if (!memchr(text, '\0', len) && read_all(&r)) {
		const char *json = jw_finish(&r.w);
		root = json_parse(json, strlen(json), NULL);
	}
	while (r.depth)
		buf_done(&r.open[--r.depth].text);
	jw_done(&r.w);
	if (!root)
		err_set(err, ERR_NET, "the answer is no XML that can be read");
	return root;
}

static const struct json *named(const struct json *element, const char *name)
{
	while (element && !text_equal(json_str(element, "name", ""), name))
		element = json_next(element);
	return element;
}

const struct json *xml_child(const struct json *element, const char *name)
{
	return named(json_first(json_get(element, "kids")), name);
}

const struct json *xml_next(const struct json *element, const char *name)
{
	return named(element ? json_next(element) : NULL, name);
}

const char *xml_text(const struct json *element, const char *name)
{
	return json_str(xml_child(element, name), "text", "");
}
