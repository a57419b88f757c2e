#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Links between the project's own documents lead somewhere.
# The documents are one corpus for awk: it prints file and target, the shell looks.
# shellcheck disable=SC2016 # the dollars are those of awk
for f in "$@"; do
	case $f in *.md) printf '%s\0' "$f" ;; esac
done | xargs -0 -r awk '
{
	while (match($0, /\]\([^) ]+\)/)) {
		to = substr($0, RSTART + 2, RLENGTH - 3)
		$0 = substr($0, RSTART + RLENGTH)
		sub(/#.*/, "", to)
		if (to != "" && to !~ /^(https?|mailto):/)
			print FILENAME "\t" to
	}
}' | {
	bad=0
	while IFS="$(printf '\t')" read -r f to; do
		if [ ! -e "$(dirname "$f")/$to" ]; then
			echo "$f: no such file: $to"
			bad=1
		fi
	done
	exit $bad
}
