#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# root against the agent itself, then an ordinary connection; or a file of the agent's.
# agent.sh kill | stop | pins | unmount | broken-policy | own-policy | log | key | module
cd "$(dirname "$0")" || exit 2
# shellcheck source=vmtests/bypass/attempts/common.sh
. ./common.sh
policy=/run/bypass/policy/bailiff.yaml

# failed TEXT: what a program said that did not do what it was to
failed() {
	denied "$1" && refused "$1"
	broken "$1"
}

# each SIGNAL: to every process of bailiffd; where there is none there is nobody to refuse it
each() {
	local exe
	for exe in /proc/[0-9]*/exe; do
		[ "$exe" -ef /usr/local/sbin/bailiffd ] || continue
		exe=${exe#/proc/}
		text=$(kill "-$1" "${exe%/exe}" 2>&1) || failed "$text"
	done
}

broken_policy() {
	echo "mode: [" >>"$policy"
}

# in its place, and of the same length: so that it is never a broken one
own_policy() {
	local own
	own=$(sed 's/^mode: enforce$/mode: record /' "$policy") && printf '%s\n' "$own" 1<>"$policy"
}

# written FILE: opened for writing, and nothing written
written() {
	text=$( (: >>"$1") 2>&1) && through "$1 opens for writing"
	failed "$text"
}

# reopened: the kernel lets go of a link some time after its last name; its outcome is the attempt's
reopened() {
	local tries=40 status
	while :; do
		"$programs/tcp" connect $blocked 7000
		status=$?
		[ $status = 1 ] && [ $((tries -= 1)) -gt 0 ] || exit $status
		sleep 0.2
	done
}

# pins_gone: once some are gone the rest is next, for the programs that guard them go with them
pins_gone() {
	local all tries=20
	all=$(find /sys/fs/bpf/bailiff | wc -l)
	while ! text=$(rm -rf /sys/fs/bpf/bailiff 2>&1); do
		[ "$(find /sys/fs/bpf/bailiff | wc -l)" -lt "$all" ] && [ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.5
	done
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
	pins_gone || failed "$text"
	reopened
	;;
unmount)
	text=$(umount -l /sys/fs/bpf 2>&1) || failed "$text"
	reopened
	;;
broken-policy)
	text=$(broken_policy 2>&1) || failed "$text"
	timeout 10 bailiff reload
	connects $blocked 7000
	;;
own-policy)
	text=$(own_policy 2>&1) || failed "$text"
	timeout 10 bailiff reload
	connects $blocked 7000
	;;
log) written /var/log/bailiff/events.jsonl ;;
module)
	text=$(modprobe dummy 2>&1) && modprobe -r dummy && through "a module is loaded"
	failed "$text"
	;;
esac
broken usage
