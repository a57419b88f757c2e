#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every subcommand of the table in agent/cli/main.c has a man page, is in bailiff(1) and in the shell
# completion; and so has every long option of its file, and every verb that its usage shows.
# BAILIFF_ROOT: another tree, for the test of this rule.
cd "${BAILIFF_ROOT:-.}" || exit 1
completion=agent/deploy/bailiff.bash
bad=0
say() {
	echo "$*"
	bad=1
}
names=$(sed -n '/cli_commands\[\] *= *{/,/^};/s/.*{"\([a-z-]*\)", *".*/\1/p' agent/cli/main.c)
[ -n "$names" ] || say "agent/cli/main.c: the table cli_commands was not found"
for name in $names; do
	page=docs/man/bailiff-$name.1
	[ -f "$page" ] || say "$page: missing"
	grep -q "^\.Xr bailiff-$name 1" docs/man/bailiff.1 || say "docs/man/bailiff.1: no .Xr bailiff-$name 1"
	grep -qw -- "_bailiff_$name" "$completion" || say "$completion: no function _bailiff_$name"
	sources=$(grep -lE "^int cmd_$name\(" agent/cli/*.c) || {
		say "agent/cli: nothing defines cmd_$name"
		continue
	}
	# the options of the command: all in its file, or, where commands share one, in its function
	if [ "$(grep -cE '^int cmd_' "$sources")" -gt 1 ]; then
		body=$(sed -n "/^int cmd_$name(/,/^}/p" "$sources")
	else
		body=$(cat "$sources")
	fi
	# in the table of getopt_long, or compared by hand
	options=$(printf '%s\n' "$body" |
		grep -oE '\{"[a-z-]+", *(no|required|optional)_argument|, "--[a-z-]+"\)' |
		sed 's/^[^a-z]*\([a-z-]*\)".*/\1/' | sort -u)
	for option in $options; do
		grep -qE -- "^\.(It|Op|Ar)? ?Fl -$option|Fl -$option" "$page" 2>/dev/null ||
			say "$page: says nothing of --$option"
		sed -n "/^_bailiff_$name()/,/^}/p" "$completion" | grep -qw -- "--$option" ||
			say "$completion: _bailiff_$name does not offer --$option"
	done
	verbs=$(printf '%s\n' "$body" | grep -oE "(usage:|\") +bailiff $name [a-z]+" | sed 's/.* //' | sort -u)
	for verb in $verbs; do
		grep -q -- "^\.Nm bailiff $name $verb" "$page" 2>/dev/null ||
			say "$page: says nothing of $name $verb"
		sed -n "/^_bailiff_$name()/,/^}/p" "$completion" | grep -qw -- "$verb" ||
			say "$completion: _bailiff_$name does not offer $verb"
	done
done
exit $bad
