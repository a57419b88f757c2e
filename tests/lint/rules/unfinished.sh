#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is not done is an issue, not a remark in the code.
exec awk '
FILENAME ~ /^tests\/(fixtures|fuzz\/corpus)\// { nextfile }
/(^|[^A-Za-z0-9_])(T[O]DO|F[I]XME|H[A]CK)([^A-Za-z0-9_]|$)/ || /(^|[^A-Za-z0-9_-])X[X]X([^A-Za-z0-9_-]|$)/ {
	print FILENAME ":" FNR ": " $0
	bad = 1
}
END { exit bad }' "$@"
