# SPDX-License-Identifier: Apache-2.0
# A governed process without a client's start, a probe below it, and what is done to bailiff. Sourced
# by the scenarios survive and guard, after lib.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # shared with the scenario, and with lib.sh
seconds=${SURVIVE_SECONDS:-10}
shell=/tmp/governed-shell
pins=/sys/fs/bpf/bailiff
going=/tmp/probe-goes
address=10.77.2.10
numbers=$work/numbers.jsonl

# ---- the governed process and its probe ---------------------------------------------------------

# A copy of the shell that policy lists as a client: a governed process without a client's start.
cp /bin/bash $shell
echo >>$shell
policy_of() {
	local directory
	directory=$(policy_variant "$1")
	printf 'clients:\n  extra:\n    - name: shell\n      sha256: %s\nguard: %s\n' \
		"$(sha256sum $shell | cut -d' ' -f1)" "$2" >>"$directory/bailiff.yaml"
	echo "$directory"
}

# always in the same cgroup: in a new one bailiffd would attach anew
reaches() {
	AS_USER_SCOPE=probe timeout 20 /src/vmtests/world/as-user carol $shell -c "exec 3<>/dev/tcp/$address/443"
}

# Recognised when it is refused: its file is looked at once. The keeper attaches where it is soon
# after that.
known() {
	local tries=100
	while reaches 2>/dev/null || ! compgen -G "$pins/v*/links/*/net_egress@*" >/dev/null; do
		[ $((tries -= 1)) -ge 0 ] || return 1
		sleep 0.1
	done
}

probe_start() {
	before=$(packets_at blocked)
	touch $going
	chmod 0644 $going
	as_user carol $shell -c "exec /build/probe $address 443 $going" >"$work/probe.json" 2>&1 &
	probe=$!
	sleep 0.3
}

# probe_end WHAT: the probe's count, kept and checked
probe_end() {
	rm -f $going
	wait "$probe"
	cat "$work/probe.json"
	jq -c --arg what "$1" --arg kernel "$(uname -r)" --argjson packets \
		$(($(packets_at blocked) - before)) \
		'. + {attack: $what, kernel: $kernel, packets: $packets}' "$work/probe.json" >>"$numbers"
	check "$1: the probe tried" jq -e '.tries > 100' "$work/probe.json"
	check "$1: not once did it get there" jq -e '.reached == 0 and .other == 0' "$work/probe.json"
	check "$1: not one packet arrived there" test "$(packets_at blocked)" = "$before"
	detail "$(jq -r '"\(.tries) tries in \(.ms) ms, \(.reached) reached"' "$work/probe.json")"
}

# for_seconds COMMAND…: again and again
for_seconds() {
	local end=$((SECONDS + seconds))
	while [ $SECONDS -lt $end ]; do
		"$@"
	done
}

# ---- what is done -------------------------------------------------------------------------------

kill_and_restart() {
	bailiff_kill
	sleep 0.5
	bailiff_on "$in_force" >/dev/null
}

stopped() {
	local pid
	for pid in $(bailiff_pids); do
		kill -STOP "$pid"
	done
	sleep 1
	for pid in $(bailiff_pids); do
		kill -CONT "$pid"
	done
}

# The kernel kills a whole group, as it does when memory is out: no signal is sent by anybody.
group_kill() {
	local group=/sys/fs/cgroup/doomed pid
	mkdir -p $group
	for pid in $(bailiff_pids); do
		echo "$pid" >$group/cgroup.procs
	done
	echo 1 >$group/cgroup.kill
	for pid in $(seq 50); do
		[ -z "$(bailiff_pids)" ] && return 0
		sleep 0.1
	done
	return 1
}

group_kill_and_restart() {
	group_kill
	bailiff_on "$in_force" >/dev/null
}

push() {
	bailiff reload >/dev/null
}

# another file of bailiffd: one byte more
upgrade() {
	cp /usr/local/sbin/bailiffd /usr/local/sbin/bailiffd.new
	echo >>/usr/local/sbin/bailiffd.new
	bailiff trust /usr/local/sbin/bailiffd.new
	mv /usr/local/sbin/bailiffd.new /usr/local/sbin/bailiffd
	kill_and_restart
}

detach_links() {
	local link n=0
	for link in "$pins"/v*/links/*/net_{connect4,connect6,sendmsg4,sendmsg6,egress}{,@*}; do
		bpftool link detach pinned "$link" && n=$((n + 1))
	done
	[ $n -gt 0 ]
}

remove_pins() {
	rm -f $pins/v*/links/*/net_*
	[ -z "$(ls $pins/v*/links/*/net_* 2>/dev/null)" ]
}

# every mode of the tables in force becomes "record": a generation, four words of zero, valid, the rest
rewrite_map() {
	local slot n=0 map value
	map=$(echo "$pins"/v*/policy_roots)
	value="9 0 0 0 0 0 0 0 $(printf '0 %.0s' {1..16})1 0 0 0"
	value+=$(printf ' 0%.0s' $(seq 29 "$(bpftool -j map show pinned "$map" | jq .bytes_value)"))
	for slot in 0 1; do
		# shellcheck disable=SC2086 # bytes, one word each
		bpftool map update pinned "$map" key $slot 0 0 0 value $value && n=$((n + 1))
	done
	[ $n -gt 0 ]
}

rival() {
	[ -e /sys/fs/bpf/rival ] ||
		bpftool prog loadall /build/rival.bpf.o /sys/fs/bpf/rival || return 1
	bpftool cgroup attach /sys/fs/cgroup connect4 pinned /sys/fs/bpf/rival/rival_connect4 multi
}

rival_gone() {
	bpftool cgroup detach /sys/fs/cgroup connect4 pinned /sys/fs/bpf/rival/rival_connect4
	rm -rf /sys/fs/bpf/rival
}

seize() {
	/usr/bin/python3 -c "import ctypes, sys
sys.exit(ctypes.CDLL(None).ptrace(0x4206, $1, 0, 0) != 0)"
}

unmount() {
	umount -l /sys/fs/bpf
}
