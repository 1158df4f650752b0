/* The words of links/http: what a failed request means. Knows no library. */
#ifndef CORE_LINKS_HTTP_TEXT_H
#define CORE_LINKS_HTTP_TEXT_H

#include "core/links/http.h"

/* Up to HTTP_FAIL_TLS the request cannot have reached a server that acts. */
enum http_fail {
	HTTP_FAIL_NAME,
	HTTP_FAIL_CONNECT,
	HTTP_FAIL_CONNECT_SLOW,
	HTTP_FAIL_TLS_SLOW,
	HTTP_FAIL_CERT,
	HTTP_FAIL_TLS,
	HTTP_FAIL_SLOW,
	HTTP_FAIL_SILENT,
	HTTP_FAIL_RESET,
	HTTP_FAIL_OTHER,
};

/* Sets err (ERR_NET) to a whole sentence. `why`: the library's words, may be empty. */
int http_explain(struct err *err, const struct http_request *request, const struct http_where *where,
		 enum http_fail fail, const char *why);

#endif
