# SPDX-License-Identifier: Apache-2.0
# What bailiff's own processes may do, what they may not, and who may ask them what.
# shellcheck shell=bash
# deadline: 360
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

model=10.77.1.10

# field PID NAME: of /proc/PID/status, the first value
field() {
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

refused_curl() {
	check_not "alice's curl to the model fails" \
		as_user alice curl -sS -m 20 https://api.anthropic.com/v1/messages
	event "$1" "model_refused(\"alice@company.com\"; \"$model\")"
}

step "reader, analyst and courier: no root, no capability, a list of system calls"
bailiff_on "$policy" || fail "bailiff did not start"
keeper=$(status .processes.keeper)
for role in reader analyst courier; do
	pid=$(status ".processes.$role")
	check "$role runs as its own user" test "$(field "$pid" Uid)" = "$(id -u bailiff-$role)"
	check "$role: all four uids" grep -Eq '^Uid:[[:space:]]+([0-9]+)([[:space:]]+\1){3}$' \
		"/proc/$pid/status"
	check "$role: no further groups" grep -Eq '^Groups:[[:space:]]*$' "/proc/$pid/status"
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		check "$role: $set is empty" test "$(field "$pid" $set)" = 0000000000000000
	done
	check "$role: no new privileges" test "$(field "$pid" NoNewPrivs)" = 1
	check "$role: seccomp filter" test "$(field "$pid" Seccomp)" = 2
	check "$role leaves no core" grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits"
done
for role in reader analyst; do
	pid=$(status ".processes.$role")
	check "$role has a network of its own" \
		test "$(readlink "/proc/$pid/ns/net")" != "$(readlink "/proc/$keeper/ns/net")"
	check "$role: in which there is only loopback" \
		test "$(grep -c : "/proc/$pid/net/dev")" -le 1
	check_not "$role has no socket of a network" \
		grep -Eq '^ *[0-9]+:' "/proc/$pid/net/tcp" "/proc/$pid/net/udp"
done

step "kill -9 of the reader: it is started again, a loss is told, denials go on in the log"
refused_curl "a refusal is in the log before"
reader=$(status .processes.reader)
events_mark
kill -9 "$reader"
for _ in $(seq 100); do
	now=$(status .processes.reader) && [ "$now" != 0 ] && [ "$now" != "$reader" ] && break
	sleep 0.1
done
check "another reader runs" test "$now" -gt 1 -a "$now" != "$reader"
event "an event tells of the loss" 'code("loss")
	| any(.[]; .message // "" | contains("reader ended (signal 9)"))'
check "the keeper is the same" test "$(status .processes.keeper)" = "$keeper"
refused_curl "a refusal is in the log after"
check "the log is whole" bailiff log verify $log_directory

step "what is refused while there is no reader is told by the next one"
events_mark
kill -9 "$(status .processes.reader)"
check_not "alice's curl to the model fails" \
	as_user alice curl -sS -m 20 https://api.anthropic.com/v1/messages
event "and it is in the log" "model_refused(\"alice@company.com\"; \"$model\")"

step "alice may ask why, and nothing else"
as_user alice bailiff why >"$work/why" 2>&1
check "bailiff why works" test $? = 0
check "it tells of her refusal" grep -qi "model" "$work/why"
as_user carol bailiff why >"$work/why.carol" 2>&1
check_not "carol is told nothing of alice's" grep -qi "api.anthropic.com\|model API" "$work/why.carol"
as_user alice bailiff status >"$work/status.alice" 2>&1
check "bailiff status is refused with status 5" test $? = 5
as_user alice bailiff reload >"$work/reload.alice" 2>&1
check "bailiff reload is refused with status 5" test $? = 5
as_user alice bailiff detach --yes >"$work/detach.alice" 2>&1
check "bailiff detach is refused with status 5" test $? = 5
as_user alice bailiff events >"$work/events.alice" 2>&1
check "bailiff events cannot read the log" test $? != 0
check_not "not a record of it came" grep -q "event_code\|alice@company.com" "$work/events.alice"
check_not "the key cannot be read" as_user alice cat /var/lib/bailiff/keys/log.key
check_not "nor the log" as_user alice cat $log_directory/events.jsonl
check_not "nor a signal sent" as_user alice kill -0 "$(status .processes.reader)"
check "bailiff goes on" status .watching
detail "alice is told: $(head -n 1 "$work/status.alice" | cut -c1-120)"
