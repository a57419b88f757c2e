# SPDX-License-Identifier: Apache-2.0
# 100,000 prefixes and 10,000 names: they load, swap, and leave nothing behind.
# shellcheck shell=bash
# deadline: 480
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

large=$world/policy-large
mkdir -p "$large"
cp "$policy/acl.yaml" "$large/"
sed '/^destinations:$/,$d' "$policy/bailiff.yaml" >"$large/bailiff.yaml"
awk 'BEGIN {
	print "destinations:\n  resolvers: [10.77.0.53]\n  allow:"
	for (i = 0; i < 100000; i++)
		printf "  - {cidr: %d.%d.%d.0/24}\n", 32 + int(i / 65536), int(i / 256) % 256, i % 256
	for (i = 0; i < 10000; i++)
		printf "  - {name: \"*.h%d.example\", ports: [443]}\n", i
}' >>"$large/bailiff.yaml"

# elements of the tables of the policy in force, by the kernel's account of them
tables() {
	/usr/sbin/bpftool map show -j | jq -c '[.[] | select(.type == "lpm_trie" or .name == "patterns" or .name == "sets")
		| {(.name): .max_entries}] | add'
}

step "bailiffd starts with them"
began=${EPOCHREALTIME/./}
bailiff_on "$large" || fail "bailiff did not start"
detail "$(((${EPOCHREALTIME/./} - began) / 1000)) ms until it watches, $(free -m | awk '/^Mem/ { print $3 }') MB in use"

step "they are in the kernel, and a reload swaps them"
tables
began=${EPOCHREALTIME/./}
check "bailiff reload" bailiff reload
took=$(((${EPOCHREALTIME/./} - began) / 1000))
check "the generation went up" test "$(status .policy.generation)" -ge 2
for want in names:10000 patterns:10000 dest4:100001 sets:110002; do
	check "$want" test "$(tables | jq ".${want%%:*}")" -ge "${want##*:}"
done
detail "$took ms, $(tables)"

step "the small policy again"
sed '/^destinations:$/,$d' "$large/bailiff.yaml" >"$large/small" && mv "$large/small" "$large/bailiff.yaml"
check "bailiff reload" bailiff reload
detail "$(free -m | awk '/^Mem/ { print $3 }') MB in use"
