#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install virtme-ng, which Debian 12 does not have, from the package of the next release.
set -eu
. "$(dirname "$0")/common.sh"

if command -v vng >/dev/null 2>&1; then
	say VIRTME "virtme-ng $(dpkg-query -W -f '${Version}' virtme-ng 2>/dev/null || echo 'not from a package')"
	exit 0
fi
need_root "virtme-ng is not installed"
set -- "$cache"/debs/virtme-ng_*_all.deb
if [ ! -f "$1" ]; then
	later_update
	later_download virtme-ng
	set -- "$cache"/debs/virtme-ng_*_all.deb
fi
[ $# = 1 ] || die "more than one virtme-ng package in $cache/debs: remove the old ones"
say INSTALL "${1##*/}"
# dpkg leaves it unconfigured when something it depends on is missing; apt then brings that from the
# machine's own suite, which is why the package is not given to apt directly.
if ! dpkg -i "$1" >"$cache/virtme.log" 2>&1; then
	DEBIAN_FRONTEND=noninteractive apt-get -f install -y -q --no-install-recommends \
		>>"$cache/virtme.log" 2>&1 || die "install failed, see $cache/virtme.log"
fi
command -v vng >/dev/null 2>&1 || die "vng is still missing, see $cache/virtme.log"
say VIRTME "virtme-ng $(dpkg-query -W -f '${Version}' virtme-ng)"
