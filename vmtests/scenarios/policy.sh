# SPDX-License-Identifier: Apache-2.0
# A policy that changes: a bad one changes nothing, a good one binds what runs already.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

blocked=10.77.2.10
changing=$(policy_variant changing)

step "bailiffd does not start with a bad policy: status 2, and it says where"
echo "modes: enforce" >>"$changing/bailiff.yaml"
timeout 20 bailiffd --policy "$changing" >"$work/refused" 2>&1
rc=$?
cat "$work/refused"
check "exit status 2" test $rc = 2
check "file, line and column" grep -Eq 'bailiff\.yaml:[0-9]+:[0-9]+: ' "$work/refused"
check "the key is named" grep -q modes "$work/refused"
check "nothing was attached" test ! -e /sys/fs/bpf/bailiff
cp $policy/* "$changing/"

step "a governed shell that goes on"
bailiff_on "$changing" || fail "bailiff did not start"
governed_start alice
out=$(governed alice "curl -sS -m 10 https://blocked.example/")
check "its curl is refused" test $? = 7
generation=$(status .policy.generation)

# a policy with an error is loaded: what is in force stays
refused() {
	local what=$1 line=$2
	events_mark
	bailiff reload >"$work/reload" 2>&1
	check "$what: bailiff reload fails with status 2" test $? = 2
	cat "$work/reload"
	check "$what: it says where" grep -Eq "$line" "$work/reload"
	event "$what: an event says so" 'code("policy_refused") | some'
	check "$what: the generation stays" test "$(status .policy.generation)" = "$generation"
	before=$(packets_at blocked)
	out=$(governed alice "curl -sS -m 10 https://blocked.example/")
	check "$what: curl is refused as before" test $? = 7
	check "$what: not one packet arrived" test "$(packets_at blocked)" = "$before"
	event "$what: and it is logged" "destination(\"alice@company.com\"; \"$blocked\"; \"denied\")"
	cp $policy/* "$changing/"
}

step "bailiff reload with an unknown key, and with a team that nobody is in"
sed -i 's/^destinations:$/&\n  alow: []/' "$changing/bailiff.yaml"
line=$(grep -n alow: "$changing/bailiff.yaml" | cut -d: -f1)
refused "unknown key" "bailiff\.yaml:$line:[0-9]+: .*alow"
sed -i "s/allowed_teams: \[engineers, data-team\]/allowed_teams: [engineers, nobody-team]/" "$changing/acl.yaml"
line=$(grep -n nobody-team "$changing/acl.yaml" | head -n 1 | cut -d: -f1)
refused "unknown team" "acl\.yaml:$line:[0-9]+: .*nobody-team"
detail "$(tail -n 1 "$work/reload" | cut -c1-160)"

step "a good change: the running shell's next curl goes through, and the next change stops it"
events_mark
sed -i '/^  deny:$/,/^$/d' "$changing/bailiff.yaml"
sed -i 's/^    - name: allowed.example$/    - {name: blocked.example, private: true}\n&/' "$changing/bailiff.yaml"
check "bailiff reload" bailiff reload
check "the generation went up" test "$(status .policy.generation)" -gt "$generation"
out=$(governed alice "curl -sS -m 10 https://blocked.example/")
check "the page came" grep -q "This is blocked.example" <<<"$out"
event "an event says which policy applies" 'code("policy_applied") | some'
event "the connection is in the log, allowed" \
	"destination(\"alice@company.com\"; \"$blocked\"; \"allowed\")"
cp $policy/* "$changing/"
check "bailiff reload, back" bailiff reload
out=$(governed alice "curl -sS -m 10 https://blocked.example/")
check "its curl is refused again" test $? = 7
detail "generation $generation to $(status .policy.generation)"
