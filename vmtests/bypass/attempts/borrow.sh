#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Work that somebody else does later, or elsewhere.
# borrow.sh tmux | rc | mount
cd "$(dirname "$0")" || exit 2
# shellcheck source=vmtests/bypass/attempts/common.sh
. ./common.sh
line="BYPASS_TOKEN=$token $programs/tcp connect $blocked 7000"
case $1 in
tmux)
	text=$(tmux -S /run/bypass/victims/tmux.sock run-shell "$line" 2>&1) || {
		denied "$text" && refused "$text"
		# tmux has one sentence for whatever keeps it from its server
		grep -q "error connecting\|no server" <<<"$text" && refused "$text"
		broken "$text"
	}
	arrived "$token" && through "tmux did it"
	broken "$text"
	;;
rc)
	echo "$line # $token" >>"$HOME/.bashrc" || refused "$HOME/.bashrc"
	ask shell
	arrived "$token"
	status=$?
	sed -i "/# $token\$/d" "$HOME/.bashrc"
	[ $status = 0 ] && through "the next login did it"
	broken "nothing came"
	;;
mount)
	# the kernel connects by itself, with a socket that belongs to no process
	before=$(arrivals 9P2000)
	directory=$(mktemp -d)
	text=$(timeout 4 mount -t 9p -o trans=tcp,port=7000,version=9p2000.L $blocked "$directory" 2>&1)
	rmdir "$directory"
	arrived 9P2000 "$before" && through "the host was greeted"
	denied "$text" && refused "$text"
	broken "$text"
	;;
esac
broken usage
