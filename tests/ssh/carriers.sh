#!/bin/bash
# timeout: 600
# Every way into a host, each by the carrier that can go it and with the reason said: agent, RSA key, RSA host key,
# GCM only, certificate, a jump through a second sshd, the user's own OpenSSH configuration.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/ssh_lib.sh"
scratch
mkdir -p "$T/bin" "$T/path"
export SSH_AUTH_SOCK=

# OpenSSH reads the login's own ~/.ssh/config, whatever HOME says: a test's is put in by its PATH.
cat >"$T/path/ssh" <<FILE
#!/bin/sh
exec $(command -v ssh) -F "$T/ssh_config" "\$@"
FILE
chmod 755 "$T/path/ssh"
export PATH=$T/path:$PATH
printf 'UserKnownHostsFile %s\nGlobalKnownHostsFile none\n' "$T/known" >"$T/ssh_config"

sshd_start one
client_key ed ed25519
client_key rsa rsa
known one

# WHAT HOST-JSON CARRIER-AND-REASON: a check that passes, over the connection that was wanted
expect_way() {
	local said
	expect_match "$(check_says "$1" "$2")" '^PASS ' "$1"
	said=$(job_get "$1" 'select(.how == "ssh" and (.text | contains("connected by"))) | .text')
	expect_match "$said" "connected by $3" "$1"
}

expect_way plain "$(host_json one "$T/ed")" 'libssh2$'
expect_way rsa-key "$(host_json one "$T/rsa")" 'the ssh program, because .*/rsa is RSA'

# ---- an agent, without a file of ours ----
eval "$(ssh-agent)" >/dev/null
at_end "kill $SSH_AGENT_PID"
ssh-add -q "$T/ed"
printf 'IdentityFile %s\n' "$T/none" >>"$T/ssh_config"
expect_way agent "$(host_json one '')" 'libssh2$'
ssh-add -q -D
ssh-add -q "$T/rsa"
expect_way agent-rsa "$(host_json one '')" 'the ssh program, because a key of the agent is RSA'
export SSH_AUTH_SOCK=

# ---- what only the host has ----
HOST_KEY=rsa sshd_start rsahost 'HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256'
sshd_start gcm 'Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com'
known one rsahost gcm
expect_way rsa-host-key "$(host_json rsahost "$T/ed")" 'the ssh program, because the host and libssh2 .* no algorithm'
expect_way gcm-only "$(host_json gcm "$T/ed")" 'the ssh program, because the host and libssh2 .* no algorithm'

# ---- a certificate: its key alone is let in nowhere ----
ssh-keygen -q -t ed25519 -N '' -f "$T/ca"
ssh-keygen -q -t ed25519 -N '' -f "$T/certified"
ssh-keygen -q -s "$T/ca" -I test -n "$ME" "$T/certified.pub"
sshd_start certs "TrustedUserCAKeys $T/ca.pub"
known one certs
expect_way certificate "$(host_json certs "$T/certified")" 'the ssh program, because its key has a certificate'

# ---- a jump: the second sshd is only reached through the first, by the config and by the user's own habits ----
sshd_start inner
known one inner
sed -i "s/^IdentityFile .*//" "$T/ssh_config"
printf 'IdentityFile %s\nHost bastion\n HostName 127.0.0.1\n Port %s\n User %s\n' "$T/ed" "${PORT[one]}" "$ME" >>"$T/ssh_config"
expect_way jump-by-config "$(host_json inner "$T/ed" '{proxy_jump: "bastion"}')" 'the ssh program, because .* ProxyJump bastion'
grep -q "from 127.0.0.1 port" "$T/one/log" || fail "The first sshd saw nobody."
printf 'Host shop\n HostName 127.0.0.1\n Port %s\n User %s\n ProxyJump bastion\n' "${PORT[inner]}" "$ME" >>"$T/ssh_config"
expect_way jump-by-alias '{"address": "shop"}' 'the ssh program, because .* ProxyJump bastion'
printf 'Host near\n HostName 127.0.0.1\n Port %s\n User %s\n HostKeyAlias the-first\n' "${PORT[one]}" "$ME" >>"$T/ssh_config"
printf 'the-first %s\n' "$(cut -d' ' -f1,2 "$T/one/host.pub")" >>"$T/known"
expect_way alias '{"address": "near"}' 'libssh2$'
# nightferry.yml's own word wins over the user's configuration.
expect_way own-port-wins "$(jq -nc --argjson port "${PORT[inner]}" '{address: "127.0.0.1", port: $port, user: "'"$ME"'"}')" 'libssh2$'

# ---- nobody who may not: by neither carrier; the user's own configuration may know further keys, so it names none ----
sed -i '/^IdentityFile/d' "$T/ssh_config"
ssh-keygen -q -t ed25519 -N '' -f "$T/stranger"
expect_match "$(check_says refused "$(host_json one "$T/stranger")")" '^UNKNOWN .*does not let us in.*authorized_keys' "a stranger's key"
ssh-keygen -q -t rsa -N '' -f "$T/stranger-rsa"
expect_match "$(check_says refused-rsa "$(host_json one "$T/stranger-rsa")")" '^UNKNOWN .*does not let us in \(by the ssh program.*Permission denied' \
	"a stranger's RSA key"
expect_match "$(check_says hostile '{"address": "-oProxyCommand=touch '"$T"'/owned"}')" '^UNKNOWN .*no name that ssh could be given' "a name like an option"
[ ! -e "$T/owned" ] || fail "A host name became a command."
expect_match "$(check_says nobody '{"address": "127.0.0.1", "port": '"$(free_port)"'}')" '^UNKNOWN .*refuses connections' "no sshd"

# A command's own 255 is no lost connection, and a session that a signal ended is not a success: both carriers agree.
for key in ed rsa; do
	cat >"$T/bin/date" <<-'FILE'
		#!/bin/sh
		exit 255
	FILE
	chmod 755 "$T/bin/date"
	expect_match "$(check_says "status-$key" "$(host_json one "$T/$key")")" '^UNKNOWN .*told no time' "exit status 255 with $key"
	printf '#!/bin/sh\nkill -KILL $PPID $$\n' >"$T/bin/date"
	expect_match "$(check_says "signal-$key" "$(host_json one "$T/$key")")" '^UNKNOWN ' "a signal with $key"
	rm "$T/bin/date"
done
# No socket, pipe or program of a connection stays.
expect_equal "$(find /tmp -maxdepth 1 -name 'nf-ssh.*' -user "$ME" -newer "$T/bin" | while read -r d; do p=${d#*nf-ssh.}; kill -0 "${p%%.*}" 2>/dev/null || echo "$d"; done)" '' \
	"folders of sockets"
expect_nothing_left 10 carriers
