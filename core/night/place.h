/* Where nights live: one folder per app and night under the state directory. */
#ifndef CORE_NIGHT_PLACE_H
#define CORE_NIGHT_PLACE_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>

/* $NIGHTFERRY_STATE, else $XDG_STATE_HOME/nightferry, else ~/.local/state/nightferry, plus /APP. */
int place_app_dir(const char *app, char *out, size_t size, struct err *err);
/* -1 (ERR_REFUSED) when there are nights of this app that this login may not look into: then nobody knows
 * whether one is open, and "there is none" would be a lie. */
int place_may_look(const char *app, struct err *err);
/* Held from the look whether a night is open until the new one stands in its journal: of people who sit down
 * in the same moment one opens a night, and the others find it. *claim: to be given to place_unclaim()
 * whatever comes of it, or closed; -1 where no night can be made anyway. ERR_REFUSED: somebody has been at it
 * for half a minute. */
int place_claim(const char *app, int *claim, struct err *err);
void place_unclaim(int claim);
/* The newest night of an app that is not closed; false when there is none. A journal without a line is no
 * night: its engine died, or its disk was full, before anything was begun. */
bool place_open_night(const char *app, char *out, size_t size);
/* The newest night of all, closed or not. */
bool place_newest_night(const char *app, char *out, size_t size);
/* Makes a new folder (mode 0700) named by date and time, e.g. 2026-11-21T0104; a rehearsal's says so at its
 * end. */
int place_new_night(const char *app, bool rehearsal, char *out, size_t size, struct err *err);
/* By the folder's name. */
bool place_is_rehearsal(const char *dir);
/* A journal may be given as the file, as its night's folder, or not at all (the newest night of `app`). */
int place_journal(const char *given, const char *app, char *out, size_t size, struct err *err);
int place_make_dirs(const char *path, struct err *err);

#endif
