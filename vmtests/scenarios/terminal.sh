# SPDX-License-Identifier: Apache-2.0
# What a person sees on the terminal when something of theirs is refused: the real client, drawing its
# screen under tmux; a shell; a client that is kept from the model API and says nothing itself.
# shellcheck shell=bash
# deadline: 900
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/screen.sh
. /src/vmtests/screen.sh

blocked=10.77.2.10
model=10.77.1.10
# first FILTER: of the refusals by the filter the first one's time, in ms of the epoch
first() {
	events "code(\"destination\") | verdict(\"denied\") | $1 | first | .time"
}

step "the real client draws its screen; what is allowed brings nothing onto it"
bailiff_on "$policy" || fail "bailiff did not start"
window client "claude --permission-mode default --allowedTools Bash,Skill -- 'SCENARIO:bash-curl host=allowed.example'"
check "the client has done it" shows client "The fetch is over." 200
check "bailiff says nothing" test "$(said client)" = 0
check "bailiff status says so too" status '.terminals | .told == 0 and .unreachable == 0'
detail "screen of 120 by 30 under tmux"

step "its Bash tool is refused a connection: within two seconds the reason stands on that screen"
events_mark
types client "SCENARIO:bash-curl host=blocked.example"
check "what was refused, the rule, and how to ask stand there" \
	shows client "connection to blocked.example ($blocked:443)" 120
event "the refusal is in the log, with person, tool use, name, address and rule" \
	"destination_by_tool(\"alice@company.com\"; \"$blocked\"; \"denied\") and (code(\"destination\")
	| to(\"$blocked\") | any(.[]; .dst_endpoint.hostname == \"blocked.example\"
	and .unmapped.rule == \"destinations/deny[0]\"))"
after=$(($(cat "$work/shown") - $(first "to(\"$blocked\")")))
check "within two seconds ($after ms)" test $after -le 2000
check "the client goes on" shows client "The fetch is over." 120
sleep 2
check "it stands there still, after the client has drawn more" \
	grep -qF "bailiff refused" <(pane client)
number=$(pane client | tr -d '\n' | sed -n 's/.*Why: bailiff why \([0-9]*\).*/\1/p')
as_user alice bailiff why "$number" >"$work/why" 2>&1
check "bailiff why with that number tells alice the rest" grep -q "blocked.example" "$work/why"
check_not "and carol nothing" as_user carol bailiff why "$number"
detail "on the screen $after ms after the kernel's refusal: $(pane client | grep -m1 -o 'bailiff refused.*')"

step "twenty more of the same: no line for each"
events_mark
types client "SCENARIO:bash-many times=20 address=$blocked"
event "twenty refusals are in the log" \
	"code(\"destination\") | to(\"$blocked\") | verdict(\"denied\") | length >= 20"
check "the client goes on" shows client "The attempts are over." 120
check "they are told of together" shows client "more times" 40
status .terminals
# the same is told after 10 s, 20, 40, … (agent/decide/notice.h): how often depends on how long it takes
check "in a few lines, not twenty" status '.terminals | .told <= 6 and .held_back >= 15'
check "the client's screen is whole: it takes another prompt" types client "SCENARIO:default"
check "and answers" shows client "Hello from the stand-in." 120
detail "told $(status .terminals.told) lines for 21 refusals: $(pane client | grep -m1 -o 'bailiff refused.*')"
cp "$work/client.screen" "$work/client.screen.last"

step "an event within 100 ms of the refusal"
detail "$(events 'map(select(.unmapped.verdict == "denied") | .metadata.logged_time - .time) | sort
	| "\(length) refusals: median \(.[length / 2 | floor]) ms, 90 % \(.[length * 0.9 | floor]), most \(last), under emulation"')"
echo "$step_detail"
# half of them in time, on a machine that is emulated and has two processors for all of this
check "half of them, under emulation" events \
	'map(select(.unmapped.verdict == "denied") | .metadata.logged_time - .time) | sort
	| .[length / 2 | floor] <= 100'
mux kill-session -t client

step "a client that prints, its output elsewhere: its reason comes to the shell's terminal"
events_mark
window plain "bash --norc"
sleep 1
types plain "claude -p 'SCENARIO:bash-curl host=blocked.example' --allowedTools Bash >out 2>&1 </dev/null; echo done"
check "it stands there" shows plain "bailiff refused" 120
check "the client ends" shows plain "done" 120
detail "$(pane plain | grep -m1 -o 'bailiff refused.*')"

step "mesg n: who wants no messages gets none"
types plain "mesg n; claude -p 'SCENARIO:bash-curl host=blocked.example' --allowedTools Bash >out 2>&1 </dev/null; echo over"
before=$(said plain)
check "the client ends" shows plain "over" 120
event "it was refused" \
	"code(\"destination\") | to(\"$blocked\") | verdict(\"denied\") | length == 2"
check "nothing came" test "$(said plain)" = "$before"
check "bailiff status counts it" status '.terminals.unreachable > 0'
mux kill-session -t plain

step "a client that is kept from the model API tries on in silence: the terminal says why"
events_mark
cp /opt/claude/claude $project/copy
analyst=$(status .processes.analyst)
check "nobody looks at new programs" kill -STOP "$analyst"
before=$(wc -l <$world/api.jsonl)
window apart "./copy --permission-mode default -- 'SCENARIO:default'"
check "the reason stands on its screen" shows apart "bailiff refused connection to" 90
event "a refusal says that it is not inspected" "model_refused(\"alice@company.com\"; \"$model\")"
after=$(($(cat "$work/shown") - $(first "to(\"$model\")")))
check "within two seconds ($after ms)" test $after -le 2000
check_not "it has no answer" grep -qF "Hello from" <(pane apart)
check "nothing of it arrived at the API" test "$(wc -l <$world/api.jsonl)" = "$before"
kill -CONT "$analyst"
check "looked at, it is let through, without a new start" shows apart "Hello from the stand-in." 120
detail "$after ms: $(pane apart | grep -m1 -o 'bailiff refused.*')"
mux kill-server
bailiff_off

step "with bailiff off nothing is refused, and nothing said"
window off "bash --norc"
sleep 1
types off "curl -sS -m 20 https://blocked.example/; echo exit=\$?"
check "the page comes" shows off "exit=0" 120
check "nothing is said" test "$(said off)" = 0
mux kill-server
