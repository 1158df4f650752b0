/* Kamal's file as JSON, for kamal.c. */
#ifndef CORE_NIGHT_KAMAL_JSON_H
#define CORE_NIGHT_KAMAL_JSON_H

#include "core/base/json.h"
#include "core/night/kamal_parts.h"

/* The fields that kamal_load() promises, into the open object. */
void kamal_write(const struct kamal *kamal, struct jw *w);
/* "env": {"clear": [names], "secret": [{name, secret}]} of up to two layers, the later one over the first. */
void kamal_write_env(struct jw *w, const struct yaml *below, const struct yaml *above);
/* "accessories": [...] */
void kamal_write_accessories(const struct kamal *kamal, struct jw *w);
/* "secrets": every name that some part needs, sorted. */
void kamal_write_secrets(const struct kamal *kamal, struct jw *w);
/* As Ruby prints it, harmless to show; "" for nil, lists and maps. */
void kamal_put(struct jw *w, const char *key, const struct yaml *node);
void kamal_put_text(struct jw *w, const char *key, const char *text);
/* The texts of a list; an empty list for anything else. */
void kamal_put_texts(struct jw *w, const char *key, const struct yaml *list);

#endif
