#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every program at a uprobe calls uprobe_own_stack() (bpf/uprobe.bpf.h says why): one without it runs
# well for months, and then writes over another one's stack.
for f in "$@"; do
	case $f in tests/bench/*) ;; *.bpf.c) printf '%s\0' "$f" ;; esac
done | xargs -0 -r awk '
/^SEC\("u(ret)?probe/ {
	program = FILENAME ":" FNR
	own = 0
}
/^[ \t]+uprobe_own_stack\(ctx\);/ { own = 1 }
/^}/ {
	if (program != "" && !own) {
		print program ": a program at a uprobe without uprobe_own_stack(ctx)"
		bad = 1
	}
	program = ""
}
END { exit bad }'
