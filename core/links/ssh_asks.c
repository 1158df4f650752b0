/* What only a person can say, the same words and rules for every carrier: trust in a new host key, a
 * passphrase. An answer is asked for once in a process. */
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <stdlib.h>
#include <string.h>

enum { ANSWERS = sizeof((struct ssh *)0)->answers / sizeof(struct ssh_answer) };

const char *ssh_answer_find(const struct ssh *ssh, const char *what)
{
	for (size_t i = 0; i < ANSWERS; i++)
		if (*ssh->answers[i].text && text_equal(ssh->answers[i].what, what))
			return ssh->answers[i].text;
	return NULL;
}

void ssh_answer_keep(struct ssh *ssh, const char *what, const char *text)
{
	size_t i = 0;
	ssh_answer_forget(ssh, what);
	while (i < ANSWERS - 1 && *ssh->answers[i].text)
		i++;
	text_copy(ssh->answers[i].what, sizeof ssh->answers[i].what, what);
	text_copy(ssh->answers[i].text, sizeof ssh->answers[i].text, text);
}

void ssh_answer_forget(struct ssh *ssh, const char *what)
{
	for (size_t i = 0; i < ANSWERS; i++)
		if (text_equal(ssh->answers[i].what, what))
			explicit_bzero(&ssh->answers[i], sizeof ssh->answers[i]);
}

int ssh_ask_passphrase(struct ssh *ssh, const char *key, bool again, char *out, size_t size, struct err *err)
{
	const char *known = ssh_answer_find(ssh, key);
	if (known && !again) {
		text_copy(out, size, known);
		return 0;
	}
	ssh_answer_forget(ssh, key);
	if (ssh->manner != SSH_ASKING || !ssh->job)
		return err_set(err, ERR_AUTH,
			       "the key %s is locked by a passphrase; add it to the agent with ssh-add", key);
	char *question = xasprintf("%sPassphrase of the key %s (or add it to the agent with ssh-add)",
				   again ? "That was not it. " : "", key);
	int rc = job_ask(ssh->job, question, true, out, size, err);
	free(question);
	if (rc == 0) {
		job_learn_secret(ssh->job, out);
		ssh_answer_keep(ssh, key, out);
	}
	return rc;
}

int ssh_ask_trust(struct ssh *ssh, const char *where, const char *type, const char *fingerprint,
		  struct err *err)
{
	char answer[16] = "";
	struct err unasked = {0};
	if (ssh->at.strict == SSH_STRICT_NEW) {
		if (ssh->job)
			job_log(
			    ssh->job, "NEW",
			    "the new host key of %s (%s %s) was taken unseen: StrictHostKeyChecking in your "
			    "ssh configuration says so",
			    where, type, fingerprint);
		return 0;
	}
	char *question = xasprintf("The host %s is not known yet. Its %s key is %s. Compare it "
				   "with what the host's console shows "
				   "(ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub). Trust it? Type yes",
				   where, type, fingerprint);
	int rc = ssh->manner == SSH_ASKING && ssh->at.strict == SSH_STRICT_ASK && ssh->job
		     ? job_ask(ssh->job, question, false, answer, sizeof answer, &unasked)
		     : -1;
	free(question);
	if (rc == 0 && (text_equal(answer, "yes") || text_equal(answer, "y")))
		return 0;
	return err_set(err, ERR_REFUSED,
		       "the host key of %s is not known (%s %s) and nobody vouched for it, so nothing was "
		       "sent; compare it on the host, "
		       "then connect once with ssh, or add it to %s",
		       where, type, fingerprint, ssh->at.known[0]);
}

int ssh_say_changed(const struct ssh *ssh, const char *type, const char *shown, const char *path, int line,
		    struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "the host key of %s has CHANGED: line %d of %s says another one, the host "
		       "shows %s %s. Either the host was set up "
		       "anew, or somebody else answers at this address; nothing was sent. Compare it "
		       "on the host's console, and only then "
		       "remove that line (ssh-keygen -R)",
		       ssh->name, line, path, type, shown);
}
