# SPDX-License-Identifier: Apache-2.0
# The story: what bailiff is for, in ten steps, on the real client. `make demo` tells it.
# shellcheck shell=bash
# deadline: 1500
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

blocked=10.77.2.10
model=10.77.1.10

# what bailiff has written, wherever it may
bailiff_files() {
	cp "$work"/*.log "$work"/seen/ 2>/dev/null
	planted_in_files $log_directory /var/lib/bailiff /run/bailiff "$work/seen"
}

# The client's runs are independent of one another, and there are two processors: each pair runs at
# once, and the steps read what they left.
step "1. alice's model uses the skill pdf: it runs, and the event says who, what and where"
bailiff_on || fail "bailiff did not start"
client_start alice-skill alice "SCENARIO:skill-pdf please"
client_start carol-skill carol "SCENARIO:skill-pdf please"
client_wait alice-skill carol-skill
check "the client ends well" client_succeeded alice-skill
check "the skill was launched" api alice-skill 'result("Skill") == "Launching skill: pdf"'
check "its text reached the model" api alice-skill 'said | contains("skill-body-of-pdf")'
event "an event names person, teams, login uid, build, client ids, model, tool use and duration" \
	"skill_ran(\"alice@company.com\"; \"pdf\"; \"$(cat "$work/alice-skill.session")\")"
detail "$(events 'code("skill_use") | person("alice@company.com") | last | .unmapped |
	"\(.person), teams \(.teams | join("+")), \(.duration_ms) ms, success \(.success)"')"

step "2. carol's model does the same: refused in the kernel, and the client goes on working"
check "the client ends well" client_succeeded carol-skill
check "it goes on to its last turn" client_says carol-skill "The skill part is over."
check "the skill was not launched" api carol-skill 'result("Skill") | contains("Launching") | not'
check "its text did not reach the model" api carol-skill 'said | contains("skill-body-of-pdf") | not'
event "an event says who, what and which rule" 'skill_refused("carol@company.com"; "pdf")'
as_user carol bailiff why >"$work/carol.why" 2>&1
check "bailiff why tells carol" grep -qi "pdf" "$work/carol.why"
detail "carol is told: $(head -n 1 "$work/carol.why" | cut -c1-200)"

step "3. carol types /pdf report, and her model opens the file with Read and with cat: refused"
events_mark
client_start carol-slash carol "/pdf report"
client_start carol-read carol "SCENARIO:read-skill home=/home/carol"
client_wait carol-slash carol-read
check_not "the typed command did not bring the skill's text" \
	api carol-slash 'said | contains("skill-body-of-pdf")'
check "Read did not give it" api carol-read 'result("Read") | contains("skill-body-of-pdf") | not'
check "cat did not give it" api carol-read \
	'result("Bash") | (contains("skill-body-of-pdf") | not) and contains("denied")'
check "the model was told" api carol-read 'last_results | length == 2'
event "events say so" 'skill_refused("carol@company.com"; "pdf")'
detail "the client says: $(head -n 1 "$work/carol-slash.out" | cut -c1-120)"

step "4. mallory is in no list: no skill at all, and the refusal is explained"
events_mark
client_start mallory mallory "SCENARIO:skill-pdf please"
AS_USER_SCOPE=story client_start alice-curl alice "SCENARIO:bash-two"
before=$(packets_at blocked)
client_wait mallory alice-curl
check "the client ends well" client_succeeded mallory
check "no skill of the home is listed" api mallory \
	'turns[0].skills_listed | index("pdf") == null and index("docx") == null'
check "the skill was not launched" api mallory 'result("Skill") | contains("Launching") | not'
event "an event says so" 'code("skill_file") | verdict("denied") | any(.[]; .unmapped.uid == 4003)'
as_user mallory bailiff why >"$work/mallory.why" 2>&1
check "bailiff why tells mallory" test -s "$work/mallory.why"
detail "mallory is told: $(head -n 1 "$work/mallory.why" | cut -c1-200)"

step "5. alice's model runs curl https://blocked.example/: refused before a packet leaves"
check "the client ends well" client_succeeded alice-curl
check "the page that is allowed came" api alice-curl \
	'turns | any(.[]; .results[]?.text | contains("This is allowed.example"))'
check "the other did not" api alice-curl 'result("Bash") | contains("This is blocked") | not'
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"
event "the event names the tool use that caused it" \
	"destination_by_tool(\"alice@company.com\"; \"$blocked\"; \"denied\")"
detail "$(api alice-curl 'result("Bash") | split("\n")[0]')"

step "6. alice's own curl to api.anthropic.com: only inspected Claude processes reach the model"
events_mark
check_not "curl fails" as_user alice curl -sS -m 20 https://api.anthropic.com/v1/messages
event "an event says why" "model_refused(\"alice@company.com\"; \"$model\")"
detail "$(as_user alice curl -sS -m 20 https://api.anthropic.com/v1/messages 2>&1 | head -n 1)"

step "7. an answer with personal data and keys, split over many deltas: the log holds masks"
events_mark
client_run planted alice "SCENARIO:planted"
check "the client printed the values: they were there to be found" planted_are_in "$work/planted.out"
for kind in ssn card email aws private; do
	event "the detector for $kind found it" "found(\"$kind\")"
done
mkdir -p "$work/seen"
bailiff events --json >"$work/seen/events" 2>&1
check "no file that bailiff wrote holds a value" bailiff_files
detail "found: $(events 'detectors | join(", ")')"

step "8. bailiff log verify accepts the log; with one byte changed it names the record"
check "the log is accepted" bailiff log verify $log_directory
rm -rf "$work/changed"
cp -a $log_directory "$work/changed"
# one byte of the third record, wherever its bytes lie
record=$(sed -n 3p $log_directory/events.jsonl)
number=$(jq -r .metadata.sequence <<<"$record")
/usr/bin/python3 /src/vmtests/world/change.py "$work/changed" "$record"
check_not "the changed log is not" bailiff log verify "$work/changed"
bailiff log verify "$work/changed" >"$work/verify" 2>&1
check "record $number is named" grep -qw "$number" "$work/verify"
detail "$(tail -n 1 "$work/verify" | cut -c1-160)"

step "9. kill -9 of every bailiff process: what was refused stays refused; the log goes on after"
last=$(tail -n 1 $log_directory/events.jsonl | jq .metadata.sequence)
events_mark
before=$(packets_at blocked)
check "every process is gone" bailiff_kill
# where a client was before: in a new session the model API would be closed to it, too, until a keeper
# has attached there, and nothing would ask for the page
AS_USER_SCOPE=story client_run orphan alice "SCENARIO:bash-curl host=blocked.example"
check "the client ends well: the model answers it" client_succeeded orphan
check "its model asked for the page, and it did not come" \
	api orphan 'result("Bash") | . != "" and (contains("This is blocked") | not)'
check "not one packet arrived there" test "$(packets_at blocked)" = "$before"
check_not "alice's own curl to the model fails" \
	as_user alice curl -sS -m 20 https://api.anthropic.com/v1/messages
bailiff_on || fail "bailiff did not start again"
event "the log goes on in one sequence" "one_sequence and .[0].metadata.sequence == $((last + 1))"
event "it says how long nobody watched" 'unwatched'
detail "records $((last + 1)) and up follow"

step "10. in shadow mode, and with bailiff off, steps 2 and 5 succeed: the hooks were alive"
bailiff_off
events_mark
cp -r $policy $world/policy-shadow
sed -i 's/^mode: enforce$/mode: shadow/' $world/policy-shadow/bailiff.yaml
bailiff_on $world/policy-shadow || fail "bailiff did not start in shadow mode"
client_start shadow-skill carol "SCENARIO:skill-pdf please"
client_start shadow-curl alice "SCENARIO:bash-curl host=blocked.example"
client_wait shadow-skill shadow-curl
check "shadow: the skill runs" api shadow-skill 'result("Skill") == "Launching skill: pdf"'
check "shadow: the page comes" api shadow-curl 'result("Bash") | contains("This is blocked")'
event "the skill would have been denied" 'skill_file("carol@company.com"; "pdf"; "would_deny")'
event "so would the connection" "destination(\"alice@company.com\"; \"$blocked\"; \"would_deny\")"
bailiff_off
size=$(wc -c <$log_directory/events.jsonl)
client_start off-skill carol "SCENARIO:skill-pdf please"
client_start off-curl alice "SCENARIO:bash-curl host=blocked.example"
client_wait off-skill off-curl
check "off: the skill runs" api off-skill 'result("Skill") == "Launching skill: pdf"'
check "off: the page comes" api off-curl 'result("Bash") | contains("This is blocked")'
check "off: nothing is logged" test "$(wc -c <$log_directory/events.jsonl)" = "$size"
check "every request of the client was well-formed" api_clean
detail "shadow: both ran, both would_deny; off: both ran, nothing logged"
step_close
cp $log_directory/events.jsonl "$work/events.jsonl"
