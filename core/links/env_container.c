#include "core/links/env_container.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

static int digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* base64 without line breaks; false when it is none, or was cut off. */
static bool decode(const char *text, size_t len, struct buf *out)
{
	if (len % 4)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		size_t bytes = text[i + 3] != '=' ? 3 : text[i + 2] != '=' ? 2 : 1;
		unsigned word = 0;
		if (bytes < 3 && i + 4 < len)
			return false;
		for (size_t k = 0; k < 4; k++) {
			int digit = k > bytes ? 0 : digit_of(text[i + k]);
			if (digit < 0)
				return false;
			word = word << 6 | (unsigned)digit;
		}
		for (size_t k = 0; k < bytes; k++)
			buf_addc(out, (char)(word >> (16 - 8 * k) & 255));
	}
	return true;
}

static void wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	buf_done(buf);
}

static int read_config(struct env_set *set, const struct buf *plain, struct err *err)
{
	/* The parser's sentence could hold a piece of what it stopped at. */
	struct json *list = json_parse(buf_text(plain), plain->len, NULL);
	int rc = list ? env_set_docker(set, list, err)
		      : err_set(err, ERR_WORLD, "docker's answer about a container's variables was no JSON");
	json_free(list);
	return rc;
}

static int read_one(const char *kind, const struct buf *plain, struct env_role *role, struct err *err)
{
	if (text_starts(kind, "config "))
		return read_config(&role->vars, plain, err);
	if (!text_starts(kind, "process "))
		return err_set(err, ERR_WORLD, "the host told something else than variables");
	/* The process comes first when it is told: what docker was told adds nothing to it. */
	if (plain->len)
		env_set_process(&role->vars, plain->data, plain->len);
	return 0;
}

int env_containers_read(const char *text, struct env_role *roles, size_t n, struct err *err)
{
	bool seen[ENV_ROLES] = {false};
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *rest;
		unsigned long index = strtoul(text, &rest, 10);
		const char *kind = rest + (*rest == ' ');
		const char *data = kind + strcspn(kind, " \n");
		struct buf plain = {0};
		bool whole = rest != text && index < n && *data == ' ' &&
			     decode(data + 1, len - (size_t)(data + 1 - text), &plain);
		int rc =
		    whole ? 0
			  : err_set(err, ERR_WORLD,
				    "the host's answer about the containers' variables was not understood; "
				    "nothing is said about them");
		if (rc == 0 && !(seen[index] && roles[index].vars.n))
			rc = read_one(kind, &plain, &roles[index], err);
		wipe(&plain);
		if (rc < 0)
			return -1;
		seen[index] = true;
		text += len + (text[len] == '\n');
	}
	for (size_t i = 0; i < n; i++)
		if (!seen[i])
			return err_set(err, ERR_WORLD, "the host told nothing about %s", roles[i].container);
	return 0;
}

static bool is_id(const char *id)
{
	return strlen(id) >= 12 && strspn(id, "0123456789abcdef") == strlen(id);
}

static int ask(struct ssh *ssh, const char *command, struct env_role *roles, size_t n, struct err *err)
{
	struct ssh_reply reply;
	int rc =
	    ssh_exec(ssh,
		     &(struct ssh_call){.command = command,
					.say = "docker inspect, docker exec cat /proc/1/environ: variables, "
					       "compared in memory",
					.out_bytes = 32u << 20},
		     &reply, err);
	if (rc == 0 && reply.status != 0)
		rc = err_set(err, ERR_REFUSED,
			     "docker on %s does not tell the containers' variables (status %d)",
			     ssh_name(ssh), reply.status);
	if (rc == 0)
		rc = env_containers_read(buf_text(&reply.out), roles, n, err);
	wipe(&reply.out);
	ssh_reply_done(&reply);
	return rc;
}

int env_containers(struct ssh *ssh, const struct docker_names *names, struct env_role *roles, size_t *n,
		   struct err *err)
{
	struct docker_container *list;
	size_t n_list;
	struct buf command = {0};
	*n = 0;
	if (docker_containers(ssh, names, &list, &n_list, err) < 0)
		return -1;
	for (size_t r = 0; r < names->n_roles && *n < ENV_ROLES; r++)
		for (size_t i = 0; i < n_list; i++) {
			const struct docker_container *c = &list[i];
			if (c->kind != DOCKER_APP || !text_equal(c->role, names->roles[r]) || !is_id(c->id))
				continue;
			roles[*n] = (struct env_role){0};
			text_copy(roles[*n].role, sizeof roles[0].role, c->role);
			text_copy(roles[*n].container, sizeof roles[0].container, c->name);
			if (c->running)
				buf_addf(
				    &command,
				    "printf '%zu process '; docker exec %s cat /proc/1/environ 2>/dev/null "
				    "| base64 -w 0; echo; ",
				    *n, c->id);
			buf_addf(
			    &command,
			    "e=$(docker inspect -f '{{json .Config.Env}}' %s) || exit; printf '%%s' \"$e\" | "
			    "{ printf '%zu config '; base64 -w 0; echo; }; ",
			    c->id, *n);
			(*n)++;
			break;
		}
	free(list);
	int rc = *n ? ask(ssh, buf_text(&command), roles, *n, err) : 0;
	buf_done(&command);
	if (rc < 0)
		env_containers_done(roles, *n);
	return rc;
}

void env_containers_done(struct env_role *roles, size_t n)
{
	for (size_t i = 0; i < n; i++)
		env_set_done(&roles[i].vars);
}
