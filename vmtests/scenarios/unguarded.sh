# SPDX-License-Identifier: Apache-2.0
# The twins of `guard` and `survive`: with `guard: off` each attack succeeds, and the denied host is
# reached. So the scenarios beside would fail without what they test.
# shellcheck shell=bash
# deadline: 800
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/probe.sh
. /src/vmtests/probe.sh

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
# without PINS COMMAND…: with these of the network's programs taken away beforehand
lsm="connect connect_enter connect_leave sendmsg sendmsg_enter sendmsg_leave"
without() {
	local link
	for link in $1; do
		rm -f $pins/v*/links/*/net_"$link" $pins/v*/links/*/net_"$link"@*
	done
	shift
	"$@"
}
twin "removing pins" remove_pins
twin "detaching links, without the LSM" without "$lsm" detach_links
# what a rival undoes, the program that sees the packets still refuses
twin "a rival, without the LSM and the last net" without "$lsm egress" rival
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
check "a FIFO beside the policy: a governed root makes it" $shell -c "mkfifo $in_force/fifo && rm $in_force/fifo"
check "the policy: a governed root writes it" $shell -c "echo >>$in_force/bailiff.yaml"
