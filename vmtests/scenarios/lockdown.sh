# SPDX-License-Identifier: Apache-2.0
# A kernel in lockdown does not allow a program to write to user memory: nothing is masked, which is
# said, and the policy decides whether clients may run there. Lockdown stays until the next boot, so
# this runs in a boot of its own, or last.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

model=10.77.1.10
project=/home/alice/project
ssn=$(jq -r .ssn $world/planted.json)
directory=$(policy_variant lockdown)
lockdown=/sys/kernel/security/lockdown

# in_force run|refuse [MODE]
in_force() {
	cp $policy/bailiff.yaml "$directory/bailiff.yaml"
	printf 'clients:\n  extra:\n    - name: mimic\n      sha256: %s\n' \
		"$(sha256sum $project/mimic | cut -d' ' -f1)" >>"$directory/bailiff.yaml"
	printf 'inline:\n  mode: %s\n  unsupported: %s\n  detectors:\n    us-ssn: {request: mask}\n' \
		"${2:-enforce}" "$1" >>"$directory/bailiff.yaml"
}

reaches_model() {
	AS_USER_SCOPE=lockdown AS_USER_DIRECTORY=$project as_user alice timeout 60 ./mimic reach $model 443
}

# looked_at FILTER: a client's file comes to be in that state. One that ends before the keeper comes
# to it leaves nothing to look at.
looked_at() {
	local tries=20
	while [ $((tries -= 1)) -ge 0 ]; do
		reaches_model >/dev/null 2>&1
		status ".images | any(.[]; $1)" >/dev/null 2>&1 && return 0
		sleep 0.5
	done
	status .images
	return 1
}

posture_is() {
	status ".posture | any(.[]; .capability == \"text in place\" and .state == \"$1\"
		and (.reason | contains(\"$2\")))"
}

step "twin: a kernel that allows it enforces, whatever the policy says of one that does not"
cp /build/mimic $project/mimic
chown alice: $project/mimic
in_force refuse
mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security
check "the kernel is not in lockdown" grep -qF '[none]' $lockdown
bailiff_on "$directory" || fail "bailiff did not start"
check "the posture is enforce" posture_is enforce loaded
check "the client is inspected" looked_at .inspected
check "it reaches the model API" reaches_model
bailiff_off

step "in lockdown: the posture says that it only tells, and why"
echo integrity >$lockdown
in_force run
bailiff_on "$directory" || fail "bailiff did not start"
check "the posture is observe" posture_is observe "in lockdown: bpf_probe_write_user"
check "people read it, too" sh -c 'bailiff status | grep -q "in lockdown"'
check "the client is inspected" looked_at .inspected
check "run: it reaches the model API" reaches_model
client_run told alice "SCENARIO:default My number is $ssn."
check "the API had the number" api told 'any(.[]; (.planted // []) | index("ssn"))'
event "what would have been masked is told" 'code("inline") | verdict("would_deny")
	| map(select(.unmapped.detector == "us-ssn")) | some'

step "refuse: clients are kept from the model API, and it is said why"
events_mark
in_force refuse
check "the policy is taken" bailiff reload
check_not "the client does not reach the model API" reaches_model
event "the refusal is an event" "model_refused(\"alice@company.com\"; \"$model\")"
check "the posture says why" posture_is observe "may not use the model API"
check "so does the file of the client" looked_at \
	'(.inspected | not) and (.why | contains("inline.unsupported"))'
event "an event has the posture" 'code("posture") | any(.[]; .unmapped.posture | any(.[];
	.capability == "text in place" and (.reason | contains("may not use the model API"))))'

step "the policy says otherwise, or asks for less: they may again"
in_force refuse shadow
check "the policy is taken" bailiff reload
check "where nothing is to be masked it reaches the model API" reaches_model
in_force refuse
check "the policy is taken" bailiff reload
check_not "it does not" reaches_model
in_force run
check "the policy is taken" bailiff reload
check "it does" reaches_model
check "the posture has nothing of it" posture_is observe "the kernel is in lockdown"

step "a bailiff that starts with refuse closes what an earlier one had open"
in_force refuse
check "every process is gone" bailiff_kill
bailiff_on "$directory" || fail "bailiff did not start"
check_not "the client does not reach the model API" reaches_model
check "looked at anew it is not inspected" looked_at '.inspected | not'
check_not "nor does it then" reaches_model
bailiff_off
