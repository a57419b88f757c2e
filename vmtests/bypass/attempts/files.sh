#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The file of a skill that this person may not use, by every other name.
# files.sh cat | dd | symlink | procroot | link | rename | rename-directory | bind | overlay
cd "$(dirname "$0")" || exit 2
# shellcheck source=vmtests/bypass/attempts/common.sh
. ./common.sh
home=/home/carol
skill=$home/.claude/skills/pdf
spare=$(mktemp -d "$home/spare.XXXXXX") || broken mktemp

# reads FILE: ends the attempt by what it holds
reads() {
	text=$(cat "$1" 2>&1)
	grep -q skill-body-of-pdf <<<"$text" && through "$1"
	denied "$text" && refused "$text"
	broken "$text"
}

# tries COMMAND…: a step that may be refused
tries() {
	text=$("$@" 2>&1) && return 0
	denied "$text" && refused "$text"
	broken "$text"
}

# shellcheck disable=SC2317 # called by the trap
tidy() {
	cd /
	mountpoint -q "$spare/m" && umount "$spare/m"
	[ -e "$spare/back" ] && mv -T "$(cat "$spare/back")" "$skill"
	[ -e "$spare/taken.md" ] && mv "$spare/taken.md" "$skill/SKILL.md"
	rm -rf "$spare" "$home"/.claude/skills/frontend-design
}
trap tidy EXIT

case $1 in
cat) reads $skill/SKILL.md ;;
dd)
	tries dd if=$skill/SKILL.md of="$spare/out" status=none
	reads "$spare/out"
	;;
symlink)
	ln -s $skill "$spare/other"
	reads "$spare/other/SKILL.md"
	;;
procroot) reads "/proc/self/root$skill/SKILL.md" ;;
link)
	tries ln $skill/SKILL.md "$spare/notes"
	reads "$spare/notes"
	;;
rename)
	tries mv $skill/SKILL.md "$spare/taken.md"
	reads "$spare/taken.md"
	;;
rename-directory)
	# the name of a skill that the person may use
	tries mv -T $skill $home/.claude/skills/frontend-design
	echo $home/.claude/skills/frontend-design >"$spare/back"
	reads $home/.claude/skills/frontend-design/SKILL.md
	;;
bind)
	mkdir "$spare/m"
	tries mount --bind $skill "$spare/m"
	reads "$spare/m/SKILL.md"
	;;
overlay)
	mkdir "$spare/m" "$spare/e"
	tries mount -t overlay -o "lowerdir=$skill:$spare/e" none "$spare/m"
	reads "$spare/m/SKILL.md"
	;;
esac
broken usage
