#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The real client, used against itself.
# client.sh preload ADDRESS PORT  a library of one's own in it
#           copy ADDRESS PORT     the same in a copy that nobody has seen yet
#           known ADDRESS PORT    the same in a copy that has been looked at
#           older ADDRESS PORT    in one that ran before bailiffd did
#           key                   with somebody else's key
cd "$(dirname "$0")" || exit 2
# shellcheck source=vmtests/bypass/attempts/common.sh
. ./common.sh
client=/opt/claude/claude
case $1 in
preload) ;;
copy)
	client=/run/bypass/copies/fresh-$token
	cp /run/bypass/copies/known "$client" || broken cp
	trap 'rm -f $client' EXIT
	;;
known) client=/run/bypass/copies/known ;;
older)
	echo "$2 $3 $token" >/run/bypass/older/new
	rm -f /run/bypass/older/outcome
	mv /run/bypass/older/new /run/bypass/older/order
	for _ in $(seq 100); do
		[ -e /run/bypass/older/outcome ] && exit "$(cat /run/bypass/older/outcome)"
		sleep 0.05
	done
	broken "no outcome"
	;;
key)
	# else it asks a dozen hosts that it can do without, and tries again for minutes
	text=$(cd "$HOME/project" && NODE_EXTRA_CA_CERTS=/run/world/ca.pem DISABLE_AUTOUPDATER=1 \
		CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 CLAUDE_CODE_MAX_RETRIES=1 \
		ANTHROPIC_API_KEY=sk-ant-api03-of-somebody-else timeout 140 claude -p "Say hello." 2>&1)
	echo "${text:0:300}"
	grep -q "Hello from the stand-in" <<<"$text" && through "a model answered"
	refused "no answer"
	;;
esac
LD_PRELOAD=$programs/preload.so BYPASS_TARGET="$2 $3" "$client"
