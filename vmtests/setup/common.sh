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
	if [ -n "${LATER_SUITE:-}" ]; then
		echo "$current $LATER_SUITE"
		return
	fi
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
	apt=$cache/apt${LATER_SUITE:+-$LATER_SUITE}
	"$tool" -q \
		-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/sources" \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$apt/state" -o Dir::State::Lists="$apt/lists" \
		-o Dir::State::Status="$apt/status" -o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User=root "$@"
}

# later_update: once for each run of a script that has something to fetch
later_update() {
	suites=$(later_suite)
	apt=$cache/apt${LATER_SUITE:+-$LATER_SUITE}
	mkdir -p "$apt/sources" "$apt/state" "$apt/lists/partial" \
		"$apt/cache/archives/partial"
	: >"$apt/status"
	# shellcheck disable=SC2086 # two words
	/usr/bin/python3 "$here/later-suite.py" $suites >"$apt/sources/later.sources" ||
		die "cannot derive the sources of the later suite"
	say APT "lists of ${suites#* } (private state, the machine's own sources stay as they are)"
	later_apt apt-get update >"$apt/update.log" 2>&1 ||
		die "apt-get update failed: $(tail -n 3 "$apt/update.log" | tr '\n' ' ')"
}

# later_download PACKAGE: leaves the .deb in $cache/debs, its signature chain checked by apt
later_download() {
	mkdir -p "$cache/debs"
	apt=$cache/apt${LATER_SUITE:+-$LATER_SUITE}
	say FETCH "$1"
	(cd "$cache/debs" && later_apt apt-get download "$1" >"$apt/download.log" 2>&1) ||
		die "download of $1 failed: $(tail -n 3 "$apt/download.log" | tr '\n' ' ')"
}
