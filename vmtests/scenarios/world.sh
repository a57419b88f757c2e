# SPDX-License-Identifier: Apache-2.0
# The world without bailiff: everything that policy will forbid works. A refusal in another scenario
# means something only because this one passes.
# shellcheck shell=bash
# deadline: 900
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

step "alice's model uses the skill pdf; carol's model fetches a page"
before=$(packets_at blocked)
client_start skill alice "SCENARIO:skill-pdf please"
client_start curl carol "SCENARIO:bash-curl host=blocked.example"
client_wait skill curl
check "the client ends well" client_succeeded skill
check "it prints the last turn" client_says skill "The skill part is over."
check "the skill was launched" api skill 'result("Skill") == "Launching skill: pdf"'
check "its text reached the model" api skill 'said | contains("skill-body-of-pdf")'
check "both skills were listed" api skill 'turns[0].skills_listed | contains(["pdf", "docx"])'
check "the answer was compressed" api skill 'all(turns[]; .encoding == "gzip")'
check "curl reached the host" api curl 'result("Bash") | contains("This is blocked.example") and contains("exit=0")'
check "packets arrived there" test "$(packets_at blocked)" -gt "$before"
check "a connection was recorded there" test "$(connections_at blocked.example)" -gt 0
detail "skill launched in $(cat "$work/skill.ms") ms, page fetched in $(cat "$work/curl.ms") ms"

step "carol types /pdf report; mallory's model reads the skill's file"
client_start slash carol "/pdf report"
client_start read mallory "SCENARIO:read-skill home=/home/mallory"
client_wait slash read
check "the client ends well" client_succeeded slash
check "the skill's text was sent without a tool call" api slash \
	'said | contains("<command-name>/pdf</command-name>") and contains("skill-body-of-pdf")'
check "Read gave the text" api read 'result("Read") | contains("skill-body-of-pdf")'
check "cat gave the text" api read 'result("Bash") | contains("skill-body-of-pdf")'
detail "the slash form and both ways of reading the file work"

step "a shell reaches the model API; nobody logs"
check "alice's curl gets an answer" as_user alice curl -sS -m 20 https://api.anthropic.com/api/hello
check "nothing was logged" test ! -e $log_directory/events.jsonl
check "every request was well-formed" api_clean

step "a planted answer arrives whole"
client_run planted alice "SCENARIO:planted"
check "every value is printed" planted_are_in "$work/planted.out"
