#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# root against the agent itself, then an ordinary connection; or a file of the agent's.
# agent.sh kill | stop | pins | unmount | broken-policy | own-policy | log | key | module
cd "$(dirname "$0")" || exit 2
# shellcheck source=vmtests/bypass/attempts/common.sh
. ./common.sh

each() {
	local exe
	for exe in /proc/[0-9]*/exe; do
		[ "$exe" -ef /usr/local/sbin/bailiffd ] || continue
		exe=${exe#/proc/}
		kill "-$1" "${exe%/exe}"
	done
}

# written FILE: opened for writing, and nothing written
written() {
	text=$( (: >>"$1") 2>&1) && through "$1 opens for writing"
	denied "$text" && refused "$text"
	broken "$text"
}

case $1 in
kill)
	each KILL
	sleep 0.3
	connects $blocked 7000
	;;
stop)
	each STOP
	"$programs/tcp" connect $blocked 7000
	status=$?
	each CONT
	exit $status
	;;
pins)
	rm -rf /sys/fs/bpf/bailiff
	# the kernel lets go of a link some time after its last name
	sleep 1
	connects $blocked 7000
	;;
unmount)
	umount -l /sys/fs/bpf
	sleep 1
	connects $blocked 7000
	;;
broken-policy)
	echo "mode: [" >>/run/bypass/policy/bailiff.yaml
	timeout 10 bailiff reload
	connects $blocked 7000
	;;
own-policy)
	sed -i 's/^mode: enforce$/mode: record/; s/^version: .*/version: 9/' \
		/run/bypass/policy/bailiff.yaml
	timeout 10 bailiff reload
	connects $blocked 7000
	;;
log) written /var/log/bailiff/events.jsonl ;;
module)
	text=$(modprobe dummy 2>&1) && modprobe -r dummy && through "a module is loaded"
	denied "$text" && refused "$text"
	broken "$text"
	;;
esac
broken usage
