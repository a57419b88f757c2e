# SPDX-License-Identifier: Apache-2.0
# HTTP/2 is not read by the inline data path. So what runs below a client does not get to offer it
# where text is gone over: curl, git and Python speak HTTP/1 to a server that would take HTTP/2, and
# what they say is masked. Who offers nothing else is told of, or reset.
# shellcheck shell=bash
# deadline: 1500
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

allowed=10.77.3.10
port=8443
site=https://allowed.example:$port
heard=$world/http2.jsonl
ssn=$(jq -r .ssn $world/planted.json)
directory=$(policy_variant http2)
project=/home/alice/project

# inline_policy LINES…: in force is the policy of the world, the port, and a section of these lines
inline_policy() {
	sed "/name: allowed.example/{n;s/443/443, $port/}" "$policy/bailiff.yaml" >"$directory/bailiff.yaml"
	[ $# = 0 ] || printf '%s\n' "inline:" "$@" >>"$directory/bailiff.yaml"
	bailiff policy check "$directory" >"$work/check" 2>&1 || fail "$(tail -n 3 "$work/check")"
	[ -z "$(bailiff_pids)" ] || bailiff reload
}

# ask NAME OFFER [BODY]: a program that offers so, and posts the body
ask() {
	governed alice "/usr/bin/python3 $project/http2.py ask $world/ca.pem allowed.example $port \
		$2 /$1 '${3:-My number is $ssn.}'"
}

# posts NAME: curl with a value in the target and in the body; prints what was spoken
posts() {
	governed alice "curl -sS --max-time 60 -o /dev/null -w '%{http_version}' \
		-d 'My number is $ssn.' '$site/$1?ssn=$ssn'"
}

# fetches NAME: git, whose libcurl has GnuTLS, with a value in the target; there is no repository
fetches() {
	governed alice "git ls-remote '$site/$1?ssn=$ssn&x'"
	[ $? = 128 ]
}

# heard NAME FILTER: a jq filter over the requests to that name
heard() {
	jq -s -e --arg at "/$1" "map(select(.path | startswith(\$at))) | $2" "$heard"
}

/usr/bin/python3 /src/vmtests/world/http2.py serve $world allowed $allowed $port $heard \
	>"$work/server.out" 2>&1 &
cp /src/vmtests/world/http2.py $project/http2.py
for _ in $(seq 300); do
	[ -e $heard ] && break
	sleep 0.1
done

step "the libraries are probed, where an offer is made too"
inline_policy
bailiff_on "$directory" || fail "bailiff did not start"
check "curl knows HTTP/2" sh -c 'curl --version | grep -q HTTP2'
check "git's library has GnuTLS" sh -c 'ldd /usr/lib/git-core/git-remote-https | grep -q libgnutls'
governed_start alice
# without one of them having been used
for _ in $(seq 600); do
	[ "$(find $links -name '*-alpn0' | wc -l)" -ge 3 ] && break
	sleep 0.1
done
check "three functions that take an offer" test "$(find $links -name '*-alpn0' | wc -l)" -ge 3
detail "$(find $links -name '*-alpn0' -printf '%f ')"

step "twin: where nothing is gone over, HTTP/2 is spoken, and the values arrive"
check "curl" test "$(posts free)" = 2
check "its values arrived" heard free \
	"any(.[]; .protocol == \"h2\" and (.path | endswith(\"$ssn\")) and (.body | contains(\"$ssn\")))"
check "git" fetches git-free
check "its value arrived" heard git-free "any(.[]; .protocol == \"h2\" and (.path | contains(\"$ssn\")))"
check "Python" test "$(ask py-free h2,http/1.1)" = h2
check "its value arrived" heard py-free "any(.[]; .protocol == \"h2\" and (.body | contains(\"$ssn\")))"
check "who offers it alone" test "$(ask lone-free h2)" = h2
check "its value arrived" heard lone-free "any(.[]; .body | contains(\"$ssn\"))"

step "where requests are gone over, they speak HTTP/1.1, and what they send is masked"
inline_policy "  detectors:" "    us-ssn: {request: mask}"
events_mark
check "curl" test "$(posts held)" = 1.1
check "its values arrived masked" heard held "any(.[]; .protocol == \"http/1.1\"
	and (.path | test(\"ssn=[*]+-[*]+-[*]+\$\")) and (.body | test(\"My number is [*]+-[*]+-[*]+\")))"
check "git" fetches git-held
check "its value arrived masked" heard git-held \
	"any(.[]; .protocol == \"http/1.1\" and (.path | test(\"ssn=[*]+-[*]+-[*]+&\")))"
check "Python" test "$(ask py-held h2,http/1.1)" = http/1.1
check "its value arrived masked" heard py-held "any(.[]; .body | test(\"is [*]+-[*]+-[*]+\"))"
event "the events have the masks" 'code("inline") | person("alice@company.com") | map(select(
	.unmapped.detector == "us-ssn" and .unmapped.action == "mask")) | length >= 3'
check "nothing was unreadable" events 'code("inline") | map(select(.unmapped.reason == "unreadable")) | none'
detail "$(jq -r 'select(.path | contains("held")) | "\(.protocol) \(.path)"' $heard | tr '\n' ' ')"

step "what is blocked does not arrive"
inline_policy "  detectors:" "    us-ssn: {request: block}"
events_mark
posts blocked
check_not "it did not" heard blocked "any(.[]; (.path + .body) | contains(\"$ssn\"))"
event "the event says so" 'code("inline") | person("alice@company.com") | verdict("denied")
	| any(.[]; .unmapped.detector == "us-ssn" and .unmapped.action == "block")'

step "shadow changes nothing: HTTP/2 is spoken, and told as what is not read"
inline_policy "  mode: shadow" "  detectors:" "    us-ssn: {request: mask}"
events_mark
check "curl" test "$(posts shadow)" = 2
check "its values arrived" heard shadow "any(.[]; .path | endswith(\"$ssn\"))"
event "told" 'code("inline") | person("alice@company.com")
	| any(.[]; .unmapped.reason == "unreadable")'

step "who offers HTTP/2 alone is not broken, but told; and reset where that is the policy"
inline_policy "  detectors:" "    us-ssn: {request: mask}"
events_mark
check "it speaks HTTP/2" test "$(ask lone-told h2)" = h2
check "and is not read" heard lone-told "any(.[]; .body | contains(\"$ssn\"))"
event "told" 'code("inline") | person("alice@company.com")
	| any(.[]; .unmapped.reason == "unreadable")'
inline_policy "  unreadable: block" "  detectors:" "    us-ssn: {request: mask}"
ask lone-reset h2
check_not "nothing of it arrived" heard lone-reset 'length > 0'
check "curl goes on" test "$(posts still)" = 1.1
check "masked" heard still "any(.[]; .body | test(\"is [*]+-[*]+-[*]+\"))"

step "mutation: without the probes at the offer HTTP/2 is spoken again, and the values arrive"
inline_policy "  detectors:" "    us-ssn: {request: mask}"
find "$links" -name '*alpn*' -delete
sleep 1
check "curl" test "$(posts gone)" = 2
check "its values arrived" heard gone "any(.[]; .path | endswith(\"$ssn\"))"
check "git" fetches git-gone
check "its value arrived" heard git-gone "any(.[]; .protocol == \"h2\" and (.path | contains(\"$ssn\")))"
bailiff_off
