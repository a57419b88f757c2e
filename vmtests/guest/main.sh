#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run the chosen scenarios in this boot, each in a shell of its own with a deadline. What the host
# reads: /mnt/started (the guest came up), /mnt/results.jsonl (a line a step), /mnt/now (what is being
# done), /mnt/alive.N (processor N runs), /mnt/finished (the verdicts are whole).
set -u
cd /tmp || exit 1
: >/mnt/results.jsonl
uptime() {
	cut -d' ' -f1 /proc/uptime
}

# An emulated processor can take a breakpoint for ever that is no longer in memory, while code is
# changed under it (QEMU 7.2, as programs are attached): it stands still then, and with it whatever
# waits for it.
beat() {
	while read -r up _ </proc/uptime && echo "$up" >"/mnt/alive.$1"; do
		sleep 10
	done
}
for processor in $(seq 0 $(($(nproc) - 1))); do
	taskset -c "$processor" bash -c "$(declare -f beat); beat $processor" &
done

echo "starting the test world" >/mnt/now
uptime >/mnt/started
echo always >/sys/kernel/mm/transparent_hugepage/enabled
if [ -x /build/bailiffd ] && [ -x /build/bailiff ]; then
	cp /build/bailiffd /usr/local/sbin/bailiffd
	cp /build/bailiff /usr/local/bin/bailiff
fi
if ! bash /src/vmtests/world/up.sh >/mnt/world.log 2>&1; then
	# no scenario can say anything without its world: the host sees no verdict and tries again
	cp /run/world/*.out /run/world/dns.log /mnt/ 2>/dev/null
	exit 1
fi
uptime >/mnt/world-ready

for name in $SCENARIOS; do
	file=/src/vmtests/scenarios/$name.sh
	if grep -q '^# needs: bailiff$' "$file" && [ ! -x /usr/local/sbin/bailiffd ]; then
		jq -nc --arg s "$name" '{scenario: $s, name: "starts", ok: false,
			detail: "bailiffd was not built"}' >>/mnt/results.jsonl
		continue
	fi
	deadline=$(sed -n 's/^# deadline: \([0-9]*\)$/\1/p' "$file")
	mkdir -p "/mnt/$name"
	rm -f /run/world/step
	timeout --kill-after=5 "${deadline:-180}" bash /src/vmtests/guest/scenario.sh "$name" \
		>"/mnt/$name/log" 2>&1
	rc=$?
	if [ "$(cat /run/world/step 2>/dev/null)" != "finished" ]; then
		# died or ran out of time inside a step: the verdict of that step, and of the scenario
		detail="ended with status $rc"
		[ $rc = 124 ] && detail="not done after ${deadline:-180} s"
		jq -nc --arg s "$name" --arg n "$(cat /run/world/step 2>/dev/null || echo start)" \
			--arg d "$detail" '{scenario: $s, name: $n, ok: false, detail: $d}' >>/mnt/results.jsonl
	fi
	bash /src/vmtests/guest/scenario.sh --reset >>"/mnt/$name/log" 2>&1
done
cp /run/world/dns.log /run/world/*.out /mnt/ 2>/dev/null
uptime >/mnt/finished
