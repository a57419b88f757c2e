#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Put the client on a disk image of its own and print its path. In the guest the client then lies on
# ext4, as on a real machine, and its pages come from a page cache and not one by one over 9p.
set -eu
. "$(dirname "$0")/common.sh"

client=$("$here/client.sh")
folder=${client%/*}
image=$cache/client.img
if [ -n "$(find "$image" -newer "$folder/.from" 2>/dev/null)" ]; then
	say DISK "${image##*/}"
	echo "$image"
	exit 0
fi
mkfs=$(PATH=$PATH:/usr/sbin:/sbin command -v mkfs.ext4) || die "mkfs.ext4 is missing (e2fsprogs)"
kib=$(($(du -sk --apparent-size "$folder" | cut -f1) * 105 / 100 + 16384))
say DISK "making ${image##*/} ($((kib / 1024)) MB)"
rm -f "$image.new"
truncate -s "${kib}K" "$image.new"
"$mkfs" -q -F -m 0 -O '^has_journal' -E root_owner=0:0 -d "$folder" "$image.new" >&2 ||
	die "mkfs.ext4 failed"
mv "$image.new" "$image"
echo "$image"
