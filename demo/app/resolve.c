#include "demo/app/resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <poll.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool server_address(const char *server, struct sockaddr_in *address)
{
	char host[64];
	const char *mark = strchr(server, '#');
	size_t length = mark ? (size_t)(mark - server) : strlen(server);

	if (length >= sizeof(host))
		return false;
	memcpy(host, server, length);
	host[length] = '\0';
	*address = (struct sockaddr_in){.sin_family = AF_INET};
	address->sin_port = htons(mark ? (uint16_t)strtoul(mark + 1, NULL, 10) : 53);
	return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static int make_question(const char *name, unsigned char *question, int size)
{
	struct __res_state state = {0};

	if (res_ninit(&state) != 0)
		return -1;
	int length = res_nmkquery(&state, ns_o_query, name, ns_c_in, ns_t_a, NULL, 0, NULL, question, size);
	res_nclose(&state);
	return length;
}

static bool read_answer(const unsigned char *bytes, int length, struct in_addr *address)
{
	ns_msg message;
	ns_rr record;

	if (ns_initparse(bytes, length, &message) != 0 || ns_msg_getflag(message, ns_f_rcode) != ns_r_noerror)
		return false;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) != 0)
			return false;
		if (ns_rr_type(record) == ns_t_a && ns_rr_rdlen(record) == sizeof(*address)) {
			memcpy(address, ns_rr_rdata(record), sizeof(*address));
			return true;
		}
	}
	return false;
}

bool resolve_a(const char *server, const char *name, struct in_addr *address)
{
	unsigned char question[512], answer[4096];
	struct sockaddr_in to;
	int length = make_question(name, question, sizeof(question));
	bool found = false;

	if (length < 0 || !server_address(server, &to))
		return false;
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (udp < 0)
		return false;
	struct pollfd wait = {.fd = udp, .events = POLLIN};
	/* Connected, so that only this server's datagrams arrive and a closed port is told at once. */
	if (connect(udp, (const struct sockaddr *)&to, sizeof(to)) == 0 &&
	    send(udp, question, (size_t)length, 0) == length && poll(&wait, 1, 1000) == 1) {
		ssize_t got = recv(udp, answer, sizeof(answer), 0);
		if (got >= NS_HFIXEDSZ && memcmp(question, answer, 2) == 0)
			found = read_answer(answer, (int)got, address);
	}
	close(udp);
	return found;
}
