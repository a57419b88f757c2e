# SPDX-License-Identifier: Apache-2.0
# The ways around connect() and open(): each is open without bailiff, refused and told with it, and
# open again when the hook that closes it is taken away. See docs/bypasses.md.
# shellcheck shell=bash
# deadline: 1000
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

attempt=/build/attempt
blocked=10.77.2.10
blocked6=fd77:0:0:2::10
skills=/home/carol/.claude/skills

# as systemd sets it on a Debian host: anybody may make an ICMP socket
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range

declare -A way=(
	[fastopen]="$attempt fastopen $blocked 443"
	[udp]="$attempt udp $blocked 9"
	[udp-mapped]="$attempt udp ::ffff:$blocked 9"
	[udp6]="$attempt udp $blocked6 9"
	[redirect]="getent hosts allowed.example && $attempt redirect 10.77.3.10 443 $blocked 9"
	[uring]="$attempt uring $blocked 443"
	[tcp-mapped]="$attempt connect ::ffff:$blocked 443"
	[thread-exec]="$attempt thread-exec curl -sS -m 10 https://blocked.example/"
	[ping]="$attempt ping $blocked"
	[mptcp]="$attempt socket 2 1 262"
	[netlink-audit]="$attempt socket 16 3 9"
	[packet]="unshare -Urn $attempt socket 17 3 768"
	[raw]="unshare -Urn $attempt socket 2 3 1"
)
sending=(fastopen udp udp-mapped udp6 redirect uring tcp-mapped thread-exec)
making=(ping mptcp netlink-audit packet raw)

# Other names for a skill's file, by which file_open would take it for another skill or for none;
# each puts back what it changed.
declare -A theft=(
	[rename]="mv pdf/SKILL.md pdf/notes.md && cat pdf/notes.md; mv pdf/notes.md pdf/SKILL.md"
	[exchange]=": >pdf/notes.md; $attempt exchange pdf/SKILL.md pdf/notes.md && cat pdf/notes.md
		$attempt exchange pdf/SKILL.md pdf/notes.md; rm pdf/notes.md"
	[directory]="mv pdf frontend-design && cat frontend-design/SKILL.md; mv frontend-design pdf"
	[home]="cd ..; mv skills s && mv s/pdf s/frontend-design && cat s/frontend-design/SKILL.md
		mv s/frontend-design s/pdf; mv s skills"
	[link]="ln pdf/SKILL.md pdf/notes.md && cat pdf/notes.md; rm -f pdf/notes.md"
)

free() {
	as_user carol sh -c "$1"
}

held() {
	governed carol "$1"
}

# What arrived at the blocked host: packets of IPv4, datagrams of IPv6 (not its neighbour discovery)
arrived() {
	nsenter --net=/run/netns/blocked cat /proc/net/snmp /proc/net/snmp6 | awk '
		$1 == "Ip:" && !at { for (at = 2; $at != "InReceives"; at++); next }
		$1 == "Ip:" { n += $at }
		$1 == "Udp6NoPorts" { n += $2 }
		END { print n }'
}

# A connection goes on arriving for a while after who made it has ended.
quiet() {
	local before=-1
	while [ "$before" != "$(arrived)" ]; do
		before=$(arrived)
		sleep 0.3
	done
}

# sends RUNNER WAY: the kernel lets it through, and something arrives
sends() {
	local before tries=30
	before=$(arrived)
	"$1" "${way[$2]}" || return
	until [ "$(arrived)" -gt "$before" ]; do
		[ $((tries -= 1)) -ge 0 ] || {
			echo "nothing arrived"
			return 1
		}
		sleep 0.1
	done
	case $2 in
	fastopen | uring | tcp-mapped | thread-exec) quiet ;;
	esac
}

# reads RUNNER THEFT: it gives the skill's text
reads() {
	"$1" "cd $skills; ${theft[$2]}" 2>&1 | grep -q skill-body-of-pdf
}

step "without bailiff every way is open"
for name in "${sending[@]}" ping; do
	check "$name: it arrives" sends free "$name"
done
for name in "${making[@]}"; do
	check "$name: the socket is made" free "${way[$name]}"
done
for name in "${!theft[@]}"; do
	check "$name: it gives the skill's text" reads free "$name"
done

step "with bailiff each is refused, nothing arrives, and an event names the door"
# who may make a user namespace is root in it, and comes to the doors for packets
in_force=$(policy_variant namespaces)
sed -i '/^destinations:/a\  user_namespaces: allow' "$in_force/bailiff.yaml"
bailiff_on "$in_force" || fail "bailiff did not start"
governed_start carol
before=$(arrived)
for name in "${sending[@]}"; do
	events_mark
	check_not "$name is refused" held "${way[$name]}"
	case $name in
	uring | tcp-mapped | thread-exec) door=lsm_connect to=$blocked ;;
	udp6) door=lsm_sendmsg to=$blocked6 ;;
	*) door=lsm_sendmsg to=$blocked ;;
	esac
	event "$name: told" "refused_at(\"carol@company.com\"; \"$door\") | to(\"$to\") | some"
done
for name in "${making[@]}"; do
	events_mark
	check_not "$name: the socket is refused" held "${way[$name]}"
	event "$name: told" 'refused_at("carol@company.com"; "socket_create") | some'
done
check "nothing arrived there" test "$(arrived)" = "$before"
check "what is no way out can be made: UDP, TCP, a socket of the host, NETLINK_ROUTE" held \
	"$attempt socket 2 2 0 && $attempt socket 10 1 6 && $attempt socket 1 1 0 && $attempt socket 16 3 0"
for name in "${!theft[@]}"; do
	events_mark
	check_not "$name does not give the skill's text" reads held "$name"
	case $name in
	home) skill=skills ;;
	*) skill=pdf ;;
	esac
	event "$name: told" "skill_refused(\"carol@company.com\"; \"$skill\")"
done
check "the skill is where it was" grep -q skill-body-of-pdf $skills/pdf/SKILL.md

step "without bprm_check_security: a thread's exec drops the mark, and the page comes"
check "every process is gone" bailiff_kill
unlinked process_exec_begin
check "thread-exec: it arrives" sends held thread-exec

step "without lsm/socket_sendmsg: the cgroup programs refuse in its place"
unlinked net_sendmsg
before=$(arrived)
for name in fastopen udp udp-mapped udp6 redirect; do
	check_not "$name is refused" held "${way[$name]}"
done
check "nothing arrived there" test "$(arrived)" = "$before"

step "without cgroup/sendmsg4 and 6 either: no packet leaves, by the last net"
unlinked net_sendmsg4
unlinked net_sendmsg6
before=$(arrived)
for name in udp udp-mapped udp6; do
	check_not "$name is refused" held "${way[$name]}"
done
check "nothing arrived there" test "$(arrived)" = "$before"
# it looks at what no door has judged: this socket's connect() was
check "redirect: it arrives" sends held redirect

step "without the last net either: datagrams arrive, with TCP Fast Open still nothing"
unlinked net_egress
for name in udp udp-mapped udp6; do
	check "$name: it arrives" sends held "$name"
done
check_not "fastopen is refused" held "${way[fastopen]}"

step "without cgroup/connect4: TCP Fast Open arrives, for lsm/socket_connect is not asked"
unlinked net_connect4
check "fastopen: it arrives" sends held fastopen

step "without lsm/socket_connect: io_uring arrives; a mapped address needs cgroup/connect6 gone, too"
check_not "uring is refused" held "${way[uring]}"
check_not "tcp-mapped is refused" held "${way[tcp-mapped]}"
unlinked net_connect
check "uring: it arrives" sends held uring
check_not "tcp-mapped is refused by the other" held "${way[tcp-mapped]}"
unlinked net_connect6
check "tcp-mapped: it arrives" sends held tcp-mapped

step "without lsm/socket_create: every socket can be made, and a ping arrives"
unlinked net_create
for name in "${making[@]}"; do
	check "$name: the socket is made" held "${way[$name]}"
done
check "ping: it arrives" sends held ping

step "without inode_rename and inode_link: another name gives the skill's text, under file_open"
unlinked file_rename
for name in rename exchange directory home; do
	check "$name: it gives the skill's text" reads held "$name"
done
check_not "link does not" reads held link
unlinked file_link
check "link: it gives the skill's text" reads held link
check_not "by its own name it does not open" held "cat $skills/pdf/SKILL.md"
