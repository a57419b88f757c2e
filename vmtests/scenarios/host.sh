# SPDX-License-Identifier: Apache-2.0
# What a request says of its host: it must be the name that opened the connection. Whose key it has is
# key.sh's.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

changing=$(policy_variant host)

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
