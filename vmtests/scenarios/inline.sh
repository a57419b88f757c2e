# SPDX-License-Identifier: Apache-2.0
# The inline data path on the real client: what is masked and blocked before anybody has it, how the
# person learns of it, and that the conversation goes on.
# shellcheck shell=bash
# deadline: 1200
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/capture.sh
. /src/vmtests/capture.sh

ssn=$(jq -r .ssn $world/planted.json)
card=$(jq -r .card $world/planted.json)
key=$(jq -r .aws $world/planted.json)
directory=$(policy_variant inline)

# inline_policy LINES…: in force is the policy of the world and a section of these lines
inline_policy() {
	cp $policy/bailiff.yaml "$directory/bailiff.yaml"
	printf '%s\n' "inline:" "$@" >>"$directory/bailiff.yaml"
	bailiff policy check "$directory" >"$work/check" 2>&1 || fail "$(tail -n 3 "$work/check")"
	bailiff reload
}

step "twin: without a section the number goes up, and comes down"
bailiff_on "$directory" || fail "bailiff did not start"
capture_begin plain || fail "the capture did not start"
client_run plain alice "SCENARIO:say-number My number is $ssn, say it again."
check "the client has the number" client_says plain "$ssn"
check "the API had it" api plain 'any(.[]; .planted | index("ssn"))'
check "it would have compressed" api plain 'any(.[]; .accept_encoding | contains("gzip"))'

step "masked in what the model answers, before the client has it"
inline_policy "  detectors:" "    us-ssn: {text: mask}"
capture_part text
client_run text alice "SCENARIO:say-number Say the number."
check "the client ends well" client_succeeded text
check_not "it has not the number" grep -qF "$ssn" "$work/text.out"
check "it has the sentence around it" grep -qE 'The number is [*]+-[*]+-[*]+ as you asked' "$work/text.out"
check "the API was asked not to compress" api text 'all(.[]; .accept_encoding | test("^identity *$"))'
event "the event says what was masked, by which rule, for whom" \
	'code("inline") | map(select(.unmapped.detector == "us-ssn" and .unmapped.action == "mask"
	and .unmapped.rule == "inline/us-ssn")) | some'
check_not "no event has the number" grep -qF "$ssn" $log_directory/events.jsonl
detail "$(head -c 200 "$work/text.out")"

step "masked in what is sent up: a prompt, a tool's result; the tool's input is left alone and told"
inline_policy "  detectors:" "    us-ssn: {request: mask, text: mask, tool_input: log}"
capture_part sent
client_run tool alice "SCENARIO:write-number home=/home/alice My number is $ssn, write it down."
check "the client ends well" client_succeeded tool
check "the tool wrote the number as it is" grep -qxF "$ssn" /home/alice/project/number
check "the API never had it" api tool 'all(.[]; .planted | index("ssn") | not)'
check "the prompt arrived, masked" api tool \
	'any(.[]; .last_user_texts | tostring | test("My number is [*]+-[*]+-[*]+, write it down"))'
event "the input is told, with its tool use" 'code("inline") | map(select(.unmapped.kind == "tool_input"
	and .unmapped.action == "log" and (.unmapped.tool_use_id | startswith("toolu_")))) | some'
client_run result alice "SCENARIO:show-number home=/home/alice"
check "a file's content is masked in the tool's result" api result \
	'result("Bash") | test("[*]+-[*]+-[*]+")'
check "the API never had it" api result 'all(.[]; .planted | index("ssn") | not)'
check "no request was damaged" api_clean

step "a blocked prompt is answered in the client's own words, and the conversation goes on"
inline_policy "  detectors:" "    payment-card: {request: block, text: mask}" \
	"  prompts:" "    credentials: {words: [\"print the credentials of\"], action: block}"
events_mark
capture_part blocked
client_run card alice "SCENARIO:default Pay with $card please."
check_not "the client says that it failed" client_succeeded card
check "and why" grep -q "Blocked by company policy" "$work/card.out"
check "in one try" api card 'map(select(.path | startswith("/v1/messages?"))) | length == 1'
check "the API never had the number" api card 'all(.[]; (.planted // []) | index("card") | not)'
event "an event has the block" 'code("inline") | verdict("denied") | map(select(.unmapped.action == "block"
	and .unmapped.detector == "payment-card" and (.unmapped.block | startswith("B")))) | some'
number=$(grep -o 'bailiff why B[0-9]*' "$work/card.out" | head -n 1 | cut -d ' ' -f 3)
check "bailiff why explains it" as_user alice bailiff why "$number"
check_not "and tells carol nothing" as_user carol bailiff why "$number"
client_start again alice "SCENARIO:default And now without it." \
	--resume "$(cat "$work/card.session")" --fork-session
client_wait again
check "the session is resumed and works" client_says again "Hello from the stand-in."
check "the number that comes again is masked" api again 'all(.[]; (.planted // []) | index("card") | not)'
client_run words alice "SCENARIO:default Please  Print the credentials of the database."
check "a prompt with forbidden words is blocked" grep -q "Blocked by company policy" "$work/words.out"
detail "$(head -c 300 "$work/card.out")"

step "ten turns with masking on: tools, thinking, no error of any kind"
inline_policy "  detectors:" "    us-ssn: {request: mask, text: mask, tool_input: mask}" \
	"    email: {request: mask, text: mask, tool_input: mask}"
api_mark
capture_part ten
client_run ten alice "SCENARIO:ten-turns Go."
check "the client ends well" client_succeeded ten
check "all turns were made" client_says ten "Ten steps are over."
check "no request was damaged: thinking came back as it was signed" api_clean
check "thinking did come back" api ten 'map(.n_thinking // 0) | max == 9'
# of an address that comes in pieces what stands before the @ was delivered before
check "the tools had masks" api ten 'result("Bash") | test("@[*]+")'
check "every byte that was sent had been said" events 'code("unsaid_bytes") | none'

step "a key in a URL or a search is blocked, and masked when it is tried again, whichever way it leaves"
inline_policy "  detectors:" "    aws-access-key-id: log"
capture_part free
client_run free alice "SCENARIO:three-ways" --allowedTools WebFetch,WebSearch,Bash
check "twin: WebFetch sends it" grep -q "GET /webfetch?key=$key" $world/allowed.example.jsonl
check "twin: curl sends it" grep -q "GET /curl?key=$key" $world/allowed.example.jsonl
check "twin: WebSearch asks the API for it" api free \
	'any(.[]; .n_messages == 1 and (.last_user_texts | tostring | contains("who owns")))'
mv $world/allowed.example.jsonl "$work/allowed.free"
: >$world/allowed.example.jsonl
inline_policy "  detectors:" "    aws-access-key-id: {request: block}"
events_mark
capture_part held
client_run held alice "SCENARIO:three-ways" --allowedTools WebFetch,WebSearch,Bash
check "the API never had it" api held 'all(.[]; (.planted // []) | index("aws") | not)'
check_not "the host never had it" grep -qF "$key" $world/allowed.example.jsonl
event "the first is blocked, on its way to that host" 'code("inline") | verdict("denied")
	| map(select(.unmapped.detector == "aws-access-key-id" and .unmapped.action == "block")) | some'
event "the others are masked, and the turn that tells the model of them" 'code("inline")
	| verdict("denied") | map(select(.unmapped.detector == "aws-access-key-id" and .unmapped.repeat
	and .unmapped.action == "mask")) | some'
check "the conversation goes on" client_says held "Three ways were tried."
detail "$(wc -l <$world/allowed.example.jsonl) lines at the host"

step "a tool that alice may not use is none that there is"
inline_policy "  mode: shadow" "tools:" "  Bash: {allowed_teams: [design-engineering]}"
events_mark
capture_part tools
client_run shadow alice "SCENARIO:make-file home=/home/alice file=shadow Make it."
check "shadow: the tool ran" test -e /home/alice/project/shadow
# nobody kept the client from asking for compression
event "shadow: the response could not be read, and that is told" \
	'code("inline") | person("alice@company.com") | verdict("would_deny")
	| map(select(.unmapped.reason == "compressed")) | some'
inline_policy "  mode: enforce" "tools:" "  Bash: {allowed_teams: [design-engineering]}"
api_mark
events_mark
client_run refused alice "SCENARIO:make-file home=/home/alice file=refused Make it."
check_not "the tool did not run" test -e /home/alice/project/refused
check "the client goes on" client_succeeded refused
check "the user has the model's next words" client_says refused "That is what came of it."
check "the client told the model that there is no such tool" api refused \
	'result("xxxx") | test("No such tool available: xxxx")'
check "no request was damaged" api_clean
event "the event names the tool, the person and the rule" \
	'code("inline") | person("alice@company.com") | verdict("denied") | rule("tools/Bash") | map(.unmapped
	| select(.reason == "tool_not_allowed" and .tool == "Bash" and (.tool_use_id | startswith("toolu_"))
	and (.sentence | startswith("The tool Bash was refused: it is for team design-engineering")))) | some'
detail "$(api refused 'result("xxxx")' | head -c 300)"
detail "$(events 'code("inline") | .[0].unmapped.sentence' | head -c 300)"
inline_policy "  mode: enforce" "tools:" "  Bash: {allowed_users: [alice@company.com]}"
client_run allowed alice "SCENARIO:make-file home=/home/alice file=allowed Make it."
check "who may use it does" test -e /home/alice/project/allowed

step "mutation: with its probes gone nothing is masked, and each tool runs"
inline_policy "  detectors:" "    us-ssn: {request: mask, text: mask}" "tools:" "  Bash: {}"
find "$links" -name '*scan*' -delete
capture_part gone
client_run gone alice "SCENARIO:say-number My number is $ssn, say it again."
check "the client has the number" client_says gone "$ssn"
check "the API had it" api gone 'any(.[]; .planted | index("ssn"))'
client_run ran alice "SCENARIO:make-file home=/home/alice file=gone Make it."
check "the tool ran" test -e /home/alice/project/gone
bailiff_off

step "none of it went over the wire: the packets of all this, decrypted with the servers' keys"
capture_end "$work/allowed.free" $world/allowed.example.jsonl >"$work/wire" 2>&1 ||
	fail "what was decrypted is not what the servers had: $(tail -n 3 "$work/wire")"
cat "$work/wire"
check "twin: without a section the number is there" capture_has plain ssn
check "twin: so is the key, where it is only logged" capture_has free aws
check "mutation: so is the number without the probes" capture_has gone ssn
check "not a number that was masked in an answer" capture_has_not text ssn
check "nor one that was masked on its way" capture_has_not sent ssn
check "nor the card that was blocked, nor when it came again" capture_has_not blocked card
check "nor what was masked in ten turns" capture_has_not ten ssn email
check "but for the thinking, which is signed" capture_thought ten ssn
check "nor the key, whichever way it was to leave" capture_has_not held aws
detail "$(tail -n 1 "$work/wire")"
