# SPDX-License-Identifier: Apache-2.0
# What all of bailiff's hooks add to socket, connect and close, with 1,000 rules: ratios within one
# boot, and the kernel's own account of each program. Numbers of an emulated processor; nothing timed
# is a verdict, but every program that should run did. Not part of `make vmtests`: `make bench-vm`.
# shellcheck shell=bash
# deadline: 1200
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/probe.sh
. /src/vmtests/probe.sh
rounds=${COST_ROUNDS:-1}
repeats=3
batches=20
calls=25
port=7443
stat_batches=15
far=10.77.3.10
numbers=/mnt/cost.txt
: >$numbers

large=$(policy_of cost governed)
awk -v far=$far -v port=$port '{ print } /^  allow:$/ {
	for (i = 0; i < 998; i++)
		printf "    - {cidr: 198.18.%d.%d/32, ports: [443]}\n", int(i / 256), i % 256
	printf "    - {cidr: 127.0.0.1/32, ports: [%d]}\n    - {cidr: %s/32, ports: [%d]}\n", port, far, port
}' "$large/bailiff.yaml" >"$large/new" && mv "$large/new" "$large/bailiff.yaml"

/build/connects serve $port >"$work/serve.near" 2>&1 &
ip netns exec allowed /build/connects serve $port >"$work/serve.far" 2>&1 &

# measure WHAT ADDRESS FILE: a line "WHAT ADDRESS NS" for each batch; governed is what a client starts
measure() {
	local run="/build/connects run $2 $port $batches $calls"
	case $1 in
	governed) as_user carol $shell -c "exec $run" ;;
	*) as_user carol /bin/sh -c "exec $run" ;;
	esac >"$work/run" 2>&1 || {
		cat "$work/run"
		return 1
	}
	sed "s/^/$1 $2 /" "$work/run" >>"$work/$3"
}

# in_turns FILE WHAT…: each of them several times, to both addresses
in_turns() {
	local file=$1 what address n=0
	shift
	while [ $((n += 1)) -le $repeats ]; do
		for address in 127.0.0.1 $far; do
			for what; do
				measure "$what" "$address" "$file" || fail "$what: $address"
			done
		done
	done
}

# ratios: of each round with bailiff, over the rounds without it before and after. The least batch is
# nearest to the hooks alone; in the lower quartile there is also what the reader and the log take of
# the two processors for the event that each governed connect gives.
ratios() {
	/usr/bin/python3 - "$work" "$rounds" <<'END'
import statistics
import sys

work, rounds = sys.argv[1], int(sys.argv[2])


def read(name):
    of = {}
    with open(f"{work}/{name}", encoding="ascii") as file:
        for line in file:
            what, address, ns = line.split()
            of.setdefault((address, what), []).append(int(ns))
    return {key: (min(values), statistics.quantiles(values, n=4)[0]) for key, values in of.items()}


seen = {}
for n in range(rounds):
    before, after = read(f"without.{n}"), read(f"without.{n + 1}")
    for (address, what), ns in read(f"with.{n}").items():
        bare = [sum(pair) / 2 for pair in zip(before[address, "bare"], after[address, "bare"])]
        seen.setdefault((address, what), []).append((ns[0] / bare[0], ns[1] / bare[1], bare[0]))
for (address, what), values in sorted(seen.items()):
    least, quartile = ([f"{v[i]:.2f}" for v in values] for i in (0, 1))
    print(f"{address} {what}: {' and '.join(least)} times without bailiff (least batch; lower quartile"
          f" {' and '.join(quartile)}), which takes {values[0][2] / 1e3:.0f} us, emulated")
END
}

step "socket, connect and close, without bailiff and with it, in turns"
in_turns without.0 bare
for round in $(seq 0 $((rounds - 1))); do
	bailiff_on "$large" >/dev/null || fail "bailiff did not start"
	check "a client's child is refused" known || break
	in_turns "with.$round" ungoverned governed
	[ "$round" = $((rounds - 1)) ] && break
	bailiff_off
	in_turns "without.$((round + 1))" bare
done

# one line a program: its name, ns, runs
programs() {
	bpftool -j prog show | jq -r '.[] | select(.name // "" | test("^(net|dns)_"))
		| "\(.name) \(.run_time_ns // 0) \(.run_cnt // 0)"' | sort
}

# counted WHAT: batches with the kernel's count around each
counted() {
	local n=0
	batches=1
	programs >"$work/before"
	while [ $((n += 1)) -le $stat_batches ]; do
		measure "$1" 127.0.0.1 counted || fail "$1, counted"
		programs >"$work/after"
		join "$work/before" "$work/after" |
			awk -v what="$1" '$5 > $3 { print what, $1, ($4 - $2) / ($5 - $3), $5 - $3 }' >>"$work/means"
		mv "$work/after" "$work/before"
	done
}

step "time inside of each program, by the kernel's own count"
sysctl -qw kernel.bpf_stats_enabled=1
counted ungoverned
counted governed
sysctl -qw kernel.bpf_stats_enabled=0
/usr/bin/python3 - "$work/means" <<'END' | tee -a $numbers
import statistics
import sys

seen = {}
with open(sys.argv[1], encoding="ascii") as file:
    for line in file:
        what, name, mean, runs = line.split()
        seen.setdefault((what, name), []).append((float(mean), int(runs)))
for (what, name), values in sorted(seen.items()):
    means = [m for m, _ in values]
    print(f"{what} {name}: median {statistics.median(means):.0f} ns, greatest {max(means):.0f},"
          f" {sum(r for _, r in values)} runs")
END
for name in net_create net_created net_connect net_connect4 net_egress; do
	for what in governed ungoverned; do
		check "$name ran, $what" grep -q "^$what $name:" $numbers
	done
done
detail "$(grep -c ' ns, greatest' $numbers) programs and kinds, in cost.txt"

step "without bailiff once more, and the ratios"
bailiff_off
in_turns "without.$rounds" bare
ratios | tee -a $numbers
check "there is a number for each" test "$(grep -c times $numbers)" = 4
detail "$(grep '127.0.0.1 governed' $numbers)"
