# SPDX-License-Identifier: Apache-2.0
# Borrowed doors: what runs beside the client lends its network. Each attempt three times: in record
# mode it succeeds, enforced it is refused and an event says so, and without its hook it succeeds
# again.
# shellcheck shell=bash
# deadline: 900
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

blocked=10.77.2.10
lend=/home/carol/lend
doors=$(policy_variant doors)
python=/usr/bin/python3
tun=/dev/innocent

mkdir -p $lend /run/lender
chown carol: $lend
modprobe tun 2>/dev/null
echo 0 >/proc/sys/kernel/yama/ptrace_scope
echo 1 >/proc/sys/kernel/unprivileged_userns_clone
mknod -m 0666 $tun c 10 200
socat UNIX-LISTEN:/run/lender/listed.sock,fork,mode=0666 SYSTEM:'echo lent' &
service=$!
as_user carol $python /src/vmtests/world/lend.py $lend >"$work/lend.log" 2>&1 &
as_user carol tmux -S $lend/tmux.sock new-session -d 'sleep 300'
as_user carol ssh-agent -a $lend/agent.sock -D >/dev/null 2>&1 &
ip netns exec blocked $python /src/vmtests/world/sink.py 9999 "$work/sink" &
sed -i '/^destinations:/a\  local:\n    - path: /run/lender/listed.sock\n  listen: [4100]' "$doors/bailiff.yaml"

borrow() {
	governed carol "$python /src/vmtests/world/borrow.py $lend $*"
}

# Each: what is tried, and what the event's door and reason are. A row with a program of its own has
# its name last, for the third time.
rows="stream:local_connect:local_socket:ipc_connect
packet:local_connect:local_socket:ipc_connect
abstract:local_connect:local_socket:ipc_connect
datagram:local_send:local_socket:ipc_send
received:descriptor:descriptor:ipc_receive
ptrace:trace:trace:ipc_trace
memory:trace:trace:ipc_trace
vm_write:trace:trace:ipc_trace
getfd:trace:trace:ipc_trace
namespace:namespace:namespace:ipc_namespace
device $tun:device:device:ipc_open
listen_any:listen:listen:net_listen
listen_any6:listen:listen:net_listen
bind_datagram:bind:listen:net_bind
proxy:lsm_connect:default:-
proxy6:lsm_connect:default:-
beside:lsm_connect:default:-
stolen:lsm_connect:default:-"

step "recorded: everything goes through"
sed 's/^mode: enforce/mode: record/' "$doors/bailiff.yaml" >"$doors/record.yaml"
cp "$doors/bailiff.yaml" "$work/enforce.yaml"
mv "$doors/record.yaml" "$doors/bailiff.yaml"
bailiff_on "$doors" || fail "bailiff did not start"
governed_start carol
while IFS=: read -r attempt _; do
	check "$attempt" borrow "$attempt"
done <<<"$rows"
check "tmux takes a command" governed carol "tmux -S $lend/tmux.sock new-window -d 'sleep 1'"
governed carol "SSH_AUTH_SOCK=$lend/agent.sock ssh-add -l"
check "the agent answers: it has no key" test $? = 1
echo "what should stay here" >$lend/secret
for key in one two; do
	governed carol "$python /src/vmtests/world/borrow.py $lend open_connection $blocked 9999 $key \
		>/dev/null 2>&1 & sleep 2"
	check "connection $key to the blocked host stands" test -e $lend/connected-$key
done

step "enforced: the same attempts are refused, and events say so"
events_mark
cp "$work/enforce.yaml" "$doors/bailiff.yaml"
check "the policy is taken" bailiff reload
while IFS=: read -r attempt door reason _; do
	check_not "$attempt" borrow "$attempt"
done <<<"$rows"
while IFS=: read -r attempt door reason _; do
	event "an event of $attempt" "map(select(.unmapped.door == \$door and
		.unmapped.reason == \$reason)) | person(\"carol@company.com\") | verdict(\"denied\")
		| any(.[]; .unmapped.sentence | length > 20)" door "$door" reason "$reason"
done < <(sort -u -t: -k2,3 <<<"$rows")
check_not "tmux takes no command" governed carol "tmux -S $lend/tmux.sock new-window -d 'sleep 1'"
governed carol "SSH_AUTH_SOCK=$lend/agent.sock ssh-add -l"
check "the agent cannot be asked" test $? = 2
event "the event names the socket" 'code("door") | any(.[]; .unmapped.target == "'$lend'/docker.sock"
	and .unmapped.peer_pid == '"$(cut -d' ' -f1 $lend/ready)"')'
event "and the abstract one" 'code("door") | any(.[]; .unmapped.target == "@lend-abstract")'
as_user carol bailiff why -n 40 >"$work/why" 2>&1
check "bailiff why explains it" grep -q "local socket $lend/docker.sock was refused" "$work/why"
detail "carol is told: $(grep -m1 docker.sock "$work/why" | cut -c1-160)"

step "enforced: what is the lineage's own, and what is listed, goes on working"
for attempt in own own_local own_received own_child bind_client listen_port; do
	check "$attempt" borrow $attempt
done
check "a listed socket" borrow at /run/lender/listed.sock
governed carol "$python /src/vmtests/world/borrow.py $lend serve 4030 2 >/dev/null 2>&1 & sleep 1"
check "a server below the client answers the person" \
	as_user carol $python /src/vmtests/world/borrow.py $lend from 4030
check "and the client's other children" borrow from 4030
check "who is not governed uses what it likes" \
	as_user carol $python /src/vmtests/world/borrow.py $lend stream

step "enforced: what an open connection sends by sendfile does not leave"
touch $lend/go-one
sleep 3
check "nothing arrived" test ! -s "$work/sink"
event "an event says so" 'map(select(.unmapped.door == "cgroup_egress" or
	.unmapped.door == "open_connection"))
	| to("'$blocked'") | person("carol@company.com") | verdict("denied") | some'

step "a listed service makes its socket anew: it is found again"
kill "$service"
rm -f /run/lender/listed.sock
socat UNIX-LISTEN:/run/lender/listed.sock,fork,mode=0666 SYSTEM:'echo lent' &
sleep 4
check "the new socket" borrow at /run/lender/listed.sock

step "without its hook each goes through again"
check "every process is gone" bailiff_kill
links=$(echo /sys/fs/bpf/bailiff/v*/links)
while read -r program; do
	check "$program is attached" test -e "$links"/*/"$program"
	rm -f "$links"/*/"$program"
done < <(cut -d: -f4 <<<"$rows" | grep -v '^-' | sort -u)
sleep 1
while IFS=: read -r attempt _ _ program; do
	if [ "$program" != - ]; then
		check "$attempt without $program" borrow "$attempt"
	fi
done <<<"$rows"
check_not "the proxy stays refused" borrow proxy
rm -f "$links"/*/net_egress "$links"/*/net_egress@* "$links"/*/net_sendmsg
sleep 1
touch $lend/go-two
sleep 3
check "what the other connection sends arrives" grep -q "should stay" "$work/sink"
