#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetch the client as it was before it was one executable, a script for Node, from npm into the cache,
# check it against the pinned digest, print the script's path.
set -eu
. "$(dirname "$0")/common.sh"

package=@anthropic-ai/claude-code
version=2.1.100
# As npm publishes it ("integrity"); pinned, so that neither mirror nor cache can swap the client.
sha512=bt6unBToiPZqDfMLIKCk8i3CHJqKYnGNHQ2iYt0VKX0Zxoa0g6WOdLM9mw8XGpYSMUaaovUIzdLbJ9XKeng4cQ==
archive=$cache/anthropic-ai-claude-code-$version.tgz
folder=$cache/script-$version

good() {
	[ -f "$archive" ] && [ "$(openssl dgst -sha512 -binary "$archive" | base64 -w0)" = "$sha512" ]
}

if [ "$(cat "$folder/.from" 2>/dev/null)" = "$sha512" ]; then
	say CLIENT "claude $version (script)"
	echo "$folder/cli.js"
	exit 0
fi
if ! good; then
	rm -f "$archive"
	command -v npm >/dev/null 2>&1 || die "npm is not installed"
	say FETCH "$package@$version (18 MB)"
	(cd "$cache" && npm pack --silent "$package@$version" >"$cache/npm.log" 2>&1) ||
		die "npm pack failed: $(tail -n 3 "$cache/npm.log" | tr '\n' ' ')"
	good || die "${archive##*/} is not what was published: digest differs from the pinned one"
fi
rm -rf "$folder"
mkdir -p "$folder"
tar -xzf "$archive" -C "$folder" --strip-components=1 --no-same-owner
echo "$sha512" >"$folder/.from"
say CLIENT "claude $version (script)"
echo "$folder/cli.js"
