# SPDX-License-Identifier: Apache-2.0
# Records what the real client and the stand-in say to one another, for tests/corpus/recorded. No test
# of its own; see the README there.
# shellcheck shell=bash
# deadline: 600
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh
# shellcheck source=vmtests/capture.sh
. /src/vmtests/capture.sh

directory=$(policy_variant recorded)
# what is only logged is left as it is; but the stand-in is asked not to compress
printf '%s\n' "inline:" "  detectors:" "    us-ssn: log" >>"$directory/bailiff.yaml"

step "conversations: a long answer, ten turns with thinking, files, the web"
bailiff_on "$directory" || fail "bailiff did not start"
capture_begin talk || fail "the capture did not start"
client_run talk alice "SCENARIO:recorded-talk Explain it to me."
check "the client ends well" client_succeeded talk
capture_part turns
client_run turns alice "SCENARIO:recorded-turns Go."
check "all turns were made" client_says turns "Ten steps are over."
capture_part files
client_run files alice "SCENARIO:recorded-files Read it."
check "they were read" client_says files "terms and conditions"
capture_part web
client_run web alice "SCENARIO:recorded-web Look it up." --allowedTools WebFetch,WebSearch
check "it was looked up" client_says web "That is all that I found."
check "no request was damaged" api_clean
capture_end $world/allowed.example.jsonl >"$work/wire" 2>&1 || fail "$(tail -n 3 "$work/wire")"
for part in talk turns files web; do
	mkdir -p "$work/records/$part"
	cp $capture/said/$part/*.records "$work/records/$part/"
done
detail "$(tail -n 1 "$work/wire")"
bailiff_off
