# SPDX-License-Identifier: Apache-2.0
# Whether the probes on a client are in the right places is proven by its first connection, kept for
# the next start, and taken back where it is wrong. What counts as a client follows the policy.
# shellcheck shell=bash
# deadline: 840
# needs: bailiff
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

model=10.77.1.10
project=/home/alice/project
layouts=/var/lib/bailiff/tls
changing=$(policy_variant proof)

# listed FILE…: from now on the policy lists these files as clients
listed() {
	local file
	cp "$policy/bailiff.yaml" "$changing/bailiff.yaml"
	[ $# = 0 ] && return
	printf 'clients:\n  extra:\n' >>"$changing/bailiff.yaml"
	for file in "$@"; do
		printf '    - name: %s\n      sha256: %s\n' "${file##*/}" \
			"$(sha256sum "$file" | cut -d' ' -f1)" >>"$changing/bailiff.yaml"
	done
}

# in_project FILE NAME: a copy that alice can run: another file with the same content
in_project() {
	cp "$1" "$project/$2"
	chown alice: "$project/$2"
	chmod 0755 "$project/$2"
}

run() {
	AS_USER_SCOPE=proof AS_USER_DIRECTORY=$project as_user alice timeout 60 "$@"
}

reaches_model() {
	run "./$1" reach $model 443
}

# image FILTER: within ten seconds a client's file is in that state
image() {
	local tries=40
	while [ $((tries -= 1)) -ge 0 ]; do
		status ".images | any(.[]; $1)" >/dev/null 2>&1 && return 0
		sleep 0.25
	done
	status .images
	return 1
}

# begins NAME: it is looked at and probed as it runs; again where it ended before the keeper came to it
begins() {
	for _ in $(seq 10); do
		run "./$1" reach 127.0.0.1 1
		status '.images | any(.[]; .inspected)' >/dev/null 2>&1 && break
		sleep 0.5
	done
	check "$1 is looked at" image '.inspected'
}

restart() {
	check "every process is gone" bailiff_kill
	: >"$work/bailiffd.log"
	bailiff_on "$changing" || fail "bailiff did not start"
}

step "a client found by its errors, whose first write is a request: proven, and it stays"
in_project /build/mimic right
in_project /build/mimic wrong
printf 'x' >>$project/wrong # another build, so that the proof of one says nothing of the other
build=$(bailiff locate --json $project/right | jq -r '.. | .build_id? // empty' | head -n 1)
listed $project/right $project/wrong
bailiff_on "$changing" || fail "bailiff did not start"
begins right
check "it is not proven yet" image '.inspected and .proof == "open"'
check "it reaches the model API" reaches_model right
run ./right say "POST /v1/messages HTTP/1.1" "anything"
check "bailiff status says that it is proven" image '.inspected and .proof == "proven"'
run ./right say "EHLO mail.example"
check "what it says later changes nothing" image '.inspected and .proof == "proven"'
check "it reaches the model API still" reaches_model right
check "its layout is kept" test -s "$(echo $layouts/*.layout)"
check "for root alone" test "$(stat -c %a%u $layouts $layouts/*.layout | tr '\n' ' ')" = "7000 6000 "
event "no event doubts it" 'code("capture_disproved") | none'
detail "build-id $build"

step "one whose first write is none: its probes go, and with them the model API"
events_mark
begins wrong
number=$(status '.images[] | select(.proof == "open") | .image')
check "it reaches the model API" reaches_model wrong
check "its probes are there" test -n "$(find /sys/fs/bpf/bailiff -name "tls-$number-*")"
run ./wrong say "EHLO mail.example" "POST /v1/messages HTTP/1.1"
check "bailiff status says why" \
	image "(.inspected | not) and .proof == \"disproved\" and (.why | contains(\"first\"))"
check "so does the text for people" sh -c 'bailiff status | grep -q disproved'
check "its probes are gone" test -z "$(find /sys/fs/bpf/bailiff -name "tls-$number-*")"
check_not "it does not reach the model API" reaches_model wrong
event "an event says whose, which, and what was expected" 'code("capture_disproved")
	| any(.[]; (.unmapped.executable | endswith("/wrong")) and .unmapped.image == '"$number"'
		and .unmapped.build_id == "'"$build"'"
		and (.unmapped.expected | contains("HTTP")) and .unmapped.person == "alice@company.com")'
event "and the refusal of the client" 'code("client_refused")
	| any(.[]; .unmapped.image == '"$number"' and (.message | contains("taken away")))'
event "and that of the connection" "model_refused(\"alice@company.com\"; \"$model\")"
event "what it wrote is not in it" \
	'code("capture_disproved") | some and (tostring | contains("EHLO") | not)'
run ./wrong say "POST /v1/messages HTTP/1.1"
check_not "a request later does not bring it back" reaches_model wrong
check "the other one is as it was" reaches_model right

step "after a restart: probed where the proof has it, not searched again"
restart
begins right
check "it is proven from the start" image '.inspected and .proof == "proven"'
check "the log of bailiffd says that it was not searched" \
	grep -q "(build-id $build): it was not searched" "$work/bailiffd.log"
in_project /build/mimic again
begins again
check "nor was a copy of it" \
	test "$(grep -c "it was not searched" "$work/bailiffd.log")" = 2
check "the copy reaches the model API" reaches_model again
rm -f $project/again

step "a layout that somebody changed is not used, and made anew"
layout=$(echo $layouts/*.layout)
good=$(sha256sum <"$layout")
printf 'x' | dd of="$layout" bs=1 seek=100 conv=notrunc 2>/dev/null
restart
begins right
check "bailiffd says that it is damaged" grep -q "is not used: it is damaged" "$work/bailiffd.log"
check "the file was searched again" \
	grep -q "was searched and probed (build-id $build)" "$work/bailiffd.log"
run ./right say "POST /v1/messages HTTP/1.1"
check "and is proven again" image '.inspected and .proof == "proven"'
check "the layout is as it was" test "$(sha256sum <"$layout")" = "$good"

step "the real client: its first connection proves it"
client_run real alice "SCENARIO:default"
check "bailiff status says that it is proven" \
	image ".inspected and .proof == \"proven\" and .build_id != \"$build\""
check "a layout is kept for it" test "$(find $layouts -name '*.layout' | wc -l)" = 2
event "its requests were read" \
	"code(\"model_request\") | session(\"$(cat "$work/real.session")\") | some"
event "no event doubts it" 'code("capture_disproved")
	| all(.[]; .unmapped.executable | endswith("/wrong"))'

step "bailiff reload with a file that runs already: from now on it is a client's"
in_project /bin/bash shell
printf 'x' >>$project/shell # or every shell of the host would be listed
cat >$project/queue <<'END'
echo $$ >pid
for n in 1 2 3; do
	while [ ! -e go.$n ]; do sleep 0.2; done
	curl -sS -m 10 https://blocked.example/ >page.$n 2>&1
	echo "exit=$?" >>page.$n
done
END
chown alice: $project/queue
AS_USER_DIRECTORY=$project as_user alice ./shell queue &
page() {
	local tries=200
	touch "$project/go.$1"
	while [ $((tries -= 1)) -ge 0 ] && ! grep -q exit= "$project/page.$1" 2>/dev/null; do
		sleep 0.1
	done
	grep -q "This is blocked.example" "$project/page.$1"
}
check "before, it is nobody bailiff knows: its curl goes through" page 1
shell=$(cat $project/pid)
listed $project/right $project/shell
check "the policy is taken" bailiff reload
check "bailiff status lists the shell that runs" \
	sh -c "for i in \$(seq 40); do bailiff status --json |
		jq -e '.clients | any(.[]; .pid == $shell)' && exit; sleep 0.25; done; exit 1"
check_not "its next curl is refused" page 2
event "in its name" "code(\"destination\") | verdict(\"denied\") | to(\"10.77.2.10\")
	| any(.[]; .unmapped.root_pid == $shell)"

step "and one that is taken out: it is no client's, what it started stays governed"
listed
check "the policy is taken" bailiff reload
check_not "the shell's curl is refused as before" page 3
check "the same program begun now is free" \
	run ./shell -c "curl -sS -m 10 https://blocked.example/ | grep -q 'This is blocked'"
check_not "a client by its digest alone does not reach the model API" reaches_model right
check "bailiff status knows neither any more" \
	status "(.images | length) == 1 and .images[0].build_id != \"$build\""
listed $project/right
check "the policy is taken" bailiff reload
begins right
check "listed again it reaches the model API again" reaches_model right
