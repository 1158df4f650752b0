/* Kamal's configuration, as Kamal 2.12 itself would read it: config/deploy.yml with the destination's file
 * laid over it. Names of secrets are in it, never a value of one; of clear variables, too, only the names.
 *
 * Ruby in the file (`<%= %>`) has a value that only Kamal can tell. When the person allows it, the Kamal of
 * the repository is asked, which runs that Ruby as every kamal command does. */
#ifndef CORE_NIGHT_KAMAL_H
#define CORE_NIGHT_KAMAL_H

#include "core/base/err.h"
#include "core/base/json.h"

struct kamal_source {
	const char *folder;      /* where nightferry.yml lies; paths are relative to it, "." or absolute */
	const char *config;      /* "config/deploy.yml" */
	const char *destination; /* "" for none */
	bool ruby;               /* Kamal may be asked, somebody has written so */
	bool (*ask)(const char *question); /* else this person is asked; NULL: nobody is there */
};
enum kamal_read {
	KAMAL_FAILED = -1, /* err: no such file, no valid YAML, or a file that Kamal refuses */
	KAMAL_READ = 0,
	KAMAL_RUBY = 1, /* err: there is Ruby in it, and nobody allowed to run it */
};
/* `out` gets an object, to be json_free()d:
 * {service, image, files, hosts: [{name, roles, accessories, primary}], roles, primary_role, role: {NAME:
 * {hosts, cmd, proxied, proxy, stop_timeout, restart, env}}, tags, proxy, registry, accessories, secrets,
 * ssh, ...}. */
enum kamal_read kamal_load(const struct kamal_source *source, struct json **out, struct err *err);

/* The command that runs Kamal in this folder: ["bin/kamal"], ["bundle","exec","kamal"] or ["kamal"]. */
void kamal_write_command(const char *folder, struct jw *w);

#endif
