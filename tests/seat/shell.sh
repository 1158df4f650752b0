#!/bin/bash
# A shell on the new host from the driver's seat: the seat gives its screen away and gets it back whole, cannot act
# meanwhile, and everybody sees who is there and since when.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
# The real Heroku CLI asks its own API for the database; what is tried here is how it is called.
mkdir -p "$T/bin"
cat >"$T/bin/heroku" <<'SH'
#!/bin/sh
echo "heroku $*"
echo "with $PGOPTIONS"
read -r line
SH
chmod +x "$T/bin/heroku"
export PATH=$T/bin:$PATH
screen_start 110x30 "$NF" --as ana
wait_text 30 "R next"
SCREEN=two
screen_start 110x30 "$NF" attach --as ben
wait_text 30 "others: ana"

# who does not drive opens none
keys '`'
wait_text 5 "the driver"
[ -z "$(events shell.opened)" ] || fail "Somebody who does not drive has opened a shell."

SCREEN=main
keys A
wait_text 5 "ARMED"
wait_event 10 seat.armed '.name == "ana" and .until_ms > 0'
keys '`'
wait_text 30 "NEW"
wait_text 30 "exit comes back to the cockpit"
wait_event 10 shell.opened '.name == "ana" and .side == "NEW"'
wait_event 10 seat.armed '.name == "ana" and .until_ms == 0'
type_text 'echo "here is $(basename "$PWD")"'
keys Enter
wait_text 30 "here is home"
SCREEN=two
wait_text 40 "ana is in a shell on NEW"
echo "ok  a shell of the driver's, seen by the others"

SCREEN=main
type_text exit
keys Enter
wait_text 30 "R next"
wait_text 5 "READ-ONLY ana"
expect_frame
wait_event 10 shell.closed '.name == "ana"'
SCREEN=two
wait_gone 40 "ana is in a shell on NEW"
wait_text 40 "ana was in a shell"
[ "$(events seat.left '.name' | wc -l)" = 0 ] || fail "A seat was lost over the shell."
echo "ok  the screen is back, read-only, and the shell is in the journal"

# keys are not heard in the moment in which the screen comes back
palette() {
	screen_has "Tab completes" && return
	keys ':'
	sleep 0.3
	screen_has "Tab completes"
}

# the new database, inside its container: no password is asked and none is anywhere
SCREEN=main
eventually 10 palette || fail "The palette did not open."
fill_line "shell psql"
wait_text 30 "NEW database in acme-db"
wait_text 30 "shop_production=#"
type_text "SELECT current_user || ' ' || 6 * 7 \\g"
keys Enter
wait_text 10 "shop 42"
type_text '\q'
keys Enter
wait_text 30 "R next"
expect_frame
echo "ok  psql on the new database"

# the old one, by the person's own Heroku CLI: read-only before its first statement
eventually 10 palette || fail "The palette did not open."
fill_line "shell old"
wait_text 30 "OLD database of acme-production"
wait_text 30 "heroku pg:psql --app acme-production"
wait_text 10 "default_transaction_read_only=on"
wait_event 10 shell.opened '.side == "OLD"'
keys Enter
wait_text 30 "R next"
echo "ok  psql on the old database"

# the seat dies in it: nobody is shown in a shell that has ended
SCREEN=main
sleep 0.3
keys '`'
wait_text 30 "exit comes back to the cockpit"
SCREEN=two
wait_text 40 "ana is in a shell on NEW"
tm kill-session -t main
wait_event 20 seat.left '.name == "ana"'
wait_gone 40 "ana is in a shell on NEW"
echo "ok  a seat that dies in its shell"
