/* Both ends of a question of the ssh program: see ssh_askpass.h. The answer travels over a socket in a folder
 * that is ours alone, and a pipe to ssh; never in an argument or a file. */
#include "core/links/ssh_askpass.h"
#include "core/base/text.h"
#include "core/links/ssh_program.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PROMPT_MOST = 2000, READ_MS = 5000 };

/* ---- the end that ssh starts ---- */

bool ssh_askpass_wanted(int argc)
{
	const char *path = getenv("NIGHTFERRY_ASK");
	return path && *path && argc == 2 && getenv("SSH_ASKPASS_REQUIRE");
}

static int ask_socket(const char *path, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!text_copy(addr->sun_path, sizeof addr->sun_path, path))
		return -1;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int ssh_askpass_main(const char *prompt)
{
	struct sockaddr_un addr;
	char answer[512] = "";
	size_t got = 0;
	/* "Confirm user presence for key": ssh only wants it shown as long as it waits. */
	const char *how = getenv("SSH_ASKPASS_PROMPT");
	int fd = ask_socket(getenv("NIGHTFERRY_ASK"), &addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
		return 1;
	if (text_equal(how, "none") && write(fd, "!", 1) != 1)
		return 1;
	if (write(fd, prompt, strlen(prompt)) != (ssize_t)strlen(prompt) || shutdown(fd, SHUT_WR) < 0)
		return 1;
	for (ssize_t n; got < sizeof answer - 1 && (n = read(fd, answer + got, sizeof answer - 1 - got)) > 0;)
		got += (size_t)n;
	close(fd);
	if (!got)
		return 1;
	printf("%.*s\n", (int)got, answer);
	fflush(stdout);
	explicit_bzero(answer, sizeof answer);
	return 0;
}

/* ---- the end that knows whom to ask ---- */

int ssh_ask_listen(struct ssh *ssh)
{
	struct sockaddr_un addr;
	char path[100];
	text_copyf(path, sizeof path, "%s/ask", ssh->folder);
	int fd = ask_socket(path, &addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 8) < 0)
		return -1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* The text between `from` and any of `until`. */
static void part(const char *text, const char *from, const char *until, char *out, size_t size)
{
	const char *at = strstr(text, from);
	at = at ? at + strlen(from) : "";
	text_clean(out, size, at, strcspn(at, until));
}

static int answer_trust(struct ssh *ssh, const char *prompt, char *out, size_t size, struct err *err)
{
	char host[200], type[40], fingerprint[100];
	part(prompt, "authenticity of host '", "'", host, sizeof host);
	part(prompt, "key fingerprint is ", ". \r\n", fingerprint, sizeof fingerprint);
	const char *key = strstr(prompt, " key fingerprint is "), *word = key;
	while (word && word > prompt && word[-1] != '\n' && word[-1] != ' ')
		word--;
	text_copyf(type, sizeof type, "%.*s", word ? (int)(key - word) : 0, word ? word : "");
	text_copy(out, size, "yes");
	return ssh_ask_trust(ssh, *host ? host : ssh->at.address, type, fingerprint, err);
}

/* The subject of a question: a key file's name, or the question itself. */
static void subject_of(const char *prompt, char *out, size_t size)
{
	if (strstr(prompt, "passphrase for key '"))
		part(prompt, "passphrase for key '", "'", out, size);
	else if (strstr(prompt, "passphrase for "))
		part(prompt, "passphrase for ", ":", out, size);
	else
		text_clean(out, size, prompt, strcspn(prompt, "\r\n"));
}

static int answer_of(struct ssh *ssh, const char *prompt, struct buf *asked, char *out, size_t size,
		     struct err *err)
{
	char subject[400], mark[404];
	if (strstr(prompt, "(yes/no"))
		return answer_trust(ssh, prompt, out, size, err);
	subject_of(prompt, subject, sizeof subject);
	text_copyf(mark, sizeof mark, "\n%s\n", subject);
	bool again = strstr(buf_text(asked), mark) != NULL;
	buf_adds(asked, mark);
	if (strstr(prompt, "passphrase"))
		return ssh_ask_passphrase(ssh, subject, again, out, size, err);
	if (ssh->manner != SSH_ASKING || !ssh->job)
		return err_set(err, ERR_AUTH, "ssh asks \"%s\", and nobody is there to be asked", subject);
	int rc = job_ask(ssh->job, subject, true, out, size, err);
	if (rc == 0)
		job_learn_secret(ssh->job, out);
	return rc;
}

void ssh_ask_serve(struct ssh *ssh, struct buf *asked, struct err *err)
{
	char prompt[PROMPT_MOST], answer[256] = "";
	size_t got = 0;
	int fd = accept4(ssh->ask_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	for (ssize_t n = 1; n > 0 && got < sizeof prompt - 1 && poll(&p, 1, READ_MS) > 0;
	     got += n > 0 ? (size_t)n : 0)
		n = read(fd, prompt + got, sizeof prompt - 1 - got);
	prompt[got] = 0;
	if (*prompt == '!') {
		if (ssh->job)
			job_log(ssh->job, "NEW", "ssh waits: %s", prompt + 1);
	} else if (*prompt && answer_of(ssh, prompt, asked, answer, sizeof answer, err) == 0) {
		*err = (struct err){0};
		if (write(fd, answer, strlen(answer)) < 0)
			err_set(err, ERR_IO, "ssh did not wait for the answer");
	}
	explicit_bzero(answer, sizeof answer);
	close(fd);
}
