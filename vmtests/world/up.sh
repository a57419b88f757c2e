#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build the test world inside the guest: hosts in network namespaces, a name server, a test CA, the
# people and their homes. Run once per boot, as root. Leaves its state in /run/world.
#
#   10.77.0.53  ns dns      dnsmasq, the only name server
#   10.77.1.10  ns api      api.anthropic.com:443, the stand-in Messages API
#   10.77.2.10  ns blocked  blocked.example:443
#   10.77.3.10  ns allowed  allowed.example:443
# Each also has fd77:0:0:N::10 (::53); names give IPv4 only, except v6.blocked.example.
set -eu
world=/run/world
here=/src/vmtests/world
mkdir -p "$world"
chmod 0755 "$world"

step() {
	echo "world: $1 at $(cut -d' ' -f1 /proc/uptime) s"
}

networks() {
	local i=0 name last
	modprobe veth
	for name in dns api blocked allowed; do
		last=10
		[ $name = dns ] && last=53
		echo "netns add $name"
		echo "link add $name type veth peer name eth0 netns $name"
		echo "addr add 10.77.$i.1/24 dev $name"
		echo "addr add fd77:0:0:$i::1/64 dev $name nodad"
		echo "link set $name up"
		cat >"$world/ns-$name" <<-END
			link set lo up
			addr add 10.77.$i.$last/24 dev eth0
			addr add fd77:0:0:$i::$last/64 dev eth0 nodad
			link set eth0 up
			route add default via 10.77.$i.1
		END
		i=$((i + 1))
	done >"$world/ns-root"
	ip -batch "$world/ns-root"
	for name in dns api blocked allowed; do
		ip -n $name -batch "$world/ns-$name"
	done
	rm -f "$world"/ns-*
}

# dnsmasq answers for these names and says "no such name" to everything else: the client asks for a
# dozen hosts that it can do without.
names() {
	ip netns exec dns dnsmasq --conf-file="$here/names.conf" --no-resolv --no-hosts --keep-in-foreground \
		--bind-interfaces --listen-address=10.77.0.53 --listen-address=fd77:0:0:0::53 \
		--user=root --local-ttl=60 --local=// --address=/#/ \
		--host-record=api.anthropic.com,10.77.1.10 \
		--host-record=blocked.example,10.77.2.10 \
		--host-record=v6.blocked.example,fd77:0:0:2::10 \
		--host-record=allowed.example,10.77.3.10 \
		--log-queries --log-facility="$world/dns.log" --pid-file="$world/dns.pid" \
		>"$world/dns.out" 2>&1 &
	rm -f /etc/resolv.conf
	echo "nameserver 10.77.0.53" >/etc/resolv.conf
	printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(cat /proc/sys/kernel/hostname)" >/etc/hosts
	printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n' >/etc/nsswitch.conf
}

# A CA that lives as long as this boot, and one certificate for all the hosts.
certificates() {
	cd "$world"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=bailiff test CA" -addext "basicConstraints=critical,CA:TRUE" \
		-addext "keyUsage=critical,keyCertSign" -keyout ca.key -out ca.pem 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=bailiff test host" \
		-keyout host.key -out host.csr 2>/dev/null
	openssl x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
		-extfile "$here/host.cnf" -out host.pem 2>/dev/null
	rm -f ca.key host.csr
	chmod 0600 host.key
	cat ca.pem >>/etc/ssl/certs/ca-certificates.crt
	cd /
}

person() {
	local login=$1 uid=$2 name
	echo "$login:x:$uid:$uid:$login:/home/$login:/bin/bash" >>/etc/passwd
	echo "$login:x:$uid:" >>/etc/group
	for name in pdf docx; do
		mkdir -p "/home/$login/.claude/skills/$name"
		cp "$here/skills/$name/SKILL.md" "/home/$login/.claude/skills/$name/SKILL.md"
	done
	mkdir -p "/home/$login/project"
	chown -R "$uid:$uid" "/home/$login"
	chmod 0700 "/home/$login"
}

# The agent's own accounts, as sysusers.d makes them on a host.
accounts() {
	local id=990 name
	for name in reader courier analyst; do
		id=$((id + 1))
		echo "bailiff-$name:x:$id:$id::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
		echo "bailiff-$name:x:$id:" >>/etc/group
	done
}

people() {
	mount -t tmpfs -o mode=0755,nosuid,nodev home /home
	if [ -d /etc/claude-code ]; then
		mount -t tmpfs -o mode=0755 none /etc/claude-code
	fi
	accounts
	person alice 4001
	person carol 4002
	person mallory 4003
}

client() {
	modprobe virtio_blk
	mkdir -p /opt/claude
	mount -t ext4 -o ro /dev/vda /opt/claude
	ln -sf /opt/claude/claude /usr/local/bin/claude
}

servers() {
	/usr/bin/python3 "$here/planted.py" "$world/planted.json"
	# whoever has these can read what the clients say
	install -m 0600 /dev/null "$world/tls.keys"
	ip netns exec api /usr/bin/python3 /src/vmtests/api/messages_api.py \
		--listen 10.77.1.10:443 --certificate host.pem --key host.key --directory "$world" \
		--scenarios /src/vmtests/api/scenarios.json --planted planted.json --log api.jsonl --tls-keys tls.keys \
		>"$world/api.out" 2>&1 &
	/usr/bin/python3 "$here/hosts.py" "$world" blocked.example=blocked=10.77.2.10 \
		allowed.example=allowed=10.77.3.10 >"$world/hosts.out" 2>&1 &
}

wait_for() {
	local i
	for i in $(seq 300); do
		[ -e "$1" ] && return 0
		sleep 0.1
	done
	echo "world: $1 did not appear" >&2
	return 1
}

bpf=/sys/fs/bpf
mountpoint -q $bpf || mount -t bpf -o mode=0700 bpf $bpf
echo bailiff-vm >/proc/sys/kernel/hostname
certificates &
certificates=$!
networks
step networks
wait $certificates
step certificates
# Python takes the longest to start, so the rest is done beside it
servers
people
client
names
step people
wait_for "$world/api.ready"
wait_for "$world/hosts.ready"
wait_for "$world/dns.pid"
step ready
