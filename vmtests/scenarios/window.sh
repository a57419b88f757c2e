# SPDX-License-Identifier: Apache-2.0
# How long a client runs before it counts as inspected, and that it does not reach the model API until
# then: what it says meanwhile would be seen by nobody.
# shellcheck shell=bash
# deadline: 1200
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

model=10.77.1.10
project=/home/alice/project

# began FILTER: of the client that began, as its event says; what it starts of itself comes later
began() {
	events "code(\"client_start\") | first | $1"
}

# refusals: connections to the model API that were refused because nobody inspects who asks
refusals() {
	events "code(\"destination\") | to(\"$model\")
		| map(select(.unmapped.reason == \"not_inspected\" and .unmapped.verdict == \"denied\")) | length"
}

# told: how long it was not inspected, when its first request came, how often it was refused before
told() {
	local first
	# shellcheck disable=SC2016 # $start is of jq
	first=$(events '(code("client_start") | first | .actor.process.created_time) as $start
		| code("model_request") | first | .time - $start')
	detail "inspected $(began .unmapped.uninspected_ms) ms after its exec; its first request" \
		"$first ms after its start; refused before: $(refusals)"
	echo "$step_detail"
}

# start KEY: a client, from its start to its end
start() {
	events_mark
	client_run "$1" alice "SCENARIO:default"
	check "the client ends well" client_says "$1" "Hello from the stand-in."
	event "its request was read" \
		"code(\"model_request\") | session(\"$(cat "$work/$1.session")\") | some"
	event "its start says how long it was not inspected" \
		'code("client_start") | first | .unmapped | has("uninspected_ms")'
}

step "the first start of a client that was never seen"
bailiff_on "$policy" || fail "bailiff did not start"
start first
check "it was not inspected at first" test "$(began .unmapped.uninspected_ms)" -gt 0
told

step "its next start: inspected from its exec on"
start next
check "there is no window" test "$(began .unmapped.uninspected_ms)" = 0
check "nothing was refused" test "$(refusals)" = 0
told

step "after bailiffd was killed and started again: its probes are found in the cache"
check "every process is gone" bailiff_kill
bailiff_on "$policy" || fail "bailiff did not start"
start again
told

step "a copy of the file: the kernel has not seen it, its functions are known"
cp /opt/claude/claude $project/copy
CLIENT=./copy start copy
told

step "a window held open: nothing of the client gets out, and it goes on when the window is shut"
events_mark
mv $project/copy $project/other && touch $project/other # another content as far as the kernel knows
analyst=$(status .processes.analyst)
check "nobody looks at new programs" kill -STOP "$analyst"
before=$(packets_at api)
CLIENT=./other client_start held alice "SCENARIO:default"
event "its request to the model API is refused" \
	"model_refused(\"alice@company.com\"; \"$model\")"
sleep 5
check "not one packet arrived there" test "$(packets_at api)" = "$before"
check "the client waits" test ! -e "$work/held.rc"
kill -CONT "$analyst"
client_wait held
check "it ends well, without a new start" client_says held "Hello from the stand-in."
event "its request was read" \
	"code(\"model_request\") | session(\"$(cat "$work/held.session")\") | some"
check "its start says how long the window was" test "$(began .unmapped.uninspected_ms)" -gt 5000
told
check "every request of the client was well-formed" api_clean
