# SPDX-License-Identifier: Apache-2.0
# follow OUT FUNCTION SCENARIO…: boot, and call FUNCTION with each result line as it appears. On a
# terminal the last line says what is being done meanwhile (and, with FOLLOW_TOTAL, how much of the
# results is there). Gives boot.sh's verdict. Sourced by bash.
# shellcheck shell=bash

follow_stop() {
	[ -n "${follow_vm:-}" ] && kill -TERM "$follow_vm" 2>/dev/null
	wait 2>/dev/null
	[ -t 2 ] && printf '\r\033[K' >&2
	return 0
}

follow() {
	local out=$1 function=$2 seen=0 began=$SECONDS turn=0 line now vm
	local marks='-\|/'
	shift 2
	mkdir -p "$out"
	# what a run before left must not be taken for this one's
	rm -rf "${out:?}"/{results.jsonl,now,started,finished,world-ready}
	"$(dirname "${BASH_SOURCE[0]}")/boot.sh" "$out" "$@" &
	vm=$!
	follow_vm=$vm
	trap follow_stop EXIT
	trap 'exit 130' INT TERM
	while :; do
		kill -0 "$vm" 2>/dev/null || follow_vm=
		if [ -s "$out/results.jsonl" ]; then
			# an object that has not been written to its end does not close
			while IFS= read -r line; do
				[ -t 2 ] && printf '\r\033[K' >&2
				"$function" "$line"
				seen=$((seen + 1))
			done < <(tail -n +$((seen + 1)) "$out/results.jsonl" | grep '}$')
		fi
		[ -n "$follow_vm" ] || break
		if [ -t 2 ]; then
			now=$(cat "$out/now" 2>/dev/null)
			[ -n "${FOLLOW_TOTAL:-}" ] && now="$((seen * 100 / FOLLOW_TOTAL))%  $now"
			printf '\r\033[K  %s %3d s  %s' "${marks:turn++%4:1}" $((SECONDS - began)) \
				"${now:0:$((${COLUMNS:-80} - 14))}" >&2
		fi
		sleep 0.3
	done
	wait "$vm"
}
