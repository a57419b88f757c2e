#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh: tell the story in a VM, a line a step. Leaves BUILD/demo/summary.json and events.jsonl.
# Exit status 0 only when every step did what it must.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=vmtests/follow.sh
. "$top/vmtests/follow.sh"

build=${BUILD:-$top/build}
demo=$build/demo
out=$demo/vm
began=$SECONDS
told=0
bold='' green='' red='' dim='' plain=''
if [ -t 1 ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
fi

tell() {
	local ok name detail
	IFS=$'\x1f' read -r ok name detail < <(jq -r '[(.ok and (.skipped | not) | tostring), .name, .detail // ""]
		| join("\u001f")' <<<"$1")
	told=$((told + 1))
	if [ "$ok" = true ]; then
		printf '%s  ok  %s %s\n' "$green" "$plain" "$name"
	else
		printf '%s FAIL %s %s\n' "$red" "$plain" "$name"
	fi
	[ -n "$detail" ] && printf '       %s%s%s\n' "$dim" "$detail" "$plain"
}

rm -rf "$demo"
mkdir -p "$demo"
total=$(grep -c '^step ' "$top/vmtests/scenarios/story.sh")
printf '%sbailiff: %d steps on the real Claude Code, in a virtual machine%s\n' "$bold" "$total" "$plain"
FOLLOW_TOTAL=$total follow "$out" tell story
verdict=$?
[ -s "$out/story/events.jsonl" ] && cp "$out/story/events.jsonl" "$demo/events.jsonl"
[ -s "$out/results.jsonl" ] || : >"$out/results.jsonl"
jq -s '{steps: map({name, ok: (.ok and (.skipped | not)), detail: (.detail // "")})}' \
	"$out/results.jsonl" >"$demo/summary.json"
right=$(jq '[.steps[] | select(.ok)] | length' "$demo/summary.json")
if [ "$verdict" != 0 ]; then
	printf '%sThe virtual machine did not get to its end%s, see %s\n' "$red" "$plain" "$out/console"
fi
printf '%s%d of %d steps did what they must%s, %d s. Events: %s\n' "$bold" "$right" "$total" "$plain" \
	$((SECONDS - began)) "$demo/events.jsonl"
[ "$verdict" = 0 ] && [ "$right" = "$total" ] && [ "$told" = "$total" ]
