# shellcheck shell=bash
# Where the DNS part of one world keeps its things, and how to talk to its servers. Sourced after lib.sh.

PATH=$PATH:/usr/sbin:/sbin

load_dns() { # DIR: sets DNS (its folder) and RUN (where the control sockets are)
	load_world "$1"
	DNS=$WORLD/dns
	RUN=$DNS
	[ ! -s "$DNS/run" ] || RUN=$(cat "$DNS/run")
}

# A server that hangs must not hang the script that asks it.
knotc_on() { # ns1|ns2 ARGS...
	local ns=$1
	shift
	knotc -t 5 -s "$RUN/$ns.sock" "$@"
}

cache_control() { # cache1|cache2 ARGS...
	local cache=$1
	shift
	unbound-control -c "$DNS/$cache.conf" "$@"
}

zone_of() { # NAME: the zone of ours it belongs to
	case ${1%.} in
	acme.example | *.acme.example) printf 'acme.example\n' ;;
	herokudns.example | *.herokudns.example) printf 'herokudns.example\n' ;;
	*) return 1 ;;
	esac
}
