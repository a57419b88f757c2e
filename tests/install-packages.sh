#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what is missing of the packages listed in FILE. Asks apt only when something is missing,
# so that an offline machine that has them all builds.
set -eu
list=$(sed 's/#.*//' "$1" | tr -s ' \n' ' ')
missing=
for p in $list; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
	echo "make deps: these Debian packages are missing, install them as root:$missing" >&2
	exit 1
fi
echo "  installing:$missing"
apt-get update -qq
# shellcheck disable=SC2086 # the list is meant to be split
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
