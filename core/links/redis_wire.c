/* TLS goes through memory, so that one code serves a socket and a channel. */
#include "core/links/redis_wire.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/ssh.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLICE_MS = 100, AGAIN = -1, LOST = -2, CHUNK = 16384 };

struct redis_wire {
	struct job *job;
	struct ssh *ssh;
	struct ssh_channel *channel;
	int fd, ms;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	char where[160];
};

/* ---- the bytes below ---- */

static ssize_t raw_read(struct redis_wire *w, void *data, size_t size)
{
	if (w->channel)
		return ssh_forward_read(w->channel, data, size);
	ssize_t n = recv(w->fd, data, size, 0);
	return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? AGAIN : LOST;
}

static ssize_t raw_write(struct redis_wire *w, const void *data, size_t len)
{
	if (w->channel) {
		/* An end is an end here, and no write of nothing: who tries again would try for ever. */
		ssize_t sent = ssh_forward_write(w->channel, data, len);
		return sent == 0 && len ? LOST : sent;
	}
	ssize_t n = send(w->fd, data, len, MSG_NOSIGNAL);
	return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? AGAIN : LOST;
}

/* A slice of waiting; -1 when the job shall stop or the time is over. */
static int wait_some(struct redis_wire *w, short events, int64_t began_ms, struct err *err)
{
	if (w->job && job_stopping(w->job))
		return err_set(err, ERR_CANCELLED, "stopped on request while %s was asked", w->where);
	if (clock_real_ms(clock_life_ms() - began_ms) > w->ms)
		return err_set(err, ERR_NET, "%s did not answer within %d s", w->where, w->ms / 1000);
	if (w->channel)
		return ssh_pump(w->ssh, SLICE_MS, err);
	struct pollfd p = {.fd = w->fd, .events = events};
	poll(&p, 1, SLICE_MS);
	return 0;
}

static int send_all(struct redis_wire *w, const char *data, size_t len, struct err *err)
{
	int64_t began_ms = clock_life_ms();
	while (len) {
		ssize_t n = raw_write(w, data, len);
		if (n == LOST)
			return err_set(err, ERR_NET, "the connection to %s was lost", w->where);
		if (n == AGAIN) {
			if (wait_some(w, POLLOUT, began_ms, err) < 0)
				return -1;
			continue;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static ssize_t read_some(struct redis_wire *w, void *data, size_t size, struct err *err)
{
	int64_t began_ms = clock_life_ms();
	for (;;) {
		ssize_t n = raw_read(w, data, size);
		if (n > 0)
			return n;
		if (n == 0)
			return err_set(err, ERR_NET, "%s closed the connection", w->where);
		if (n == LOST)
			return err_set(err, ERR_NET, "the connection to %s was lost", w->where);
		if (wait_some(w, POLLIN, began_ms, err) < 0)
			return -1;
	}
}

/* ---- connecting ---- */

static int connect_to(struct redis_wire *w, const struct addrinfo *a, struct err *err)
{
	int64_t began_ms = clock_life_ms();
	int bad = 0, on = 1;
	socklen_t size = sizeof bad;
	w->fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (w->fd < 0)
		return err_set(err, ERR_IO, "no socket for %s: %s", w->where, strerror(errno));
	if (connect(w->fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		return err_set(err, ERR_NET, "%s cannot be reached: %s", w->where, strerror(errno));
	for (;;) {
		struct pollfd p = {.fd = w->fd, .events = POLLOUT};
		if (poll(&p, 1, 0) > 0)
			break;
		if (wait_some(w, POLLOUT, began_ms, err) < 0)
			return -1;
	}
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &bad, &size) < 0 || bad)
		return err_set(err, ERR_NET, "%s cannot be reached: %s", w->where, strerror(bad));
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return 0;
}

static int connect_any(struct redis_wire *w, const char *host, int port, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	char number[12];
	text_copyf(number, sizeof number, "%d", port);
	int bad = getaddrinfo(host, number, &hints, &list), rc = -1;
	if (bad)
		return err_set(err, ERR_NET, "%s cannot be reached: %s", w->where, gai_strerror(bad));
	for (struct addrinfo *a = list; a && rc < 0; a = a->ai_next) {
		if (w->fd >= 0)
			close(w->fd);
		rc = connect_to(w, a, err);
		if (rc < 0 && err->kind == ERR_CANCELLED)
			break;
	}
	freeaddrinfo(list);
	if (rc == 0)
		*err = (struct err){0};
	return rc;
}

struct redis_wire *redis_wire_open(struct job *job, struct ssh *ssh, const char *host, int port, int ms,
				   struct err *err)
{
	struct redis_wire *w = xcalloc(1, sizeof *w);
	struct err why = {0};
	int rc;
	*w = (struct redis_wire){.job = job, .ssh = ssh, .fd = -1, .ms = ms};
	text_copyf(w->where, sizeof w->where, "Redis at %s:%d", host, port);
	if (ssh) {
		w->channel = ssh_forward(ssh, host, port, &why);
		rc = w->channel ? 0 : -1;
	} else {
		rc = connect_any(w, host, port, &why);
	}
	if (rc == 0)
		return w;
	err_set(err, why.kind, "%s", why.text);
	redis_wire_close(w);
	return NULL;
}

/* ---- TLS ---- */

static int tls_flush(struct redis_wire *w, struct err *err)
{
	char chunk[CHUNK];
	int n;
	while ((n = BIO_read(w->out, chunk, sizeof chunk)) > 0)
		if (send_all(w, chunk, (size_t)n, err) < 0)
			return -1;
	return 0;
}

static int tls_feed(struct redis_wire *w, struct err *err)
{
	char chunk[CHUNK];
	ssize_t n = read_some(w, chunk, sizeof chunk, err);
	if (n > 0)
		BIO_write(w->in, chunk, (int)n);
	return n > 0 ? 0 : -1;
}

static int tls_bad(struct redis_wire *w, struct err *err)
{
	long verified = SSL_get_verify_result(w->ssl);
	unsigned long code = ERR_get_error();
	char said[200] = "";
	if (code)
		ERR_error_string_n(code, said, sizeof said);
	ERR_clear_error();
	if (verified != X509_V_OK && SSL_get_verify_mode(w->ssl) != SSL_VERIFY_NONE)
		return err_set(err, ERR_AUTH,
			       "the certificate of %s is not accepted (%s); nothing was sent. Where it is "
			       "self-signed and meant to be, write redis: {verify: false}",
			       w->where, X509_verify_cert_error_string(verified));
	return err_set(err, ERR_NET, "%s speaks no TLS that we understand (%s)", w->where,
		       *said ? said : "it ended");
}

static int tls_shake(struct redis_wire *w, struct err *err)
{
	for (;;) {
		int rc = SSL_do_handshake(w->ssl), why = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(w->ssl, rc);
		if (tls_flush(w, err) < 0)
			return -1;
		if (rc == 1)
			return 0;
		if (why != SSL_ERROR_WANT_READ)
			return tls_bad(w, err);
		if (tls_feed(w, err) < 0)
			return -1;
	}
}

int redis_wire_tls(struct redis_wire *w, const char *host, bool verify, struct err *err)
{
	unsigned char address[16];
	w->ctx = SSL_CTX_new(TLS_client_method());
	if (!w->ctx || !SSL_CTX_set_min_proto_version(w->ctx, TLS1_2_VERSION))
		return err_set(err, ERR_IO, "no TLS can be spoken here");
	SSL_CTX_set_default_verify_paths(w->ctx);
	SSL_CTX_set_verify(w->ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	w->ssl = SSL_new(w->ctx);
	w->in = BIO_new(BIO_s_mem());
	w->out = BIO_new(BIO_s_mem());
	if (!w->ssl || !w->in || !w->out)
		abort();
	SSL_set_bio(w->ssl, w->in, w->out);
	SSL_set_connect_state(w->ssl);
	bool number = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
	if (number)
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(w->ssl), host);
	else if (!SSL_set1_host(w->ssl, host) || !SSL_set_tlsext_host_name(w->ssl, host))
		return err_set(err, ERR_CONFIG, "the Redis host is no name that a certificate can have");
	return tls_shake(w, err);
}

/* ---- what redis.c sees ---- */

int redis_wire_write(struct redis_wire *w, const void *data, size_t len, struct err *err)
{
	if (!w->ssl)
		return send_all(w, data, len, err);
	while (len) {
		int piece = len > CHUNK ? CHUNK : (int)len, n = SSL_write(w->ssl, data, piece);
		if (n <= 0)
			return tls_bad(w, err);
		if (tls_flush(w, err) < 0)
			return -1;
		data = (const char *)data + n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t redis_wire_read(struct redis_wire *w, void *data, size_t size, struct err *err)
{
	if (!w->ssl)
		return read_some(w, data, size, err);
	for (;;) {
		int n = SSL_read(w->ssl, data, size > CHUNK ? CHUNK : (int)size);
		if (n > 0)
			return n;
		int why = SSL_get_error(w->ssl, n);
		if (tls_flush(w, err) < 0)
			return -1;
		if (why == SSL_ERROR_ZERO_RETURN)
			return err_set(err, ERR_NET, "%s closed the connection", w->where);
		if (why != SSL_ERROR_WANT_READ)
			return tls_bad(w, err);
		if (tls_feed(w, err) < 0)
			return -1;
	}
}

void redis_wire_close(struct redis_wire *w)
{
	if (!w)
		return;
	SSL_free(w->ssl);
	SSL_CTX_free(w->ctx);
	ssh_forward_close(w->channel);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}
