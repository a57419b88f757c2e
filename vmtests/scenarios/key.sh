# SPDX-License-Identifier: Apache-2.0
# The key on a request to the model API must be one that was enrolled for the person. Who brings
# another, or is in no directory, learns of it from the answer; the prompt and the key stay here.
# shellcheck shell=bash
# deadline: 900
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

changing=$(policy_variant key)
card=$(jq -r .card $world/planted.json)

# credentials UNKNOWN DIGEST: the world's policy, with a key for alice alone
credentials() {
	sed "s/^model:\$/&\n  credentials:\n    unknown: $1\n    key: 000102030405060708090a0b0c0d0e0f\n    enrolled: {alice@company.com: [$2]}/" \
		"$policy/bailiff.yaml" >"$changing/bailiff.yaml"
}

# answered KEY LOGIN WORDS EVENT: of a client whose key was refused
answered() {
	local number
	check_not "the client says that it failed" client_succeeded "$1"
	check "and why, in its own words" client_says "$1" "API Error: 400 Blocked by company policy: $3"
	check "in one try" api "$1" 'map(select(.path | startswith("/v1/messages?"))) | length == 1'
	check "the API had no prompt" api "$1" 'all(.[]; (.planted // []) == [] and .last_user_texts == null)'
	check "nor the key" api "$1" 'all(.[]; .errors | index("x-api-key or authorization: missing"))'
	event "an event says whose key it is not, and what the answer said" "code(\"destination\") | $4 |
		verdict(\"denied\") | any(.[]; .unmapped.reason == \"credential\"
		and .unmapped.door == \"request_credential\" and (.unmapped.block // \"\" | startswith(\"B\")))"
	number=$(grep -o 'bailiff why B[0-9]*' "$work/$1.out" | head -n 1 | cut -d ' ' -f 3)
	check "bailiff why explains it" as_user "$2" bailiff why "$number"
	check_not "and tells alice nothing" as_user alice bailiff why "$number"
	detail "$(head -c 300 "$work/$1.out")"
}

step "the key on a request: one that is enrolled for the person passes"
bailiff_on "$changing" || fail "bailiff did not start"
credentials refuse 00000000000000000000000000000000
digest=$(echo sk-ant-api03-stand-in | bailiff policy digest "$changing")
echo "digest $digest"
credentials refuse "$digest"
bailiff reload
client_run enrolled alice "SCENARIO:default Pay with $card please."
check "alice's client with her key reaches the model" client_says enrolled "Hello from the stand-in."
check "it has what she wrote" api enrolled 'any(.[]; .planted | index("card"))'

step "another's is answered with the reason, and the prompt is not sent"
client_run carol carol "SCENARIO:default Pay with $card please."
answered carol carol "this key is not enrolled for carol@company.com." \
	'person("carol@company.com")'
check "the sentence names her" grep -q "enrolled for carol@company.com" <(as_user carol bailiff why)

step "so is the request of somebody who is not in the directory"
client_run mallory mallory "SCENARIO:default Pay with $card please."
answered mallory mallory "you are not in the directory of this host." \
	'map(select(.unmapped.who_uid == 4003))'

step "unknown: report lets it through, and says so"
credentials report "$digest"
bailiff reload
client_run reported carol "SCENARIO:default"
check "carol's client reaches the model" client_says reported "Hello from the stand-in."
event "would_deny" 'code("destination") | person("carol@company.com") | verdict("would_deny")
	| any(.[]; .unmapped.reason == "credential")'

step "where nobody can overwrite the answer, the connection is reset as before"
credentials refuse "$digest"
bailiff reload
events_mark
find "$links" -name '*scan*' -delete
sleep 1
CLIENT_SECONDS=40 client_run bare carol "SCENARIO:default Pay with $card please."
check_not "the client has no answer" grep -qE "Hello|Blocked by company policy" "$work/bare.out"
check_not "nothing of it arrived" api bare 'length > 0'
event "an event says whose key it is not" \
	'code("destination") | person("carol@company.com") | verdict("denied")
	| any(.[]; .unmapped.reason == "credential" and .unmapped.block == null)'
