# SPDX-License-Identifier: Apache-2.0
# bailiff's cgroup programs run where governed tasks are and nowhere else; a governed task that goes
# elsewhere is refused there until they do.
# shellcheck shell=bash
# deadline: 900
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

root=/sys/fs/cgroup
allowed=10.77.3.10
blocked=10.77.2.10
late=/home/carol/late
in_force=$(policy_variant cgroups)
# by address: what a name opens is closed again after a while
sed -i "s|^  allow:$|&\n    - {cidr: $allowed/32, ports: [443]}|" "$in_force/bailiff.yaml"

# programs CGROUP: how many programs run for it, wherever they are attached
programs() {
	bpftool -j cgroup show "$1" effective | jq -s 'flatten | length'
}

programs_are() {
	local n tries=50
	until n=$(programs "$1") && [ "$n" = "$2" ]; do
		[ $((tries -= 1)) -ge 0 ] || {
			echo "$n programs run for $1"
			return 1
		}
		sleep 0.1
	done
}

# scope_of PID: the directory of its cgroup
scope_of() {
	echo "$root$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
}

# connects ADDRESS: by the governed shell; nobody need listen there
connects() {
	local out
	out=$(governed carol "exec 3<>/dev/tcp/$1/443" 2>&1) && return 0
	echo "$out"
	grep -q "Connection refused" <<<"$out"
}

refused() {
	local out
	out=$(governed carol "exec 3<>/dev/tcp/$1/443" 2>&1) && return 1
	echo "$out"
	grep -q "not permitted" <<<"$out"
}

# the governed shell itself: each command is a child of it
shell_of() {
	governed carol "echo \$PPID"
}

keepers() {
	local pid
	for pid in $(bailiff_pids); do
		kill "-$1" "$pid"
	done
}

in_time() {
	local tries=50
	until "$@"; do
		[ $((tries -= 1)) -ge 0 ] || return 1
		sleep 0.2
	done
}

held_back() {
	events 'any(.[]; .unmapped.reason == "cgroup")'
}

step "before a client runs, no program is called for anybody but bailiff"
bailiff_on "$in_force" || fail "bailiff did not start"
check "none at the root" programs_are $root 0
check "five where bailiff is" programs_are "$(scope_of "$(status .processes.keeper)")" 5
check "status says so" status '[.posture[] | select(.capability | test("cgroup"))
	| .state == "enforce" and (.reason | test("attached to 1 cgroup"))] == [true, true]'

step "a client is covered before it connects, and nobody else is"
other=$root$(as_user alice sed -n 's/^0:://p' /proc/self/cgroup)
governed_start carol
check "the client came to its end" client_succeeded shell-carol
shell=$(shell_of)
scope=$(scope_of "$shell")
check "five programs in the client's cgroup" programs_are "$scope" 5
check "none in another login's" programs_are "$other" 0
check "none at the root" programs_are $root 0
check "what is allowed is" connects $allowed
check "what is not is refused" refused $blocked
check_not "nothing was held back meanwhile" held_back
detail "${scope#"$root"/}"

step "nobody is called for what others send: the programs have not run once"
echo 1 >/proc/sys/kernel/bpf_stats_enabled
ran() {
	bpftool -j prog show | jq '[.[] | select(.name | test("^net_(connect4|sendmsg4|egress)$")) | .run_cnt // 0] | add'
}
# bailiff's own courier asks for names now and then, where they run
not_for() {
	local before
	for _ in 1 2 3 4 5; do
		before=$(ran)
		"$@" || return
		[ "$(ran)" != "$before" ] || return 0
	done
	return 1
}
check "a page is fetched, and they have not run" not_for as_user alice curl -sSk -m 20 -o /dev/null \
	https://allowed.example/
check "a name is asked for, and they have not run" not_for as_user alice getent ahosts allowed.example
before=$(ran)
check "the governed shell is let through" connects $allowed
check "for it they have" test "$(ran)" -gt "$before"
echo 0 >/proc/sys/kernel/bpf_stats_enabled

step "in a new cgroup a governed task is refused until the keeper has attached, and then is not"
mkdir -p $root/late
keepers STOP
echo "$shell" >$root/late/cgroup.procs
check "with the keeper stopped nothing runs there" programs_are $root/late 0
check "what is allowed is refused" refused $allowed
check "it stays refused" refused $allowed
check "what is denied is, too" refused $blocked
keepers CONT
check "it is let through" in_time connects $allowed
check "five programs run there" programs_are $root/late 5
check "what is denied is refused" refused $blocked
event "an event gives the reason" 'code("destination") | person("carol@company.com") | verdict("denied")
	| any(.[]; .unmapped.reason == "cgroup")'
check "the pins say which" test "$(find $links -name 'net_egress@*' | wc -l)" = 2

step "what counts is where a socket was made, not where it is used"
mkdir -p $root/later $late
cp /src/vmtests/world/late.py /home/carol/late.py
chown -R carol: $late
# late_socket: what a socket says that is made in later, with the keeper stopped, and used in late
late_socket() {
	rm -f $late/*
	(
		while [ ! -e $late/made ]; do sleep 0.1; done
		cat $late/made >$root/late/cgroup.procs
		touch $late/go
	) &
	governed carol "/usr/bin/python3 /home/carol/late.py $late $allowed 443" | tail -n 1
	wait $!
}
# first: where the shell executes something the keeper attaches at once
keepers STOP
echo "$shell" >$root/later/cgroup.procs
check "refused" test "$(late_socket)" = EPERM
keepers CONT
check "let through once the other is covered" in_time programs_are $root/later 5
check "let through" test "$(late_socket)" = open

step "a restart covers the same, each once, before what was there is gone"
check "every process is gone" bailiff_kill
check "five programs stay" programs_are $root/later 5
check "refused with no bailiffd" refused $blocked
check "let through with no bailiffd" connects $allowed
bailiff_on "$in_force" || fail "bailiff did not start"
check "five programs in the client's cgroup" programs_are "$scope" 5
check "five in the one that came last" programs_are $root/later 5
check "none at the root" programs_are $root 0
check "let through" connects $allowed

step "a cgroup above another one takes its place: nothing runs twice"
mkdir -p $root/above/below
echo "$shell" >$root/above/below/cgroup.procs
check "covered" in_time connects $allowed
check "five programs below" programs_are $root/above/below 5
echo "$shell" >$root/above/cgroup.procs
check "covered" in_time connects $allowed
check "five programs above" programs_are $root/above 5
check "five below" programs_are $root/above/below 5
check "one pin for both" test "$(find $links -name 'net_egress@*' | wc -l)" = 4

step "where bailiff cannot attach, it attaches above"
mkdir -p $root/closed/inner
echo "$shell" >$root/late/cgroup.procs
check "somebody's program that lets no other in beside it" \
	bpftool cgroup attach $root/closed/inner cgroup_inet4_connect id \
	"$(bpftool -j prog show name net_connect4 | jq -s 'flatten | .[0].id')"
echo "$shell" >$root/closed/inner/cgroup.procs
check "covered" in_time connects $allowed
check "by the one above" programs_are $root/closed 5

step "a cgroup that is gone is forgotten"
echo "$shell" >"$scope/cgroup.procs"
rmdir $root/later
forgotten() {
	local tries=150
	until [ "$(find $links -name 'net_egress@*' | wc -l)" = 4 ]; do
		[ $((tries -= 1)) -ge 0 ] || return 1
		sleep 1
	done
}
check "its pins are gone" forgotten
check "the client's are not" programs_are "$scope" 5

step "without the doors of the LSM nobody refuses what is in a new cgroup: they are what holds it"
mkdir -p $root/open
keepers STOP
unlinked net_connect
echo "$shell" >$root/open/cgroup.procs
check "let through, and looked at by no program" connects $blocked
keepers CONT
