#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh NAME…: what the attempts need of the test world, once for each boot: the common part and
# what the rows name in their column `setup`. What cannot be had is said; its rows fail in setup then.
set -u
here=/src/vmtests/bypass
directory=/run/bypass
bin=/opt/bypass/bin

# /opt/bypass is the guest's own: attempts run for every user, from a place that is quick to read
programs() {
	mkdir -p $bin $directory/{ask,user,root,outside,copies,older}
	chmod 0755 /opt/bypass $bin $directory
	cp -r $here/attempts /opt/bypass/
	cp $here/{worker,friend}.py /opt/bypass/
	cp /build/bypass/* $bin/
	chmod -R a+rX /opt/bypass
	cp $bin/lineage $bin/lineage-setuid
	chmod 4755 $bin/lineage-setuid
	mkdir -p $directory/client
	chown carol $directory/client
	for who in user root outside; do
		mkfifo -m 0666 $directory/$who/in $directory/$who/out
		chown carol $directory/$who
	done
	chmod 1777 $directory/copies $directory/ask
	chown carol $directory/older
}

setup_mptcp() {
	# a second address of the allowed host, that no rule allows; it names it to whoever connects
	sysctl -qw net.mptcp.enabled=1
	ip -n allowed addr add 10.77.3.99/24 dev eth0
	ip -n allowed mptcp limits set subflow 4 add_addr_accepted 4
	ip -n allowed mptcp endpoint add 10.77.3.99 dev eth0 signal
	ip mptcp limits set subflow 4 add_addr_accepted 4
}

setup_translated() {
	# what a translator on the way would do: the IPv6 forms reach the IPv4 host
	ip -n blocked addr add 64:ff9b::a4d:20a/128 dev eth0 nodad
	ip -n blocked addr add 2002:a4d:20a::1/128 dev eth0 nodad
	ip route add 64:ff9b::a4d:20a/128 dev blocked
	ip route add 2002:a4d:20a::1/128 dev blocked
}

setup_route() {
	# the host on the way takes what is routed by it, and is the last one too
	ip netns exec blocked sysctl -qw net.ipv4.conf.all.accept_source_route=1 \
		net.ipv4.conf.eth0.accept_source_route=1
	ip -n blocked addr add 10.77.3.10/32 dev lo
}

setup_scope() {
	ip -n blocked addr add fe80::77/64 dev eth0 nodad
}

setup_ping() {
	sysctl -qw net.ipv4.ping_group_range="0 2147483647"
}

setup_sctp() {
	modprobe sctp
}

setup_dccp() {
	modprobe -a dccp dccp_ipv4
}

setup_smc() {
	modprobe smc
}

setup_vsock() {
	modprobe vsock_loopback
}

setup_can() {
	modprobe -a vcan can_raw && ip link add vcan0 type vcan && ip link set vcan0 up
}

setup_alg() {
	modprobe algif_hash
}

setup_key() {
	modprobe af_key
}

setup_tun() {
	modprobe tun && mkdir -p /dev/net && [ -e /dev/net/tun ]
}

setup_mount() {
	modprobe -a 9p 9pnet_fd
}

setup_tmux() {
	/src/vmtests/world/as-user carol tmux -S $directory/victims/tmux.sock new-session -d
}

setup_victim() {
	/src/vmtests/world/as-user carol $bin/victim $directory/victims/place >/dev/null 2>&1 &
}

setup_copies() {
	cp /opt/claude/claude $directory/copies/known
	chmod 0755 $directory/copies/known
	# one that runs when bailiffd starts is looked at
	/src/vmtests/world/as-user carol LD_PRELOAD=$bin/preload.so BYPASS_ORDERS=$directory/copies \
		$directory/copies/known >/dev/null 2>&1 &
}

setup_older() {
	/src/vmtests/world/as-user carol LD_PRELOAD=$bin/preload.so BYPASS_ORDERS=$directory/older \
		/opt/claude/claude >/dev/null 2>&1 &
}

setup_names() {
	# public names that lead to this host and into the company's network: what a rebinding name
	# server says the second time
	local at
	at=$(cat /run/world/dns.pid)
	mapfile -d '' -t arguments <"/proc/$at/cmdline"
	kill "$at"
	# its entry may stay: nobody need have waited for it
	while grep -qs '^State:.[^Z]' "/proc/$at/status"; do sleep 0.05; done
	ip netns exec dns "${arguments[@]}" --host-record=rebind.allowed.example,127.0.0.1 \
		--host-record=inside.allowed.example,10.77.0.53 \
		>>/run/world/dns.out 2>&1 &
}

# rows whose attempt damages something say so; what is repaired is the runner's part
setup_restore() {
	:
}

setup_policy() {
	:
}

programs
mkdir -p $directory/victims /var/log/bailiff
chown carol $directory/victims
: >>/var/log/bailiff/events.jsonl
# the attempts look for what they asked
chmod a+r /run/world/dns.log
# the client of TCP Fast Open is on by default, the server is not
ip netns exec blocked sysctl -qw net.ipv4.tcp_fastopen=3
for name; do
	"setup_$name" || echo "setup: $name cannot be had"
done
/usr/bin/python3 $here/services.py $directory >$directory/services.log 2>&1 &
/src/vmtests/world/as-user carol /usr/bin/python3 /opt/bypass/friend.py $directory \
	>$directory/friend.log 2>&1 &
for _ in $(seq 200); do
	[ -e $directory/services.ready ] && break
	sleep 0.1
done
cat $directory/services.log
[ -e $directory/services.ready ]
