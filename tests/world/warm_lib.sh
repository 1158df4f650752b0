# shellcheck shell=bash
# For warm nights without a screen, on top of tests/lib.sh:
#   warm_world ROWS           a demo world whose playbook is the warm one, with short quiet times
#   night [OPTION...]         run, with all that a person would say
#   ends STATUS [OPTION...]   the same, and how it has to end
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

warm_world() {
	world_start DEMO_ROWS="$1"
	sed -i 's/^  quiet: .*/  quiet: {for: 3s}/; s/^  quiet-10m: .*/  quiet-10m: {for: 5s}/' "$CONFIG"
	echo "playbook: heroku-to-kamal-warm" >>"$CONFIG"
}

night() {
	timeout 400 "$NF" run --quiet \
		--yes wipe-target=shop_production --waive "wipe-target:rows=rows of db:seed" --yes warm-copy=shop_production \
		--yes delta-live=shop_production --yes pause-backups=postgresql-cubed-41827 --yes maintenance-on=acme-production --yes scale-to-zero=acme-production \
		--yes delta=shop_production --yes dns-point=acme-production \
		--done "freeze-deploys=nobody deploys" --done "webhooks=no webhook" "$@" >"$T/out" 2>"$T/err" </dev/null
}

ends() {
	local wanted=$1 status=0
	shift
	night "$@" || status=$?
	expect_equal "$status" "$wanted" "exit status of run $* ($(tail -n 4 "$T/err" "$T/out"))"
}
