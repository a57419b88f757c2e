#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# summary.sh BUILD: the last line of a test run, from the lines "KIND PASSED FAILED SKIPPED" in
# BUILD/results. Fails when something failed, when nothing ran, and when a line is not understood: a
# runner that died half-way must not look like one that passed.
results=$1/results
[ -f "$results" ] || results=/dev/null
exec awk '
NF != 4 || $2 $3 $4 !~ /^[0-9]+$/ {
	print "summary: not understood, counted as a failure: " $0
	failed++
	next
}
{
	passed += $2
	failed += $3
	skipped += $4
}
END {
	print passed + 0 " passed, " failed + 0 " failed, " skipped + 0 " skipped"
	exit failed > 0 || passed == 0
}' "$results"
