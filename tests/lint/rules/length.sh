#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One concern a file: over 600 lines it has two.
exec awk '
FNR == 601 && FILENAME ~ /\.([ch]|sh|mk|py|awk)$/ {
	print FILENAME ":601: longer than 600 lines"
	bad = 1
}
END { exit bad }' "$@"
