/* Looks at single values of nightferry.yml, for the tables of config_keys.c: 0, or -1 and a sentence with
 * the place and the mend. */
#ifndef CORE_NIGHT_CONFIG_LOOK_H
#define CORE_NIGHT_CONFIG_LOOK_H

#include "core/night/schema.h"

int config_check_url(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_database(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_name(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_path(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_hour(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_word(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_container(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_bucket(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_scheduled(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_endpoint(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_group(const struct schema_run *run, const struct yaml *node, struct err *err);
int config_check_variable(const struct schema_run *run, const struct yaml *node, struct err *err);

#endif
