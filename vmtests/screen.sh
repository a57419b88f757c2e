# SPDX-License-Identifier: Apache-2.0
# The real client on a terminal: tmux draws it, keys are typed into it, and what stands there is read.
# Sourced by scenarios, after lib.sh.
# shellcheck shell=bash
# what a scenario sets is used here, and the other way round
# shellcheck disable=SC2034,SC2154
project=/home/alice/project
socket=/home/alice/tmux
settings='{"hasCompletedOnboarding": true, "theme": "dark", "numStartups": 5,
	"customApiKeyResponses": {"approved": ["k-ant-api03-stand-in"], "rejected": []},
	"projects": {"/home/alice/project": {"hasTrustDialogAccepted": true, "allowedTools": []}}}'

mux() {
	as_user alice tmux -S $socket "$@"
}

# window NAME COMMAND: a window of alice's tmux in her project, 120 columns and 30 lines. Without
# TMUX: the client would ask the tmux around it for things, which is refused, and not what is tested.
window() {
	echo "$settings" >/home/alice/.claude.json
	chown alice: /home/alice/.claude.json
	mux new-session -d -s "$1" -x 120 -y 30 -c $project \
		"env -u TMUX -u TMUX_PANE NODE_EXTRA_CA_CERTS=$world/ca.pem ANTHROPIC_API_KEY=sk-ant-api03-stand-in \
		DISABLE_AUTOUPDATER=1 $2"
}

pane() {
	mux capture-pane -p -t "$1" | tee "$work/$1.screen"
}

# shows NAME TEXT SECONDS: within that time the text stands on the screen; when it did, in ms of the
# epoch, is left in $work/shown (checks run in a subshell)
shows() {
	local until=$((${EPOCHREALTIME/./} + $3 * 1000000))
	while [ "${EPOCHREALTIME/./}" -lt $until ]; do
		# as root: what it takes to become alice again would be added to the time
		if tmux -S $socket capture-pane -p -J -t "$1" | grep -qF -- "$2"; then
			echo $((${EPOCHREALTIME/./} / 1000)) >"$work/shown"
			return 0
		fi
		sleep 0.05
	done
	pane "$1"
	cp "$world/api.jsonl" "$log_directory/events.jsonl" "$work/"
	return 1
}

# said NAME: how many times bailiff speaks there, in what is shown and what has scrolled away
said() {
	mux capture-pane -p -J -S - -t "$1" | grep -c "bailiff refused"
}

types() {
	mux send-keys -t "$1" -l "$2"
	sleep 1
	mux send-keys -t "$1" Enter
}
