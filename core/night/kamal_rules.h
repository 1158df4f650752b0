/* What Kamal takes in each part of its file: key by key, as rows. */
#ifndef CORE_NIGHT_KAMAL_RULES_H
#define CORE_NIGHT_KAMAL_RULES_H

#include "core/base/yaml.h"

enum kamal_wants {
	WANTS_TEXT = 0, /* a text, number, symbol or flag */
	WANTS_INT,
	WANTS_FLAG,
	WANTS_TEXTS,
	WANTS_TEXT_OR_TEXTS,
	WANTS_HOSTS,     /* a list of "host" or {host: tag}, {host: [tags]} */
	WANTS_MAP,       /* of anything */
	WANTS_TEXT_MAP,  /* of texts */
	WANTS_FIELDS,    /* a map by its own `fields` */
	WANTS_PART,      /* a map that is looked at later, by its own rules */
	WANTS_PART_FLAG, /* that, or true or false */
	WANTS_PART_LIST, /* that, or a list */
	WANTS_TLS,       /* true, false or a map */
	WANTS_SSH_FILES, /* true, false, a text or a list of texts */
	WANTS_PATHS,     /* a list of texts or of maps of texts */
	WANTS_LOUDNESS,  /* a text, or a map of them */
	WANTS_OWN,       /* has a rule of its own */
};
struct kamal_rule {
	const char *key;
	enum kamal_wants wants;
	const struct kamal_rule *fields;
};
extern const struct kamal_rule kamal_root_rules[], kamal_role_rules[], kamal_accessory_rules[],
    kamal_proxy_rules[], kamal_registry_rules[], kamal_ssh_rules[], kamal_builder_rules[], kamal_boot_rules[],
    kamal_logging_rules[], kamal_output_rules[], kamal_sshkit_rules[];

/* Where a look is and what it found: `where` is Kamal's way of naming the place, "servers/web/env". */
struct kamal_look {
	const struct yaml_doc *doc;
	struct err *err;
};
/* "FILE:LINE:COLUMN: Kamal refuses this file: WHERE: WORDS." at the node (NULL: the file). Returns -1. */
int kamal_refuse(const struct kamal_look *look, const struct yaml *node, const char *where, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
/* "servers" and "web": "servers/web" */
const char *kamal_where(char *out, size_t size, const char *where, const char *key);

/* Unknown keys, then each value. A file's own `x-` keys are taken at the top only. 0 or kamal_refuse(). */
int kamal_check_map(const struct kamal_look *look, const struct yaml *map, const struct kamal_rule *rules,
		    const char *where);
int kamal_check_hosts(const struct kamal_look *look, const struct yaml *list, const char *where);
int kamal_check_text_map(const struct kamal_look *look, const struct yaml *map, const char *where);
int kamal_check_texts(const struct kamal_look *look, const struct yaml *list, const char *where);

#endif
