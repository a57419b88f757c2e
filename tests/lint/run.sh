#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD: formatting, static analysis and the house rules. Prints a line for each check and
# appends the counts to BUILD/results. A check prints what is wrong as file:line: text.
set -u
build=$1
here=tests/lint
list=$build/lint
mkdir -p "$list" || exit 1
passed=0 failed=0

# Every file of the project that is there, tracked or about to be. Without git (an unpacked archive):
# everything but what is built.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	git ls-files -co --exclude-standard
else
	find . -type f ! -path './build*/*' ! -path './.git/*' | sed 's,^\./,,'
fi | sort -u | while IFS= read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done >"$list/files"
grep -E '\.[ch]$' "$list/files" >"$list/c"
grep -E '\.sh$|^\.ci/run$' "$list/files" >"$list/sh"
grep -E '^docs/man/.*\.[1-8]$' "$list/files" >"$list/man"
grep -E '\.c$' "$list/c" | grep -v '\.bpf\.c$' >"$list/cppcheck"

check() { # NAME COMMAND...: runs it, shows its output when it fails
	name=$1
	shift
	if "$@" >"$list/$name.out" 2>&1; then
		passed=$((passed + 1))
		printf '  PASS     lint-%s\n' "$name"
	else
		failed=$((failed + 1))
		printf '  FAIL     lint-%s\n' "$name"
		head -n 60 "$list/$name.out"
	fi
}

over() { # LIST COMMAND...: the command with the files of the list as arguments; fine when there are none
	files=$1
	shift
	[ -s "$files" ] || return 0
	tr '\n' '\0' <"$files" | xargs -0 "$@"
}

format() { over "$list/c" clang-format --dry-run -Werror; }

static_analysis() {
	mkdir -p "$list/cppcheck.cache"
	cppcheck -q -j 2 --file-list="$list/cppcheck" --cppcheck-build-dir="$list/cppcheck.cache" \
		--enable=warning,performance,portability --std=c11 --platform=unix64 \
		--library=posix --library="$here/cppcheck.cfg" --inline-suppr --error-exitcode=1 --template=gcc \
		--suppressions-list="$list/cppcheck.suppress" \
		-D_GNU_SOURCE -DBAILIFF_TESTING -I. -Iagent -Itests/unit
}

# cppcheck's list of suppressions takes no reasons beside the entries; ours must have them.
sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$here/cppcheck.suppress" >"$list/cppcheck.suppress"

check format format
check cppcheck static_analysis
check shellcheck over "$list/sh" shellcheck -x
check man over "$list/man" mandoc -T lint -W warning
check rules-have-tests sh "$here/rules-test.sh" "$list"
for rule in "$here"/rules/*.sh; do
	name=${rule##*/}
	check "${name%.sh}" over "$list/files" sh "$rule"
done

echo "lint $passed $failed 0" >>"$build/results"
[ "$failed" -eq 0 ]
