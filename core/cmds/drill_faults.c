/* The faults. Each is one row here and a function or two of its name in demo/fault. */
#include "core/cmds/drill.h"

/* The moments when the cockpit knows. */
#define ENDED(...)                              \
	{                                       \
		"attempt.ended", NULL,          \
		{                               \
			DRILL_STEP, __VA_ARGS__ \
		}                               \
	}
/* A plan that was refused, or could not be made. */
#define STOOD(...)                              \
	{                                       \
		"step.state", "engine",         \
		{                               \
			DRILL_STEP, __VA_ARGS__ \
		}                               \
	}
#define FAILED "\"outcome\":\"failed\""
#define UNKNOWN "\"outcome\":\"unknown\""
#define LOG(...)                    \
	{                           \
		"log.lines", NULL,  \
		{                   \
			__VA_ARGS__ \
		}                   \
	}
#define BEAT(watch, ok)                                         \
	{                                                       \
		"watch.beat", NULL,                             \
		{                                               \
			"\"watch\":\"" watch "\"", "\"ok\":" ok \
		}                                               \
	}

const struct drill_fault drill_faults[] = {
    /* ---- Heroku ---- */
    {.name = "api-500",
     .help = "Heroku answers the change with 503 and a page of HTML, and does nothing",
     .at = "maintenance-on",
     .noticed = {ENDED(FAILED), ENDED(UNKNOWN)}},
    {.name = "answer-lost",
     .help = "Heroku carries out the change, and its answer is lost",
     .at = "scale-to-zero",
     .noticed = {{"command.seen", "step:", {"answer lost"}}}},
    {.name = "api-429",
     .help = "Heroku's request limit of the account is used up",
     .at = "scale-to-zero",
     .noticed = {LOG("rate limit of this account is used up")}},
    {.name = "token-revoked",
     .help = "somebody revokes Heroku's token; a new one is allowed a moment later",
     .at = "capture",
     .mended = true,
     .noticed = {STOOD("does not accept the token"),
		 ENDED("does not accept the token"),
		 {"watch.beat", "watch:", {"\"ok\":false", "does not accept the token"}}}},
    {.name = "api-hang",
     .help = "Heroku takes the backup on and is silent for a minute",
     .at = "capture",
     .noticed = {{"command.seen", "step:", {"answer lost"}}}},
    {.name = "backup-fails",
     .help = "Heroku's backup fails half-way",
     .at = "capture",
     .mended = true,
     .noticed = {ENDED(FAILED)}},
    {.name = "backup-stuck",
     .help = "Heroku's backup stands still for more than a minute",
     .at = "capture",
     .mended = true,
     .noticed = {{"transfer.total", "step:", {"Heroku has not"}}}},
    {.name = "one-off",
     .help = "Heroku's Scheduler starts a job after all dynos were stopped",
     .at = "quiet",
     .when = DRILL_WHILE,
     .mended = true,
     .noticed = {{"dynos.seen", NULL, {"\"type\":\"scheduler\""}}}},
    {.name = "url-dead",
     .help = "the dump's address expires between two requests",
     .at = "download",
     .noticed = {LOG("going on with a fresh address")}},
    {.name = "download-cut",
     .help = "the dump breaks off half-way",
     .at = "download",
     .noticed = {LOG("going on with a fresh address")}},
    /* ---- the old database ---- */
    {.name = "writer",
     .help = "a forgotten console goes on writing to OLD after the freeze",
     .at = "quiet",
     .when = DRILL_WHILE,
     .mended = true,
     .noticed = {LOG("the quiet time starts anew"),
		 {"writers.seen", NULL, {"forgotten-console", "\"writes\":true"}}}},
    {.name = "old-db-dies",
     .help = "the old database server dies while it is dumped, and is started again",
     .at = "capture+1s",
     .when = DRILL_WHILE,
     .mended = true,
     .noticed = {ENDED(FAILED), BEAT("counts", "false"), BEAT("writers", "false")}},
    /* ---- the new host ---- */
    {.name = "conn-drop",
     .help = "every SSH connection to the new host is cut",
     .at = "restore",
     .when = DRILL_WHILE,
     .noticed = {BEAT("ssh", "false"), LOG("connected to ", " again"), {"watch.down", NULL, {"\"ssh\""}}}},
    {.name = "host-gone",
     .help = "the new host does not answer at all, and comes back",
     .at = "download",
     .when = DRILL_WHILE,
     .mended = true,
     .noticed = {BEAT("ssh", "false")},
     .over = BEAT("ssh", "true")},
    {.name = "host-key",
     .help = "the new host shows another key: somebody else answers in its place",
     .at = "prepare-target",
     .when = DRILL_WHILE,
     .mended = true,
     .noticed = {{"watch.beat", NULL, {"\"watch\":\"ssh\"", "\"ok\":false", " key"}}},
     .over = BEAT("ssh", "true")},
    {.name = "secret-escaped",
     .help = "a secret of the new app came with its backslashes doubled",
     .at = "preflight",
     .mended = true,
     .noticed = {{"check.seen", "step:", {"\"check\":\"env-parity\"", "backslashes doubled"}}}},
    {.name = "disk-full",
     .help = "there is no room for the dump on the new host (needs root)",
     .at = "download",
     .mended = true,
     .noticed = {STOOD("\"state\":\"failed\""), ENDED(FAILED)}},
    /* ---- the new database ---- */
    {.name = "restore-killed",
     .help = "pg_restore is killed in the middle",
     .at = "restore",
     .when = DRILL_WHILE,
     .noticed = {ENDED(FAILED), ENDED(UNKNOWN)}},
    {.name = "new-db-crash",
     .help = "the new database server crashes in the middle of the restore",
     .at = "restore",
     .when = DRILL_WHILE,
     .noticed = {ENDED(FAILED), ENDED(UNKNOWN)}},
    {.name = "ext-lost",
     .help = "the schema heroku_ext is dropped, with its extensions, before the restore",
     .at = "restore",
     .noticed = {STOOD("heroku_ext"), ENDED("heroku_ext")}},
    {.name = "sequence-behind",
     .help = "a sequence of the copy is behind the rows of its table",
     .at = "repair",
     .noticed = {{"plan.seen", "engine", {DRILL_STEP, "1 sequences behind"}}}},
    {.name = "index-lost",
     .help = "an index of the copy is not there, and is made again",
     .at = "compare",
     .mended = true,
     .noticed = {ENDED(FAILED)}},
    {.name = "row-changed",
     .help = "one row of the copy is changed before it is compared, and put right",
     .at = "count-rows",
     .mended = true,
     .noticed = {ENDED(FAILED)}},
    /* ---- the new app and its traffic ---- */
    {.name = "app-no-boot",
     .help = "the new app is killed at every start, as without memory, until there is some",
     .at = "app-boot",
     .mended = true,
     .noticed = {ENDED(FAILED), ENDED(UNKNOWN)}},
    {.name = "lock-stolen",
     .help = "somebody else breaks Kamal's lock, takes it, and gives it back",
     .at = "dns-point",
     .mended = true,
     .noticed = {{"gate.opened", "engine", {DRILL_STEP, "held by bob"}}, STOOD("held by bob")}},
    {.name = "app-dies",
     .help = "the new app's process dies while visitors arrive",
     .at = "propagation",
     .when = DRILL_WHILE,
     .noticed = {{"host.seen", "watch:host", {"\"role\":\"web\"", "\"restarts\":1"}}},
     .over = {"host.seen", "watch:host", {"\"role\":\"web\"", "\"restarts\":1"}}},
    {.name = "dns-api-down",
     .help = "the DNS provider's API is down, and comes back",
     .at = "dns-point",
     .mended = true,
     .noticed = {STOOD("503"), ENDED("503"), ENDED(FAILED)}},
    {.name = "dns-answer-lost",
     .help = "the DNS provider carries out the change, and its answer is lost",
     .at = "dns-point",
     .noticed = {{"command.seen", "step:", {"PATCH", "answer lost"}}}},
    {.name = "ns-stale",
     .help = "the second name server does not get the new answer, and catches up",
     .at = "dns-point",
     .mended = true,
     .noticed = {ENDED("ns2")}},
    {.name = "resolver-silent",
     .help = "a resolver stops answering while the new answer spreads",
     .at = "propagation",
     .when = DRILL_WHILE,
     .mended = true,
     .noticed = {{"dns.cell", NULL, {"\"label\":\"127.0.0.11\"", "\"state\":\"SILENT\""}}}},
    /* ---- the cockpit itself ---- */
    {.name = "step-killed",
     .help = "the process of the running step is killed",
     .at = "quiet",
     .when = DRILL_WHILE,
     .noticed = {ENDED(FAILED), ENDED(UNKNOWN)}},
    {.name = "seat-killed",
     .help = "a seat is killed while a step runs",
     .at = "restore",
     .when = DRILL_WHILE,
     .noticed = {{"seat.left", "engine", {"\"name\":\"drill\""}}},
     .over = {"seat.left", "engine", {"\"name\":\"drill\""}}},
    {.name = "engine-killed",
     .help = "the engine is killed while a step runs, and started again",
     .at = "restore",
     .when = DRILL_WHILE,
     .engine = true,
     .noticed = {{"engine.started", NULL, {"\"restarted\":true"}}}},
    {0},
};
