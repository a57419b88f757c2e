# SPDX-License-Identifier: Apache-2.0
# What scenarios are written in: steps and checks, the client, bailiff, its events, the test hosts.
# Sourced by bash inside the guest. Nothing here stops a scenario: a failed check marks its step.
# shellcheck shell=bash
world=/run/world
results=/mnt/results.jsonl
policy=/src/vmtests/world/policy
log_directory=/var/log/bailiff
query_socket=/run/bailiff/query.sock
# of the contract that is tested (bpf/contract.h, CONTRACT_VERSION)
links=/sys/fs/bpf/bailiff/v4/links

# ---- steps and checks ---------------------------------------------------------------------------

scenario_begin() {
	scenario=$1
	work=/mnt/$scenario
	step_name=
	mkdir -p "$work"
	api_mark
	events_mark
}

scenario_end() {
	step_close
	# for who asks why a step failed
	tail -n 300 "$log_directory/events.jsonl" >"$work/last-events.jsonl" 2>/dev/null
	echo finished >$world/step
}

step_close() {
	[ -n "$step_name" ] || return 0
	local state=ok
	[ -n "$step_failed" ] && state=failed
	[ -n "$step_skipped" ] && state=skipped
	jq -nc --arg s "$scenario" --arg n "$step_name" --arg state "$state" \
		--arg d "${step_failed:-${step_skipped:-$step_detail}}" \
		--argjson ms $(((${EPOCHREALTIME/./} - step_began) / 1000)) \
		'{scenario: $s, name: $n, ok: ($state != "failed"), skipped: ($state == "skipped"),
		  detail: $d, ms: $ms}' >>$results
	step_name=
}

# step NAME: the checks that follow belong to it, up to the next step
step() {
	step_close
	step_name=$1 step_failed='' step_skipped='' step_detail='' step_began=${EPOCHREALTIME/./}
	echo "$1" >$world/step
	echo "$scenario: $1" >/mnt/now
	echo "== $1 ($(cut -d' ' -f1 /proc/uptime) s)"
}

# The first failure is the step's; all of them are in the log.
fail() {
	echo "FAIL: $*"
	: "${step_failed:=$*}"
}

# failed_check WHAT OUTPUT: the last thing said goes with it, for who has only the verdicts
failed_check() {
	local last
	last=$(tail -n 1 <<<"$2" | cut -c 1-200)
	fail "$1${last:+: $last}"
	printf '%s\n' "$2" | head -n 20
}

skip() {
	echo "SKIP: $*"
	step_skipped=$*
}

# detail TEXT: what to show of a step that went well
detail() {
	step_detail=$*
}

# check WHAT COMMAND…: the command must succeed
check() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "ok: $what"
		return 0
	fi
	failed_check "$what" "$out"
	return 1
}

# check_not WHAT COMMAND…: the command must fail
check_not() {
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then
		failed_check "$what" "$out"
		return 1
	fi
	echo "ok: $what"
}

# ---- people and the client ----------------------------------------------------------------------

as_user() {
	/src/vmtests/world/as-user "$@"
}

as_service() {
	/src/vmtests/world/as-service "$@"
}

# client_start KEY LOGIN PROMPT [ARGUMENT…]: the real client in print mode, in the background. Its
# session id is chosen here, so that requests and events of this run can be told from any other's.
client_start() {
	local key=$1 login=$2 prompt=$3
	shift 3
	cat /proc/sys/kernel/random/uuid >"$work/$key.session"
	(
		began=${EPOCHREALTIME/./}
		AS_USER_DIRECTORY=/home/$login/project as_user "$login" \
			NODE_EXTRA_CA_CERTS=$world/ca.pem ANTHROPIC_API_KEY=sk-ant-api03-stand-in \
			DISABLE_AUTOUPDATER=1 timeout "${CLIENT_SECONDS:-240}" "${CLIENT:-claude}" \
			-p "$prompt" --session-id "$(cat "$work/$key.session")" \
			--allowedTools Skill,Bash,Read "$@" \
			>"$work/$key.out" 2>"$work/$key.err" </dev/null
		echo $? >"$work/$key.rc"
		echo $(((${EPOCHREALTIME/./} - began) / 1000)) >"$work/$key.ms"
	) &
	echo $! >"$work/$key.pid"
}

client_wait() {
	local key
	for key in "$@"; do
		wait "$(cat "$work/$key.pid")"
		echo "client $key: status $(cat "$work/$key.rc"), $(cat "$work/$key.ms") ms:" \
			"$(tail -c 400 "$work/$key.out")"
		head -c 400 "$work/$key.err"
	done
}

client_run() {
	client_start "$@"
	client_wait "$1"
}

client_says() {
	grep -qF -- "$2" "$work/$1.out"
}

client_succeeded() {
	[ "$(cat "$work/$1.rc")" = 0 ]
}

# ---- a governed shell ---------------------------------------------------------------------------

# governed_start LOGIN: has a client of that person start a shell that goes on after the client has
# ended: in a session of its own, its parent gone. See world/governed.sh.
governed_start() {
	local login=$1 home=/home/$1
	mkdir -p "$home/governed"
	rm -f "$home"/governed/*
	cp /src/vmtests/world/governed.sh "$home/governed.sh"
	chown -R "$login:" "$home/governed" "$home/governed.sh"
	client_run "shell-$login" "$login" "SCENARIO:governed-shell home=$home"
	governed "$login" true
}

# governed LOGIN COMMAND: the command in that shell; prints what it printed, returns what it returned
governed() {
	local directory=/home/$1/governed n tries=600
	# counted in files: this often runs in a subshell, where a variable would be lost
	n=$(($(find "$directory" -name '[0-9]*.sh' | wc -l) + 1))
	echo "$2" >"$directory/new"
	chmod 0644 "$directory/new"
	mv "$directory/new" "$directory/$n.sh"
	while [ ! -e "$directory/$n.rc" ]; do
		[ $((tries -= 1)) -ge 0 ] || {
			echo "the governed shell of $1 did not answer"
			return 99
		}
		sleep 0.1
	done
	cat "$directory/$n.out"
	return "$(cat "$directory/$n.rc")"
}

# ---- the stand-in Messages API ------------------------------------------------------------------

api_mark() {
	api_seen=$(wc -l <$world/api.jsonl)
}

# api KEY FILTER: a jq filter over what that run of the client asked the stand-in for (an array)
api() {
	tail -n +$((api_seen + 1)) $world/api.jsonl |
		jq -s -e -r -L /src/vmtests --arg session "$(cat "$work/$1.session")" \
			'include "expect"; map(select(.session == $session)) | '"$2"
}

# No request of this scenario was damaged on its way, none asked for more turns than there were.
api_clean() {
	tail -n +$((api_seen + 1)) $world/api.jsonl | jq -s -e -L /src/vmtests \
		'include "expect"; api_errors | if length == 0 then true else (. | halt_error(1)) end'
}

# ---- bailiff ------------------------------------------------------------------------------------

# Every process whose program is bailiffd; none of them gives itself another name. Never this shell's
# own children by name: the guest is the only place where this is run.
bailiff_pids() {
	local exe name
	for exe in /proc/[0-9]*/exe; do
		# readlink is a process of its own, and there are many here: only for names that may be
		name=
		{ read -r name <"${exe%exe}comm"; } 2>/dev/null
		[[ $name == bailiff* ]] || continue
		case $(readlink "$exe" 2>/dev/null) in
		/usr/local/sbin/bailiffd | '/usr/local/sbin/bailiffd (deleted)')
			exe=${exe#/proc/}
			echo "${exe%/exe}"
			;;
		esac
	done
}

# policy_variant NAME: a copy of the world's policy to change; prints where it is
policy_variant() {
	rm -rf "$world/policy-$1"
	cp -r "$policy" "$world/policy-$1"
	echo "$world/policy-$1"
}

# status FILTER: a jq filter over what `bailiff status` says
status() {
	bailiff status --json | jq -e -r "$1"
}

# bailiff_on [POLICY_DIRECTORY]. It waits two minutes for what was probed before (agent/keeper).
bailiff_on() {
	as_service bailiff bailiffd --policy "${1:-$policy}" >>"$work/bailiffd.log" 2>&1 &
	local pid=$! tries=1200
	while [ $((tries -= 1)) -ge 0 ] && kill -0 $pid; do
		timeout 120 bailiff status --json >"$work/status.json" 2>/dev/null
		case $? in
		0) jq -e .watching "$work/status.json" >/dev/null && return 0 ;;
		124) break ;;
		esac
		sleep 0.1
	done
	echo "bailiffd did not answer on $query_socket:"
	tail -n 20 "$work/bailiffd.log"
	bailiff_where >>"$work/bailiffd.log" 2>&1
	return 1
}

# bailiff_where: where the processes of one that does not answer are, and what else is blocked
bailiff_where() {
	local pid file
	for pid in $(bailiff_pids); do
		for file in comm status wchan stack syscall; do
			echo "== $pid $file"
			head -n 30 "/proc/$pid/$file"
			echo
		done
		ls -l "/proc/$pid/fd"
	done
	cat /proc/locks
	echo w >/proc/sysrq-trigger
	sleep 1
	dmesg | tail -n 120
}

bailiff_kill() {
	local pid
	for pid in $(bailiff_pids); do
		kill -9 "$pid"
	done
	for pid in $(seq 50); do
		[ -z "$(bailiff_pids)" ] && return 0
		sleep 0.1
	done
	return 1
}

# Nothing of bailiff is left in force: the state of a host that never had it, apart from the log.
bailiff_off() {
	if [ -n "$(bailiff_pids)" ]; then
		timeout 20 bailiff detach --yes
		sleep 0.2
	fi
	bailiff_kill
	rm -rf /sys/fs/bpf/bailiff* /run/bailiff
	programs_gone
}

# programs_gone: the kernel lets go of a link some time after its last name, and until then its program
# goes on refusing. The link's number is gone before that, the program itself is not.
programs_gone() {
	local tries=100
	while bpftool -j prog show | jq -e 'any(.[]; .type | test("^(lsm|tracing|cgroup_)"))'; do
		[ $((tries -= 1)) -ge 0 ] || {
			echo "programs are still loaded after bailiff was taken away:"
			bpftool prog show
			return 1
		}
		sleep 0.1
	done >/dev/null
}

# unlinked NAME…: the pins of these programs go, of one for cgroups at each of them, and with them the
# programs
unlinked() {
	local name
	for name in "$@"; do
		check "$name is attached" test -e $links/*/"$name"
		rm -f $links/*/"$name" $links/*/"$name"@*
	done
	# the kernel lets go of a link some time after its last name
	sleep 1
}

# What stays in force when bailiff is told to end, or is killed, is the point of it; so between
# scenarios everything is taken down by hand.
world_reset() {
	local group pid
	for group in /sys/fs/cgroup/user.slice/*/*.scope; do
		[ -e "$group/cgroup.kill" ] && echo 1 >"$group/cgroup.kill"
	done
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null
	done
	rm -rf $log_directory /var/lib/bailiff
	rm -rf /home/*/.claude.json /home/*/.claude/projects
}

# ---- events -------------------------------------------------------------------------------------

events_mark() {
	events_seen=0
	[ -f $log_directory/events.jsonl ] && events_seen=$(wc -l <$log_directory/events.jsonl)
	return 0
}

# events FILTER [NAME VALUE…]: a jq filter over the events since the mark (an array); see expect.jq
events() {
	local filter=$1 args=()
	shift
	while [ $# -ge 2 ]; do
		args+=(--arg "$1" "$2")
		shift 2
	done
	[ -f $log_directory/events.jsonl ] || return 1
	tail -n +$((events_seen + 1)) $log_directory/events.jsonl |
		jq -s -e -r -L /src/vmtests "${args[@]}" 'include "expect"; '"$filter"
}

# event WHAT FILTER [NAME VALUE…]: within ten seconds the filter gives true, else the step fails.
# Two seconds are promised; under software emulation they are longer.
event() {
	local what=$1 tries=40
	shift
	while [ $((tries -= 1)) -ge 0 ]; do
		if events "$@" >"$work/event" 2>&1; then
			echo "ok: $what"
			return 0
		fi
		sleep 0.25
	done
	fail "$what"
	tail -c 600 "$work/event"
	return 1
}

# ---- the load generator -------------------------------------------------------------------------

# loadgen_policy NAME ADDRESS PORT: a copy of the world's policy that takes loadgen for a client and
# lets it go there; prints where it is. The server is another file: the digest that the policy lists
# must not make a client of it, too.
loadgen_policy() {
	local directory digest
	cp /build/loadgen /usr/local/bin/loadgen
	cp /build/loadgen /usr/local/bin/loadserver
	echo >>/usr/local/bin/loadserver
	digest=$(sha256sum /usr/local/bin/loadgen | cut -d' ' -f1)
	directory=$(policy_variant "$1")
	sed -i "s|^    - name: api.anthropic.com|    - {cidr: $2/32, ports: [$3]}\n&|" \
		"$directory/bailiff.yaml"
	printf 'clients:\n  extra:\n    - {name: loadgen, sha256: %s}\n' "$digest" \
		>>"$directory/bailiff.yaml"
	echo "$directory"
}

# Has bailiff look at loadgen: one that stays until it was. A sender would have ended before, refused.
loadgen_inspected() {
	local probe
	loadgen stay >"$work/probe" 2>&1 &
	probe=$!
	for _ in $(seq 100); do
		status ".clients[] | select(.pid == $probe) | .inspected" >"$work/inspected" 2>&1 && break
		sleep 0.1
	done
	kill $probe
	grep -qx true "$work/inspected"
}

# counted as text: the log is long by then, and jq takes its time under emulation
requests_in_log() {
	grep -c '"event_code":"model_request"' $log_directory/events.jsonl
}

# ---- the test hosts -----------------------------------------------------------------------------

# IP packets that ever arrived in a namespace, counted by its own kernel tables; ARP is none
packets_at() {
	nsenter --net="/run/netns/$1" cat /proc/net/snmp | awk '$1 != "Ip:" { next }
		!at { for (at = 2; $at != "InReceives"; at++); next }
		{ print $at }'
}

connections_at() {
	grep -c '"connection"' "$world/$1.jsonl"
}

# ---- planted values -----------------------------------------------------------------------------

# the values, one a line; of the private key each line of its body
planted_values() {
	jq -r '.[] | split("\n")[] | select(startswith("-----") | not)' $world/planted.json
}

planted_are_in() {
	local value
	while read -r value; do
		grep -qF -- "$value" "$1" || {
			echo "missing: $value"
			return 1
		}
	done < <(planted_values)
}

# planted_in_files DIRECTORY…: names of files that hold a planted value, in plain, in base64, in hex,
# or with a separator between its groups; nothing is what a test wants
planted_in_files() {
	/usr/bin/python3 /src/vmtests/world/search.py $world/planted.json "$@"
}
