#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SCENARIO…: run scenarios in one VM, print a line for each step as it ends, append the counts
# to BUILD/results. Exit status 0 only when every step passed. See boot.sh for the environment; RUN is
# a name for this boot, where the results of several are kept.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=vmtests/follow.sh
. "$top/vmtests/follow.sh"

if [ $# = 0 ]; then
	echo "usage: run.sh SCENARIO..." >&2
	exit 64
fi
export KERNEL=${KERNEL:-6.1}
build=${BUILD:-$top/build}
out=$build/vm/$KERNEL${LSM:+-lsm}${RUN:+-$RUN}
passed=0 failed=0 skipped=0
emulator="a processor of the VM ($KERNEL) stood still or took a breakpoint that was gone"

report() {
	local line=$1 word=PASS colour=32 text
	# fields are kept apart by a character that no name holds; tabs would merge around an empty one
	IFS=$'\x1f' read -r ok skip text < <(jq -r '[(.ok | tostring), (.skipped // false | tostring),
		"\(.scenario): \(.name)" + (if (.detail // "") == "" then "" else " (\(.detail))" end)]
		| join("\u001f")' <<<"$line")
	if [ "$skip" = true ]; then
		word=SKIP colour=33 skipped=$((skipped + 1))
	elif [ "$ok" = true ]; then
		passed=$((passed + 1))
	else
		word=FAIL colour=31 failed=$((failed + 1))
	fi
	if [ -t 1 ]; then
		printf '  \033[%dm%-8s\033[0m %s\n' "$colour" "$word" "$text"
	else
		printf '  %-8s %s\n' "$word" "$text"
	fi
}

follow "$out" report "$@"
verdict=$?
if [ "$verdict" = 4 ]; then
	# no marker: what was counted until then is no verdict either
	echo "  AGAIN    $emulator: infrastructure, all of it once more"
	passed=0 failed=0 skipped=0
	follow "$out" report "$@"
	verdict=$?
fi
case $verdict in
0) ;;
4) failed=$((failed + 1)) && echo "  FAIL     $emulator, twice, see $out/console" ;;
3) failed=$((failed + 1)) && echo "  FAIL     the VM ($KERNEL) did not get to its end, see $out/console" ;;
*) failed=$((failed + 1)) && echo "  FAIL     the VM ($KERNEL) did not come up: infrastructure, see $out/console" ;;
esac
if [ "$failed" = 0 ] && [ "$passed" = 0 ] && [ "$skipped" = 0 ]; then
	failed=1
	echo "  FAIL     no step was run"
fi
[ "$failed" = 0 ] || echo "  details: $out/<scenario>/log" >&2
echo "vm $passed $failed $skipped" >>"$build/results"
[ "$failed" = 0 ]
