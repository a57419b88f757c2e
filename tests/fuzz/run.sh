#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD SECONDS TARGET...: each target over its corpus (SECONDS 0: the corpus only).
build=$1 seconds=$2
shift 2
passed=0 failed=0
for t in "$@"; do
	name=${t##*/}
	corpus=tests/fuzz/corpus/$name
	work=$build/fuzz/$name.work
	mkdir -p "$work"
	if [ "$seconds" -eq 0 ]; then
		set -- -runs=0
	else
		set -- -max_total_time="$seconds" -rss_limit_mb=4096 -artifact_prefix="$build/fuzz/$name-"
	fi
	if "$t" "$@" "$work" "$corpus" >"$build/fuzz/$name.log" 2>&1; then
		passed=$((passed + 1))
		printf '  PASS     %s\n' "$name"
	else
		failed=$((failed + 1))
		printf '  FAIL     %s\n' "$name"
		tail -30 "$build/fuzz/$name.log"
	fi
done
echo "fuzz $passed $failed 0" >>"$build/results"
[ "$failed" -eq 0 ]
