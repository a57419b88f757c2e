# SPDX-License-Identifier: Apache-2.0
# What the client is called, where it lies and how it is started changes nothing: what it starts is
# governed. That curl works for all of them without bailiff is shown by world.sh.
# shellcheck shell=bash
# deadline: 1000
# needs: bailiff
# setup: script
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

blocked=10.77.2.10
model=10.77.1.10
project=/home/alice/project
loader=/lib64/ld-linux-x86-64.so.2

printf '#!/bin/sh\nexec %s /opt/claude/claude "$@"\n' $loader >$project/loader
chmod 0755 $project/loader

step "through ld.so, without bailiff: the client reaches the model"
CLIENT=./loader client_run loader-off alice "SCENARIO:default"
check "the client ends well" client_says loader-off "Hello from the stand-in."

step "a client that ran before bailiffd did: its next curl is refused"
events_mark
client_start early alice "SCENARIO:wait-and-curl home=/home/alice file=go"
for _ in $(seq 600); do
	[ -e $project/go.waits ] && break
	sleep 0.1
done
check "its shell waits" test -e $project/go.waits
bailiff_on "$policy" || fail "bailiff did not start"
for _ in $(seq 100); do
	status '.clients | length > 0' >/dev/null 2>&1 && break
	sleep 0.1
done
client=$(status '.clients[] | select(.person == "alice@company.com" and .inspected) | .pid')
check "bailiff status lists it, inspected" test -n "$client"
before=$(packets_at blocked)
touch $project/go
client_wait early
check "the client goes on to its last turn" client_says early "The fetch is over."
check "the page did not come" api early \
	'result("Bash") | (contains("This is blocked") | not) and contains("exit=7")'
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"
event "the event names that client" "destination(\"alice@company.com\"; \"$blocked\"; \"denied\")
	and (code(\"destination\") | to(\"$blocked\") | all(.[]; .unmapped.root_pid == $client))"
event "what it said to the model was read" \
	"code(\"model_request\") | session(\"$(cat "$work/early.session")\") | some"
detail "pid $client, seen by what it runs"

step "copied and renamed, and by a hard link: sessions and double forks of theirs are governed"
events_mark
cp /opt/claude/claude $project/copy
mv $project/copy $project/report.txt
ln $project/report.txt $project/other
before=$(packets_at blocked)
CLIENT=./report.txt client_start renamed alice "SCENARIO:escape-curl home=/home/alice file=a"
CLIENT=./other client_start linked alice "SCENARIO:escape-curl home=/home/alice file=b"
client_wait renamed linked
for way in a.setsid a.fork b.setsid b.fork; do
	check "$way was refused" grep -q "exit=7" "$project/$way"
	check_not "$way did not get the page" grep -q "This is blocked" "$project/$way"
done
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"
for key in renamed linked; do
	check "$key: the client goes on to its last turn" client_says $key "The fetch is over."
	event "$key: its requests were read" \
		"code(\"model_request\") | session(\"$(cat "$work/$key.session")\") | some"
done
event "four refusals below two clients" "code(\"destination\") | verdict(\"denied\")
	| to(\"$blocked\") | length >= 4 and (map(.unmapped.root_pid) | unique | length == 2)"
event "two clients began, whose files have other names" 'code("client_start")
	| map(.unmapped.executable | split("/") | last) | contains(["report.txt", "other"])'
rm -f $project/report.txt $project/other

step "through ld.so, which the kernel sees as the program: governed, and kept from the model"
events_mark
CLIENT=./loader CLIENT_SECONDS=30 client_run loader-on alice "SCENARIO:default"
check_not "it did not reach the model" client_says loader-on "Hello from the stand-in."
check_not "nothing of it arrived there" api loader-on 'length > 0'
event "an event says so: governed, but not inspected" \
	"model_refused(\"alice@company.com\"; \"$model\") and (code(\"destination\")
	| to(\"$model\") | any(.[]; .unmapped.governed))"

step "a release that is a script for Node: recognised by the script, its TLS read"
events_mark
printf '#!/bin/sh\nexec node %s "$@"\n' /build/cache/script-*/cli.js >$project/script
chmod 0755 $project/script
before=$(packets_at blocked)
CLIENT=./script client_run script alice "SCENARIO:escape-curl home=/home/alice file=c"
for way in c.setsid c.fork; do
	check "$way was refused" grep -q "exit=7" "$project/$way"
done
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"
check "the client goes on to its last turn" client_says script "The fetch is over."
event "a client began, that runs Node" 'code("client_start")
	| any(.[]; .unmapped.executable | endswith("/node"))'
event "its requests were read" \
	"code(\"model_request\") | session(\"$(cat "$work/script.session")\") | some"
check "every request of the client was well-formed" api_clean
