# SPDX-License-Identifier: Apache-2.0
# What the client starts speaks TLS with libraries of its own: curl with OpenSSL, wget with GnuTLS.
# What they say to an allowed host is read like what the client says, and masked.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

allowed=10.77.3.10

# libraries that have probes, besides the client
probed() {
	find $links -name 'tls-*' | sed 's|.*/tls-\([0-9]*\)-.*|\1|' | sort -u | wc -l
}

step "the libraries are probed when a client begins, before anything governed maps them"
directory=$(policy_variant children)
bailiff_on "$directory" || fail "bailiff did not start"
check "curl has OpenSSL" sh -c 'ldd /usr/bin/curl | grep -q libssl'
check "wget has GnuTLS" sh -c 'ldd /usr/bin/wget | grep -q libgnutls'
check "none has a probe before a client began" test "$(probed)" = 0
governed_start alice
# the client, OpenSSL and GnuTLS; how long a look takes is the emulated processor's
for _ in $(seq 600); do
	[ "$(probed)" -ge 3 ] && break
	sleep 0.1
done
check "two libraries beside the client have probes" test "$(probed)" -ge 3
detail "$(find $links -name 'tls-*0' -printf '%f ')"

step "the model's Bash posts with curl and with wget to an allowed host: both are in the log"
events_mark
client_run children alice "SCENARIO:children"
check "the client ends well" client_says children "Both are sent."
for program in curl wget; do
	check "$program got its answer" api children \
		'result("Bash") | contains("'$program' exit=0")'
	check "$program's request arrived whole" grep -q \
		"\"line\": \"POST /$program?for=test HTTP/1.1\", \"body_bytes\": 15" \
		$world/allowed.example.jsonl
done
event "the connections, by the tool use that caused them" \
	"destination_by_tool(\"alice@company.com\"; \"$allowed\"; \"allowed\")"
for program in curl wget; do
	event "$program: person, tool use, host, method, path" \
		"child_request(\"alice@company.com\"; \"allowed.example\"; \"/$program?for=test\")
		| some and all(.[]; .http_request.user_agent | ascii_downcase | startswith(\"$program\"))"
done
event "both name a tool use that the model asked for" \
	'requests_by_tool_uses("allowed.example") == 2'
event "the number in their bodies was found in each, with whom it went to" \
	'sent_by_child("allowed.example"; "ssn") | length == 2'
check "it is in no file of bailiff's" planted_in_files $log_directory /var/lib/bailiff
check "every request of the client was well-formed" api_clean
detail "$(find $links -name 'tls-*' | wc -l) probes"

step "a child that has mapped its library goes on being read when bailiff was killed and starts again"
project=/home/alice/project
cat >$project/late.py <<'EOF'
import os, sys, time, urllib.request
open(sys.argv[1] + ".ready", "w").close()
while not os.path.exists(sys.argv[1] + ".go"):
    time.sleep(0.1)
with urllib.request.urlopen("https://allowed.example/" + sys.argv[1], b"word", timeout=60) as answer:
    print(answer.status, flush=True)
EOF
# late NAME: it is started, and waits
late() {
	governed alice "cd $project && setsid /usr/bin/python3 late.py $1 >$1.out 2>&1 &"
	for _ in $(seq 300); do
		[ -e "$project/$1.ready" ] && return
		sleep 0.1
	done
	fail "it did not begin"
}
# went NAME: it goes on, and has its answer
went() {
	touch "$project/$1.go"
	for _ in $(seq 300); do
		grep -qx 200 "$project/$1.out" && return
		sleep 0.1
	done
	return 1
}
late late
check "it has OpenSSL mapped" grep -q libssl "/proc/$(pgrep -f 'late.py late')/maps"
bailiff_kill
# it waits for the name server as long as it ever does, and programs that nobody knows begin: what it
# makes of those has nothing to do with what was probed
dns=$(ip netns pids dns)
check "the name server is silent" kill -STOP "$dns"
for n in $(seq 1000); do
	cp /usr/bin/true "/tmp/new-$n" && "/tmp/new-$n" && rm "/tmp/new-$n"
	sleep 0.1
done &
new=$!
bailiff_on "$directory" || fail "bailiff did not start again"
kill $new
check "and back" kill -CONT "$dns"
events_mark
check "it posts" went late
event "what it posted is in the log" 'code("http_request") | person("alice@company.com")
	| any(.[]; .http_request.url.path == "/late")'
late later
find $links -name 'tls-*' -delete
events_mark
check "mutation: without the probes another posts" went later
check "and it is not in the log" events 'code("http_request") | none'

step "a client's shell goes on without it: after a restart its libraries are probed before it maps them"
bailiff_kill
bailiff_on "$directory" || fail "bailiff did not start again"
check "no client runs" status '.clients == []'
check "two libraries have probes" test "$(probed)" -ge 2

step "what a child says to a host that is not allowed is not said at all"
events_mark
check_not "wget is refused" governed alice "wget -q -T 10 -t 1 -O - https://blocked.example/"
event "and told" 'destination("alice@company.com"; "10.77.2.10"; "denied")'
check "no request of it was read" events 'code("http_request") | none'

step "a body that is not read: sent and told where policy says so, else reset; sent again without the probes"
printf 'inline:\n  detectors:\n    us-ssn: {request: mask}\n' >>"$directory/bailiff.yaml"
check "requests are looked at" bailiff reload
# coded PATH: a body that nobody can look into
coded() {
	governed alice "echo word | gzip | curl -sS -m 20 -H 'Content-Encoding: gzip' --data-binary @- \
		https://allowed.example/$1"
}
events_mark
check "twin: unreadable: log, and it is sent" coded logged
check "it arrived" grep -q '"line": "POST /logged HTTP' $world/allowed.example.jsonl
event "an event says that it was not read" \
	'code("inline") | any(.[]; .unmapped.reason == "unreadable" and .unmapped.action == "log")'
echo '  unreadable: block' >>"$directory/bailiff.yaml"
check "another policy" bailiff reload
events_mark
check_not "unreadable: block, and it is reset" coded blocked
check_not "nothing of it arrived" grep -q '"line": "POST /blocked HTTP' $world/allowed.example.jsonl
event "an event says so" 'code("inline") | verdict("denied")
	| any(.[]; .unmapped.reason == "unreadable" and .unmapped.action == "block")'
check "what is read goes on" governed alice "curl -sS -m 20 -d word https://allowed.example/read"
find "$links" -name '*scan*' -delete
check "mutation: without its probes it is sent" coded gone
check "and arrived" grep -q '"line": "POST /gone HTTP' $world/allowed.example.jsonl
