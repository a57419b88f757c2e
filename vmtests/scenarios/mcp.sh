# SPDX-License-Identifier: Apache-2.0
# What the client gives to MCP servers: to one that it starts, which asks a host with a TLS library of its
# own, and to one that it reaches over HTTPS itself. A key and a card number do not leave by either.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

card=$(jq -r .card $world/planted.json)
key=$(jq -r .aws $world/planted.json)
host=$world/allowed.example.jsonl
directory=$(policy_variant mcp)
servers=$world/mcp.json
# what everybody may read: the client's own configuration
jq -n '{mcpServers: {near: {command: "/usr/bin/python3", args: ["/src/vmtests/world/mcp.py", "allowed.example"]},
	far: {type: "http", url: "https://allowed.example/mcp"}}}' >$servers

# asked KEY ACTION: with that done about both detectors, the model's tools ask in both places
asked() {
	cp $policy/bailiff.yaml "$directory/bailiff.yaml"
	printf 'inline:\n  detectors:\n    aws-access-key-id: {request: %s}\n    payment-card: {request: %s}\n' \
		"$2" "$2" >>"$directory/bailiff.yaml"
	bailiff reload || fail "the policy was not taken"
	: >$host
	events_mark
	client_run "$1" alice "SCENARIO:mcp Ask." --mcp-config $servers --strict-mcp-config \
		--allowedTools mcp__near__lookup,mcp__far__lookup
	cp $host "$work/$1.host"
	check "the conversation goes on" client_says "$1" "Two places were asked."
}

step "twin: both servers have what they were asked, where it is only told"
bailiff_on "$directory" || fail "bailiff did not start"
asked free log
check "the host has the key, from the server that the client started" \
	grep -qF "GET /lookup?query=$key" "$work/free.host"
check "the server that the client reaches has the card" \
	grep -qF "\"what\": \"lookup\", \"query\": \"$card\"" "$work/free.host"
check "the model has both answers" api free 'result("mcp__near__lookup") | contains("This is allowed.example")'
check "of both" api free 'result("mcp__far__lookup") | contains("Nothing is known.")'
event "both are told" 'code("inline") | person("alice@company.com") | map(select(.unmapped.action == "log")
	| .unmapped.detector) | contains(["aws-access-key-id", "payment-card"])'

step "blocked: neither server has it, and the client is told why"
asked held block
check_not "the host has not the key" grep -qF "$key" "$work/held.host"
check_not "nor the server the card" grep -qF "$card" "$work/held.host"
check "the API had neither" api held 'all(.[]; (.planted // []) | index("aws") or index("card") | not)'
event "the key was blocked on its way to that host" 'code("inline") | verdict("denied") | any(.[];
	.unmapped.detector == "aws-access-key-id" and .unmapped.action == "block")'
event "and the card" 'code("inline") | verdict("denied") | any(.[];
	.unmapped.detector == "payment-card" and .unmapped.action == "block")'
check "the model is told of the first that it failed" api held \
	'result("mcp__near__lookup") | contains("The records cannot be asked")'
check "and of the second why" api held \
	'result("mcp__far__lookup") | contains("Blocked by company policy")'
detail "$(api held 'result("mcp__far__lookup")' | head -c 300)"

step "mutation: without the probes both have it again"
find "$links" -name '*scan*' -delete
asked gone block
check "the host has the key" grep -qF "GET /lookup?query=$key" "$work/gone.host"
check "the server has the card" grep -qF "\"query\": \"$card\"" "$work/gone.host"
bailiff_off
