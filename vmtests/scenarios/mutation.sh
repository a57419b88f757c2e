# SPDX-License-Identifier: Apache-2.0
# What refuses is the hook: with its link removed, and nothing else changed, the refused action
# succeeds. So the tests of denials would fail if the hook did not work.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

skill=/home/carol/.claude/skills/pdf/SKILL.md

page() {
	governed carol "curl -sS -m 10 https://blocked.example/" | grep -q "This is blocked.example"
}

skill_opens() {
	governed carol "cat $skill" | grep -q skill-body-of-pdf
}

model() {
	as_user carol curl -sS -m 20 https://api.anthropic.com/api/hello
}

# the same by somebody who is not governed either, in the client's cgroup
model_beside() {
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$1/cgroup.procs"; exec curl -sS -m 20 https://api.anthropic.com/api/hello' sh "$scope"
}

step "with every hook: curl, the skill's file and the model API are refused, with no bailiffd"
bailiff_on "$policy" || fail "bailiff did not start"
governed_start carol
scope=/sys/fs/cgroup$(governed carol "sed -n s/^0:://p /proc/self/cgroup")
check "every process is gone" bailiff_kill
ls $links/*/
check_not "the page does not come" page
check_not "the skill's file does not open" skill_opens
check_not "the model API is not reached" model
check_not "nor from the client's cgroup" model_beside

step "without file_open: the skill's file opens, the page still does not come"
unlinked file_open
check "the skill's file opens" skill_opens
check_not "a hard link of it is refused by inode_link" \
	governed carol "ln $skill /home/carol/link"
check_not "the page does not come" page

step "without file_link: the hard link can be made"
unlinked file_link
check "the hard link is made" governed carol "ln $skill /home/carol/link"

step "without lsm/socket_connect: the cgroup program refuses in its place, where it runs"
before=$(packets_at blocked)
unlinked net_connect
check_not "the page does not come" page
check_not "the model API is not reached from the client's cgroup" model_beside
check "it is from another one, which has that door alone" model
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"

step "without cgroup/connect4 either: no packet of it leaves, by cgroup_skb/egress"
unlinked net_connect4
check_not "the page does not come" page
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"

step "without that either: the connection is made, and reset as the request is sent"
unlinked net_egress
check_not "the page does not come" page
check "packets arrived there: the connection was made" test "$(packets_at blocked)" -gt "$before"
check "the model API is reached by a shell, which sends judge only where governed" model_beside

step "without lsm/socket_sendmsg either: the page comes"
unlinked net_sendmsg
check "the page comes" page
check "the model API is reached" model
check "packets arrived there" test "$(packets_at blocked)" -gt "$before"

step "bailiffd starts again: all hooks are back, over what was left, and bind the same shell"
rm -f /home/carol/link
bailiff_on "$policy" || fail "bailiff did not start"
check_not "the page does not come" page
check_not "the skill's file does not open" skill_opens
check_not "the hard link is refused" governed carol "ln $skill /home/carol/link"
check_not "the model API is not reached" model

step "without lsm/socket_connect alone when the other is gone first: the order does not matter"
check "every process is gone" bailiff_kill
unlinked net_connect4
check_not "the page does not come" page
check_not "the model API is not reached" model
