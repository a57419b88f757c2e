# SPDX-License-Identifier: Apache-2.0
# What went over the wire: the packets of a scenario, decrypted with the servers' keys and searched for
# planted values. Sourced by scenarios, after lib.sh. capture_begin and capture_end are no commands for
# check(), which runs what it is given in a shell of its own: the capture is a child of this one.
# shellcheck shell=bash
# $world is set in lib.sh
# shellcheck disable=SC2154
capture=/run/capture

# capture_begin PART: every packet of TLS is kept from here on, whatever interface it takes; what
# connects now is of that part. Only root may look: the keys lie beside it.
capture_begin() {
	local tries=100
	rm -rf $capture
	mkdir -m 0700 $capture
	capture_part "$1"
	capture_seen=$(wc -l <"$world/api.jsonl")
	tcpdump -i any -Z root -B 65536 -w $capture/packets 'tcp port 443' 2>$capture/tcpdump &
	capture_pid=$!
	until grep -q "listening on" $capture/tcpdump; do
		[ $((tries -= 1)) -ge 0 ] || {
			cat $capture/tcpdump
			return 1
		}
		sleep 0.1
	done
}

# capture_part PART: a connection that is made from here on is of that part
capture_part() {
	echo "$EPOCHREALTIME $1" >>$capture/parts
}

# capture_end [LOG…]: decrypts. Gives 0 when no packet was missed, and each request that the stand-in
# logged, and the hosts in these files, is in what was decrypted, and none beside them. What it says,
# and where a planted value is, is left in $capture/whole and $capture/found.
capture_end() {
	# what is on its way to the capture is not in it yet
	sleep 1
	local began=$SECONDS
	kill -INT "$capture_pid"
	wait "$capture_pid"
	grep -qx '0 packets dropped by kernel' $capture/tcpdump || {
		cat $capture/tcpdump
		return 1
	}
	cp "$world/tls.keys" $capture/keys
	tail -n +$((capture_seen + 1)) "$world/api.jsonl" >$capture/api.jsonl
	/usr/bin/python3 /src/vmtests/world/decrypted.py $capture $capture/api.jsonl "$@" \
		>$capture/whole 2>&1 || {
		cat $capture/whole
		return 1
	}
	find $capture/said \( -name '*.sent' -o -name '*.thinking' \) -size +0 >$capture/files
	# 1: something was found, which the twins have to be
	xargs /usr/bin/python3 /src/vmtests/world/search.py "$world/planted.json" \
		<$capture/files >$capture/found 2>&1
	echo "$(tail -n 1 $capture/whole), decrypted and searched in $((SECONDS - began)) s"
}

# capture_has PART VALUE: a client said the planted value of that name there: as it is, in base64, in
# hex, …; see world/search.py
capture_has() {
	capture_spoke "$1" && grep -q "/$1/[0-9]*\.sent: $2\$" $capture/found
}

# capture_thought PART VALUE: it is in the thinking blocks that a client sent back; these are signed, and
# not in the way of the other two
capture_thought() {
	grep -q "/$1/[0-9]*\.thinking: $2\$" $capture/found
}

# capture_has_not PART VALUE…: something was said there, and none of these
capture_has_not() {
	local part=$1 value
	shift
	capture_spoke "$part" || return 1
	for value in "$@"; do
		grep "/$part/[0-9]*\.sent: $value\$" $capture/found && return 1
	done
	return 0
}

capture_spoke() {
	grep -q "/$1/" $capture/files && [ -s $capture/found ]
}
