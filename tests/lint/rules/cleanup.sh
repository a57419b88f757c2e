#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A variable with a cleanup attribute starts with a value (a descriptor with -1): a return before its
# first assignment would close or free whatever was on the stack.
for f in "$@"; do
	case $f in *.[ch]) printf '%s\0' "$f" ;; esac
done | xargs -0 -r awk -f tests/lint/strip.awk | awk '
# file and line are taken off; what is left is code
{
	place = $0
	sub(/^[^:]*:[0-9]+:/, "")
	place = substr(place, 1, length(place) - length($0))
	if ($0 ~ /^[ \t]*#[ \t]*define/)
		next
	if (held == "" && $0 ~ /^[ \t]*(static[ \t]+)?_cleanup_/) {
		held = $0
		where = place
	} else if (held != "") {
		held = held " " $0
	}
	if (held != "" && held ~ /;/) {
		judge(held)
		held = ""
	}
}
function judge(code, n, i, parts) {
	sub(/^[ \t]*(static[ \t]+)?_cleanup_(\([A-Za-z0-9_]*\)|[a-z0-9_]*_)/, "", code)
	sub(/;.*/, "", code)
	while (gsub(/\([^()]*\)|\{[^{}]*\}|\[[^][]*\]/, "", code))
		;
	n = split(code, parts, ",")
	for (i = 1; i <= n; i++) {
		if (parts[i] !~ /=/) {
			print where parts[i] " <- a cleanup variable without a first value"
			bad = 1
		} else if (parts[i] ~ /_fd *=|[^A-Za-z0-9_]fd *=/ && parts[i] ~ /= *0 *$/) {
			print where parts[i] " <- descriptor 0 is stdin: start with -1"
			bad = 1
		}
	}
}
END { exit bad }'
