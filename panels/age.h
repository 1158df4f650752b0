/* How old a look is. Three missed intervals make it STALE; what nobody has looked at says so. */
#ifndef PANELS_AGE_H
#define PANELS_AGE_H

#include "panels/panel.h"

enum age { AGE_NEVER, AGE_FRESH, AGE_STALE };

/* Of a watch, by its last look that worked; interval_ms <= 0 counts as 5 s. Fills "2s", "STALE 4m", "not seen
 * yet". */
enum age age_watch(const struct state *state, const char *watch, int64_t now_ms, char *out, size_t size);
/* Of a moment; stale after stale_ms (<= 0: never). */
enum age age_moment(int64_t at_ms, int64_t now_ms, int64_t stale_ms, char *out, size_t size);
enum role age_role(enum age age);
/* "2s ago", "-" for a moment that never was. */
char *age_ago(char *out, size_t size, int64_t at_ms, int64_t now_ms);
/* One line at the top when the watch's newest look failed: its own sentence. Returns the lines used: 0 or 1.
 */
int age_trouble(const struct scene *scene, struct canvas *canvas, const char *watch);
/* The whole panel when nothing was ever seen: `what` in muted words. */
/* The same of what only the trace of a night holds: without it "not recorded", which is neither "never" nor
 * old. */
enum age age_seen(const struct scene *scene, const char *watch, char *out, size_t size);
void age_unseen(const struct scene *scene, struct canvas *canvas, int row, const char *yet);
void age_nothing(struct canvas *canvas, int row, const char *what);

#endif
