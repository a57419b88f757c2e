#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel.sh VERSION: make a stock Debian kernel ready for virtme-ng and print the path of its vmlinuz.
# 6.1 is what Debian 12 installs; a later one is taken out of the next release's package, not installed,
# so that the machine's boot loader and default kernel stay as they are. `newest` is the one of Debian
# unstable.
set -eu
. "$(dirname "$0")/common.sh"

[ $# = 1 ] || die "usage: kernel.sh VERSION (6.1, 6.12, newest)"
version=$1

# newest: whichever unstable has, by the number that was found when it was fetched
if [ "$version" = newest ]; then
	LATER_SUITE=sid
	if [ ! -s "$cache/kernel-newest" ]; then
		later_update
		later_apt apt-cache depends linux-image-amd64 |
			sed -n 's/^ *Depends: linux-image-\([0-9]*\.[0-9]*\)\..*$/\1/p' | head -n 1 \
			>"$cache/kernel-newest"
		[ -s "$cache/kernel-newest" ] || die "unstable has no kernel"
	fi
	version=$(cat "$cache/kernel-newest")
fi

# newest that is whole: image and modules; -cloud and -rt lack modules that virtme-ng needs
ready() {
	found=
	for image in /boot/vmlinuz-"$version"[.+]*amd64; do
		release=${image#/boot/vmlinuz-}
		case $release in *-cloud-* | *-rt-*) continue ;; esac
		if [ ! -f "$image" ] || [ ! -f "/lib/modules/$release/modules.dep" ]; then continue; fi
		if [ -z "$found" ] || dpkg --compare-versions "$release" gt "${found#/boot/vmlinuz-}"; then
			found=$image
		fi
	done
	[ -n "$found" ]
}

if ready; then
	say KERNEL "${found#/boot/vmlinuz-}"
	echo "$found"
	exit 0
fi
need_root "no kernel $version here"
# shellcheck disable=SC1091
current=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
if [ "$version" = 6.1 ] && [ "$current" = bookworm ]; then
	say INSTALL linux-image-amd64
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
		linux-image-amd64 >"$cache/kernel.log" 2>&1 || die "install failed, see $cache/kernel.log"
else
	set -- "$cache"/debs/linux-image-"$version".*-amd64_*.deb
	if [ ! -f "$1" ]; then
		later_update
		package=$(later_apt apt-cache depends linux-image-amd64 |
			sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
		case $package in
		linux-image-"$version".*) ;;
		*) die "the later suite has ${package:-no kernel}, not $version" ;;
		esac
		# later kernels come in parts: image, modules and System.map in packages of their own
		for part in $(later_apt apt-cache depends "$package" | sed -n \
			"s/^ *Depends: \(linux-[a-z]*-${package#linux-image-}\)\$/\1/p"); do
			later_download "$part"
		done
		# last: it is what says that the parts are there
		later_download "$package"
		set -- "$cache"/debs/linux-image-"$version".*-amd64_*.deb
	fi
	release=${1##*/linux-image-}
	release=${release%%_*}
	rm -rf "$cache/kernel"
	mkdir -p "$cache/kernel"
	for part in "$cache"/debs/linux-*-"$release"_*.deb; do
		say EXTRACT "${part##*/}"
		dpkg -x "$part" "$cache/kernel"
	done
	for modules in "$cache"/kernel/usr/lib/modules/* "$cache"/kernel/lib/modules/*; do
		[ -d "$modules" ] || continue
		release=${modules##*/}
		rm -rf "/lib/modules/$release"
		cp -a "$modules" /lib/modules/
		depmod "$release"
		# the image last: it is what says that the rest is there
		for file in "$cache"/kernel/boot/*"-$release" "$cache"/kernel/usr/lib/boot/*"-$release"; do
			[ ! -f "$file" ] || cp -a "$file" /boot/
		done
		if [ ! -f "/boot/vmlinuz-$release" ] && [ -f "/lib/modules/$release/vmlinuz" ]; then
			cp -a "/lib/modules/$release/vmlinuz" "/boot/vmlinuz-$release"
		fi
	done
	rm -rf "$cache/kernel"
fi
ready || die "kernel $version is still not whole in /boot and /lib/modules"
say KERNEL "${found#/boot/vmlinuz-}"
echo "$found"
