/* The events of the made-up night, in the order of their stages. */
#include "tests/screens/night_events.h"

/* clang-format cannot set a macro within a long text. */
/* clang-format off */
const struct night_entry night_entries[] = {
#define STEP(id, kind, title, gate, est, say)                                             \
	"{\"id\":\"" id "\",\"do\":\"" kind "\",\"title\":\"" title "\",\"gate\":\"" gate \
	"\",\"estimate_ms\":" est ",\"say\":\"" say "\"}"
    {STAGE_PREPARE, "00:28:00", "night.opened",
     "\"app\":\"acme\",\"night\":\"2026-11-22\",\"version\":\"0.1\",\"old_name\":\"acme-production\",\"new_name\":\"203.0.113.42\","
     "\"new_db\":\"acme-db\",\"config\":{},\"window\":{\"start_ms\":@01:00:00@,\"end_ms\":@02:00:00@},"
     "\"playbook\":{\"name\":\"heroku-to-kamal\",\"phases\":["
     "{\"name\":\"prepare\",\"steps\":["
       STEP("preflight", "preflight", "every check once", "none", "5000", "") ","
       STEP("freeze-deploys", "manual", "nobody deploys any more", "none", "-1", "Deploys are frozen.") "]},"
     "{\"name\":\"freeze\",\"steps\":["
       STEP("maintenance-on", "maintenance", "the maintenance page", "yes", "5000", "The maintenance page is up.") ","
       STEP("scale-to-zero", "scale", "all dynos to zero", "yes", "30000", "") ","
       STEP("quiet", "wait-quiet", "wait until nobody writes", "none", "60000", "Heroku is down to zero, waiting for the last writer.") "]},"
     "{\"name\":\"copy\",\"steps\":["
       STEP("record-source", "record-source", "", "none", "4000", "") ","
       STEP("capture", "capture", "Heroku takes a backup", "none", "90000", "") ","
       STEP("download", "download", "to the new host", "none", "40000", "") ","
       STEP("app-stop", "app-stop", "", "yes", "6000", "") ","
       STEP("wipe-target", "wipe-target", "", "yes", "12000", "") ","
       STEP("prepare-target", "prepare-target", "", "none", "10000", "") ","
       STEP("restore", "restore", "pg_restore beside the server", "yes", "330000", "") ","
       STEP("repair", "repair", "", "none", "30000", "") "]},"
     "{\"name\":\"verify\",\"steps\":["
       STEP("count-rows", "count-rows", "every table on both sides", "none", "10000", "") "]},"
     "{\"name\":\"boot\",\"steps\":["
       STEP("app-boot", "app-boot", "", "yes", "50000", "") ","
       STEP("smoke", "smoke", "", "none", "20000", "") "]},"
     "{\"name\":\"flip\",\"steps\":["
       STEP("dns-point", "dns-point", "www and api point at NEW", "type", "20000", "Pointing www and api at the new host. Anybody against?") "]},"
     "{\"name\":\"watch\",\"steps\":["
       STEP("propagation", "wait-propagation", "wait till no cache says OLD", "none", "70000", "Traffic is moving.") ","
       STEP("quiet-10m", "quiet-timer", "", "none", "600000", "") "]},"
     "{\"name\":\"after\",\"steps\":["
       STEP("webhooks", "manual", "", "none", "-1", "") ","
       STEP("first-backup", "first-backup", "", "none", "40000", "") "]}],"
     "\"rollback\":["
       STEP("back-dns", "dns-point", "", "type", "70000", "") ","
       STEP("back-scale", "scale", "", "yes", "90000", "") ","
       STEP("back-maintenance", "maintenance", "", "yes", "5000", "") "]}"},    {STAGE_PREPARE, "00:28:10", "seat.joined",
     "\"seat\":\"s1\",\"name\":\"ana\",\"station\":\"APP\",\"uid\":1000,\"login\":\"ana\""},
    {STAGE_PREPARE, "00:30:10", "seat.joined",
     "\"seat\":\"s2\",\"name\":\"bea\",\"station\":\"DB\",\"uid\":1001,\"login\":\"bea\""},
    {STAGE_PREPARE, "00:31:10", "seat.joined",
     "\"seat\":\"s3\",\"name\":\"raj\",\"station\":\"\",\"uid\":1002,\"login\":\"raj\""},
    {STAGE_PREPARE, "00:31:11", "wheel.given", "\"seat\":\"s1\",\"name\":\"ana\",\"from\":\"\""},
    {STAGE_PREPARE, "00:31:12", "attempt.started",
     "\"attempt\":\"a1\",\"step\":\"preflight\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_PREPARE, "00:31:19", "check.seen",
     "\"check\":\"redis\",\"verdict\":\"PASS\",\"lines\":[{\"verdict\":\"PASS\",\"name\":\"queue\",\"text\":"
     "\"waiting 0, retry 0, scheduled 0\"}]"},
    {STAGE_PREPARE, "00:31:19", "check.seen",
     "\"check\":\"ttl\",\"verdict\":\"PASS\",\"lines\":[{\"verdict\":\"PASS\",\"name\":\"www\",\"text\":"
     "\"TTL 60 on both names\"}]"},
    {STAGE_PREPARE, "00:31:19", "check.seen",
     "\"check\":\"pghero\",\"verdict\":\"WARN\",\"bite\":\"PgHero shows nothing on the new "
     "side\",\"fix\":\"Add pg_stat_statements to shared_preload_libraries and restart the "
     "accessory.\",\"lines\":[{\"verdict\":\"WARN\",\"name\":\"preload\",\"text\":\"pg_stat_statements is "
     "not preloaded\"}]"},
    {STAGE_PREPARE, "00:31:20", "check.seen",
     "\"check\":\"sched\",\"verdict\":\"WARN\",\"lines\":[{\"verdict\":\"WARN\",\"name\":\"jobs\",\"text\":"
     "\"2 Scheduler jobs stay on Heroku\"}]"},
    {STAGE_PREPARE, "00:31:20", "check.seen",
     "\"check\":\"collation\",\"verdict\":\"UNKNOWN\",\"lines\":[{\"verdict\":\"UNKNOWN\",\"name\":\"new\","
     "\"text\":\"the new database did not answer within 5 s\"}]"},
    {STAGE_PREPARE, "00:31:30", "attempt.ended",
     "\"attempt\":\"a1\",\"step\":\"preflight\",\"outcome\":\"done\",\"text\":\"84 checks "
     "seen\",\"seen\":[{\"verdict\":\"PASS\",\"name\":\"checks\",\"text\":\"84 seen, 3 warnings waived\"}]"},
    {STAGE_PREPARE, "00:40:30", "waiver.given",
     "\"about\":\"check:sched\",\"by\":\"ana\",\"reason\":\"no job until 07:00\",\"fact\":\"\""},
    {STAGE_PREPARE, "00:58:10", "note.added",
     "\"by\":\"ana\",\"text\":\"lock taken, status page says from 01:00\""},
    {STAGE_PREPARE, "00:59:00", "host.seen",
     "\"address\":\"203.0.113.42\",\"pg_version\":\"17.2\",\"cores\":4,\"containers\":["
     "{\"id\":\"1\",\"name\":\"acme-web-4f2c91a\",\"role\":\"web\",\"version\":\"4f2c91a\",\"status\":"
     "\"running\",\"health\":\"healthy\",\"started_ms\":@00:01:00@,\"restarts\":0},"
     "{\"id\":\"2\",\"name\":\"acme-job-4f2c91a\",\"role\":\"job\",\"version\":\"4f2c91a\",\"status\":"
     "\"running\",\"health\":\"\",\"started_ms\":@00:01:00@,\"restarts\":0},"
     "{\"id\":\"3\",\"name\":\"acme-db\",\"role\":\"db\",\"version\":\"17.2\",\"status\":\"running\","
     "\"health\":\"\",\"started_ms\":@00:00:00@,\"restarts\":1}],"
     "\"routes\":[{\"service\":\"acme-web\",\"hosts\":\"www.acme.com,api.acme.com\",\"target\":\"acme-web-"
     "4f2c91a:80\",\"state\":\"running\",\"tls\":true}],"
     "\"lock\":{\"held\":true,\"by\":\"ana\",\"since_ms\":@00:58:00@,\"why\":\"the night\"}"},
    {STAGE_PREPARE, "00:59:00", "dns.plan",
     "\"names\":[{\"name\":\"www.acme.com\",\"old\":\"acme.herokudns.com\",\"new\":\"cutover.acme.com\","
     "\"ttl_s\":60},{\"name\":\"api.acme.com\",\"old\":\"acme.herokudns.com\",\"new\":\"cutover.acme.com\","
     "\"ttl_s\":60}],\"safe_from_ms\":@00:31:00@,\"old_die_ms\":0"},
#define CELL(server, label, auth, name, st, ttl, exp, rtt)                                               \
	"\"server\":\"" server "\",\"label\":\"" label "\",\"auth\":" auth ",\"name\":\"" name           \
	"\",\"state\":\"" st "\",\"value\":\"acme.herokudns.com\",\"ttl_s\":" ttl ",\"expires_ms\":" exp \
	",\"rtt_ms\":" rtt
#define OLD2(server, label, auth)                                                     \
	{STAGE_PREPARE, "00:59:10", "dns.cell",                                       \
	 CELL(server, label, auth, "www.acme.com", "OLD", "60", "0", "9")},           \
	{                                                                             \
		STAGE_PREPARE, "00:59:10", "dns.cell",                                \
		    CELL(server, label, auth, "api.acme.com", "OLD", "60", "0", "11") \
	}
    OLD2("192.0.2.1", "ns1 cloudflare", "true"),
    OLD2("192.0.2.2", "ns2 cloudflare", "true"),
    OLD2("1.1.1.1", "1.1.1.1", "false"),
    OLD2("8.8.8.8", "8.8.8.8", "false"),
    OLD2("9.9.9.9", "9.9.9.9", "false"),
    OLD2("208.67.222.222", "208.67.222.222", "false"),
    OLD2("t", "Telekom", "false"),
    OLD2("v", "Vodafone", "false"),
    OLD2("f", "Free", "false"),
    OLD2("x", "Telstra", "false"),
    {STAGE_PREPARE, "00:59:20", "dynos.seen",
     "\"maintenance\":false,\"release\":\"v412\",\"release_status\":\"succeeded\",\"dynos\":["
     "{\"name\":\"web.1\",\"type\":\"web\",\"state\":\"up\",\"size\":\"Standard-2X\",\"since_ms\":@00:01:00@,"
     "\"command\":\"bundle exec puma\"},"
     "{\"name\":\"web.2\",\"type\":\"web\",\"state\":\"up\",\"size\":\"Standard-2X\",\"since_ms\":@00:01:00@,"
     "\"command\":\"bundle exec puma\"},"
     "{\"name\":\"worker.1\",\"type\":\"worker\",\"state\":\"up\",\"size\":\"Standard-1X\",\"since_ms\":@00:"
     "01:00@,\"command\":\"bundle exec good_job\"}],"
     "\"formation\":[{\"type\":\"web\",\"size\":\"Standard-2X\",\"want\":2},{\"type\":\"worker\",\"size\":"
     "\"Standard-1X\",\"want\":1},{\"type\":\"clock\",\"size\":\"Standard-1X\",\"want\":0}],"
     "\"database\":{\"plan\":\"standard-0\",\"size_bytes\":6200000000,\"connections\":31,\"limit\":120,"
     "\"version\":\"16.4\"},\"addons\":[],\"warning\":\"\""},
    {STAGE_PREPARE, "00:59:25", "attempt.started",
     "\"attempt\":\"a2\",\"step\":\"freeze-deploys\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
#define BEAT(stage, at, watch, interval)                                                             \
	{                                                                                            \
		stage, at, "watch.beat",                                                             \
		    "\"watch\":\"" watch "\",\"interval_ms\":" interval ",\"ok\":true,\"text\":\"\"" \
	}
    BEAT(STAGE_PREPARE, "00:59:28", "dynos", "5000"),
    BEAT(STAGE_PREPARE, "00:59:27", "host", "5000"),
    BEAT(STAGE_PREPARE, "00:59:26", "dns", "5000"),
    BEAT(STAGE_PREPARE, "00:59:29", "logs", "2000"),
    BEAT(STAGE_PREPARE, "00:59:29", "writers", "2000"),
    {STAGE_PREPARE, "00:59:29", "host.load",
     "\"load\":0.21,\"mem_used\":1100000000,\"mem_total\":8000000000,\"disk_free\":61000000000,\"disk_"
     "total\":75000000000,\"skew_ms\":0"},

    {STAGE_FREEZE, "01:01:10", "step.byhand",
     "\"step\":\"freeze-deploys\",\"by\":\"ana\",\"words\":\"CI is paused\",\"fields\":{}"},
    {STAGE_FREEZE, "01:01:00", "note.added",
     "\"by\":\"bea\",\"text\":\"DB GO: rehearsal counts equal in 0:11\""},
    {STAGE_FREEZE, "01:03:00", "note.added", "\"by\":\"raj\",\"text\":\"support knows, phone is 555-0114\""},
    {STAGE_FREEZE, "01:04:08", "attempt.started",
     "\"attempt\":\"a3\",\"step\":\"maintenance-on\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_FREEZE, "01:04:17", "attempt.ended",
     "\"attempt\":\"a3\",\"step\":\"maintenance-on\",\"outcome\":\"done\",\"text\":\"seen "
     "outside\",\"seen\":[]"},
    {STAGE_FREEZE, "01:04:19", "fact",
     "\"name\":\"formation\",\"key\":\"\",\"step\":\"scale-to-zero\",\"attempt\":\"a4\",\"data\":{\"web\":{"
     "\"quantity\":4},\"worker\":{\"quantity\":2},\"clock\":{\"quantity\":1}}"},
    {STAGE_FREEZE, "01:04:19", "attempt.started",
     "\"attempt\":\"a4\",\"step\":\"scale-to-zero\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_FREEZE, "01:04:49", "attempt.ended",
     "\"attempt\":\"a4\",\"step\":\"scale-to-zero\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
    {STAGE_FREEZE, "01:04:50", "attempt.started",
     "\"attempt\":\"a5\",\"step\":\"quiet\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{\"back\":\"B: scale up "
     "again, FREE\",\"does\":[\"wait until nobody writes\"]}"},
    {STAGE_FREEZE, "01:04:50", "dynos.seen",
     "\"maintenance\":true,\"release\":\"v412\",\"release_status\":\"succeeded\",\"dynos\":["
     "{\"name\":\"run.4417\",\"type\":\"run\",\"state\":\"up\",\"size\":\"Standard-1X\",\"since_ms\":@01:02:"
     "18@,\"command\":\"rails runner Backfill.call\"}],"
     "\"formation\":[{\"type\":\"web\",\"size\":\"Standard-2X\",\"want\":0},{\"type\":\"worker\",\"size\":"
     "\"Standard-1X\",\"want\":0},{\"type\":\"clock\",\"size\":\"Standard-1X\",\"want\":0}],"
     "\"database\":{\"plan\":\"standard-0\",\"size_bytes\":6200000000,\"connections\":3,\"limit\":120,"
     "\"version\":\"16.4\"},\"addons\":[],\"warning\":\"\""},
    {STAGE_FREEZE, "01:05:30", "writers.seen",
     "\"writers\":[{\"pid\":4417,\"start_ms\":@01:02:18@,\"who\":\"run.4417\",\"from\":\"ec2 "
     "10.1.2.9\",\"table\":\"audits\",\"rows\":0,\"since_ms\":@01:02:18@,\"state\":\"idle\",\"query\":"
     "\"INSERT INTO audits\"},"
     "{\"pid\":881,\"start_ms\":@00:55:50@,\"who\":\"psql "
     "tom\",\"from\":\"198.51.100.7\",\"table\":\"\",\"rows\":0,\"since_ms\":@00:55:50@,\"state\":\"idle\","
     "\"query\":\"\"}],"
     "\"last_write_at_ms\":@01:04:52@,\"last_write_table\":\"audits\",\"last_write_by\":\"run.4417\""},
    {STAGE_FREEZE, "01:05:30", "writers.quiet", "\"quiet_since_ms\":@01:04:52@,\"need_ms\":60000"},
    {STAGE_FREEZE, "01:05:30", "step.progress",
     "\"step\":\"quiet\",\"done\":38,\"total\":60,\"unit\":\"s\",\"text\":\"60 s without a written row\""},
    {STAGE_FREEZE, "01:05:28", "log.lines",
     "\"lines\":["
     "{\"at_ms\":@01:04:11@,\"side\":\"OLD\",\"source\":\"heroku\",\"level\":\"\",\"text\":\"maintenance "
     "mode enabled by ana\"},"
     "{\"at_ms\":@01:04:19@,\"side\":\"OLD\",\"source\":\"heroku\",\"level\":\"\",\"text\":\"scaled to web=0 "
     "worker=0 clock=0\"},"
     "{\"at_ms\":@01:04:21@,\"side\":\"OLD\",\"source\":\"web.1\",\"level\":\"\",\"text\":\"SIGTERM, "
     "stopping all processes\"},"
     "{\"at_ms\":@01:04:52@,\"side\":\"OLD\",\"source\":\"run\",\"level\":\"\",\"text\":\"Backfill: batch "
     "118 done\"},"
     "{\"at_ms\":@01:05:02@,\"side\":\"OLD\",\"source\":\"router\",\"level\":\"warn\",\"text\":\"H80 "
     "maintenance GET /products 503\"},"
     "{\"at_ms\":@01:05:14@,\"side\":\"NEW\",\"source\":\"web\",\"level\":\"\",\"text\":\"GET /up 200 in 3 "
     "ms\"},"
     "{\"at_ms\":@01:05:24@,\"side\":\"NEW\",\"source\":\"web\",\"level\":\"error\",\"text\":\"PG::"
     "UndefinedTable: relation \\\"users\\\" does not exist\"}]"},
    BEAT(STAGE_FREEZE, "01:05:28", "dynos", "5000"),
    BEAT(STAGE_FREEZE, "01:05:27", "host", "5000"),
    BEAT(STAGE_FREEZE, "01:05:26", "dns", "5000"),
    BEAT(STAGE_FREEZE, "01:05:29", "logs", "2000"),
    BEAT(STAGE_FREEZE, "01:05:29", "writers", "2000"),
    BEAT(STAGE_FREEZE, "01:05:21", "counts", "15000"),
    {STAGE_FREEZE, "01:05:21", "rows.side",
     "\"side\":\"OLD\",\"table\":\"audits\",\"rows\":1920118,\"hash\":\"\",\"last_write_ms\":@01:04:52@,"
     "\"exact\":true"},
    {STAGE_FREEZE, "01:05:21", "rows.side",
     "\"side\":\"OLD\",\"table\":\"orders\",\"rows\":761320,\"hash\":\"\",\"last_write_ms\":@01:04:08@,"
     "\"exact\":true"},
    {STAGE_FREEZE, "01:05:21", "rows.side",
     "\"side\":\"OLD\",\"table\":\"events\",\"rows\":4210000,\"hash\":\"\",\"last_write_ms\":@01:04:08@,"
     "\"exact\":true"},
    {STAGE_FREEZE, "01:05:21", "rows.progress",
     "\"side\":\"OLD\",\"tables\":27,\"tables_total\":27,\"rows\":12004218"},
    {STAGE_FREEZE, "01:05:21", "seat.armed", "\"seat\":\"s1\",\"name\":\"ana\",\"until_ms\":@01:14:42@"},

    {STAGE_COPY, "01:05:52", "attempt.ended",
     "\"attempt\":\"a5\",\"step\":\"quiet\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
#define RAN(id, a, from, to)                                                                       \
	{STAGE_COPY, from, "attempt.started",                                                      \
	 "\"attempt\":\"" a "\",\"step\":\"" id "\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"}, \
	{                                                                                          \
		STAGE_COPY, to, "attempt.ended",                                                   \
		    "\"attempt\":\"" a "\",\"step\":\"" id                                         \
		    "\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"                            \
	}
    RAN("record-source", "a6", "01:05:53", "01:05:57"),
    RAN("capture", "a7", "01:06:00", "01:07:31"),
    RAN("download", "a8", "01:07:40", "01:08:18"),
    RAN("app-stop", "a9", "01:08:20", "01:08:26"),
    RAN("wipe-target", "a10", "01:09:00", "01:09:12"),
    RAN("prepare-target", "a11", "01:09:20", "01:09:29"),
    {STAGE_COPY, "01:10:42", "attempt.started",
     "\"attempt\":\"a12\",\"step\":\"restore\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_COPY, "01:07:31", "transfer.ended",
     "\"stage\":\"capture\",\"ok\":true,\"bytes\":1900000000,\"ms\":91000,\"text\":\"b012\""},
    {STAGE_COPY, "01:14:06", "transfer.total",
     "\"stage\":\"restore\",\"text\":\"\",\"bytes\":3800000000,\"bytes_total\":6200000000,\"rows\":7442615,"
     "\"rows_total\":12004218,\"tables\":18,\"tables_total\":27,\"indexes\":22,\"indexes_total\":61,\"keys\":"
     "0,\"keys_total\":34,\"rate\":19000000,\"eta_ms\":126000,\"stalled_ms\":0,\"stalled_why\":\"\""},
    {STAGE_COPY, "01:14:06", "transfer.table",
     "\"table\":\"events\",\"rows\":3410100,\"rows_total\":4210000,\"bytes\":1000,\"state\":\"copying\","
     "\"text\":\"\""},
    {STAGE_COPY, "01:14:06", "transfer.table",
     "\"table\":\"line_items\",\"rows\":1201312,\"rows_total\":2184204,\"bytes\":1000,\"state\":\"copying\","
     "\"text\":\"\""},
    {STAGE_COPY, "01:14:06", "transfer.table",
     "\"table\":\"orders\",\"rows\":761320,\"rows_total\":761320,\"bytes\":1000,\"state\":\"index\",\"text\":"
     "\"index 2/5\""},
    {STAGE_COPY, "01:14:06", "transfer.table",
     "\"table\":\"audits\",\"rows\":0,\"rows_total\":1920118,\"bytes\":0,\"state\":\"waiting\",\"text\":"
     "\"\""},
    {STAGE_COPY, "01:14:06", "transfer.table",
     "\"table\":\"users\",\"rows\":80211,\"rows_total\":80211,\"bytes\":1000,\"state\":\"done\",\"text\":"
     "\"\""},
    {STAGE_COPY, "01:14:07", "log.lines",
     "\"lines\":["
     "{\"at_ms\":@01:13:58@,\"side\":\"NEW\",\"source\":\"pg\",\"level\":\"\",\"text\":\"checkpoint "
     "starting: wal\"},"
     "{\"at_ms\":@01:14:02@,\"side\":\"NEW\",\"source\":\"pg\",\"level\":\"\",\"text\":\"COPY line_items "
     "1,201,312 so far\"},"
     "{\"at_ms\":@01:14:05@,\"side\":\"NEW\",\"source\":\"restore\",\"level\":\"\",\"text\":\"processing "
     "data for table public.events\"},"
     "{\"at_ms\":@01:14:07@,\"side\":\"NEW\",\"source\":\"restore\",\"level\":\"\",\"text\":\"creating INDEX "
     "public.orders_user_idx\"}]"},
    BEAT(STAGE_COPY, "01:14:06", "dynos", "5000"),
    BEAT(STAGE_COPY, "01:14:05", "host", "5000"),
    BEAT(STAGE_COPY, "01:14:04", "dns", "5000"),
    BEAT(STAGE_COPY, "01:14:06", "logs", "2000"),
    BEAT(STAGE_COPY, "01:14:06", "writers", "2000"),
    BEAT(STAGE_COPY, "01:14:01", "counts", "15000"),
    {STAGE_COPY, "01:14:06", "host.load",
     "\"load\":3.84,\"mem_used\":2900000000,\"mem_total\":8000000000,\"disk_free\":53000000000,\"disk_"
     "total\":75000000000,\"skew_ms\":0"},
    {STAGE_COPY, "01:14:06", "seat.armed", "\"seat\":\"s1\",\"name\":\"ana\",\"until_ms\":@01:24:02@"},

    {STAGE_VERIFY, "01:16:13", "transfer.ended",
     "\"stage\":\"restore\",\"ok\":true,\"bytes\":6200000000,\"ms\":331000,\"text\":\"\""},
    {STAGE_VERIFY, "01:16:13", "attempt.ended",
     "\"attempt\":\"a12\",\"step\":\"restore\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
    {STAGE_VERIFY, "01:16:15", "attempt.started",
     "\"attempt\":\"a13\",\"step\":\"repair\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_VERIFY, "01:16:43", "attempt.ended",
     "\"attempt\":\"a13\",\"step\":\"repair\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
    {STAGE_VERIFY, "01:17:00", "attempt.started",
     "\"attempt\":\"a14\",\"step\":\"count-rows\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
#define ROW(table, old, new, verdict, cause)                                                      \
	{STAGE_VERIFY, "01:17:10", "rows.side",                                                   \
	 "\"side\":\"OLD\",\"table\":\"" table "\",\"rows\":" old                                 \
	 ",\"hash\":\"9f2c\",\"last_write_ms\":@01:04:08@,\"exact\":true"},                       \
	    {STAGE_VERIFY, "01:17:10", "rows.side",                                               \
	     "\"side\":\"NEW\",\"table\":\"" table                                                \
	     "\",\"rows\":" new ",\"hash\":\"9f2c\",\"last_write_ms\":0,\"exact\":true"},         \
	{                                                                                         \
		STAGE_VERIFY, "01:17:10", "rows.verdict",                                         \
		    "\"table\":\"" table "\",\"verdict\":\"" verdict "\",\"cause\":\"" cause "\"" \
	}
    ROW("events", "4210000", "4210000", "PASS", ""),
    ROW("line_items", "2184204", "2184204", "PASS", ""),
    ROW("orders", "761320", "761320", "PASS", ""),
    ROW("audits", "1920121", "1920118", "FAIL", "3 rows were written on OLD after the backup"),
    ROW("users", "80211", "80211", "PASS", ""),
    ROW("tokens", "514", "-1", "FAIL", "its type comes from an extension that was not there"),
    ROW("carts", "333014", "333014", "PASS", ""),
    {STAGE_VERIFY, "01:17:10", "rows.progress",
     "\"side\":\"OLD\",\"tables\":27,\"tables_total\":27,\"rows\":12004221"},
    {STAGE_VERIFY, "01:17:10", "rows.progress",
     "\"side\":\"NEW\",\"tables\":26,\"tables_total\":27,\"rows\":12003704"},
    {STAGE_VERIFY, "01:17:11", "rows.compared",
     "\"tables\":27,\"equal\":25,\"differ\":1,\"missing\":1,\"old_rows\":12004221,\"new_rows\":12003704,"
     "\"content\":true"},
    {STAGE_VERIFY, "01:17:11", "attempt.ended",
     "\"attempt\":\"a14\",\"step\":\"count-rows\",\"outcome\":\"failed\",\"text\":\"Two tables are not "
     "equal: audits differs by 3 rows, tokens is missing on "
     "NEW.\",\"seen\":[{\"verdict\":\"FAIL\",\"name\":\"rows\",\"text\":\"25/27 tables equal\"}]"},

    {STAGE_GATE, "01:18:30", "rows.side",
     "\"side\":\"NEW\",\"table\":\"audits\",\"rows\":1920121,\"hash\":\"9f2c\",\"exact\":true"},
    {STAGE_GATE, "01:18:30", "rows.side",
     "\"side\":\"NEW\",\"table\":\"tokens\",\"rows\":514,\"hash\":\"9f2c\",\"exact\":true"},
    {STAGE_GATE, "01:18:30", "rows.verdict", "\"table\":\"audits\",\"verdict\":\"PASS\",\"cause\":\"\""},
    {STAGE_GATE, "01:18:30", "rows.verdict", "\"table\":\"tokens\",\"verdict\":\"PASS\",\"cause\":\"\""},
    {STAGE_GATE, "01:18:31", "rows.compared",
     "\"tables\":27,\"equal\":27,\"differ\":0,\"missing\":0,\"old_rows\":12004221,\"new_rows\":12004221,"
     "\"content\":true"},
    {STAGE_GATE, "01:18:31", "attempt.ended",
     "\"attempt\":\"a14\",\"step\":\"count-rows\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
    {STAGE_GATE, "01:18:40", "attempt.started",
     "\"attempt\":\"a15\",\"step\":\"app-boot\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_GATE, "01:19:29", "attempt.ended",
     "\"attempt\":\"a15\",\"step\":\"app-boot\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
    {STAGE_GATE, "01:19:30", "attempt.started",
     "\"attempt\":\"a16\",\"step\":\"smoke\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_GATE, "01:19:49", "attempt.ended",
     "\"attempt\":\"a16\",\"step\":\"smoke\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
#define SMOKE(stage, at, path, side, status, want)                                                     \
	{                                                                                              \
		stage, at, "smoke.seen",                                                               \
		    "\"path\":\"" path "\",\"side\":\"" side "\",\"status\":" status ",\"want\":" want \
		    ",\"verdict\":\"PASS\",\"text\":\"as expected\",\"ms\":31"                         \
	}
    SMOKE(STAGE_GATE, "01:19:40", "/up", "OLD", "503", "503"),
    SMOKE(STAGE_GATE, "01:19:40", "/up", "NEW", "200", "200"),
    SMOKE(STAGE_GATE, "01:19:40", "/products", "NEW", "200", "200"),
    SMOKE(STAGE_GATE, "01:19:40", "/search?q=shoe", "NEW", "200", "200"),
    {STAGE_GATE, "01:20:30", "vote.given",
     "\"by\":\"bea\",\"station\":\"DB\",\"go\":true,\"reason\":\"27/27 equal, hashes equal\""},
    {STAGE_GATE, "01:20:40", "gate.opened",
     "\"gate\":\"g9\",\"step\":\"dns-point\",\"verb\":\"run\",\"level\":\"type\",\"target\":\"acme-"
     "production\",\"tag\":\"7f3a\","
     "\"plan\":{\"target\":\"acme-production\",\"side\":\"NEW\",\"verb\":\"MOVES "
     "TRAFFIC\",\"from\":\"\",\"to\":\"\","
     "\"does\":[\"cloudflare PATCH, zone acme.com, 2 records, one call each\",\"www.acme.com  "
     "acme.herokudns.com  →  cutover.acme.com      TTL 60\",\"api.acme.com  acme.herokudns.com  →  "
     "cutover.acme.com      TTL 60\"],"
     "\"then\":\"visitors reach NEW 203.0.113.42, the last ones by ~01:22:10\",\"back\":\"B puts both "
     "records back as they were, ~1:10. FREE until the first row is written on NEW. After that it COSTS "
     "those rows.\",\"gate\":\"type\",\"estimate_ms\":20000},"
     "\"seen\":[{\"verdict\":\"PASS\",\"name\":\"rows\",\"text\":\"27/27 tables equal, 12,004,218 "
     "rows\",\"at_ms\":@01:20:13@},{\"verdict\":\"PASS\",\"name\":\"content\",\"text\":\"27/27 hashes "
     "equal\",\"at_ms\":@01:20:16@},"
     "{\"verdict\":\"PASS\",\"name\":\"writers\",\"text\":\"none on OLD for "
     "16:02\",\"at_ms\":@01:20:52@},{\"verdict\":\"PASS\",\"name\":\"smoke\",\"text\":\"14/14 by address, "
     "www and api, TLS 89 days\",\"at_ms\":@01:20:42@},"
     "{\"verdict\":\"PASS\",\"name\":\"canary\",\"text\":\"200/200 old rows decrypted on "
     "NEW\",\"at_ms\":@01:20:24@},{\"verdict\":\"WARN\",\"name\":\"scheduler\",\"text\":\"no job until "
     "07:00\",\"waived\":true,\"waived_by\":\"ana\",\"at_ms\":@01:11:24@}]"},

    {STAGE_WATCH, "01:20:58", "gate.passed",
     "\"gate\":\"g9\",\"step\":\"dns-point\",\"by\":\"ana\",\"how\":\"phrase\""},
    {STAGE_WATCH, "01:20:58", "attempt.started",
     "\"attempt\":\"a17\",\"step\":\"dns-point\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{}"},
    {STAGE_WATCH, "01:21:00", "attempt.ended",
     "\"attempt\":\"a17\",\"step\":\"dns-point\",\"outcome\":\"done\",\"text\":\"\",\"seen\":[]"},
    {STAGE_WATCH, "01:21:00", "traffic.first", "\"name\":\"www.acme.com\",\"status\":200"},
    {STAGE_WATCH, "01:21:00", "attempt.started",
     "\"attempt\":\"a18\",\"step\":\"propagation\",\"verb\":\"run\",\"by\":\"ana\",\"plan\":{\"back\":\"B: "
     "DNS back, COSTS rows\"}"},
    {STAGE_WATCH, "01:21:04", "newrows.seen",
     "\"rows\":38,\"tables\":[{\"table\":\"orders\",\"rows\":2},{\"table\":\"carts\",\"rows\":11},{\"table\":"
     "\"events\",\"rows\":24},{\"table\":\"users\",\"rows\":1}]"},
    {STAGE_WATCH, "01:21:00", "dns.plan",
     "\"names\":[{\"name\":\"www.acme.com\",\"old\":\"acme.herokudns.com\",\"new\":\"cutover.acme.com\","
     "\"ttl_s\":60},{\"name\":\"api.acme.com\",\"old\":\"acme.herokudns.com\",\"new\":\"cutover.acme.com\","
     "\"ttl_s\":60}],\"safe_from_ms\":@00:31:00@,\"old_die_ms\":@01:22:10@"},
#define NEW2(server, label, auth, a, ea, b, eb)                                                             \
	{STAGE_WATCH, "01:21:40", "dns.cell", CELL(server, label, auth, "www.acme.com", a, "60", ea, "9")}, \
	{                                                                                                   \
		STAGE_WATCH, "01:21:40", "dns.cell",                                                        \
		    CELL(server, label, auth, "api.acme.com", b, "60", eb, "11")                            \
	}
    NEW2("192.0.2.1", "ns1 cloudflare", "true", "NEW", "0", "NEW", "0"),
    NEW2("192.0.2.2", "ns2 cloudflare", "true", "NEW", "0", "NEW", "0"),
    NEW2("1.1.1.1", "1.1.1.1", "false", "NEW", "@01:22:51@", "NEW", "@01:22:50@"),
    NEW2("8.8.8.8", "8.8.8.8", "false", "NEW", "@01:22:33@", "OLD", "@01:22:09@"),
    NEW2("9.9.9.9", "9.9.9.9", "false", "NEW", "@01:22:47@", "NEW", "@01:22:46@"),
    NEW2("208.67.222.222", "208.67.222.222", "false", "OLD", "@01:22:01@", "OLD", "@01:22:01@"),
    NEW2("t", "Telekom", "false", "NEW", "@01:22:25@", "NEW", "@01:22:22@"),
    NEW2("v", "Vodafone", "false", "OLD", "@01:22:10@", "NEW", "@01:22:43@"),
    NEW2("f", "Free", "false", "MIXED", "0", "NEW", "@01:22:14@"),
    NEW2("x", "Telstra", "false", "SILENT", "0", "SILENT", "0"),
    {STAGE_WATCH, "01:21:51", "traffic.seen",
     "\"old\":{\"rpm\":101,\"ok\":0,\"e4\":0,\"e5\":88,\"p50_ms\":2,\"p95_ms\":4},\"new\":{\"rpm\":246,"
     "\"ok\":211,\"e4\":3,\"e5\":0,\"p50_ms\":24,\"p95_ms\":81},\"share_new\":0.71,\"last_old_ms\":@01:21:"
     "50@"},
    {STAGE_WATCH, "01:21:50", "log.lines",
     "\"lines\":["
     "{\"at_ms\":@01:21:02@,\"side\":\"NEW\",\"source\":\"proxy\",\"level\":\"\",\"text\":\"www.acme.com GET "
     "/ 200 31 ms\"},"
     "{\"at_ms\":@01:21:20@,\"side\":\"NEW\",\"source\":\"web\",\"level\":\"\",\"text\":\"INSERT orders, id "
     "761,321\"},"
     "{\"at_ms\":@01:21:26@,\"side\":\"OLD\",\"source\":\"router\",\"level\":\"\",\"text\":\"H80 maintenance "
     "GET / 503\"},"
     "{\"at_ms\":@01:21:51@,\"side\":\"NEW\",\"source\":\"web\",\"level\":\"\",\"text\":\"Completed 200 OK "
     "GET / 19 ms\"}]"},
    SMOKE(STAGE_WATCH, "01:21:45", "/up", "PUBLIC", "200", "200"),
    SMOKE(STAGE_WATCH, "01:21:45", "/products", "PUBLIC", "200", "200"),
    {STAGE_WATCH, "01:21:40", "note.added",
     "\"by\":\"raj\",\"text\":\"checkout tested by hand on my phone, fine\""},
    BEAT(STAGE_WATCH, "01:21:50", "dynos", "5000"),
    BEAT(STAGE_WATCH, "01:21:50", "host", "5000"),
    BEAT(STAGE_WATCH, "01:21:51", "dns", "5000"),
    BEAT(STAGE_WATCH, "01:21:51", "logs", "2000"),
    BEAT(STAGE_WATCH, "01:21:51", "writers", "2000"),
    BEAT(STAGE_WATCH, "01:21:51", "traffic", "2000"),
    {STAGE_WATCH, "01:21:50", "seat.armed", "\"seat\":\"s1\",\"name\":\"ana\",\"until_ms\":@01:30:12@"},

    {STAGE_DONE, "01:34:00", "night.closed", "\"verdict\":\"done\",\"text\":\"\""},
    {STAGE_COUNT, NULL, NULL, NULL},
};
