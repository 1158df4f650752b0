#!/bin/bash
# Records that a program changes: terraform's saved plan is shown, applied and nothing else is; stale, lost, changed and
# failing plans; a pair of programs that is not terraform. The real terraform where there is one (built-in resources only),
# else the stand-in of demo/terraform.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"
. "$ROOT/tests/dns/providers.part"

dns_world manual
PROVIDER=command
REAL=$(command -v terraform) && WHICH="the real $(CHECKPOINT_DISABLE=1 terraform version 2>/dev/null | head -n 1)" ||
	REAL=$ROOT/demo/terraform/terraform WHICH="the stand-in, for there is no terraform here"
OLD=acme-production.herokudns.example NEW=cutover.acme.example
mkdir "$T/infra"
cat >"$T/infra/main.tf" <<-TF
	variable "target" { type = string }
	variable "meddled" { default = "no" }
	variable "password" {
	  default   = "none"
	  sensitive = true
	}
	resource "terraform_data" "www" { input = var.target }
	resource "terraform_data" "other" { input = var.meddled }
	resource "terraform_data" "secret" { input = var.password }
	resource "terraform_data" "publish" {
	  triggers_replace = var.target
	  provisioner "local-exec" { command = "$T/publish '\${var.target}'" }
	}
TF
cat >"$T/infra/stand-in.json" <<-JSON
	[{"address": "terraform_data.www", "input": "target"}, {"address": "terraform_data.other", "input": "meddled", "default": "no"},
	 {"address": "terraform_data.publish", "triggers": "target", "run": "$T/publish \"\$1\""}]
JSON
cat >"$T/publish" <<-SH
	#!/bin/bash
	[ ! -e "$T/broken" ] || { echo "the zone is locked" >&2; exit 1; }
	for name in www api; do "$ROOT/demo/dns/record" "$W" \$name.acme.example CNAME "\$1" 20 || exit 1; done
SH
# Between the night and terraform: what a colleague, a full disk or a bad hand would do at that moment.
cat >"$T/terraform" <<-SH
	#!/bin/bash
	file=\${*: -1}
	case \$1 in
	apply) if [ -e "$T/meddle" ]; then
		rm "$T/meddle"
		"$REAL" plan -input=false -out="$T/theirs" -var target=$OLD -var meddled=yes >/dev/null && "$REAL" apply -input=false "$T/theirs" >/dev/null
	fi ;;
	show)
		"$REAL" "\$@" || exit
		[ ! -e "$T/lose" ] || rm "\$file"
		[ ! -e "$T/spoil" ] || echo >>"\$file"
		exit 0 ;;
	esac
	exec "$REAL" "\$@"
SH
chmod +x "$T/publish" "$T/terraform"
export TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1
(cd "$T/infra" && "$REAL" init -input=false && "$REAL" plan -input=false -out="$T/first" -var target=$OLD && "$REAL" apply -input=false "$T/first") >"$T/init.log" 2>&1 ||
	fail "terraform could not begin: $(tail -n 20 "$T/init.log")"
sed -i "s~provider: manual~provider: command\n  command: {program: $T/terraform, dir: $T/infra, new: {target: $NEW}, old: {target: $OLD}}~" "$CONFIG"
echo "with $WHICH"

trial "what must be replaced is refused by name"
OUTPUT=$("$NF" step dns-point --with to=new --plan 2>&1)
expect_match "$OUTPUT" 'REFUSED +terraform: terraform_data.publish must be replaced, deleted and made anew; in between nobody is answered' "$NAME"
! compgen -G "${TMPDIR:-/tmp}/nightferry-plan-*/*.plan" >/dev/null || fail "A look by hand left its plan."
expect_same_zone
trial_end
sed -i 's/old: {target/replace: [terraform_data.publish], &/' "$CONFIG"

trial "a TTL that stands in the user's files"
OUTPUT=$("$NF" step dns-ttl --with ttl=10 --plan 2>&1)
expect_match "$OUTPUT" "REFUSED +the TTL of www.acme.example, api.acme.example stands in your own files: write .ttl = 10. at the record in $T/infra, well before the night, run .*apply. there, and run this step again" "$NAME"
"$ROOT/demo/dns/record" "$W" www.acme.example CNAME $OLD 10 && "$ROOT/demo/dns/record" "$W" api.acme.example CNAME $OLD 10 || fail "no record"
OUTPUT=$("$NF" step dns-ttl --with ttl=10 --plan 2>&1)
expect_match "$OUTPUT" 'nothing to do' "$NAME, once it is there"
put_back
trial_end

trial "counts and changes of the saved plan"
OUTPUT=$("$NF" step dns-point --with to=new --plan 2>&1)
expect_match "$OUTPUT" "terraform's plan of .*: 1 to add, 1 to change, 1 to destroy. Only this saved plan is applied" "$NAME"
expect_match "$OUTPUT" "~ terraform_data.www +input \"$OLD\" → \"$NEW\"" "$NAME"
expect_match "$OUTPUT" '-/\+ terraform_data.publish +must be replaced, it cannot be changed in place: triggers_replace' "$NAME"
trial_end

trial "plan, apply, and back by a second saved plan"
export TF_VAR_password=hidden$(random_hex 20)
sed -i 's/{id: point, do: dns-point, with: {to: new}}/{id: point, do: dns-point, with: {to: new, secrets: [TF_VAR_password]}}/; s/{id: ttl,.*/{id: begin, do: note, with: {text: begin}}/' "$T/night.yml"
night --waive "point:replaced=it only tells the zone" --until point >"$T/out" 2>&1 || fail "command: point: $(tail -n 5 "$T/out") $(text_of point)"
expect_equal "$(zone_line www.acme.example)" "www.acme.example. 20 IN CNAME $NEW." "www after the change"
expect_equal "$(zone_line api.acme.example)" "api.acme.example. 20 IN CNAME $NEW." "api after the change"
expect_end point done 'PASS All 2 name servers answer NEW'
expect_match "$(events gate.opened '.seen[]?.text')$(events plan.seen '.plan.seen[]?.text')" "WARN|terraform_data.publish must be replaced: deleted, then made anew, as dns.command.replace allows" "$NAME: said in the gate"
back --waive "back:replaced=it only tells the zone" >"$T/out" 2>&1
expect_same_zone
expect_equal "$(events fact 'select(.name == "dns-command") | .data.sha256' | sort -u | wc -l)" 2 "$NAME: saved plans that were applied"
expect_equal "$(find "$NIGHTFERRY_STATE" -name '*.plan*' | wc -l)" 0 "$NAME: saved plans that are left"
! grep -rqF "$TF_VAR_password" "$NIGHTFERRY_STATE" || fail "The password is in $(grep -rlF "$TF_VAR_password" "$NIGHTFERRY_STATE")."
unset TF_VAR_password
sed -i 's/, secrets: \[TF_VAR_password\]//' "$T/night.yml"
trial_end

untouched() { # FILE REGEX: that much went wrong, and no record moved
	touch "$T/$1"
	expect_status 1 night --waive "point:replaced=it only tells the zone" --until point
	rm -f "$T/$1"
	expect_match "$(text_of point)" "$2" "$NAME"
	expect_same_zone
	trial_end
}
trial "somebody else has applied meanwhile"
untouched meddle 'the saved plan is stale, for somebody has applied another one meanwhile; nothing was changed'
trial "the saved plan is gone"
untouched lose 'the saved plan that was approved is gone .*nothing was changed'
trial "the saved plan was changed"
untouched spoil 'is not the saved plan that was approved; nothing was changed'
trial "the program fails"
untouched broken 'the change of .* was not made, and the record is not as it shall be \(terraform ended with 1: Error: .*local-exec provisioner'

trial "nothing to change, and the names are not there"
sed -i "s/new: {target: $NEW}/new: {target: $OLD}/" "$CONFIG"
(cd "$T/infra" && "$REAL" plan -input=false -out="$T/first" -var target=$OLD && "$REAL" apply -input=false "$T/first") >>"$T/init.log" 2>&1
OUTPUT=$("$NF" step dns-point --with to=new --plan 2>&1)
expect_match "$OUTPUT" 'REFUSED +terraform finds nothing to change, and the records are not as they shall be' "$NAME"
trial_end

cat >"$T/pair" <<-SH
	#!/bin/bash
	case \$1 in
	plan) echo "\$2" >"\$3" ;;
	apply) exec "$T/publish" "\$(cat "\$2")" ;;
	esac
SH
chmod +x "$T/pair"
sed -i "s~  command:.*~  command: {dir: $T, plan: [$T/pair, plan, $NEW, \"{plan}\"], back: [$T/pair, plan, $OLD, \"{plan}\"], apply: [$T/pair, apply, \"{plan}\"]}~" "$CONFIG"
trial "a pair of programs that is not terraform"
night --waive "point:unread=our own program" --until point >"$T/out" 2>&1 || fail "command: point: $(tail -n 5 "$T/out") $(text_of point)"
expect_equal "$(zone_line www.acme.example)" "www.acme.example. 20 IN CNAME $NEW." "www after the change"
back --waive "back:unread=our own program" >"$T/out" 2>&1
expect_same_zone
trial_end
