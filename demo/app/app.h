/* The demo's shop: one program that is a web process, a worker, and the people who shop. */
#ifndef DEMO_APP_APP_H
#define DEMO_APP_APP_H

#include <stdbool.h>
#include <stdint.h>

/* The modes of the demo app; each returns the exit status of the process. */
int app_web(void);
int app_worker(void);
int app_run(void);
int app_visitor(void);

/* What this process calls itself to the database: DYNO, else KAMAL_CONTAINER_NAME, else "app". */
const char *app_name(void);

/* The environment variable, or `otherwise` when it is unset or empty. */
const char *app_env(const char *variable, const char *otherwise);

/* One line on stdout, flushed, line ends inside it turned into spaces. */
__attribute__((format(printf, 1, 2))) void app_log(const char *format, ...);

/* Milliseconds of a clock that never jumps, with fractions. */
double app_now_ms(void);

/* After app_catch_signals, SIGTERM and SIGINT make app_stopping true; one second later the process exits with
 * 0 whatever it waits for, so that a stuck database never holds up a shutdown. */
void app_catch_signals(void);
bool app_stopping(void);

/* Says "SIGTERM, stopping" on the log and starts the second; for a mode that waits for the signal itself. */
void app_stop(void);

/* Sleeps, but wakes at once when the process is told to stop. */
void app_sleep_ms(int64_t ms);

#endif
