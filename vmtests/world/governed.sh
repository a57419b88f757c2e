#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# governed.sh DIRECTORY: a shell below a client that outlives it. Runs DIRECTORY/N.sh, one after the
# other, as each appears, until DIRECTORY/stop does. A client's start takes most of a scenario's time;
# so one client gives a governed shell, and what a governed process may do is asked of that.
cd "$1" || exit 1
n=1
while [ ! -e stop ]; do
	if [ -e "$n.sh" ]; then
		bash "./$n.sh" >"$n.out" 2>&1 </dev/null
		echo $? >"$n.rc.new"
		mv "$n.rc.new" "$n.rc"
		n=$((n + 1))
	else
		sleep 0.1
	fi
done
