/* What `nightferry init` finds around it. */
#ifndef CORE_CMDS_INIT_FOUND_H
#define CORE_CMDS_INIT_FOUND_H

#include "core/base/err.h"
#include "core/base/json.h"

/* Texts are "" for what was not found, and harmless to print. */
struct init_found {
	bool kamal;             /* config/deploy.yml is here */
	struct json *read;      /* kamal_load()'s result, to be json_free()d; NULL: it could not be read */
	struct err why;         /* then: why */
	char destination[64];   /* the one that was taken */
	char destinations[200]; /* all of them, with commas */
	char heroku[64], heroku_remote[64], heroku_others[200]; /* the app, its remote, the other ones */
	char processes[200];                                    /* of the Procfile */
	char app_name[64], addons[200];                         /* of app.json */
	char ruby[40];                                          /* .ruby-version */
	char folder[64];                                        /* this folder's name */
	char host[100], host_address[100];                      /* the only fitting host of ~/.ssh/config */
	char hosts[300];                                        /* all of them that are no pattern */
};
/* `app` words are compared with, for the host: the service or the Heroku app. */
void init_find(struct init_found *found);
void init_found_done(struct init_found *found);

#endif
