#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Errors are negative: a positive errno is taken for a length or a success by the caller.
for f in "$@"; do
	case $f in *.[ch]) printf '%s\0' "$f" ;; esac
done | xargs -0 -r awk -f tests/lint/strip.awk | awk '
/(^|[^A-Za-z0-9_])return[ \t]*\(?[ \t]*(E[A-Z0-9]+|errno)[ \t]*\)?[ \t]*;/ && !/[^A-Z0-9]EOF[^A-Z0-9]/ {
	print $0 " <- a positive errno"
	bad = 1
}
END { exit bad }'
