# shellcheck shell=bash
# A docker of a test's own, and a host in front of it. Sourced after lib.sh:
#   . "$(dirname "${BASH_SOURCE[0]}")/../dockerd_lib.sh"
#
#   docker_start                    a private dockerd: own socket, data and networks, the network `kamal`, gone at the end.
#                                   Where none can start it says so in one line, and `docker` is the stand-in of the demo.
#                                   Sets DOCKER to `real` or `stand-in`, HOST (a folder), and puts `docker` into PATH.
#                                   DOCKER_STAND_IN=1 asks for the stand-in
#   docker_image NAME [PROGRAM...]  an image of a static busybox, with programs of this machine and their libraries
#   docker_app ROLE VERSION [OPTION...] -- COMMAND...
#                                   a container by Kamal's rules: acme-ROLE-VERSION, its labels, restart policy and log limit
#   docker_accessory NAME [OPTION...] -- COMMAND...     acme-NAME;   docker_proxy [OPTION...] -- COMMAND...     kamal-proxy
#   docker_is CONTAINER FORMAT TEXT true when `docker inspect -f FORMAT` says TEXT; for eventually
#   host_start                      a real sshd before this docker; SSH_PORT, SSH_KEY, SSH_KNOWN_HOSTS, SSH_USER; the ssh
#                                   user's home is HOST_HOME; CONFIG is a nightferry.yml with this host and Kamal's names
#   host_stop, host_cut             the sshd ends; its sessions are killed, as a network that goes away does
#   host_left PATTERN               how many processes of ssh sessions have PATTERN in their command line
#
# SERVICE (acme) and DESTINATION (none) may be set before docker_start.
SERVICE=${SERVICE:-acme} DESTINATION=${DESTINATION:-}

docker_start() {
	local why
	scratch
	HOST=$T/host HOST_HOME=$T/host/home
	mkdir -p "$HOST/bin" "$HOST_HOME/.kamal" "$HOST/d"
	at_end 'docker_stop'
	if why=$(docker_real_start 2>&1); then
		DOCKER=real DOCKER_HOST=unix://$HOST/d/s
		export DOCKER_HOST
		ln -s "$(docker_cli)" "$HOST/bin/docker"
		printf 'export DOCKER_HOST=%q DOCKER_STATE= NIGHTFERRY_WORLD=\n' "$DOCKER_HOST" >"$HOST/session.env"
	else
		printf 'No real dockerd starts here (%s), so its stand-in is used.\n' "${why//$'\n'/ }"
		docker_real_stop
		docker_stand_in_start
	fi
	PATH=$HOST/bin:$PATH
	hash -r
	[ $DOCKER = stand-in ] || docker network create kamal >/dev/null || fail "docker made no network."
	docker_image "registry.acme.example/$SERVICE:1"
	docker_image basecamp/kamal-proxy:v0.9.2
}

docker_stop() {
	host_stop
	[ "${DOCKER:-}" = real ] && docker_real_stop
	[ "${DOCKER:-}" = stand-in ] && docker_stand_in_stop
	DOCKER=
}

# The package's own client: another one in PATH may speak to something else, or be newer than the daemon allows.
docker_cli() {
	if [ -x /usr/bin/docker ]; then echo /usr/bin/docker; else command -v docker; fi
}

# ---- the real one ----

docker_real_start() {
	local dockerd probe=registry.acme.example/probe
	[ -z "${DOCKER_STAND_IN:-}" ] || { echo "DOCKER_STAND_IN is set"; return 1; }
	[ "$(id -u)" = 0 ] || { echo "it needs root"; return 1; }
	dockerd=$(PATH=$PATH:/usr/sbin:/sbin command -v dockerd) || { echo "docker.io is not installed"; return 1; }
	[ -n "$(docker_cli)" ] || { echo "there is no docker client"; return 1; }
	docker_cgroups || { echo "no cgroups can be mounted"; return 1; }
	docker_daemon "$dockerd" || docker_daemon "$dockerd" --iptables=false --ip-masq=false ||
		{ tail -n 1 "$HOST/d/log" | cut -c 1-200; return 1; }
	# A daemon that answers may yet be unable to run anything.
	docker_tree "$HOST/d/tree" && tar -C "$HOST/d/tree" -c . | docker_real import --change 'ENV PATH=/bin' - $probe >/dev/null || return 1
	docker_real network create probe >/dev/null &&
		timeout 60 "$(docker_cli)" -H "unix://$HOST/d/s" run --rm --network probe $probe true || return 1
	docker_real network rm probe >/dev/null
	docker_real rmi $probe >/dev/null
}

docker_real() {
	timeout 60 "$(docker_cli)" -H "unix://$HOST/d/s" "$@"
}

# Its addresses are drawn, so that several of these daemons on one machine do not take each other's.
docker_daemon() { # PROGRAM OPTION...
	local pid program=$1
	shift
	# shellcheck disable=SC2016
	setsid bash -c 'echo $$ >"$0/pid"; exec "$@"' "$HOST/d" "$program" -H "unix://$HOST/d/s" --data-root "$HOST/d/data" \
		--exec-root "$HOST/d/exec" --pidfile "$HOST/d/pid.own" --bridge none --log-level error \
		--default-address-pool "base=10.$((200 + RANDOM % 50)).$((RANDOM % 256)).0/24,size=27" "$@" \
		>"$HOST/d/log" 2>&1 </dev/null &
	disown $!
	pid=$!
	for _ in {1..600}; do
		docker_real version >/dev/null 2>&1 && return 0
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.05
	done
	docker_real_stop
	return 1
}

# A bare chroot has none mounted; systemd and this machine's own daemon have.
docker_cgroups() {
	local name
	[ -e /sys/fs/cgroup/cgroup.controllers ] || [ -d /sys/fs/cgroup/memory ] && return 0
	[ -r /proc/cgroups ] && [ -d /sys/fs/cgroup ] || return 1
	if awk '!/^#/ && $2 != 0 { found = 1 } END { exit found }' /proc/cgroups; then
		mount -t cgroup2 cgroup2 /sys/fs/cgroup || return 1
	else
		mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || return 1
		for name in $(awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups); do
			mkdir "/sys/fs/cgroup/$name"
			mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" || rmdir "/sys/fs/cgroup/$name"
		done
	fi
	: >"$HOST/d/cgroups.ours"
}

# Containers first, or their shims outlive the daemon.
docker_real_stop() {
	local ids pid
	pid=$(cat "$HOST/d/pid" 2>/dev/null)
	if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
		ids=$(docker_real ps -aq) && [ -n "$ids" ] && docker_real rm -f $ids >/dev/null 2>&1
		docker_real network prune -f >/dev/null 2>&1
		kill "$pid" 2>/dev/null
		eventually 20 docker_ended "$pid" || kill -KILL "$pid" 2>/dev/null
		eventually 5 docker_ended "$pid"
	fi
	rm -f "$HOST/d/pid"
	# The newest mount first.
	awk -v d="$HOST/d/" 'index($2, d) == 1 { print $2 }' /proc/mounts | tac | while read -r mount; do umount -l "$mount"; done
	if [ -e "$HOST/d/cgroups.ours" ]; then
		awk '$2 ~ /^\/sys\/fs\/cgroup(\/|$)/ { print $2 }' /proc/mounts | tac | while read -r mount; do umount -l "$mount"; done
		rm -f "$HOST/d/cgroups.ours"
	fi
}

docker_ended() { # PID: gone, or only its parent has not looked yet
	! kill -0 "$1" 2>/dev/null || [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c 1)" = Z ]
}

# ---- the stand-in ----

docker_stand_in_start() {
	DOCKER=stand-in DOCKER_STATE=$HOST/docker
	export DOCKER_STATE
	unset DOCKER_HOST
	mkdir -p "$DOCKER_STATE" "$HOST/containers"
	chmod 700 "$DOCKER_STATE"
	ln -s "$ROOT/build/demo/bin/docker" "$HOST/bin/docker"
	printf '%s=%s\n' WORLD "$HOST" BIN "$ROOT/build/demo/bin" ROOTS "$HOST/containers" HTTP_PORT 0 PG_PORT 0 >"$DOCKER_STATE/world"
	printf 'export DOCKER_STATE=%q NIGHTFERRY_WORLD=\n' "$DOCKER_STATE" >"$HOST/session.env"
}

docker_stand_in_stop() {
	local ids
	ids=$(docker ps -q)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || docker rm -f $ids >/dev/null 2>&1
}

# ---- images and containers ----

docker_tree() { # FOLDER
	local busybox=/bin/busybox
	[ -x $busybox ] || { echo "there is no static busybox"; return 1; }
	mkdir -p "$1"/{bin,tmp,proc,dev,etc,root,usr/bin}
	# Hard links: symbolic ones would name the place where the binary lies now.
	cp $busybox "$1/bin/busybox" && chmod 755 "$1/bin/busybox" && (cd "$1/bin" && ./busybox --install . 2>/dev/null)
	chmod 1777 "$1/tmp"
}

docker_image() { # NAME [PROGRAM...]
	local name=$1 tree program file change='ENV PATH=/bin:/usr/bin'
	shift
	# Kamal's builder labels the app's images, and nobody else's.
	[[ $name != */"$SERVICE":* ]] || change="LABEL service=$SERVICE"
	tree=$(mktemp -d "$T/XXXXXX")
	docker_tree "$tree" || fail "There is no static busybox for an image: apt-get install busybox-static."
	for program in "$@"; do
		cp -L "$program" "$tree/usr/bin/${program##*/}" || fail "There is no $program for an image."
		for file in $(ldd "$program" 2>/dev/null | grep -o '/[^ ]*'); do
			mkdir -p "$tree${file%/*}"
			[ -e "$tree$file" ] || cp -L "$file" "$tree$file"
		done
	done
	tar -C "$tree" -c . | docker import --change 'ENV PATH=/bin:/usr/bin' --change "$change" - "$name" >/dev/null ||
		fail "docker took no image $name."
	rm -rf "$tree"
}

docker_named() { # NAME IMAGE OPTION... -- COMMAND...
	local name=$1 image=$2 options=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	docker run --detach --restart unless-stopped --name "$name" --network kamal --log-opt max-size=10m "${options[@]}" "$image" "$@" ||
		fail "The container $name did not start."
}

docker_app() { # ROLE VERSION [OPTION...] -- COMMAND...
	local role=$1 version=$2
	shift 2
	docker_named "$SERVICE-$role${DESTINATION:+-$DESTINATION}-$version" "registry.acme.example/$SERVICE:1" \
		--env "KAMAL_VERSION=$version" --label "service=$SERVICE" --label "role=$role" --label "destination=$DESTINATION" "$@"
}

docker_accessory() { # NAME [OPTION...] -- COMMAND...
	local name=$1
	shift
	docker_named "$SERVICE-$name" "registry.acme.example/$SERVICE:1" --label "service=$SERVICE-$name" "$@"
}

docker_proxy() { # [OPTION...] -- COMMAND...
	docker_named kamal-proxy basecamp/kamal-proxy:v0.9.2 --label org.opencontainers.image.title=kamal-proxy "$@"
}

docker_is() { # CONTAINER FORMAT TEXT
	[ "$(docker inspect -f "$2" "$1" 2>/dev/null)" = "$3" ]
}

# ---- the host ----

host_start() {
	. "$ROOT/demo/lib.sh"
	unset -f say die
	SSH_USER=$(id -un) SSH_KEY=$HOST/id SSH_KNOWN_HOSTS=$HOST/known_hosts
	[ -n "${SSH_PORT:-}" ] || SSH_PORT=$(free_ports 1)
	if [ ! -e "$SSH_KEY" ]; then
		ssh-keygen -q -t ed25519 -N '' -f "$HOST/host_key" && ssh-keygen -q -t ed25519 -N '' -f "$SSH_KEY" || fail "There are no keys."
		printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cut -d' ' -f1,2 "$HOST/host_key.pub")" >"$SSH_KNOWN_HOSTS"
		cp "$ROOT/demo/host/session" "$HOST/bin/session"
		chmod 755 "$HOST/bin/session"
		host_sshd_config >"$HOST/sshd_config"
	fi
	[ "$(id -u)" != 0 ] || [ -d /run/sshd ] || mkdir -m 755 /run/sshd
	spawn "$HOST/sshd.pid" "$HOST/sshd.log" "$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)" -D -e -f "$HOST/sshd_config"
	eventually 10 host_answers || fail "sshd does not start: $(tail -n 3 "$HOST/sshd.log")"
	export SSH_USER SSH_KEY SSH_KNOWN_HOSTS SSH_PORT CONFIG=${CONFIG:-$T/nightferry.yml}
	[ -e "$CONFIG" ] || host_config >"$CONFIG"
}

host_answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$SSH_PORT") 2>/dev/null
}

# bash reads the .bashrc of whoever runs this in a session's first shell, but not in a second: the host is not that home.
host_sshd_config() {
	cat <<CONF
Port $SSH_PORT
ListenAddress 127.0.0.1
HostKey $HOST/host_key
AuthorizedKeysFile $SSH_KEY.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxSessions 100
MaxStartups 100
UseDNS no
SetEnv SHLVL=2
ForceCommand $HOST/bin/session $HOST
CONF
}

host_config() {
	cat <<CONF
app: acme
heroku: {app: acme-production}
host: {address: 127.0.0.1, port: $SSH_PORT, user: $SSH_USER, key: $SSH_KEY, known_hosts: $SSH_KNOWN_HOSTS}
kamal: {service: $SERVICE, roles: [web, job], accessory: db${DESTINATION:+, destination: $DESTINATION}}
database: {url: "env:NEW_DATABASE_URL"}
CONF
}

host_sessions() { # the processes below sshd
	local parents pid
	parents=$(cat "$HOST/sshd.pid" 2>/dev/null)
	while [ -n "${parents// /}" ]; do
		parents=$(for pid in $parents; do cat "/proc/$pid/task/$pid/children" 2>/dev/null; done)
		parents=${parents//$'\n'/ }
		# shellcheck disable=SC2086
		[ -z "${parents// /}" ] || printf '%s\n' $parents
	done
}

host_cut() {
	local pids
	pids=$(host_sessions)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
}

host_stop() {
	local pids
	[ -e "${HOST:-}/sshd.pid" ] || return 0
	pids=$(host_sessions)
	kill_pidfile "$HOST/sshd.pid" 2
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
	return 0
}

# A session's commands may outlive it, so they are known by its folder in their environment, not by their parents.
host_left() { # PATTERN
	local file n=0
	for file in $(grep -lzsxE "HOME=$HOST_HOME" /proc/[0-9]*/environ 2>/dev/null); do
		{ tr '\0' ' ' <"${file%environ}cmdline"; } 2>/dev/null | grep -q -- "$1" && n=$((n + 1))
	done
	printf '%s\n' $n
}
