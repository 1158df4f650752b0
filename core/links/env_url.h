/* A URL among the variables, part by part, and never its password. */
#ifndef CORE_LINKS_ENV_URL_H
#define CORE_LINKS_ENV_URL_H

#include <stdbool.h>
#include <stddef.h>

struct env_url {
	char scheme[24], user[80], host[200], port[8]; /* host in lower case; port as usual for its scheme */
	char path[120], sslmode[24];                   /* path without its slash; cleaned, as all others */
	bool database;                                 /* a scheme whose user and path are no secrets */
	const char *password;                          /* inside the text, not terminated; NULL: none */
	size_t password_len;
};
/* False for what is no URL with a host. */
bool env_url_read(const char *text, struct env_url *out);
bool env_url_same_place(const struct env_url *a, const struct env_url *b); /* host and port */
/* Heroku's own names, and machines as Heroku rents them (`certain` is false for these: others rent there
 * too). */
bool env_url_heroku(const struct env_url *url, bool *certain);
/* Reached without leaving the machine or docker's network there: a bare name, or a loopback address. */
bool env_url_local(const struct env_url *url);
/* "host db.old:5432 -> acme-db:5432, database d1 -> shop, user u -> shop, another password, sslmode require
 * -> not said"; only what differs, and all of it for a database. */
void env_url_compare(const struct env_url *a, const struct env_url *b, char *out, size_t size);

#endif
