#!/bin/bash
# The engine on another machine: a seat over the user's own ssh, whose loss costs nothing. A real sshd with a home of
# its own; whatever is on "the host" is below $T/home.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
SSHD=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || fail "There is no sshd."
cat >"$T/night.yml" <<'YML'
name: night
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
      - {id: scale-to-zero, do: scale, with: {all: 0, one_offs: leave}}
      - {id: quiet, do: wait-quiet, with: {for: 8s}}
      - {id: frozen, do: manual, with: {card: "Look at it."}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/night.yml" >>"$CONFIG"

# ---- the host ----

PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null) ||
	PORT=$((20000 + $$ % 10000))
mkdir -p "$T/home" "$T/host" "$T/bin"
ssh-keygen -q -t ed25519 -N '' -f "$T/host/key"
ssh-keygen -q -t ed25519 -N '' -f "$T/plain"
ssh-keygen -q -t ed25519 -N 'open sesame' -f "$T/locked"
cat "$T/plain.pub" "$T/locked.pub" >"$T/host/authorized"
# A session as any host gives one: greeting, own home, nothing of our environment.
cat >"$T/host/session" <<SH
#!/bin/sh
echo "Welcome to {newhost}!"
exec env -i HOME=$T/home PATH=$T/host/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 SHELL=/bin/sh sh -c "\$SSH_ORIGINAL_COMMAND"
SH
chmod 755 "$T/host/session"
cat >"$T/host/config" <<CONF
Port $PORT
ListenAddress 127.0.0.1
HostKey $T/host/key
AuthorizedKeysFile $T/host/authorized
PidFile $T/host/pid
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
ForceCommand $T/host/session
# The login files of who runs this test are not read.
SetEnv SHLVL=5
CONF
mkdir -p /run/sshd 2>/dev/null
host_up() {
	"$SSHD" -f "$T/host/config" -E "$T/host/log" || fail "sshd did not start: $(cat "$T/host/log")"
	eventually 10 test -s "$T/host/pid" || fail "sshd wrote no pid."
}
# The listener and every connection of it: what a lost network does, only that it is heard of.
host_down() {
	local pid
	pid=$(cat "$T/host/pid" 2>/dev/null) || return 0
	pkill -KILL -P "$pid"
	kill -KILL "$pid"
	rm -f "$T/host/pid"
}
engine_pid() {
	jq -r 'select(.kind == "engine.started") | .pid' "$(far_journal)" 2>/dev/null | tail -n 1
}
engine_gone() {
	! kill -0 "$(engine_pid)" 2>/dev/null
}
host_stop() {
	local pid
	pid=$(engine_pid)
	[ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null
	eventually 20 engine_gone
	host_down
}
at_end host_stop
host_up

# ---- this side: ssh as its user has configured it, with a jump on the way ----

cat >"$T/ssh_config" <<CONF
Host jump newhost locked
	HostName 127.0.0.1
	Port $PORT
	User $(id -un)
	IdentitiesOnly yes
	StrictHostKeyChecking accept-new
	UserKnownHostsFile $T/known_hosts
Host jump newhost
	IdentityFile $T/plain
Host newhost
	ProxyJump jump
Host locked
	IdentityFile $T/locked
Host nobody
	HostName 127.0.0.1
	Port 1
CONF
printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$T/ssh_config" >"$T/bin/ssh"
chmod 755 "$T/bin/ssh"
mkdir -m 700 "$T/r"
export PATH=$T/bin:$PATH XDG_RUNTIME_DIR=$T/r
unset SSH_AUTH_SOCK

far_journal() {
	find "$T/home" -name journal.jsonl 2>/dev/null | sort | tail -n 1
}
far_events() { # KIND [CONDITION]
	jq -c --arg kind "$1" "select(.kind == \$kind) | select(${2:-true})" "$(far_journal)" 2>/dev/null
}
have_far() {
	[ -n "$(far_events "$@")" ]
}
wait_far() { # SECONDS KIND [CONDITION]
	eventually "$1" have_far "$2" "${3:-true}" || fail "There is no event $2 with ${3:-anything} on the host after $1 seconds."
}
on() { # COMMAND...: its far end is newhost
	"$NF" "$@" --on newhost --config "$CONFIG" </dev/null 2>&1
}
refused() { # REGEX COMMAND...
	local wanted=$1 status=0 said
	shift
	said=$("$@" </dev/null 2>&1) || status=$?
	[ $status != 0 ] || fail "\"$*\" should have been refused: $said"
	expect_match "$said" "$wanted" "the words of \"$*\""
	[ -z "$(far_journal)" ] || fail "A night was opened by \"$*\"."
	echo "ok  refused: ${said##*nightferry: }"
}

# ---- what is refused, before anything is there ----

refused 'wants a host as ssh takes it' "$NF" --on -oProxyCommand=x --config "$CONFIG"
refused 'nobody was not reached by ssh, so nothing was started there' "$NF" --on nobody --config "$CONFIG"
refused 'no night of acme is open' on attach
mkdir -p "$T/host/bin"
printf '#!/bin/sh\n[ "$1" = -m ] && echo riscv64 || echo Linux\n' >"$T/host/bin/uname"
chmod 755 "$T/host/bin/uname"
refused 'newhost is "Linux riscv64" and this nightferry is built for "Linux ' on start
rm "$T/host/bin/uname"
# A program that wants libraries which only this side has.
mkdir "$T/lib"
sed 's/libuv\.so\.1/libuw.so.1/; s/libpq\.so\.5/libpw.so.5/' "$NF" >"$T/bin/nightferry-lacking"
chmod 755 "$T/bin/nightferry-lacking"
for lib in uv.so.1:uw.so.1 pq.so.5:pw.so.5; do
	ln -s "$(ldd "$NF" | sed -n "s/.*lib${lib%:*} => \([^ ]*\) .*/\1/p")" "$T/lib/lib${lib#*:}"
done
if LD_LIBRARY_PATH=$T/lib "$T/bin/nightferry-lacking" --version >/dev/null 2>&1; then
	refused 'newhost lacks lib(uw.so.1|pw.so.5), lib(uw.so.1|pw.so.5); on Debian 12' \
		env LD_LIBRARY_PATH="$T/lib" "$T/bin/nightferry-lacking" start --on newhost --config "$CONFIG"
fi
mkdir -p "$NIGHTFERRY_STATE/acme/2026-01-01T0000"
jq -cn '{seq: 1, at: 1, src: "engine", kind: "x", v: 1, hash: ""}' >"$NIGHTFERRY_STATE/acme/2026-01-01T0000/journal.jsonl"
if "$NF" status --config "$CONFIG" >/dev/null 2>&1; then
	refused 'acme has an open night on this machine' on start
fi
rm -r "$NIGHTFERRY_STATE/acme"

# ---- a night there ----

screen_start 110x30 "$NF" --on newhost --config "$CONFIG" --as ana
wait_text 60 "R next"
expect_frame
wait_far 5 seat.joined '.name == "ana"'
[ -z "$(journal)" ] || fail "A night was opened on this side as well."
DIR=$(dirname "$(far_journal)")
keys A
wait_text 5 "ARMED"
keys R
wait_text 30 "maintenance-on"
wait_far 30 gate.opened '.step == "maintenance-on"'
wait_text 10 "y does it"
box_settles
keys y
wait_far 60 attempt.ended '.step == "maintenance-on" and .outcome == "done"'
echo "ok  a step by key, done from the host"

# ---- what the host can see ----

engine=$(engine_pid)
expect_equal "$(tr '\0' '\n' <"/proc/$engine/environ" | sed -n 's/^HOME=//p')" "$T/home" "the engine's home"
SECRETS=(-e "${HEROKU_API_KEY:?}" -e "${CLOUDFLARE_API_TOKEN:?}" -e "${NEW_DATABASE_URL:?}")
shown() {
	local pid
	for pid in "$engine" $(pgrep -P "$engine") $(pgrep -f "__on seat $T/home"); do
		tr '\0' '\n' <"/proc/$pid/cmdline"
		tr '\0' '\n' <"/proc/$pid/environ"
	done 2>/dev/null
}
shown | grep -q '__on' || fail "The far end of the seat is not seen, so nothing is proved by not seeing secrets."
[ "$(shown | grep -c __job)" -ge 3 ] || fail "The engine's children are not seen."
expect_equal "$(shown | grep -F "${SECRETS[@]}")" "" "secrets in ps and environments of the host"
expect_equal "$(grep -rlF "${SECRETS[@]}" "$T/home")" "" "files of the host with a secret"
expect_equal "$(pgrep -af "ssh|nightferry" | grep -F "${SECRETS[@]}")" "" "secrets in the arguments of ssh"
echo "ok  no secret to be seen on the host"

# ---- the connection is lost in the middle of a step ----

keys R
wait_far 30 gate.opened '.step == "scale-to-zero"'
wait_text 10 "y does it"
box_settles
keys y
wait_far 60 attempt.started '.step == "quiet"'
# R runs on by itself: 8 s of quiet are being counted.
host_down
wait_text 30 "SSH TO newhost LOST"
wait_text 5 "NO SSH"
wait_text 10 "old; trying again"
expect_frame
age() {
	screen | sed -n 's/.*what you see is \([0-9]*\)s old.*/\1/p'
}
older() {
	[ "$(age)" -gt "$1" ]
}
eventually 20 older 1 || fail "The screen does not say how old it is."
wait_far 90 attempt.ended '.step == "quiet" and .outcome == "done"'
screen_has "SSH TO newhost LOST" || fail "The host is down, and the seat does not say so."
expect_equal "$(engine_pid)" "$engine" "the engine's process"
echo "ok  the connection is lost: the engine goes on"
host_up
wait_gone 60 "NO SSH"
wait_text 10 "OK  3 quiet"
expect_equal "$(far_events attempt.started | wc -l)" 3 "attempts: nothing was done twice"
expect_equal "$(far_events seat.joined '.name == "ana"' | wc -l)" 2 "times that ana sat down"
echo "ok  on return the same truth, by itself"

# ---- the seat is killed ----

seat=$(pgrep -f -- "--on newhost --config $CONFIG --as ana" | while read -r pid; do
	[ "$(readlink "/proc/$pid/exe")" = "$NF" ] && echo "$pid"
done | head -n 1)
kill -KILL "$seat" || fail "There is no seat to kill."
left() { # N
	[ "$(far_events seat.left '.name == "ana"' | wc -l)" = "$1" ]
}
eventually 30 left 2 || fail "The engine did not hear that the seat was killed."
far_end_gone() {
	! pgrep -f "__on seat $T/home"
}
eventually 20 far_end_gone || fail "The far end of the killed seat is still there."
kill -0 "$engine" || fail "The engine has gone with its seat."
echo "ok  the seat is killed: the engine goes on, nothing hangs on the host"

# ---- another seat, whose key asks for its passphrase before the screen starts ----

expect_match "$(on status --line)" '^acme frozen waiting 4/4' "status --line"
SCREEN=second
screen_start 110x30 "$NF" attach --on locked --config "$CONFIG" --as ben
wait_text 30 "Enter passphrase for key"
type_text "open sesame"
keys Enter
wait_text 60 "OK  3 quiet"
wait_far 5 seat.joined '.name == "ben"'
expect_equal "$(engine_pid)" "$engine" "the engine's process"
echo "ok  a passphrase is asked for before the screen"

# ---- the engine itself ends; a seat knows which of the two is gone ----

kill -KILL "$engine"
wait_text 30 "ENGINE LOST"
wait_text 5 "NO ENGINE"
expect_match "$(on status)" 'open, no engine runs' "status without an engine"
# Whoever sits down starts it again; what lies there is looked at first, and sent again when it is another.
binary=$T/home/.nightferry/bin/$(sha256sum <"$NF" | cut -d' ' -f1)/nightferry
printf 'x' | dd of="$binary" bs=1 seek=4096 conv=notrunc 2>/dev/null
SCREEN=main
tm kill-session -t main
screen_start 110x30 "$NF" attach --on newhost --config "$CONFIG" --as ana
wait_text 60 "OK  3 quiet"
[ "$(engine_pid)" != "$engine" ] || fail "The engine is the one that was killed."
cmp -s "$binary" "$NF" || fail "A damaged program on the host was not replaced."
SCREEN=second
wait_gone 30 "NO ENGINE"
expect_equal "$(far_events attempt.started | wc -l)" 3 "attempts after the engine's death"
echo "ok  the engine is started again by who sits down"

# ---- report and stop ----

expect_match "$(on report)" 'maintenance-on' "the report"
expect_match "$(on report --format json)" '"app":"acme"|acme' "the report as JSON"
for SCREEN in main second; do
	keys q
	wait_end 20
done
expect_match "$(screen)" 'nightferry attach --on locked --config' "how to come back"
engine=$(engine_pid)
expect_match "$(on stop)" 'stopped; ' "stop"
eventually 20 engine_gone || fail "The engine still runs after stop."
echo "ok  report and stop"

# ---- a rehearsal there ----

expect_status 1 "$NF" rehearse --on newhost --config "$CONFIG"
[[ $OUTPUT == *"a night of this app is open"*"nothing is rehearsed beside it"* ]] || fail "A rehearsal beside a night there: $OUTPUT"
sed 's/^app: .*/app: other/' "$CONFIG" >"${CONFIG%/*}/other.yml"
SCREEN=rehearsal
screen_start 110x30 "$NF" rehearse --on newhost --config "${CONFIG%/*}/other.yml" --as ana
wait_text 60 " REHEARSAL "
wait_text 20 "rehearsal-create"
expect_match "$(far_journal)" '/other/[^/]*-rehearsal/journal.jsonl$' "the rehearsal's journal"
expect_match "$(far_events night.opened | jq -r .config.rehearsal.database)" '^other_rehearsal_[0-9_]+$' "the rehearsal's database"
keys q
wait_end 20
engine=$(engine_pid)
CONFIG=${CONFIG%/*}/other.yml
expect_match "$(on stop)" 'stopped; ' "stop of the rehearsal"
eventually 20 engine_gone || fail "The rehearsal's engine still runs after stop."
echo "ok  a rehearsal there"
