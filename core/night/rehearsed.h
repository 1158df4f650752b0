/* What rehearsals of an app have taught: one JSON object a line in APP/rehearsed.jsonl of the state
 * directory, beside the nights, so that it stays when their folders go.
 *
 *   {"night","at_ms","what":"step","step","kind","ms","look_ms","bytes","by_size"}
 *   {"night","at_ms","what":"waiver","about","by","reason"}
 *   {"night","at_ms","what":"dump","backup","label"}
 *
 * ms: from the start of its attempt to its proof; look_ms: the plan and the checks before it, without the
 * time that people took at its gate. bytes: the old database's size, 0 when nobody had looked. A line that
 * cannot be read is passed over. */
#ifndef CORE_NIGHT_REHEARSED_H
#define CORE_NIGHT_REHEARSED_H

#include "core/base/json.h"

/* `folder`: the app's. Appends the line of an open object and frees the writer; 0 or -1. */
int rehearsed_add(const char *folder, struct jw *w, struct err *err);
/* An open object with "night", "at_ms" and "what" in it. */
void rehearsed_line(struct jw *w, const char *night, const char *what);
/* Keeps what still teaches once the file is long: the newest time of each step, the newest rehearsal's
 * waivers, the newest dumps. The file is whole at every moment; where it cannot be written, it stays as it
 * is. */
int rehearsed_trim(const char *folder, struct err *err);
/* The object `rehearsed` of night.opened, into an open object, as {night, at_ms, steps[], waivers[],
 * dumps[]}: of each step the newest time, waivers of the newest rehearsal only, all dumps. Nothing when
 * nothing was rehearsed. */
void rehearsed_write(const char *folder, struct jw *w);

#endif
