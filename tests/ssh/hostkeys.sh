#!/bin/bash
# Whose key a host shows: an unknown one is asked about with its fingerprint, or refused where nobody is asked; a
# changed or revoked one is always refused. The same with both carriers.
# timeout: 600
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/ssh_lib.sh"
scratch
export SSH_AUTH_SOCK=
sshd_start one
client_key ed ed25519
client_key rsa rsa
# As a pattern: base64 has `+`.
fingerprint_of() {
	ssh-keygen -lf "$T/$1/host.pub" | cut -d' ' -f2 | sed 's/+/\\+/g'
}
fingerprint=$(fingerprint_of one)

# Whoever logs in leaves a line in sshd's log.
logins() {
	grep -c 'Accepted publickey' "$T/one/log"
}

for key in ed rsa; do
	: >"$T/known"
	before=$(logins)
	expect_match "$(check_says "silent-$key" "$(host_json one "$T/$key")")" \
		"^UNKNOWN .*is not known \(.*$fingerprint\) and nobody vouched for it" "a watch's own connection with $key"
	expect_equal "$(cat "$T/known")" '' "what a refused key leaves in known_hosts"

	line_start "$(host_json one "$T/$key")"
	wait_says 200 line '.t == "ask"'
	question=$(job_get line 'select(.t == "ask") | .question')
	expect_match "$question" "The host (.*@)?\[?127.0.0.1\]?:${PORT[one]}.* is not known yet.*$fingerprint.*Type yes" "the question with $key"
	expect_equal "$(job_get line 'select(.t == "ask") | .hidden')" false "hiding the answer"
	job_answer line no
	wait_says 200 line '.kind == "watch.beat" and .ok == false and (.text | contains("nobody vouched"))'
	expect_equal "$(logins)" "$before" "logins to a host nobody trusts, with $key"

	# Nobody is asked again for a watch; a step may ask.
	LINE=1 expect_match "$(LINE=1 check_says "watch-$key" "$(host_json one "$T/$key")")" "^UNKNOWN .*nobody vouched" "a watch over the line"
	expect_equal "$(job_get line 'select(.t == "ask") | .n' | wc -l)" 1 "questions"
	job_end line

	line_start "$(host_json one "$T/$key")"
	wait_says 200 line '.t == "ask"'
	job_answer line yes
	wait_says 200 line '.kind == "watch.beat" and .ok'
	expect_match "$(LINE=1 check_says "trusted-$key" "$(host_json one "$T/$key")")" '^PASS ' "a host that was vouched for"
	job_end line
	expect_equal "$(cut -d' ' -f2,3 "$T/known")" "$(cut -d' ' -f1,2 "$T/one/host.pub")" "the key that was written down"
	# And from now on nobody has to be asked.
	expect_match "$(check_says "later-$key" "$(host_json one "$T/$key")")" '^PASS ' "a known host"
done

sshd_stop one
host_key one ed25519
sshd_start one
for key in ed rsa; do
	expect_match "$(check_says "changed-$key" "$(host_json one "$T/$key")")" \
		"^UNKNOWN .*has CHANGED: line 1 of $T/known .*$(fingerprint_of one).*nothing was sent" "a changed key with $key"
	line_start "$(host_json one "$T/$key")"
	wait_says 200 line '.kind == "watch.beat" and .ok == false and (.text | contains("CHANGED"))'
	expect_equal "$(job_get line 'select(.t == "ask") | .n')" '' "questions about a changed key"
	job_end line
done
expect_equal "$(logins)" 0 "logins to a host with a changed key"

known one
sed -i 's/^/@revoked /' "$T/known"
for key in ed rsa; do
	expect_match "$(check_says "revoked-$key" "$(host_json one "$T/$key")")" '^UNKNOWN .*revoked.*nothing was sent' "a revoked key with $key"
done
expect_equal "$(logins)" 0 "logins to a host with a revoked key"
expect_nothing_left 20 "host keys"
