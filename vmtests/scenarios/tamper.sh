# SPDX-License-Identifier: Apache-2.0
# A client that writes its file's bytes over its own code, and so over the probes, is noticed and
# loses the model API; one that leaves its code alone keeps it.
# shellcheck shell=bash
# deadline: 300
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

model=10.77.1.10
project=/home/alice/project
directory=$(policy_variant tamper)
holder=/home/alice/project/holder

# begin NAME: a client that does what it is told; see vmtests/load/mimic.c
begin() {
	rm -f "$world/$1.in"
	mkfifo "$world/$1.in"
	AS_USER_SCOPE=tamper AS_USER_DIRECTORY=$project as_user alice $holder hold $model 443 \
		<"$world/$1.in" >"$work/$1.says" 2>"$work/$1.err" &
	exec {fd}>"$world/$1.in"
	eval "to_$1=$fd"
}

# tell NAME WORD: has it do that; succeeds when it did
tell() {
	local to=to_$1 before tries=100
	before=$(wc -l <"$work/$1.says")
	echo "$2" >&"${!to}"
	while [ $((tries -= 1)) -ge 0 ] && [ "$(wc -l <"$work/$1.says")" = "$before" ]; do
		sleep 0.05
	done
	tail -n 1 "$work/$1.says"
	[ "$(tail -n 1 "$work/$1.says" | cut -d' ' -f1,2)" = "$2 0" ]
}

pid_of() {
	tail -n 1 "$work/$1.says" | cut -d' ' -f3
}

# noticed PID: within ten seconds an event says so
noticed() {
	event "an event says so, high" "code(\"client_refused\") | any(.[]; .unmapped.pid == $1
		and .severity == \"High\" and (.message | contains(\"overwritten\"))
		and .unmapped.person == \"alice@company.com\" and (.unmapped.offset | type) == \"number\")"
}

step "clients that leave their code alone are inspected, and stay so"
cp /build/mimic $holder
chown alice: $holder
chmod 0755 $holder
printf 'clients:\n  extra:\n    - name: holder\n      sha256: %s\n' \
	"$(sha256sum $holder | cut -d' ' -f1)" >>"$directory/bailiff.yaml"
bailiff_on "$directory" || fail "bailiff did not start"
begin honest
begin forger
begin parent
for _ in $(seq 60); do
	tell honest reach >/dev/null 2>&1 && break
	sleep 0.25
done
check "the first request proves the probes" tell honest say
for name in honest forger parent; do
	check "$name reaches the model API" tell $name reach
done
check "the forger keeps a connection" tell forger keep
check "and sends on it" tell forger send
sleep 5
check "looked at more than once they reach it still" tell honest reach
check "the forger, too" tell forger reach
event "nothing was found to be overwritten" \
	'code("client_refused") | map(select(.message | contains("overwritten"))) | none'

step "one that writes over its probes: noticed, and kept from the model API"
forger=$(pid_of forger)
keeper=$(status .processes.keeper)
kill -STOP "$keeper"
check "it has its file's bytes for its code" tell forger restore
sleep 4
check "mutation: while nobody looks it counts as before" tell forger reach
kill -CONT "$keeper"
noticed "$forger"
check_not "it does not reach the model API" tell forger reach
check_not "nor send on the connection that it had" tell forger send
event "the refusal is an event" "model_refused(\"alice@company.com\"; \"$model\")"
check "bailiff status says it of that process" status ".clients | any(.[]; .pid == $forger
	and (.inspected | not) and (.why | contains(\"overwritten\")))"
check "twin: another process of the same file is as it was" tell honest reach
check "status says so" status ".clients | any(.[]; .pid == $(pid_of honest) and .inspected)"
sleep 4
event "told once" "code(\"client_refused\") | map(select(.unmapped.pid == $forger)) | length == 1"

step "a child that was forked, and executes nothing, is looked at as well"
check "it goes on as its child" tell parent fork
child=$(pid_of parent)
check "which reaches the model API" tell parent reach
began=$((${EPOCHREALTIME/./} / 1000))
check "it has its file's bytes for its code" tell parent restore
noticed "$child"
took=$(($(events 'code("client_refused") | last | .time') - began))
check "within three seconds" test "$took" -lt 3000
check_not "it does not reach the model API" tell parent reach
detail "after $took ms"

step "bailiff started anew puts the probes there again"
check "every process is gone" bailiff_kill
bailiff_on "$directory" || fail "bailiff did not start"
for _ in $(seq 60); do
	tell forger reach >/dev/null 2>&1 && break
	sleep 0.25
done
check "the forger counts as inspected" tell forger reach
events_mark
check "it writes over them again" tell forger restore
noticed "$forger"
check_not "it does not reach the model API" tell forger reach

step "code that stays writable gets no probes: who has it so does not come back"
check "it leaves its code writable" tell forger loosen
check "every process is gone" bailiff_kill
events_mark
bailiff_on "$directory" || fail "bailiff did not start"
noticed "$forger"
check_not "it does not reach the model API" tell forger reach
check "twin: another process of the same file does" tell honest reach
bailiff_off
