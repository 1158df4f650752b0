/* What nightferry.yml need not repeat, because Kamal's deploy.yml says it. */
#ifndef CORE_NIGHT_CONFIG_KAMAL_H
#define CORE_NIGHT_CONFIG_KAMAL_H

#include "core/base/json.h"
#include "core/base/yaml.h"

/* Kamal's side of a configuration. */
struct config_kamal {
	char *folder;       /* of nightferry.yml, absolute */
	bool used;          /* nightferry.yml speaks of Kamal, or its file lies there */
	struct json *read;  /* what kamal_load() gave; NULL: no file, or one that could not be read */
	struct err why;     /* then, if there is a file: why */
	char *defaults[12]; /* JSON texts, in the order of the table in config_kamal.c */
};
/* Reads what `root` (nightferry.yml, at `path`) points to. `ask` may be NULL. -1: Kamal's file is unusable,
 * and nightferry.yml does not say by itself what is needed of it. */
int config_kamal_find(struct config_kamal *kamal, const char *path, const struct yaml *root,
		      bool (*ask)(const char *question), struct err *err);
/* A default for "host.address" and the like as JSON text; NULL for none. */
const char *config_kamal_lookup(const struct config_kamal *kamal, const char *dotted);
/* The rest of Kamal's side, into the open object `kamal`. */
void config_kamal_write(const struct config_kamal *kamal, struct jw *w);
/* "hosts": all servers with how to reach them; `config` is the resolved configuration so far. */
void config_kamal_hosts(const struct config_kamal *kamal, const struct json *config, struct jw *w);
/* The accessory that the configuration names is one of Kamal's, or it has to be chosen: 0 or a sentence. */
int config_kamal_check(const struct config_kamal *kamal, const struct yaml_doc *doc,
		       const struct json *config, struct err *err);
void config_kamal_done(struct config_kamal *kamal);

#endif
