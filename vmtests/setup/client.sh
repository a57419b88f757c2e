#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetch the real client from npm into the cache, check it against the pinned digest, print its path.
set -eu
. "$(dirname "$0")/common.sh"

package=@anthropic-ai/claude-code-linux-x64
version=2.1.329
# As npm publishes it ("integrity"); pinned, so that neither mirror nor cache can swap the client.
sha512=+n4lu1ubYAp02Y0X/MAUnxw9yY6SHHZ77F+IoW+V0wVoFuiI9opdH6gofjf14gXJCEYMTNpks7Gn1i8XZTKAWA==
archive=$cache/anthropic-ai-claude-code-linux-x64-$version.tgz
folder=$cache/claude-$version

good() {
	[ -f "$archive" ] && [ "$(openssl dgst -sha512 -binary "$archive" | base64 -w0)" = "$sha512" ]
}

# extracted from a checked archive, by this script, and not changed since
if [ "$(cat "$folder/.from" 2>/dev/null)" = "$sha512" ] &&
	(cd "$folder" && sha256sum --quiet --check .digest >/dev/null 2>&1); then
	say CLIENT "claude $version"
	echo "$folder/claude"
	exit 0
fi
if ! good; then
	rm -f "$archive"
	if ! command -v npm >/dev/null 2>&1; then
		need_root "npm is not installed"
		say INSTALL npm
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm \
			>"$cache/npm.log" 2>&1 || die "install of npm failed, see $cache/npm.log"
	fi
	say FETCH "$package@$version (174 MB)"
	(cd "$cache" && npm pack --silent "$package@$version" >"$cache/npm.log" 2>&1) ||
		die "npm pack failed: $(tail -n 3 "$cache/npm.log" | tr '\n' ' ')"
	good || die "${archive##*/} is not what was published: digest differs from the pinned one"
fi
say EXTRACT "${archive##*/}"
rm -rf "$folder"
mkdir -p "$folder"
tar -xzf "$archive" -C "$folder" --strip-components=1 --no-same-owner
chmod 0755 "$folder" "$folder/claude"
(cd "$folder" && sha256sum claude package.json >.digest)
echo "$sha512" >"$folder/.from"
say CLIENT "claude $version"
echo "$folder/claude"
