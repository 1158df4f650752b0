#!/bin/bash
# Background jobs of both sides by real servers: Sidekiq in a Redis with TLS that nobody vouches for and in one inside a
# container, GoodJob, Solid Queue and Delayed Job in tables. What is told is what is there; what cannot be seen is UNKNOWN;
# what would stay behind keeps a gate shut until it is gone or somebody accepts it by name.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start DEMO_ROWS=3000
set -a
# shellcheck disable=SC1091
. "$W/ports"
set +a
"$ROOT/demo/visitors/part" stop "$W" >/dev/null 2>&1
secret=${OLD_REDIS_URL#*://:} secret=${secret%%@*}
old() { REDISCLI_AUTH=${PASS:-$secret} redis-cli --no-auth-warning --tls --insecure -h 127.0.0.1 -p "$OLD_REDIS_PORT" "$@"; }
docker() { (cd "$W/host/home" && HOME=$W/host/home DOCKER_STATE=$W/host/docker "$BIN/docker" "$@"); }
new_port() { docker inspect -f '{{json .NetworkSettings.Ports}}' acme-redis | jq -r '."6379/tcp"[0].HostPort'; }
new() { redis-cli -h 127.0.0.1 -p "$(new_port)" "$@"; }

check() { # NAME VERDICT TEXT: its verdict, and a line of it
	"$NF" check "$1" >"$T/check" 2>&1 </dev/null
	expect_match "$(head -n 1 "$T/check")" "^$2 " "verdict of $1: $(cat "$T/check")"
	expect_file_has "$T/check" "$3"
	! grep -qF "$secret" "$T/check" || fail "The password of Redis is on the screen."
}

# ---- drained: nothing to say ----
check jobs PASS "Sidekiq on OLD is drained"
check cron PASS "No entry of"

# ---- three queues, one of them huge, one with a hostile name; retries, scheduled jobs, a busy process ----
old EVAL "for i = 1, 200000 do redis.call('RPUSH', 'queue:default', '{}') end for i = 1, 3 do redis.call('RPUSH', 'queue:mailers', '{}') end
	redis.call('RPUSH', 'queue:' .. ARGV[1], '{}') redis.call('SADD', 'queues', ARGV[1])
	for i = 1, 5 do redis.call('ZADD', 'retry', i, 'r' .. i) end for i = 1, 2 do redis.call('ZADD', 'schedule', i, 's' .. i) end
	redis.call('SADD', 'processes', 'worker.1:4:aa', 'worker.1:4:dead')
	redis.call('HSET', 'worker.1:4:aa', 'beat', redis.call('TIME')[1] .. '.5', 'busy', 2, 'info', '{}')
	redis.call('HSET', 'worker.1:4:dead', 'beat', '1000000000', 'busy', 7)" 0 $'evil\e[31m\xff' >/dev/null || fail "The old Redis was not filled."
check jobs WARN "200,004 waiting (default 200,000, mailers 3, evil"
expect_file_has "$T/check" "5 to retry, 2 scheduled, 2 running. Redis is not copied"
! grep -q $'\e' "$T/check" || fail "A queue's name reached the terminal as it is."
! old INFO commandstats | grep -qiE 'cmdstat_(lrange|keys|smembers|hgetall|zrange)' || fail "Something large was read: $(old INFO commandstats)"

# ---- tables: each system's own idea of waiting, later, running, given up ----
world_sql old "CREATE TABLE delayed_jobs (id serial PRIMARY KEY, priority int, attempts int NOT NULL DEFAULT 0, handler text, last_error text, run_at timestamp,
		locked_at timestamp, failed_at timestamp, locked_by text, queue text);
	INSERT INTO delayed_jobs (queue, run_at, attempts, locked_at, failed_at) VALUES ('a', now(), 0, NULL, NULL), ('a', now() + interval '1 day', 0, NULL, NULL),
		('b', now(), 2, NULL, NULL), ('b', now(), 0, now(), NULL), (NULL, now(), 25, NULL, now());
	CREATE TABLE solid_queue_jobs (id serial PRIMARY KEY, queue_name text, finished_at timestamp);
	CREATE TABLE solid_queue_ready_executions (id serial PRIMARY KEY, job_id int, queue_name text);
	CREATE TABLE solid_queue_scheduled_executions (id serial PRIMARY KEY, job_id int);
	CREATE TABLE solid_queue_claimed_executions (id serial PRIMARY KEY, job_id int);
	CREATE TABLE solid_queue_failed_executions (id serial PRIMARY KEY, job_id int);
	CREATE TABLE solid_queue_processes (id serial PRIMARY KEY, kind text, last_heartbeat_at timestamp);
	CREATE TABLE solid_queue_recurring_tasks (id serial PRIMARY KEY, key text, schedule text);
	INSERT INTO solid_queue_ready_executions (queue_name) VALUES ('urgent'), ('urgent'), ('slow');
	INSERT INTO solid_queue_scheduled_executions DEFAULT VALUES; INSERT INTO solid_queue_failed_executions DEFAULT VALUES;
	INSERT INTO solid_queue_processes (kind, last_heartbeat_at) VALUES ('Worker', now()), ('Worker', now() - interval '1 hour');
	INSERT INTO solid_queue_recurring_tasks (key, schedule) VALUES ('clean', '0 3 * * *')" || fail "The tables were not made."
NIGHTFERRY_CLOCK=0,8 timeout 60 "$NF" watch jobs 2>/dev/null </dev/null | jq -c --unbuffered 'select(.kind == "jobs.seen")' >"$T/seen" &
at_end 'kill %1 2>/dev/null'
seen() { jq -e --arg s "$1" "select(.side == \$s) | $2" "$T/seen" >/dev/null 2>&1; }
eventually 40 seen OLD 'any(.systems[]; .name == "delayed_job" and [.waiting, .scheduled, .retry, .running, .failed] == [1, 1, 1, 1, 1])' ||
	fail "Delayed Job: $(cat "$T/seen")"
seen OLD 'any(.systems[]; .name == "solid_queue" and [.waiting, .scheduled, .running, .failed, .processes] == [3, 1, 0, 1, 1] and
	.queues == [{"name": "urgent", "waiting": 2}, {"name": "slow", "waiting": 1}])' || fail "Solid Queue: $(cat "$T/seen")"
seen OLD 'any(.systems[]; .name == "sidekiq" and [.waiting, .retry, .scheduled, .running, .failed, .processes, .done] == [200004, 5, 2, 2, 1, 1, 48213])' ||
	fail "Sidekiq: $(cat "$T/seen")"
seen OLD 'any(.systems[]; .name == "good_job" and .failed >= 0)' || fail "GoodJob: $(cat "$T/seen")"
seen OLD '.cron == [{"system": "solid_queue", "name": "clean", "schedule": "0 3 * * *", "enabled": true}]' || fail "Cron: $(cat "$T/seen")"
eventually 30 seen NEW '.redis == "acme-redis:6379"' || fail "Where the new Redis is: $(tail -n 2 "$T/seen")"
# The new side's comes through SSH, from the name that is inside the containers.
new SET stat:processed 10 >/dev/null
eventually 30 seen NEW 'any(.systems[]; .name == "sidekiq" and .done == 10)' || fail "The new side's Sidekiq: $(tail -n 2 "$T/seen")"
# A container made anew has another port; the watch finds it.
docker restart acme-redis >/dev/null
eventually 10 new PING || fail "The new Redis did not come back."
new SET stat:processed 77 >/dev/null
eventually 60 seen NEW 'any(.systems[]; .name == "sidekiq" and .done == 77)' || fail "After a restart: $(tail -n 2 "$T/seen")"
kill %1 2>/dev/null
! grep -qF "$secret" "$T/seen" || fail "The password of Redis is in an event."

# ---- cron: on both sides while both run is twice; turned off or on one side only, it is not ----
old SADD cron_jobs:default cron_job:default:nightly >/dev/null
old HSET cron_job:default:nightly name nightly cron "0 2 * * *" status enabled >/dev/null
check cron PASS "2 entries on OLD, 0 on NEW"
new SADD cron_jobs cron_job:nightly >/dev/null
new HSET cron_job:nightly name nightly cron "0 2 * * *" status enabled >/dev/null
check cron FAIL "nightly (sidekiq-cron) is on both sides, and both run ("
new HSET cron_job:nightly status disabled >/dev/null
check cron PASS "none of them on both"
old HSET schedules report '{"cron":"5 * * * *","class":"Report"}' >/dev/null
new HSET schedules report '{"every":["1h"],"class":"Report"}' >/dev/null
check cron FAIL "report (sidekiq-scheduler)"
new HSET sidekiq-scheduler:states report '{"enabled":false}' >/dev/null
check cron PASS "none of them on both"

# ---- what cannot be seen is UNKNOWN, with what to do ----
old CONFIG SET requirepass other >/dev/null
check jobs UNKNOWN "does not take the password of its URL"
PASS=other old CONFIG SET requirepass "$secret" >/dev/null
docker stop acme-redis >/dev/null
check jobs UNKNOWN "no container of that name runs; start it"
docker start acme-redis >/dev/null
eventually 10 new PING || fail "The new Redis did not start again."
kill -STOP "$(cat "$W/redis/pid")"
check jobs UNKNOWN "did not answer within 10 s"
kill -CONT "$(cat "$W/redis/pid")"

# ---- in a gate: shut while jobs would stay behind; open by name, and for those jobs only; open when drained ----
cat >"$T/go.yml" <<'YML'
name: go
phases:
  - phase: freeze
    steps:
      - {id: scale, do: scale, with: {all: 0, one_offs: stop}}
      - {id: quiet, do: wait-quiet, with: {for: 2s}}
      - {id: go, do: run, with: {command: "touch went", prove: "ls", expect: went}, checks: [jobs, cron]}
YML
night() {
	timeout 20 "$NF" stop >/dev/null 2>&1 </dev/null
	rm -rf "$NIGHTFERRY_STATE" "$W/host/home/went"
	timeout 100 "$NF" run --playbook "$T/go.yml" --yes scale=acme-production --yes go=go "$@" >"$T/out" 2>&1 </dev/null
}
night && fail "The gate opened although Sidekiq has jobs: $(tail -n 3 "$T/out")"
expect_file_has "$T/out" "Sidekiq on OLD still has 200,004 waiting"
[ ! -e "$W/host/home/went" ] || fail "The step acted behind a shut gate."
night --waive "go:jobs=newsletters, bea says they may be lost" || fail "A waiver by name did not open it: $(tail -n 3 "$T/out")"
[ -e "$W/host/home/went" ] || fail "The step did not act."
expect_match "$(events waiver.given '[.about, .fact] | join(" ")')" "jobs.*sidekiq 200004\+5\+2\+" "what the waiver is tied to"
old EVAL "for _, k in ipairs({'queue:default', 'queue:mailers', 'queue:' .. ARGV[1], 'retry', 'schedule', 'processes'}) do redis.call('DEL', k) end" 0 $'evil\e[31m\xff' >/dev/null
world_sql old "DELETE FROM delayed_jobs WHERE locked_at IS NOT NULL" >/dev/null
night || fail "Drained, and the gate is shut: $(tail -n 3 "$T/out")"
