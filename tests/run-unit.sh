#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run-unit.sh BUILD PROGRAM...: runs the programs, prints failures, appends counts to BUILD/results.
build=$1
shift
passed=0 failed=0
for p in "$@"; do
	out=$("$p" 2>&1)
	rc=$?
	ok=$(printf '%s\n' "$out" | grep -c '^ok ')
	bad=$(printf '%s\n' "$out" | grep -c '^FAIL ')
	# a program that dies, or runs no case, is a failure of its own
	[ "$rc" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	[ "$ok" -eq 0 ] && [ "$bad" -eq 0 ] && bad=1
	passed=$((passed + ok))
	failed=$((failed + bad))
	if [ "$bad" -eq 0 ]; then
		printf '  PASS     %s (%d)\n' "${p##*/}" "$ok"
	else
		printf '  FAIL     %s\n%s\n' "${p##*/}" "$out"
	fi
done
echo "unit $passed $failed 0" >>"$build/results"
[ "$failed" -eq 0 ]
