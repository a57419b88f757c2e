# SPDX-License-Identifier: Apache-2.0
# What the attempts in shell share. Sourced by bash.
# shellcheck shell=bash
programs=/opt/bypass/bin
blocked=10.77.2.10
token=${BYPASS_TOKEN:-bypass-no-token}
export blocked programs

through() {
	echo "through: $*"
	exit 0
}

refused() {
	echo "refused: $*"
	exit 1
}

broken() {
	echo "setup: $*"
	exit 2
}

# connects ADDRESS PORT: the ordinary connection, whose outcome is the attempt's
connects() {
	exec "$programs/tcp" connect "$1" "$2"
}

# arrivals TEXT: how many of what came in has it in it
arrivals() {
	grep -ac -- "$1" /run/bypass/arrivals
}

# arrived TEXT [COUNT]: within three seconds more than COUNT (0) have
arrived() {
	local tries=60
	while [ $((tries -= 1)) -ge 0 ]; do
		[ "$(arrivals "$1")" -gt "${2:-0}" ] && return 0
		sleep 0.05
	done
	return 1
}

# denied TEXT: what a program says that was refused
denied() {
	grep -qiE 'permission denied|operation not permitted|connection reset|must be superuser' <<<"$1"
}

# curl's status as an outcome: no connection, a connection that was cut, a proxy that is not reached
fetched() {
	local status=$1 text=$2 want=$3
	echo "curl: $status: ${text:0:300}"
	case $status in
	0) grep -qF -- "$want" <<<"$text" && through "the page" ;;
	5 | 7 | 35 | 52 | 55 | 56 | 97) refused "the page" ;;
	esac
	broken "curl $status"
}

# ask WHAT: leaves an order for the friend; see friend.py
ask() {
	local name
	name=/run/bypass/ask/$(cat /proc/sys/kernel/random/uuid)
	printf '{"what": "%s", "token": "%s"}' "$1" "$token" >"$name"
	mv "$name" "$name.friend"
}
