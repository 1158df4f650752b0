/* Transfers as JSON objects in one list, and the backup that may be at work on one of them. */
#ifndef DEMO_HEROKU_TRANSFERS_H
#define DEMO_HEROKU_TRANSFERS_H

#include "demo/heroku/heroku.h"

/* transfers.c */
cJSON *transfers_list(void); /* oldest first, borrowed */
const char *transfer_uuid(const cJSON *t);
void transfer_time(cJSON *t, const char *name, int64_t at_ms); /* sets a time as Heroku writes it here */
void transfer_log(cJSON *t, const char *level, const char *message);

/* backup.c */
void backup_path(char *out, size_t size, const char *uuid);
/* Stops work on a transfer that is cancelled or deleted. */
void backup_abandon(const cJSON *t);

/* Ends it as Heroku shows a cancelled one. */
void transfer_cancel(cJSON *t);

#endif
