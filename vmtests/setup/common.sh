# SPDX-License-Identifier: Apache-2.0
# What the setup scripts share: progress lines, the download cache, packages of a later Debian suite.
# shellcheck shell=sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH='' cd -- "$here/../.." && pwd)
cache=${CACHE:-$top/build/cache}
mkdir -p "$cache"

# Progress goes to stderr: stdout is for the answer of a script (a path).
say() {
	printf '  %-8s %s\n' "$1" "$2" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "$1: run as root (make vm-setup), once; later runs need no root for this"
}

# The suite after the one that this machine runs; its own where it is new enough already.
later_suite() {
	# shellcheck disable=SC1091
	current=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	case $current in
	bookworm) echo "bookworm trixie" ;;
	trixie) echo "trixie trixie" ;;
	*) die "Debian 12 or 13 is needed here, this is '${current:-unknown}'" ;;
	esac
}

# apt with a state of its own: lists, cache and sources of the later suite never touch the machine's.
later_apt() {
	tool=$1
	shift
	"$tool" -q \
		-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$cache/apt/sources" \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$cache/apt/state" -o Dir::State::Lists="$cache/apt/lists" \
		-o Dir::State::Status="$cache/apt/status" -o Dir::Cache="$cache/apt/cache" \
		-o APT::Sandbox::User=root "$@"
}

# later_update: once for each run of a script that has something to fetch
later_update() {
	suites=$(later_suite)
	mkdir -p "$cache/apt/sources" "$cache/apt/state" "$cache/apt/lists/partial" \
		"$cache/apt/cache/archives/partial"
	: >"$cache/apt/status"
	# shellcheck disable=SC2086 # two words
	/usr/bin/python3 "$here/later-suite.py" $suites >"$cache/apt/sources/later.sources" ||
		die "cannot derive the sources of the later suite"
	say APT "lists of ${suites#* } (private state, the machine's own sources stay as they are)"
	later_apt apt-get update >"$cache/apt/update.log" 2>&1 ||
		die "apt-get update failed: $(tail -n 3 "$cache/apt/update.log" | tr '\n' ' ')"
}

# later_download PACKAGE: leaves the .deb in $cache/debs, its signature chain checked by apt
later_download() {
	mkdir -p "$cache/debs"
	say FETCH "$1"
	(cd "$cache/debs" && later_apt apt-get download "$1" >"$cache/apt/download.log" 2>&1) ||
		die "download of $1 failed: $(tail -n 3 "$cache/apt/download.log" | tr '\n' ' ')"
}
