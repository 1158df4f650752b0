/* Every subcommand without a screen, in the order of the help. */
#include "core/cmds/cmds.h"

extern const struct cmd inventory_cmd, run_cmd, status_cmd, report_cmd, verify_cmd, check_cmd, watch_cmd,
    step_cmd, stop_cmd, rows_cmd, on_host_cmd, copy_cmd;

const struct cmd *const cmd_table[] = {
    &init_cmd,  &inventory_cmd, &run_cmd,  &status_cmd, &report_cmd,  &verify_cmd, &rows_cmd,
    &check_cmd, &watch_cmd,     &step_cmd, &stop_cmd,   &on_host_cmd, &copy_cmd,   NULL,
};
