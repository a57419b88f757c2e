# SPDX-License-Identifier: Apache-2.0
# What bailiff refuses for its own sake, while a process below a client connects to a denied host each
# millisecond. The twins are in `unguarded`.
# shellcheck shell=bash
# deadline: 800
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/probe.sh
. /src/vmtests/probe.sh

# watching [TENTHS]: within that many tenths of a second. By way of a file: jq calls no input a success.
watching() {
	local tries=${1:-1}
	while [ $((tries -= 1)) -ge 0 ]; do
		bailiff status --json >"$work/status.json" 2>/dev/null &&
			jq -e .watching "$work/status.json" >/dev/null && return 0
		sleep 0.1
	done
	return 1
}

# ---- everything is guarded ----------------------------------------------------------------------

step "guard: enforce: root cannot kill, stop or trace bailiff"
cp /usr/local/sbin/bailiffd /tmp/bailiffd.whole
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
check "it watches" watching

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
check "it watches" watching

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
check_not "a FIFO beside the policy" as_root "mkfifo $in_force/fifo"
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
probe_end "a restart against the guard"
check "it is announced" bailiff trust /tmp/bailiffd.other
check "the kernel kills the one that ran" group_kill
as_service bailiff /tmp/bailiffd.other --policy "$in_force" >>"$work/bailiffd.log" 2>&1 &
other=$!
check "the other one takes over" watching 600
check "detach works" timeout 20 bailiff detach --yes
timeout 20 tail --pid=$other -f /dev/null
check "and leaves nothing" test ! -e $pins
