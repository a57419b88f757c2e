#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sslsniff.sh LIBRARY PID COPY: Debian's sslsniff-bpfcc on one library in one process, and on nothing
# else. Without it or without kernel headers: says so and ends with status 3.
set -eu
library=$1 pid=$2 copy=$3
tool=/usr/sbin/sslsniff-bpfcc
modules=/lib/modules/$(uname -r)

[ -f "$tool" ] || { echo "no $tool (package bpfcc-tools)" >&2; exit 3; }
# It is compiled when it starts. Its program uses nothing of the kernel but pt_regs, so the headers
# of another version do; they are put where it looks for them, where nobody else sees that.
if [ -z "${SSLSNIFF_INSIDE:-}" ] && ! [ -d "$modules/build/" ]; then
	for build in /lib/modules/*/build/; do :; done
	[ -d "$build" ] || { echo "no kernel headers (package linux-headers-amd64)" >&2; exit 3; }
	SSLSNIFF_INSIDE=$(readlink -f "$build") SSLSNIFF_SOURCE=$(readlink -f "${build%build/}source")
	export SSLSNIFF_INSIDE SSLSNIFF_SOURCE
	exec unshare --mount sh "$0" "$@"
fi
if [ -n "${SSLSNIFF_INSIDE:-}" ]; then
	mount -t tmpfs none /lib/modules
	mkdir "$modules"
	ln -s "$SSLSNIFF_INSIDE" "$modules/build"
	ln -s "$SSLSNIFF_SOURCE" "$modules/source"
fi
# The kernel's min() has grown a check that a BPF program cannot be compiled with.
sed 's/min((size_t)MAX_BUF_SIZE, (size_t)len)/(size_t)len < MAX_BUF_SIZE ? (size_t)len : MAX_BUF_SIZE/' \
	"$tool" >"$copy"
exec /usr/bin/python3 "$copy" --no-openssl --no-gnutls --no-nss --extra-lib "openssl:$library" --pid "$pid" \
	--max-buffer-size 16384
