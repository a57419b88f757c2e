# SPDX-License-Identifier: Apache-2.0
# While everything is done to bailiff that can be done to it, a process below a client connects to a
# denied host each millisecond. Not once may it get there; the host's own kernel counts the packets.
# Each attack has its twin: where nothing guards, it succeeds.
# shellcheck shell=bash
# deadline: 900
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

seconds=${SURVIVE_SECONDS:-10}
shell=/tmp/governed-shell
pins=/sys/fs/bpf/bailiff
going=/tmp/probe-goes
address=10.77.2.10
numbers=/mnt/survive/numbers.jsonl

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

reaches() {
	as_user carol $shell -c "exec 3<>/dev/tcp/$address/443"
}

# Recognised when it is refused: its file is looked at once.
known() {
	local tries=100
	while reaches 2>/dev/null; do
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
	wait $probe
	cat "$work/probe.json"
	jq -c --arg what "$1" --arg kernel "$(uname -r)" --argjson packets \
		$(($(packets_at blocked) - before)) \
		'. + {attack: $what, kernel: $kernel, packets: $packets}' "$work/probe.json" >>$numbers
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
	for link in "$pins"/v*/links/*/net_*4 "$pins"/v*/links/*/net_*6; do
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

# ---- nobody guards but the pins -----------------------------------------------------------------

in_force=$(policy_of plain governed)
step "kill -9 of every process, again and again, with a restart between"
bailiff_on "$in_force" || fail "bailiff did not start"
check "the shell's child is refused" known
probe_start
for_seconds kill_and_restart
probe_end "kill and restart"

step "SIGSTOP of every process"
probe_start
for_seconds stopped
probe_end "stopped"

step "killed by the kernel, as when memory is out"
probe_start
for_seconds group_kill_and_restart
probe_end "killed by the kernel"

step "the policy is pushed, again and again"
probe_start
for_seconds push
probe_end "policy push"

step "another bailiffd takes over, again and again"
probe_start
for_seconds upgrade
probe_end "upgrade"
check "it watches" status .watching

step "one that does not refuse at every door does not take over"
cp /usr/local/sbin/bailiffd /tmp/bailiffd.whole
LC_ALL=C sed 's#cgroup/sendmsg4#cgroup/connect4#g' /tmp/bailiffd.whole >/tmp/bailiffd.broken
chmod 0755 /tmp/bailiffd.broken
links_before=$(ls $pins/v*/links)
probe_start
bailiff_kill
timeout 60 /tmp/bailiffd.broken --policy "$in_force" >"$work/broken.log" 2>&1
broken=$?
probe_end "a broken upgrade"
check "it ended by itself" test $broken != 0 -a $broken != 124
check "it said why" grep -q "the attachment before stays" "$work/broken.log"
check "the links before are the links after" test "$(ls $pins/v*/links)" = "$links_before"
check "the whole one takes over again" bailiff_on "$in_force"
event "an event says so" 'code("loss") | map(select(.message | contains("does not take over"))) | some'

step "the cgroup links are detached, a rival undoes what cgroup programs refuse: the LSM refuses"
probe_start
check "links are detached" detach_links
check "the rival is attached" rival
sleep 1
probe_end "links detached, rival"
rival_gone

# ---- everything is guarded ----------------------------------------------------------------------

step "guard: enforce: root cannot kill, stop or trace bailiff"
bailiff_kill
in_force=$(policy_of guarded enforce)
bailiff_on "$in_force" || fail "bailiff did not start"
check "the shell's child is refused" known
keeper=$(status .processes.keeper)
reader=$(status .processes.reader)
probe_start
for pid in "$keeper" "$reader"; do
	check_not "kill -9 $pid" kill -9 "$pid"
	check_not "kill -STOP $pid" kill -STOP "$pid"
	check_not "ptrace of $pid" seize "$pid"
	check "asking whether it is there" kill -0 "$pid"
done
probe_end "signals against the guard"
check "it watches" status .watching

step "guard: enforce: root cannot detach links, remove pins, unmount, write maps, attach a rival"
probe_start
check_not "bpftool link detach" detach_links
check_not "rm of pins" remove_pins
check_not "mv of the directory" mv $pins /sys/fs/bpf/elsewhere
check_not "umount -l" unmount
check_not "umount -l of what it lies on" umount -l /sys
check_not "a mount over it" mount -t tmpfs none $pins
check_not "bpftool map update" rewrite_map
check_not "the rival" rival
rm -rf /sys/fs/bpf/rival
sleep 1
probe_end "attacks against the guard"
check "it watches" status .watching

step "a governed root: nothing of bailiff, nor the client's managed settings"
as_root() {
	$shell -c "$1"
}
check_not "kill" as_root "kill -9 $keeper"
check_not "rm of a pin" as_root "rm -f $(echo $pins/v*/links/*/net_connect4)"
check_not "bpf(2)" as_root "bpftool prog list"
check_not "the policy" as_root "echo >>$in_force/bailiff.yaml"
check_not "the policy by another name" as_root "ln $in_force/bailiff.yaml $world/other"
check_not "its removal" as_root "rm -f $in_force/bailiff.yaml"
check_not "the log" as_root ": >$log_directory/events.jsonl"
check_not "the binary" as_root "chmod 0700 /usr/local/sbin/bailiffd"
check_not "/etc/claude-code" as_root "mkdir /etc/claude-code || touch /etc/claude-code/managed-settings.json"
check "reading the policy" as_root "cat $in_force/bailiff.yaml >/dev/null"
check "its own files" as_root "echo >/tmp/own && rm /tmp/own"

step "guard: enforce: a bailiffd that was not announced cannot start, one that was can"
cp /tmp/bailiffd.whole /tmp/bailiffd.other
echo other >>/tmp/bailiffd.other
probe_start
check "the kernel kills it" group_kill
check_not "rm of pins, with no bailiffd" remove_pins
check_not "another file" timeout 20 /tmp/bailiffd.other --policy "$in_force"
check "the file that ran takes over" bailiff_on "$in_force"
announce() {
	bailiff trust /tmp/bailiffd.other && group_kill
}
check "it is announced" announce
/tmp/bailiffd.other --policy "$in_force" >>"$work/bailiffd.log" 2>&1 &
other=$!
for n in $(seq 100); do
	status .watching >/dev/null 2>&1 && break
	sleep 0.1
done
probe_end "successors"
check "it watches" status .watching
check "detach works" bailiff detach --yes
wait $other
check "and leaves nothing" test ! -e $pins

# ---- the twins ----------------------------------------------------------------------------------

step "twins: with guard: off each of these opens the door, or closes bailiff"
in_force=$(policy_of open off)
twin() {
	local what=$1
	shift
	bailiff_on "$in_force" >/dev/null || fail "bailiff did not start"
	check "$what: refused before" known
	check "$what: it can be done" "$@"
	sleep 1
	check "$what: the page is reached" reaches
	bailiff_off
}
lsm_gone() {
	local link
	for link in connect connect_enter connect_leave sendmsg sendmsg_enter sendmsg_leave; do
		rm -f $pins/v*/links/*/net_$link
	done
	"$@"
}
twin "removing pins" remove_pins
twin "detaching links, without the LSM" lsm_gone detach_links
twin "a rival, without the LSM" lsm_gone rival
rival_gone
twin "writing a map" rewrite_map
bailiff_on "$in_force" >/dev/null
check "umount: it can be done" unmount
sleep 1
check "umount: the page is reached" reaches
bailiff_kill
mount -t bpf -o mode=0700 bpf /sys/fs/bpf
bailiff_on "$in_force" >/dev/null
check "ptrace: it can be done" seize "$(status .processes.reader)"
check "a signal: it can be done" kill -9 "$(status .processes.reader)"
check "the policy: a governed root writes it" $shell -c "echo >>$in_force/bailiff.yaml"
