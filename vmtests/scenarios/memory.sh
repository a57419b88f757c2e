# SPDX-License-Identifier: Apache-2.0
# Resident memory of all of bailiff's processes while fifty clients speak at once.
# shellcheck shell=bash
# deadline: 360
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

conversations=50
turns=4
bytes=60000   # that a conversation grows by with each turn
pause_ms=4000 # between two turns; what a burst does is another scenario's matter
limit_kib=$((64 * 1024))
address=10.77.1.10
port=8443
roles="keeper reader courier analyst"

memory_policy=$(loadgen_policy memory "$address" "$port")
ip netns exec api loadserver serve $port $world/host.pem $world/host.key >"$work/server" 2>&1 &

# role RSS PSS RING_RSS RING_PSS in KiB, a line for each process. A ring's data is mapped twice in a
# row: it counts twice in Rss, and once in Pss, which shares a page among all its mappings.
measure() {
	local role
	for role in $roles; do
		awk -v role="$role" '
			/^[0-9a-f]+-[0-9a-f]+ / { ring = /bpf-map|bpf_ringbuf/ }
			/^Rss:/ { rss += $2; if (ring) ring_rss += $2 }
			/^Pss:/ { pss += $2; if (ring) ring_pss += $2 }
			END { print role, rss + 0, pss + 0, ring_rss + 0, ring_pss + 0 }' \
			"/proc/$(status ".processes.$role")/smaps"
	done
}

# the table, in MiB, on one line
table() {
	awk '{ rss += $2; pss += $3; ring_rss += $4; ring_pss += $5
			printf "%s %.1f (rings %.1f), ", $1, $3 / 1024, $5 / 1024 }
		END { printf "in all %.1f MiB Pss, %.1f of it rings; %.1f MiB Rss, %.1f of it rings",
			pss / 1024, ring_pss / 1024, rss / 1024, ring_rss / 1024 }' "$1"
}

sum_pss() {
	awk '{ pss += $3 } END { print pss }' "$1"
}

in_flight() {
	grep -q "$conversations conversations in flight" "$work/send"
}

step "$conversations conversations at once: all of bailiff under $((limit_kib / 1024)) MiB"
bailiff_on "$memory_policy" || fail "bailiff did not start"
check "the sender is inspected" loadgen_inspected
measure >"$work/idle"
mkfifo "$world/go"
as_user alice timeout 150 loadgen conversations $address $port $world/ca.pem $conversations $turns \
	$bytes $pause_ms <"$world/go" >"$work/send" 2>&1 &
sender=$!
exec 7>"$world/go"
for _ in $(seq 400); do
	in_flight && break
	kill -0 $sender 2>/dev/null || break
	sleep 0.2
done
check "all of them are in the middle of a request" in_flight
sleep 2
measure >"$work/busy"
detail "$(table "$work/busy"); idle: $(sum_pss "$work/idle") KiB Pss"
cat "$work/idle" "$work/busy"
check "every process was measured" test "$(awk '$2 > 0' "$work/busy" | wc -l)" = 4
check "the sum of Pss is under the limit" test "$(sum_pss "$work/busy")" -lt $limit_kib
echo >&7
exec 7>&-
wait $sender
cat "$work/send"
check "every conversation ended well" \
	grep -qx "$conversations conversations ended, 0 badly" "$work/send"

step "what was said in them is in the log, and nothing was lost"
for _ in $(seq 100); do
	[ "$(requests_in_log)" -ge $((conversations * turns)) ] && break
	sleep 0.2
done
check "every request is in the log" test "$(requests_in_log)" = $((conversations * turns))
status .counters >"$work/counters"
check "the kernel lost no record" jq -e '.lost_records == 0 and .lost_bytes == 0' "$work/counters"
measure >"$work/after"
detail "afterwards: $(table "$work/after")"
