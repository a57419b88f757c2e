# SPDX-License-Identifier: Apache-2.0
# Names: an address opens for the lineage that a configured resolver told of it, for as long as the
# answer counts, and for nobody else.
# shellcheck shell=bash
# deadline: 1200
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

changing=$(policy_variant names)
whole=/tmp/bailiffd.whole

# told LOGIN NAME: the governed shell of LOGIN asks for the name
told() {
	governed "$1" "getent ahosts $2"
}

# opens LOGIN ADDRESS: a connection is let through; nobody need listen there
opens() {
	local out
	out=$(governed "$1" "exec 3<>/dev/tcp/$2/443" 2>&1) && return 0
	echo "$out"
	grep -q "Connection refused" <<<"$out"
}

# closed LOGIN ADDRESS: it is refused here, and not by the other end
closed() {
	local out
	out=$(governed "$1" "exec 3<>/dev/tcp/$2/443" 2>&1) && return 1
	echo "$out"
	grep -q "not permitted" <<<"$out"
}

# paged: what a connection to 10.77.3.30 says once an answer in a page has told of it
paged() {
	local server
	rm -rf /run/pages
	mkdir -p /run/pages
	ip netns exec dns /usr/bin/python3 /src/vmtests/world/forge.py pages 10.77.0.54 10.77.3.30 /run/pages &
	server=$!
	while [ ! -e /run/pages/listens ] && kill -0 $server; do sleep 0.1; done
	governed carol "/usr/bin/python3 /home/carol/forge.py ask 10.77.0.54 p.names.example \
		/home/carol/governed 10.77.3.30" | tail -n 1
	wait $server
}

# on_without SYMBOL: bailiff, as on a kernel that has no such thing: it looks for another name
on_without() {
	touch /home/carol/governed/stop
	bailiff_off || return 1
	LC_ALL=C sed "s/$1/${1%?}_/g" $whole >/usr/local/sbin/bailiffd
	! cmp -s $whole /usr/local/sbin/bailiffd && bailiff_on "$changing" && governed_start carol
}

# pushed SED-EXPRESSION: the policy of this scenario, changed, in force
pushed() {
	sed -i "$1" "$changing/bailiff.yaml"
	bailiff reload
}

for i in 21 22 23 24 25 26 27 28 29 30 100; do
	ip -n allowed addr add 10.77.3.$i/24 dev eth0
done
sed -i 's/^  allow:$/&\n    - name: "*.names.example"\n      private: true\n    - name: "*.public.example"/' \
	"$changing/bailiff.yaml"
check "the policy is good" bailiff policy check "$changing"

step "a name under the wildcard: its address is closed until this lineage has asked"
bailiff_on "$changing" || fail "bailiff did not start"
check "names are read" status '.posture[] | select(.capability == "packets (cgroup)") | .state == "enforce"'
governed_start carol
governed_start alice
check "before: refused" closed carol 10.77.3.21
told carol w1.names.example
check "after: open" opens carol 10.77.3.21
event "an event says what was learned" \
	'code("name") | person("carol@company.com") | map(select(.query.hostname == "w1.names.example" and .unmapped.name_event == "learned")) | some'
event "and the connection's event names it" \
	'code("destination") | to("10.77.3.21") | verdict("allowed") | any(.[]; .dst_endpoint.hostname == "w1.names.example")'
detail "$(events 'code("destination") | to("10.77.3.21") | last | .unmapped.what')"

step "what another lineage, or a process outside of any, was told opens nothing here"
told alice w2.names.example
check "open for who asked" opens alice 10.77.3.22
check "closed for the other" closed carol 10.77.3.22
as_user carol getent ahosts w3.names.example
check "closed though carol's own shell asked" closed carol 10.77.3.23

step "an alias, and IPv6: the name that was asked decides"
told carol end.cdn.example
check "the name at the end of the chain is on no list" closed carol 10.77.3.25
event "the refusal's event has it all the same" 'code("destination") | to("10.77.3.25") | verdict("denied")
	| any(.[]; .dst_endpoint.hostname == "end.cdn.example")'
told carol alias.names.example
check "asked by the name that is listed: open" opens carol 10.77.3.25
check "IPv6 before: refused" closed carol fd77:0:0:3::10
told carol six.names.example
check "IPv6 after: open" opens carol fd77:0:0:3::10

step "rebinding: loopback never, private only where the policy says so"
told carol loop.names.example
check "127.0.0.1 stays closed" closed carol 127.0.0.1
event "an event says so" \
	'code("name") | verdict("denied") | any(.[]; .query.hostname == "loop.names.example" and .answers[0].rdata == "127.0.0.1")'
told carol rebind.public.example
check "a private address of a public name stays closed" closed carol 10.77.3.26
event "an event says so" \
	'code("name") | verdict("denied") | any(.[]; .query.hostname == "rebind.public.example")'

step "an answer that is too long for UDP teaches nothing, and says so"
told carol big.names.example | head -n 2
check "its address stays closed" closed carol 10.77.3.100
event "an event says so" \
	'code("name") | any(.[]; .query.hostname == "big.names.example" and .unmapped.name_event == "truncated")'

step "forged answers: another source, another id, another question; and the right one, for comparison"
cp /src/vmtests/world/forge.py /home/carol/forge.py
chmod 0755 /home/carol/forge.py
kill -STOP "$(cat $world/dns.pid)"

# forged NAMESPACE SOURCE TARGET ID NAME ADDRESS: what a connection to ADDRESS says then
forged() {
	rm -f /home/carol/governed/asked
	(
		while [ ! -e /home/carol/governed/asked ]; do sleep 0.1; done
		ip netns exec "$1" /usr/bin/python3 /src/vmtests/world/forge.py answer "$2" "$3" \
			"$(cat /home/carol/governed/asked)" "$4" "$5" "$6"
	) &
	governed carol "/usr/bin/python3 /home/carol/forge.py ask 10.77.0.53 f.names.example \
		/home/carol/governed $6" | tail -n 1
	wait $!
}

check "from another host" test \
	"$(forged blocked 10.77.2.10 10.77.2.1 4242 f.names.example 10.77.3.29)" = EPERM
check "with another id" test \
	"$(forged dns 10.77.0.53 10.77.0.1 4243 f.names.example 10.77.3.29)" = EPERM
check "for another question" test \
	"$(forged dns 10.77.0.53 10.77.0.1 4242 g.names.example 10.77.3.29)" = EPERM
check "the right one opens" test \
	"$(forged dns 10.77.0.53 10.77.0.1 4242 f.names.example 10.77.3.29)" = open
kill -CONT "$(cat $world/dns.pid)"

step "an answer that lies in a page and not in one piece with its header, as network cards leave it"
check "pushed" pushed 's/^  resolvers: .*/  resolvers: [10.77.0.53, 10.77.0.54]/'
ip -n dns addr add 10.77.0.54/24 dev eth0
check "before: refused" closed carol 10.77.3.30
check "after: open" test "$(paged)" = open

step "its time ends: 30 s, for an answer that says one"
told carol short.names.example
check "open" opens carol 10.77.3.24
sleep 31
check "closed" closed carol 10.77.3.24

step "a policy without the name closes what it opened, at once; and questions can be refused"
told carol w5.names.example
check "open" opens carol 10.77.3.28
check "pushed" pushed '/names.example/,/private/d'
check "closed" closed carol 10.77.3.28
check "pushed" pushed 's/^  allow:$/  unlisted_names: refuse\n&\n    - {name: "*.names.example", private: true}/'
check "the name is back, and what was learned counts again" opens carol 10.77.3.28
check_not "a name on no list is not asked for" told carol other.elsewhere.example
event "an event says so" \
	'code("name_query") | person("carol@company.com") | verdict("denied") | any(.[]; .query.hostname == "other.elsewhere.example")'
check "a listed one is" told carol w1.names.example

step "with the program taken away a name opens nothing"
program=$(echo /sys/fs/bpf/bailiff/v*/links/*/dns_heard)
check "dns_heard is attached" test -e "$program"
rm -f "$program"
check "every process is gone" bailiff_kill
sleep 1
told carol w4.names.example
check "closed" closed carol 10.77.3.27

step "with bailiff off all of it is open"
bailiff_off
check "open" opens carol 10.77.3.27
check "open" opens carol 10.77.3.26

step "where the kernel's pages cannot be found, an answer in one opens nothing, and others do"
cp /usr/local/sbin/bailiffd $whole
check "bailiff starts" on_without vmemmap_base
check "in a page: refused" test "$(paged)" = EPERM
told carol w1.names.example
check "in one piece: open" opens carol 10.77.3.21

step "where the function cannot be watched, a program for the packets of all hears the answers"
check "bailiff starts" on_without __udp_enqueue_schedule_skb
bpftool cgroup show /sys/fs/cgroup >"$work/root"
check "it is at the root cgroup" grep dns_ingress "$work/root"
check "before: refused" closed carol 10.77.3.21
told carol w1.names.example
check "after: open" opens carol 10.77.3.21
check "in a page: open" test "$(paged)" = open
unlinked dns_ingress
told carol w2.names.example
check "without it: closed" closed carol 10.77.3.22
bailiff_off
cp $whole /usr/local/sbin/bailiffd
