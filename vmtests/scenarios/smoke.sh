# SPDX-License-Identifier: Apache-2.0
# The shortest proof that the doors are shut, for another kernel: skill, destination, model API.
# shellcheck shell=bash
# deadline: 480
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

step "carol's model may not use the skill pdf, nor fetch blocked.example; both are explained"
# since 6.13 the kernel notes in a file's times that they were asked for
stat -L "$(command -v claude)" >/dev/null
bailiff_on "$policy" || fail "bailiff did not start"
before=$(packets_at blocked)
client_run both carol "SCENARIO:skill-and-curl"
check "the client ends well" client_succeeded both
check "it goes on to its last turn" client_says both "Both parts are over."
check "the skill's text did not reach the model" api both 'said | contains("skill-body-of-pdf") | not'
check "the page did not come" api both \
	'result("Bash") | (contains("This is blocked") | not) and contains("exit=7")'
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"
event "the skill: who, what and which rule" 'skill_refused("carol@company.com"; "pdf")'
event "the connection, by the tool use that caused it" \
	'destination_by_tool("carol@company.com"; "10.77.2.10"; "denied")'
event "what was said was read" \
	"code(\"model_request\") | session(\"$(cat "$work/both.session")\") | some"
detail "$(uname -r): $(status '.posture | map("\(.capability) \(.state)\(if .means == "" then "" else " (\(.means))" end)") | join(", ")')"

step "a shell does not reach the model API; with bailiff off it does"
check_not "carol's curl fails" as_user carol curl -sS -m 20 https://api.anthropic.com/api/hello
event "an event says why" 'model_refused("carol@company.com"; "10.77.1.10")'
bailiff_off
check "off: it gets an answer" as_user carol curl -sS -m 20 https://api.anthropic.com/api/hello
