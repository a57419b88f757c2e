# SPDX-License-Identifier: Apache-2.0
# What a process sends on a socket past its probed TLS functions is noticed by the bytes that are too
# many; who says everything through them is not told of, however it does.
# shellcheck shell=bash
# deadline: 720
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

model=10.77.1.10
other=10.77.3.10
port=8443
inner=8445 # the server there takes TLS inside of TLS
megabyte=1000000
project=/home/alice/project
directory=$(policy_variant ledger)

sed -i -e "s|^    - name: api.anthropic.com|    - {cidr: $model/32, ports: [$port, $inner]}\n&|" \
	-e "s|^    - name: allowed.example|    - {cidr: $other/32, ports: [$port]}\n&|" \
	"$directory/bailiff.yaml"
# three files, so that the policy's digest makes a client of the first alone
for name in talker helper server; do
	cp /build/aside $project/$name
	echo $name >>$project/$name
	chmod 0755 $project/$name
done
printf 'clients:\n  extra:\n    - {name: talker, sha256: %s}\n' \
	"$(sha256sum $project/talker | cut -d' ' -f1)" >>"$directory/bailiff.yaml"
for at in "api $port" "api $inner nested" "allowed $port"; do
	read -r where number how <<<"$at"
	ip netns exec "$where" $project/server serve "$number" $world/host.pem $world/host.key \
		${how:+"$how"} >"$work/server-$where-$number" 2>&1 &
done

# talk NAME WAY BYTES [PORT]: a client that sends so, says "sent", and does what it is told
talk() {
	rm -f "$world/$1.in"
	mkfifo "$world/$1.in"
	rm -f "$work/$1.rc"
	(
		AS_USER_SCOPE=ledger as_user alice $project/talker send $model "${4:-$port}" $world/ca.pem "$2" "$3" \
			<"$world/$1.in" >"$work/$1.says" 2>"$work/$1.err"
		echo $? >"$work/$1.rc"
	) &
	exec {fd}>"$world/$1.in"
	eval "to_$1=$fd"
}

# sent NAME [TIMES]
sent() {
	for _ in $(seq 600); do
		[ "$(grep -c sent "$work/$1.says")" -ge "${2:-1}" ] && return 0
		sleep 0.1
	done
	cat "$work/$1.err"
	return 1
}

# tell NAME WORD: "more": it sends its bytes once more; "end". Nobody may be there to hear it.
tell() (
	local to=to_$1
	trap '' PIPE
	echo "$2" >&"${!to}"
) 2>/dev/null

# over NAME STATUS: it ended so
over() {
	for _ in $(seq 300); do
		[ -s "$work/$1.rc" ] && break
		sleep 0.1
	done
	cat "$work/$1.err"
	[ "$(cat "$work/$1.rc")" = "$2" ]
}

ended() {
	tell "$1" end
	over "$1" 0
}

step "all that is said through TLS comes out even: in large, byte by byte, by memory, in TLS in TLS"
bailiff_on "$directory" || fail "bailiff did not start"
check "the ledger is kept" status \
	'.posture[] | select(.capability == "byte ledger") | .state == "observe"'
$project/talker wait &
probe=$!
for _ in $(seq 100); do
	status ".clients | any(.[]; .pid == $probe and .inspected)" >/dev/null 2>&1 && break
	sleep 0.1
done
kill $probe
events_mark
talk said said $megabyte
check "a megabyte in records of 16 KiB" sent said
talk small small 20000
check "20,000 bytes, one a call" sent small
talk memory memory $megabyte
check "a megabyte, encrypted into memory that is sent afterwards" sent memory
talk nested nested $megabyte $inner
check "a megabyte through TLS inside of TLS" sent nested
for name in small memory nested; do
	check "$name ends well" ended $name
done

step "a megabyte of raw bytes on the same socket is told, while the connection stands"
talk raw raw $megabyte
check "it is sent" sent raw
event "an event says so, high: who, where to, and how much of what" 'code("unsaid_bytes")
	| person("alice@company.com") | to("'$model'") | any(.[]; .severity == "High"
	and .dst_endpoint.port == '$port' and .unmapped.verdict == "allowed"
	and .unmapped.model_api and .unmapped.tls_seen and (.unmapped.ended | not)
	and .unmapped.bytes_said < 1000 and .unmapped.bytes_unsaid > 65536
	and .traffic.bytes_out >= .unmapped.bytes_unsaid + .unmapped.bytes_said)'
check "it is the only one" events 'code("unsaid_bytes") | length == 1'
check "it ends" ended raw
event "its end is told with all of it" 'code("unsaid_bytes") | any(.[]; .unmapped.ended
	and .unmapped.bytes_unsaid >= '$megabyte' and .unmapped.bytes_unsaid < '$megabyte' + 65536)'
detail "$(events 'code("unsaid_bytes") | last.unmapped.what')"

step "what only looks like TLS, and what never says a word to its probes"
events_mark
talk records records $megabyte
check "records that no probed function made" sent records
event "told" 'code("unsaid_bytes") | any(.[]; .unmapped.tls_seen and .unmapped.bytes_said < 1000)'
check "they end" ended records
events_mark
talk silent silent $megabyte
check "nothing but raw bytes to the model" sent silent
event "told" 'code("unsaid_bytes") | any(.[]; (.unmapped.tls_seen | not) and .unmapped.bytes_said == 0)'
check "they end" ended silent

step "where nothing may go unmasked, who goes round the probes loses the model API"
cp "$directory/bailiff.yaml" "$work/before.yaml"
printf 'inline:\n  unsupported: refuse\n  detectors:\n    us-ssn: {request: mask}\n' \
	>>"$directory/bailiff.yaml"
check "another policy" bailiff reload
events_mark
talk calm said $megabyte
check "twin: who says all" sent calm
talk loser raw $megabyte
event "the refusal is an event" 'code("client_refused") | person("alice@company.com")
	| any(.[]; .severity == "High" and (.message | contains("did not see")))'
tell loser more # its next bytes are refused, if those under way were not
check "the one does not go on" over loser 1
tell calm more
check "the other does" sent calm 2
check "and ends well" ended calm
event "nobody else is refused" 'code("client_refused") | length == 1'
cp "$work/before.yaml" "$directory/bailiff.yaml"
check "the policy before" bailiff reload

step "below a client: curl and wget send a megabyte each, and nobody is told of"
governed_start alice
for pause in 4 12; do
	governed alice "sleep $pause | curl -sS -K -; sleep $pause | wget -q -i -;
		sleep $pause | $project/helper send $other $port $world/ca.pem said 10" >/dev/null
done
head -c $megabyte /dev/zero >$project/large
events_mark
check "curl" governed alice "curl -sS --data-binary @$project/large https://allowed.example/"
check "wget" governed alice "wget -q -O - --post-file=$project/large https://allowed.example/"
check "an ordinary program" governed alice \
	"$project/helper send $other $port $world/ca.pem said $megabyte </dev/null"
check "one that says a word and sends the rest raw" governed alice \
	"$project/helper send $other $port $world/ca.pem raw $megabyte </dev/null"
event "that is told" 'code("unsaid_bytes") | person("alice@company.com") | to("'$other'")
	| any(.[]; .severity == "Medium" and (.unmapped.model_api | not) and .unmapped.tls_seen)'
check "alone" events 'code("unsaid_bytes") | all(.[]; .dst_endpoint.port == '$port')'

step "the real client: WebFetch, WebSearch, curl, and nothing is told"
events_mark
client_run ways alice "SCENARIO:three-ways" --allowedTools WebFetch,WebSearch,Bash
check "it ends well" client_succeeded ways
sleep 2
check "every byte that was sent had been said" events 'code("unsaid_bytes") | none'

step "a connection from before is not judged by the bailiff after it"
check "every process is gone" bailiff_kill
bailiff_on "$directory" || fail "bailiff did not start"
events_mark
tell said more
check "a client goes on" sent said 2
check "and ends" ended said
sleep 2
check "nothing is told" events 'code("unsaid_bytes") | none'

step "mutation: without the ledger's hooks nobody notices"
events_mark
unlinked ledger_send ledger_state
talk raw raw $megabyte
check "it is sent" sent raw
check "it ends" ended raw
sleep 3
check "nothing is told" events 'code("unsaid_bytes") | none'
bailiff_off
