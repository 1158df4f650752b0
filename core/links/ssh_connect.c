/* libssh2's way in: name, socket, greeting, and the end of it. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_library.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 10000, HANDSHAKE_MS = 20000, DEAD_MS = 30000 };

static int wait_connected(struct ssh *ssh, int64_t began_ms, struct err *err)
{
	for (;;) {
		struct pollfd p = {.fd = ssh->fd, .events = POLLOUT};
		int failed = 0;
		socklen_t size = sizeof failed;
		if (poll(&p, 1, 100) > 0) {
			getsockopt(ssh->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
			errno = failed;
			return failed ? -1 : 0;
		}
		if (ssh->job && !ssh->deaf && job_stopping(ssh->job))
			return err_set(err, ERR_CANCELLED, "stopped while connecting to %s", ssh->name);
		errno = ETIMEDOUT;
		if (ssh_since(began_ms) > CONNECT_MS)
			return -1;
	}
}

static int connect_one(struct ssh *ssh, const struct addrinfo *a, int64_t began_ms, struct err *err)
{
	int on = 1, unheard_ms = DEAD_MS;
	ssh->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	if (ssh->fd < 0)
		return -1;
	setsockopt(ssh->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* Together with the keepalive this makes a dead line an error instead of silence. */
	setsockopt(ssh->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unheard_ms, sizeof unheard_ms);
	if (connect(ssh->fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno == EINPROGRESS && wait_connected(ssh, began_ms, err) == 0)
		return 0;
	int why = errno;
	close(ssh->fd);
	ssh->fd = -1;
	errno = why;
	return -1;
}

static int explain_connect(const struct ssh *ssh, int why, struct err *err)
{
	if (why == ECONNREFUSED)
		return err_set(err, ERR_NET,
			       "%s refuses connections on port %d: sshd does not run there or listens on "
			       "another port; see host.port",
			       ssh->at.address, ssh->at.port);
	if (why == ETIMEDOUT)
		return err_set(
		    err, ERR_NET,
		    "%s does not answer on port %d: the host is down or a firewall drops the packets",
		    ssh->at.address, ssh->at.port);
	return err_set(err, ERR_NET,
		       "there is no way to %s port %d (%s); look at the network and at host.address",
		       ssh->at.address, ssh->at.port, strerror(why));
}

static int connect_any(struct ssh *ssh, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	char port[12];
	struct err own = {0};
	text_copyf(port, sizeof port, "%d", ssh->at.port);
	int rc = getaddrinfo(ssh->at.address, port, &hints, &list);
	if (rc)
		return err_set(err, ERR_NET,
			       "the host's name %s cannot be resolved (%s); look at host.address",
			       ssh->at.address, gai_strerror(rc));
	int64_t began_ms = clock_life_ms();
	rc = -1;
	errno = EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && rc < 0 && own.kind == ERR_NONE; a = a->ai_next)
		rc = connect_one(ssh, a, began_ms, &own);
	int why = errno;
	freeaddrinfo(list);
	if (rc < 0 && own.kind)
		return err_set(err, own.kind, "%s", own.text);
	return rc < 0 ? explain_connect(ssh, why, err) : 0;
}

/* No algorithm in common: libssh2 1.10 knows neither GCM and ChaCha20 nor SHA-2 signatures of RSA keys. */
static bool is_algorithm(int rc)
{
	return rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE ||
	       rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE || rc == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED ||
	       rc == LIBSSH2_ERROR_HOSTKEY_INIT || rc == LIBSSH2_ERROR_HOSTKEY_SIGN;
}

static int handshake(struct ssh *ssh, struct err *err)
{
	int rc;
	int64_t began_ms = clock_life_ms();
	if (!ssh_library_session(ssh))
		return err_set(err, ERR_BUG, "libssh2 gave no session");
	ssh_prefer_known(ssh);
	while ((rc = libssh2_session_handshake(ssh->session, ssh->fd)) == LIBSSH2_ERROR_EAGAIN) {
		if (ssh_idle(ssh, SSH_SLICE_MS, err) < 0)
			return -1;
		if (ssh_since(began_ms) > HANDSHAKE_MS)
			return err_set(err, ERR_NET,
				       "%s took the connection and then said nothing for 20 s; sshd hangs or "
				       "is overloaded",
				       ssh->name);
	}
	if (rc == 0)
		return 0;
	if (is_algorithm(rc)) {
		text_copyf(ssh->because, sizeof ssh->because,
			   "the host and libssh2 %s have no algorithm in common", libssh2_version(0));
		return 1;
	}
	return err_set(err, ERR_NET,
		       "%s: the greeting failed%s%s; another service may listen there, or sshd takes no more "
		       "connections (MaxStartups)",
		       ssh->name, *ssh->why ? ": " : "", ssh->why);
}

void ssh_library_drop(struct ssh *ssh)
{
	if (ssh->session) {
		/* Only for as long as the farewell is worth it. */
		if (!ssh->lost && libssh2_session_disconnect(ssh->session, "done") == 0)
			ssh->carrier->turn(ssh);
		ssh->lost = true;
		while (libssh2_session_free(ssh->session) == LIBSSH2_ERROR_EAGAIN)
			;
		ssh->session = NULL;
	}
	if (ssh->fd >= 0)
		close(ssh->fd);
	ssh->fd = -1;
	ssh->opening = NULL;
	buf_reset(&ssh->in);
	buf_reset(&ssh->out);
	ssh->in_at = ssh->out_at = 0;
}

int ssh_library_connect(struct ssh *ssh, struct err *err)
{
	int rc;
	if (libssh2_init(0) != 0)
		return err_set(err, ERR_BUG, "libssh2 cannot be used");
	rc = connect_any(ssh, err);
	rc = rc ? rc : handshake(ssh, err);
	rc = rc ? rc : ssh_check_host(ssh, err);
	rc = rc ? rc : ssh_login(ssh, err);
	if (rc) {
		ssh->lost = rc < 0;
		ssh_library_drop(ssh);
		ssh->lost = rc < 0;
		return rc;
	}
	ssh->heard_ms = ssh->kept_ms = clock_life_ms();
	libssh2_keepalive_config(ssh->session, 1, SSH_KEEPALIVE_S);
	return 0;
}
