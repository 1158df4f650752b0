/* All panels, by the digit that shows them. */
#include "core/base/text.h"
#include "panels/panel.h"

extern const struct panel playbook_panel, dynos_panel, transfer_panel, rows_panel, logs_panel, writers_panel,
    host_panel, dns_panel, checks_panel, traffic_panel, jobs_panel, notes_panel;

const struct panel *const panel_table[] = {
    &playbook_panel, &dynos_panel,  &transfer_panel, &rows_panel, &logs_panel,  &writers_panel, &host_panel,
    &dns_panel,      &checks_panel, &traffic_panel,  &jobs_panel, &notes_panel, NULL,
};

const struct panel *panel_find(const char *name)
{
	for (size_t i = 0; panel_table[i]; i++)
		if (text_equal(panel_table[i]->name, name))
			return panel_table[i];
	return NULL;
}
