# SPDX-License-Identifier: Apache-2.0
# Capture under load: requests of a megabyte in a row, and not a byte missing.
# shellcheck shell=bash
# deadline: 1200
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

requests=1000
bytes=1000000
address=10.77.1.10
port=8443

load_policy=$(loadgen_policy load "$address" "$port")
ip netns exec api loadserver serve $port $world/host.pem $world/host.key >"$work/server" 2>&1 &

# jiffies of processor time that a process has used
jiffies() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

step "a program that the policy lists by its digest is inspected"
bailiff_on "$load_policy" || fail "bailiff did not start"
check "bailiff status lists it, inspected" loadgen_inspected
check_not "its server, another file, is no client" status \
	'.clients[] | select(.executable | endswith("/loadserver"))'

step "$requests requests of $bytes bytes in a row: every one is in the log, none lost"
reader=$(status .processes.reader)
keeper=$(status .processes.keeper)
used=$(jiffies "$reader") kept=$(jiffies "$keeper")
captured=$(status .counters.captured_bytes)
began=${EPOCHREALTIME/./}
TIMEFORMAT='%3U %3S'
{ time as_user alice timeout 500 loadgen send $address $port $world/ca.pem "$requests" $bytes \
	>"$work/send" 2>&1; } 2>"$work/send.time"
ms=$(((${EPOCHREALTIME/./} - began) / 1000))
cat "$work/send"
check "the sender ends well: the server got what was sent" \
	grep -qx "$requests requests of $bytes bytes" "$work/send"
for _ in $(seq 60); do
	[ "$(requests_in_log)" -ge "$requests" ] && break
	sleep 0.5
done
behind=$(((${EPOCHREALTIME/./} - began) / 1000 - ms))
sleep 3
cp $log_directory/events.jsonl "$work/events.jsonl"
echo "$(requests_in_log) requests in the log $behind ms later, $(wc -lc <"$work/events.jsonl")"
check "as many requests are in the log" test "$(requests_in_log)" = "$requests"
check "all of them alice's" test "$requests" = \
	"$(grep -c '"event_code":"model_request".*"person":"alice@company.com"' "$work/events.jsonl")"
grep '"event_code":"loss"' "$work/events.jsonl" >"$work/losses"
check "no event says that anything was lost" jq -s -e 'map(select(.unmapped.loss != "connection_ledger"
	or (.unmapped.bytes_missing // 0) > 0 or (.unmapped.bytes_undecodable // 0) > 0))
	| length == 0' "$work/losses"
status .counters >"$work/counters"
cat "$work/counters"
check "the kernel lost no record and no byte" jq -e \
	'.lost_records == 0 and .lost_bytes == 0 and .lost_denials == 0' "$work/counters"
check "all bytes were captured" jq -e --argjson before "$captured" \
	".captured_bytes - \$before >= $requests * $bytes" "$work/counters"
check "the reader is the one that began" test "$(status .processes.reader)" = "$reader"
hz=$(getconf CLK_TCK)
used=$((($(jiffies "$reader") - used) * 1000 / hz)) kept=$((($(jiffies "$keeper") - kept) * 1000 / hz))
detail "$((requests * bytes / 1000000)) MB in $ms ms ($((requests * bytes / ms / 1000)) MB/s)," \
	"log complete $behind ms later; sender $(tr ' ' + <"$work/send.time") s of processor (user+system)," \
	"reader $used ms, keeper $kept ms;" \
	"$(status .counters.captured_bytes) bytes captured"
