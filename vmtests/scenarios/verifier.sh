# SPDX-License-Identifier: Apache-2.0
# How many instructions the verifier looks at, as the kernel tells of each program that bailiffd
# loaded; vmtests/verifier.py makes docs/verifier.md of it. Over 200,000 is a failure: a later kernel
# may look at more, and refuses at a million.
# shellcheck shell=bash
# deadline: 240
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

step "every program is taken, and none takes the verifier over 200,000 instructions"
bailiff_on "$policy" || fail "bailiff did not start"
status '.posture[] | "\(.capability): \(.state) \(.means) (\(.reason))"'
bailiff status --json | jq -c --arg kernel "$(uname -r)" \
	'{kernel: $kernel, means: ([.posture[].means] | max), programs, posture}' >"$work/programs.json"
check "there are programs" jq -e '.programs | length > 20' "$work/programs.json"
check "none is over 200,000" jq -e 'all(.programs[]; .instructions <= 200000)' "$work/programs.json"
check "each was counted" jq -e 'all(.programs[]; .instructions > 0)' "$work/programs.json"
check "nothing is lowered" jq -e \
	'all(.posture[]; .state == "enforce" or .capability == "tls capture"
		or .capability == "byte ledger")' "$work/programs.json"
detail "$(jq -r '"\(.programs | length) programs, largest \(.programs | max_by(.instructions) | "\(.name) \(.instructions)")"' "$work/programs.json")"
