# SPDX-License-Identifier: Apache-2.0
# While bailiff is killed, stopped, pushed to and upgraded, a process below a client connects to a
# denied host each millisecond. Not once may it get there; the host's own kernel counts the packets.
# The twins are in `unguarded`.
# shellcheck shell=bash
# deadline: 1200
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/probe.sh
. /src/vmtests/probe.sh

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
events_mark
probe_start
bailiff_kill
timeout 240 /src/vmtests/world/as-service bailiff /tmp/bailiffd.broken --policy "$in_force" >"$work/broken.log" 2>&1
broken=$?
probe_end "a broken upgrade"
check "it ended by itself" test $broken != 0 -a $broken != 124
check "it said why" grep -q "the attachment before stays" "$work/broken.log"
check "the links before are the links after" test "$(ls $pins/v*/links)" = "$links_before"
check "the whole one takes over again" bailiff_on "$in_force"
# the probe's refusals are events, too: tens of thousands, for which jq takes minutes here
said_so() {
	local tries=40
	until tail -n "+$((events_seen + 1))" "$log_directory/events.jsonl" | grep -q "does not take over"; do
		[ $((tries -= 1)) -ge 0 ] || return 1
		sleep 0.25
	done
}
check "an event says so" said_so

step "the cgroup links are detached, a rival undoes what cgroup programs refuse: the LSM refuses"
probe_start
check "links are detached" detach_links
check "the rival is attached" rival
sleep 1
probe_end "links detached, rival"
rival_gone
