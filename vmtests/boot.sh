#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# boot.sh OUT SCENARIO…: boot one VM that runs the scenarios and leaves what it found in OUT.
#
# The verdict is what the guest wrote, never what QEMU or virtme-ng returned: 0 when OUT/finished is
# there, 3 when the guest came up and did not get to its end, 4 when a processor of it stood still or
# took a breakpoint that was gone (README.md), 2 when it did not come up at all, which is tried twice,
# because one boot in some dies early with QEMU content.
# From the environment: KERNEL (6.1), LSM (kernel's lsm= list), LIMIT (seconds),
# SURVIVE_SECONDS (of each attack in survive), ROWS (of bypass; all), BUILD, CACHE.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(mkdir -p "${BUILD:-$top/build}" && cd "${BUILD:-$top/build}" && pwd)
export CACHE=${CACHE:-$BUILD/cache}
limit=${LIMIT:-900}
vm=

# Ends the VM that was started here: virtme-ng and QEMU are one process group, made for it.
stop() {
	[ -n "$vm" ] && kill -TERM -- "-$vm" 2>/dev/null
	vm=
}
trap stop EXIT
trap 'exit 130' INT TERM

# Each processor of the guest says every 10 s that it runs (guest/main.sh).
still() {
	local file now
	now=$(date +%s)
	for file in "$out"/alive.*; do
		[ -e "$file" ] || continue
		[ $((now - $(stat -c %Y "$file"))) -lt "${STILL:-240}" ] || return 0
	done
	return 1
}

if [ $# -lt 2 ]; then
	echo "usage: boot.sh OUT SCENARIO..." >&2
	exit 64
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
kernel=$("$top/vmtests/setup/kernel.sh" "${KERNEL:-6.1}") || exit 2
disk=$("$top/vmtests/setup/disk.sh") || exit 2
"$top/vmtests/setup/virtme.sh" || exit 2
for name; do
	need=$(sed -n 's/^# setup: //p' "$top/vmtests/scenarios/$name.sh" 2>/dev/null)
	[ -z "$need" ] || "$top/vmtests/setup/$need.sh" >/dev/null || exit 2
done

# The kernel is a stock one. What is changed makes emulation faster and no verdict different: no
# mitigations of the host's silicon, four levels of page tables. -cpu max because the client needs AVX2.
qemu="-cpu max,la57=off -drive file=$disk,if=virtio,format=raw,readonly=on"
qemu+=" -fsdev local,id=bailiffroot,path=/,security_model=none,readonly=on,multidevs=remap"
qemu+=" -device virtio-9p-pci,fsdev=bailiffroot,mount_tag=bailiff.root"
# Verbose, so that the last words of a kernel that panics are in OUT/console.
options=(--verbose --disable-kvm --force-9p --cpus 2 --memory 8G --qemu-opts="$qemu" --rwdir=/mnt="$out"
	-a init="$top/vmtests/guest/init" -a loglevel=4 -a mitigations=off)
[ -n "${LSM:-}" ] && options+=(-a lsm="$LSM")

for attempt in 1 2; do
	rm -rf "$out"
	mkdir -p "$out"
	printf 'export TOP=%q BUILD=%q SCENARIOS=%q SURVIVE_SECONDS=%q ROWS=%q\n' "$top" "$BUILD" \
		"$*" "${SURVIVE_SECONDS:-10}" "${ROWS:-}" >"$out/job.env"
	echo "booting ${kernel##*/vmlinuz-}" >"$out/now"
	setsid vng -r "$kernel" "${options[@]}" -- "$top/vmtests/guest/init" \
		</dev/null >"$out/console" 2>&1 &
	vm=$!
	began=$SECONDS checked=$SECONDS
	while kill -0 "$vm" 2>/dev/null; do
		if [ $((SECONDS - checked)) -ge 10 ]; then
			checked=$SECONDS
			if still; then
				echo "a processor of the guest stands still" >>"$out/console"
				stop
				exit 4
			fi
		fi
		if [ $((SECONDS - began)) -ge "$limit" ]; then
			echo "no end after $limit s" >>"$out/console"
			stop
			break
		fi
		# a boot takes 15 s on an idle machine; one that has not come up in 120 s will not
		if [ ! -e "$out/started" ] && [ $((SECONDS - began)) -ge 120 ]; then
			echo "no sign of life from the guest after 120 s" >>"$out/console"
			stop
			break
		fi
		sleep 0.3
	done
	stop
	[ -e "$out/finished" ] && exit 0
	if [ -e "$out/world-ready" ]; then
		# what QEMU before 8.1 does to a kernel that changes its own code
		grep -aq 'int3: 0000 \[#1\]' "$out/console" && exit 4
		exit 3
	fi
	echo "the VM did not come up (attempt $attempt), see $out/console" >&2
done
exit 2
