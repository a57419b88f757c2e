# SPDX-License-Identifier: Apache-2.0
# A blocked prompt in the interactive client, drawn by tmux: the reason stands on the screen, the next
# prompt works, and so does the session when it is resumed.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/screen.sh
. /src/vmtests/screen.sh

card=$(jq -r .card $world/planted.json)
directory=$(policy_variant screen)

# answered STATUS MS: when the stand-in first answered a message so after that time, in ms of the epoch
answered() {
	# shellcheck disable=SC2016 # they are jq's
	jq -s --argjson status "$1" --argjson since "$2" 'map(select(.status == $status
		and (.path // "" | startswith("/v1/messages?"))) | .time * 1000 | floor | select(. >= $since))
		| first' $world/api.jsonl
}

step "the client draws its screen; a forbidden number is blocked, and the screen says why"
printf '%s\n' "inline:" "  detectors:" "    payment-card: {request: block, text: mask}" \
	>>"$directory/bailiff.yaml"
bailiff_on "$directory" || fail "bailiff did not start"
window client "claude --permission-mode default"
check "the client is there" shows client "for shortcuts" 120
began=$((${EPOCHREALTIME/./} / 1000))
types client "Pay with $card please."
# the prompt is sent twice, once for a title of the conversation, whose answer the client does not show.
# bailiff's own line, which tells of the first of them, or the client's own words: what comes first
check "a reason stands on the screen" shows client "bailiff why" 60
first=$(cat "$work/shown")
check "the client says so itself" shows client "Blocked by company policy" 60
shown=$(cat "$work/shown")
number=$(pane client | tr -d '\n' | grep -o 'by company policy.*' | grep -o 'why *B[0-9]*' | head -n 1 |
	grep -o 'B[0-9]*')
# $number is jq's
# shellcheck disable=SC2016
event "the block of that number is in the log" 'code("inline") | verdict("denied")
	| map(select(.unmapped.action == "block" and .unmapped.block == $number)) | some' number "$number"
# shellcheck disable=SC2016
blocked=$(events 'code("inline") | map(select(.unmapped.block == $number)) | first | .time' number "$number")
first=$((first - $(events 'code("inline") | map(select(.unmapped.action == "block") | .time) | min')))
refused=$(($(answered 400 "$blocked") - blocked))
detail "a reason $first ms after the first block, the client's own $((shown - blocked)) ms after $number ($refused until" \
	"the server refused it), $((shown - began)) ms after the keys, under emulation:" \
	"$(pane client | grep -m1 'Blocked by')"
# the prompt, and the same once more for the title of the conversation
check "nothing of it was tried again" test "$(tail -n +$((api_seen + 1)) $world/api.jsonl |
	jq -s 'map(select(.path // "" | startswith("/v1/messages?"))) | length')" -le 2

step "the next prompt works, with the blocked one in its history"
types client "SCENARIO:say-number"
check "the answer comes" shows client "as you asked" 120
check_not "the number is not at the API" grep -qF "$card" $world/api.jsonl
mux kill-server

step "the session is resumed by another process, and works"
window again "claude --permission-mode default --continue"
check "the client is there" shows again "for shortcuts" 120
types again "SCENARIO:default"
check "the answer comes" shows again "Hello from the stand-in." 120
check_not "the number is not at the API" grep -qF "$card" $world/api.jsonl
check_not "nor did the API see it in any other form" \
	jq -s -e 'any(.[]; .planted // [] | index("card"))' $world/api.jsonl
mux kill-server
bailiff_off

step "twin: with bailiff off the number goes to the API"
window free "claude --permission-mode default"
check "the client is there" shows free "for shortcuts" 120
began=$((${EPOCHREALTIME/./} / 1000))
types free "Pay with $card please."
check "it is answered" shows free "Hello from the stand-in." 120
check "the number is at the API" grep -q '"planted": \["card"' $world/api.jsonl
drawn=$(($(cat "$work/shown") - $(answered 200 $began)))
detail "an answer stands there $drawn ms after the server had it"
mux kill-server

# An emulated machine that is busy is slower than what was promised; the client's own drawing says how much
step "the reason stood there within two seconds, or as soon as an answer does on this machine"
most=$((drawn > 2000 ? drawn : 2000))
check "the first reason on the screen ($first ms)" test $first -le $most
check "the client had its answer ($refused ms)" test $refused -le $most
detail "a reason $first ms after the first block, the client refused $refused ms after its own, an answer drawn in $drawn ms"
