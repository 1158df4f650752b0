#include "core/links/log_words.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include <string.h>

static bool has_any(const char *text, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (memmem(text, len, *words, strlen(*words)))
			return true;
	return false;
}

const char *log_words_level(const char *text, size_t len)
{
	static const char *const bad[] = {"FATAL",
					  "PANIC",
					  "ERROR",
					  "Error:",
					  "error:",
					  "Exception",
					  "StatementInvalid",
					  "Error performing",
					  "panic:",
					  "\"level\":\"error",
					  "level=error",
					  "Traceback (most recent",
					  NULL};
	static const char *const worry[] = {"WARN", "\"level\":\"warn", "level=warn", "warning:", NULL};
	if (has_any(text, len, bad))
		return "error";
	return has_any(text, len, worry) ? "warn" : "";
}

static void request_text(const struct json *j, int64_t status, char *out, size_t size)
{
	const char *query = json_str(j, "query", "");
	text_copyf(out, size, "%s %s %s%s%s %lld %lld ms", json_str(j, "host", "-"),
		   json_str(j, "method", "-"), json_str(j, "path", "-"), *query ? "?" : "", query,
		   (long long)status, (long long)(json_int(j, "duration", 0) / 1000000));
}

static void message_text(const struct json *j, char *out, size_t size)
{
	const char *service = json_str(j, "service", ""), *path = json_str(j, "path", ""),
		   *error = json_str(j, "error", "");
	text_copyf(out, size, "%s%s%s%s%s%s%s", json_str(j, "msg", ""), *service ? " " : "", service,
		   *path ? " " : "", path, *error ? ": " : "", error);
}

bool log_words_proxy(const char *line, size_t len, char *out, size_t size, const char **level)
{
	char raw[2000];
	struct json *j = json_parse(line, len, NULL);
	if (!json_is_object(j)) {
		json_free(j);
		return false;
	}
	int64_t status = json_int(j, "status", 0);
	const char *said = json_str(j, "level", "");
	if (text_equal(json_str(j, "msg", ""), "Request"))
		request_text(j, status, raw, sizeof raw);
	else
		message_text(j, raw, sizeof raw);
	*level = status >= 500 || text_equal(said, "ERROR") ? "error"
		 : text_equal(said, "WARN")                 ? "warn"
							    : "";
	json_free(j);
	text_clean(out, size, raw, strlen(raw));
	return true;
}
