#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions that write without a bound, or hand a string to a shell.
for f in "$@"; do
	case $f in *.[ch]) printf '%s\0' "$f" ;; esac
done | xargs -0 -r awk -f tests/lint/strip.awk | awk '
match($0, /(^|[^A-Za-z0-9_])(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|tmpnam|mktemp|system|popen|alloca)[ \t]*\(/) {
	print $0 " <- not this function"
	bad = 1
}
END { exit bad }'
