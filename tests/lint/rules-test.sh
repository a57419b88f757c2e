#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rules-test.sh DIR: each house rule against files that it must accept and files that it must refuse.
# A rule that accepts everything is worse than none. Some words are put together here from pieces, so
# that this file is not itself a finding.
set -u
here=$PWD
work=$1/rules
rm -rf "$work"
mkdir -p "$work"
# A case is the end of a pipe and so a shell of its own: what it finds goes through files.
: >"$work.cases"
: >"$work.bad"

one() { # WANT RULE NAME: the content is on stdin
	mkdir -p "$work/$(dirname "$3")"
	cat >"$work/$3"
	echo "$2" >>"$work.cases"
	if (cd "$work" && ln -sfn "$here/tests" tests && sh "$here/tests/lint/rules/$2.sh" "$3") >"$work.out" 2>&1; then
		got=accept
	else
		got=refuse
	fi
	# a rule that breaks must not look like one that refuses: a refusal names the file
	[ $got = refuse ] && ! grep -qF "${3##*/}" "$work.out" && got='break'
	if [ "$got" != "$1" ]; then
		echo "rule $2, case $(grep -cx "$2" "$work.cases") ($3): wanted $1, got $got"
		cat "$work.out"
		echo "$2" >>"$work.bad"
	fi
	rm -f "$work/$3"
}
accept() { one accept "$@"; }
refuse() { one refuse "$@"; }
lines() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "/* */" }'; }
apache='SPDX-License-Identifier: Apache-2.0'
kernel='SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause'

# this test is none that accepts everything either
printf 'gets(x);\n' | accept functions a.c >/dev/null
[ -s "$work.bad" ] || {
	echo "a wrong case is not found"
	exit 1
}
: >"$work.bad"

printf '// %s\n/* For this. */\n' "$apache" | accept licence agent/a.c
printf '// %s\n// For this.\n' "$apache" | accept licence agent/a.c
printf '/* %s */\n/* For this. */\n' "$kernel" | accept licence bpf/a.h
printf '// %s\n/* For this. */\n' "$kernel" | accept licence tests/bench/a.bpf.c
printf '/* %s */\n/* For this. */\n' "$kernel" | accept licence tests/bench/a.bpf.h
printf '#!/bin/sh\n# %s\n' "$apache" | accept licence a.sh
printf 'skills:\n' | accept licence policy/examples/acl.yaml
printf 'skills:\n' | accept licence vmtests/a/policy/acl.yaml
printf 'kind: x\n' | refuse licence agent/deploy/x.yaml
printf 'words\n' | accept licence README.md
printf '// %s\nint a;\n' "$apache" | refuse licence agent/a.c
printf '/* For this. */\n' | refuse licence agent/a.c
printf '// %s-only\n/* For this. */\n' "$apache" | refuse licence agent/a.c
printf '/* %s */\n/* For this. */\n' "$apache" | refuse licence bpf/a.h
printf '/* %s */\n/* For this. */\n' "$kernel" | refuse licence agent/a.h
printf '// %s\n/* For this. */\n' "$apache" | refuse licence tests/bench/a.bpf.c
printf '// %s\n/* For this. */\n' "$kernel" | refuse licence tests/bench/abpf.c
printf '#!/bin/sh\necho\n' | refuse licence a.sh
{
	lines 4
	printf '// %s\n' "$apache"
} | refuse licence agent/a.c

lines 600 | accept length a.c
lines 601 | refuse length a.c
lines 601 | accept length a.md

printf 'int n = snprintf(b, 4, "sprintf(");\n' | accept functions a.c
printf '/* strcpy(a, b) would\n * strcat(a, b) */ int x;\n' | accept functions a.c
printf "char q = '\"'; // gets(x)\n" | accept functions a.c
printf 'targets(x); my_system(y);\n' | accept functions a.c
printf 'strcpy(a, b);\n' | accept functions a.md
for f in strcpy strcat stpcpy sprintf vsprintf gets tmpnam mktemp system popen alloca; do
	printf 'void f(void)\n{\n\tif (x)\n\t\t%s (a);\n}\n' $f | refuse functions a.c
done
printf "char q = '\"'; gets(x); char r = '\"';\n" | refuse functions a.c
printf '/* a */ gets(x); /* b */\n' | refuse functions a.h

printf 'return -EINVAL;\nreturn EVENT_LOSS;\nreturn EOF;\nreturn -errno;\n/* return EINVAL; */\n' | accept errno a.c
printf 'return EINVAL;\n' | refuse errno a.c
printf 'return (ENOMEM);\n' | refuse errno a.c
printf 'return E2BIG ;\n' | refuse errno a.c
printf 'if (x)\n\treturn errno;\n' | refuse errno a.c

probe='SEC("uprobe")\nint f(struct pt_regs *ctx)\n{\n'
printf '%b' "$probe\tuprobe_own_stack(ctx);\n\treturn 0;\n}\n" | accept uprobes bpf/a.bpf.c
printf 'SEC("lsm/file_open")\nint f(void)\n{\n}\nint g(void)\n{\n}\n' | accept uprobes bpf/a.bpf.c
printf '%b' "$probe}\n" | accept uprobes tests/bench/a.bpf.c
printf '%b' "$probe\treturn 0;\n}\n" | refuse uprobes bpf/a.bpf.c
printf '%b' "$probe\tuprobe_own_stack(ctx);\n}\nSEC(\"uretprobe/x\")\nint g(void *ctx)\n{\n}\n" | refuse uprobes bpf/a.bpf.c

printf '\t_cleanup_close_ int fd = -1;\n' | accept cleanup a.c
printf '\t_cleanup_free_ char *a = NULL, *b = f(x, y);\n' | accept cleanup a.c
printf '\t_cleanup_(table_freep) struct table *t = NULL;\n' | accept cleanup a.c
printf '\t_cleanup_buffer_ struct buffer b = {0, 1};\n' | accept cleanup a.c
printf '\t_cleanup_free_ char *a =\n\t\tf(x, y);\n' | accept cleanup a.c
printf '#define _cleanup_free_ __attribute__((x))\nint a;\n' | accept cleanup a.h
printf '\t_cleanup_close_ int fd;\n' | refuse cleanup a.c
printf '\t_cleanup_close_ int fd = 0;\n' | refuse cleanup a.c
printf '\t_cleanup_close_ int a = -1, b;\n' | refuse cleanup a.c
printf '\t_cleanup_free_ char *a = f(x, y),\n\t\t*b;\n' | refuse cleanup a.c
printf '\t_cleanup_(table_freep) struct table *t;\n' | refuse cleanup a.c

printf 'mask XXX-XX-XXXX, mkstemp("aXXXXXX"), XXXL, todos\n' | accept unfinished a.c
for w in TO+DO FIX+ME XX+X HA+CK; do
	w=$(printf %s "$w" | tr -d +)
	printf 'x\n/* %s: later */\n' "$w" | refuse unfinished a.c
	printf '%s\n' "$w" | refuse unfinished a.md
done

printf 'see https://example.com/%s/x and /usr/lib, a/%s/b, /home/alice/x\n' work root | accept places a.md
printf 'connections are shared/copied\n' | accept places a.md
printf 'in /%s/x\n' work | refuse places a.md
printf '"/%s/.npm"\n' root | refuse places a.c
printf '/tmp/%s/x\n' w | refuse places a.sh
printf 'see ../%s/DESIGN.md\n' shared | refuse places a.md
for h in registry.npm+js.org py+pi.org files.python+hosted.org crates+.io proxy.go+lang.org deb.deb+ian.org docker+.io; do
	h=$(printf %s "$h" | tr -d +)
	printf 'get https://%s/x\n' "$h" | refuse places a.sh
done

printf '[a](b.md#part), [c](https://example.com/none)\n' >"$work/b.md"
accept links a.md <"$work/b.md"
printf '[a](none.md)\n' | refuse links a.md
printf '[a](../docs/none.md#x)\n' | refuse links docs/a.md

# the rule on commands looks at a whole tree: a small one, whole, then with a piece missing
tree() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/agent/cli" "$work/tree/agent/deploy" "$work/tree/docs/man"
	printf 'static const struct cli_command {\n} cli_commands[] = {\n\t{"why", "say why", cmd_why},\n};\n' >"$work/tree/agent/cli/main.c"
	printf 'static x = {{"json", no_argument, 0, 0}};\nint cmd_why(int argc, char **argv)\n{\n}\n' >"$work/tree/agent/cli/why.c"
	printf '.Xr bailiff-why 1\n' >"$work/tree/docs/man/bailiff.1"
	printf '.It Fl -json\n' >"$work/tree/docs/man/bailiff-why.1"
	printf '_bailiff_why()\n{\n\tx --json\n}\n' >"$work/tree/agent/deploy/bailiff.bash"
}
more() { # a second option, compared by hand, and a verb; said in PAGE and COMPLETION when asked for
	printf 'x = "usage: bailiff why not [--all]\\n";\ny = strcmp(a, "--all");\n' >>"$work/tree/agent/cli/why.c"
	[ "$1" = unsaid ] || printf '.Nm bailiff why not\n.It Fl -all\n' >>"$work/tree/docs/man/bailiff-why.1"
	[ "$2" = unsaid ] || sed -i 's/--json/--json --all not/' "$work/tree/agent/deploy/bailiff.bash"
}
whole() { # WANT
	echo commands >>"$work.cases"
	if BAILIFF_ROOT=$work/tree sh tests/lint/rules/commands.sh >"$work.out" 2>&1; then got=accept; else got=refuse; fi
	if [ $got != "$1" ]; then
		echo "rule commands, case $(grep -cx commands "$work.cases"): wanted $1, got $got"
		cat "$work.out"
		echo commands >>"$work.bad"
	fi
}
tree && whole accept
tree && : >"$work/tree/agent/cli/main.c" && whole refuse
tree && rm "$work/tree/docs/man/bailiff-why.1" && whole refuse
tree && : >"$work/tree/docs/man/bailiff-why.1" && whole refuse
tree && : >"$work/tree/docs/man/bailiff.1" && whole refuse
tree && rm "$work/tree/agent/cli/why.c" && whole refuse
tree && sed -i s/--json/--jso/ "$work/tree/agent/deploy/bailiff.bash" && whole refuse
tree && more said said && whole accept
tree && more unsaid said && whole refuse
tree && more said unsaid && whole refuse
tree && more said said && sed -i 's/ --all//' "$work/tree/agent/deploy/bailiff.bash" && whole refuse
tree && more said said && sed -i '/why not/d' "$work/tree/docs/man/bailiff-why.1" && whole refuse
tree && sed -i s/_bailiff_why/_bailiff_wh/ "$work/tree/agent/deploy/bailiff.bash" && whole refuse

# no rule goes without cases
for rule in tests/lint/rules/*.sh; do
	name=$(basename "$rule" .sh)
	[ "$name" = commands ] && continue
	if ! grep -q "refuse $name " "$0" || ! grep -q "accept $name " "$0"; then
		echo "$rule has no cases in $0"
		echo "$name" >>"$work.bad"
	fi
done
echo "$(wc -l <"$work.cases") cases"
[ ! -s "$work.bad" ]
