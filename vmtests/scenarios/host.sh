# SPDX-License-Identifier: Apache-2.0
# What a request says: the host in it must be the name that opened the connection, and the key on a
# request to the model API one that was enrolled for the person.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

changing=$(policy_variant host)
card=$(jq -r .card $world/planted.json)

# page HOST: what the allowed host answers to a request that says it is for HOST
page() {
	governed alice "curl -sS -m 20 --http1.1 -H 'Host: $1' https://allowed.example/"
}

arrived() {
	page "$1" | grep -q "This is allowed.example"
}

# A head with two hosts: servers differ in which one they take.
twice() {
	governed alice "printf 'GET / HTTP/1.1\r\nHost: allowed.example\r\nHost: other.example\r\n\r\n' |
		timeout 20 openssl s_client -quiet -connect allowed.example:443" |
		grep -q "This is allowed.example"
}

requests() {
	grep -c '"what": "request"' $world/allowed.example.jsonl
}

# pushed SED-EXPRESSION: the policy of this scenario, changed, in force
pushed() {
	sed -i "$1" "$changing/bailiff.yaml"
	bailiff reload
}

# credentials UNKNOWN DIGEST: the world's policy, with a key for alice alone
credentials() {
	sed "s/^model:\$/&\n  credentials:\n    unknown: $1\n    key: 000102030405060708090a0b0c0d0e0f\n    enrolled: {alice@company.com: [$2]}/" \
		"$policy/bailiff.yaml" >"$changing/bailiff.yaml"
}

step "a request to another host over a connection that a name opened is reset before it leaves"
bailiff_on "$changing" || fail "bailiff did not start"
governed_start alice
# the library that curl brings is looked at when it is met first
for _ in $(seq 20); do
	page allowed.example >/dev/null
	events 'code("destination") | to("10.77.3.10") | some' >/dev/null && ls $links/*/tls-*judge0 >"$work/judges" &&
		[ "$(wc -l <"$work/judges")" -gt 2 ] && break
	sleep 0.5
done
cat "$work/judges"
check "the twin: the right host is answered" arrived allowed.example
before=$(requests)
check_not "another host is not" arrived other.example
check_not "nor one that the policy knows from elsewhere" arrived api.anthropic.com
check_not "nor two at once" twice
check "no request arrived there" test "$(requests)" = "$before"
check "the right host is answered still" arrived allowed.example
event "an event names the host, the person and the tool use" \
	'code("destination") | person("alice@company.com") | verdict("denied")
	| any(.[]; .unmapped.reason == "host_mismatch" and .dst_endpoint.hostname == "other.example"
		and .dst_endpoint.ip == "10.77.3.10")'
detail "$(events 'code("destination") | map(select(.unmapped.reason == "host_mismatch")) | first | .unmapped.sentence')"

step "in shadow mode it is told and let through"
pushed 's/^mode: enforce/mode: shadow/'
check "another host is answered" arrived other.example
event "would_deny" 'code("destination") | verdict("would_deny") | any(.[]; .unmapped.reason == "host_mismatch")'
pushed 's/^mode: shadow/mode: enforce/'

step "without the program that reads the head, another host is answered: it is that which refuses"
check "it is attached" test -e "$(head -n 1 "$work/judges")"
rm -f $links/*/tls-*judge0
sleep 1
check "another host is answered" arrived other.example

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
		and .unmapped.door == \"request_credential\" and (.unmapped.block | startswith(\"B\")))"
	number=$(grep -o 'bailiff why B[0-9]*' "$work/$1.out" | head -n 1 | cut -d ' ' -f 3)
	check "bailiff why explains it" as_user "$2" bailiff why "$number"
	check_not "and tells alice nothing" as_user alice bailiff why "$number"
	detail "$(head -c 300 "$work/$1.out")"
}

step "the key on a request: one that is enrolled for the person passes"
check "every process is gone" bailiff_kill
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
CLIENT_SECONDS=60 client_run carol carol "SCENARIO:default Pay with $card please."
answered carol carol "this key is not enrolled for carol@company.com." \
	'person("carol@company.com")'
check "the sentence names her" grep -q "enrolled for carol@company.com" <(as_user carol bailiff why)

step "so is the request of somebody who is not in the directory"
CLIENT_SECONDS=60 client_run mallory mallory "SCENARIO:default Pay with $card please."
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
CLIENT_SECONDS=25 client_run bare carol "SCENARIO:default Pay with $card please."
check_not "the client has no answer" grep -qE "Hello|Blocked by company policy" "$work/bare.out"
check_not "nothing of it arrived" api bare 'length > 0'
event "an event says whose key it is not" \
	'code("destination") | person("carol@company.com") | verdict("denied")
	| any(.[]; .unmapped.reason == "credential" and .unmapped.block == null)'
