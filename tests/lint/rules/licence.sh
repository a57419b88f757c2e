#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every source file says its licence near its top, and kernel programs the one that the kernel takes;
# C files then say in one comment what they are for.
exec awk '
FNR == 1 {
	finish()
	want = ""
	if (FILENAME ~ /\.([chS]|sh|mk|py|awk|[1-8]|service|conf|bash|ya?ml)$/ ||
	    FILENAME ~ /(^|\/)(Makefile|Containerfile)$/)
		want = FILENAME ~ /^bpf\/|\.bpf\.[ch]$/ ? "GPL-2.0-only OR BSD-2-Clause" : "Apache-2.0"
	# policies are data that companies have, and are read unchanged; corpora are data too
	if (FILENAME ~ /(^|\/)policy\/([^\/]*\/)*[^\/]*\.yaml$/ || FILENAME ~ /^tests\/(fixtures|fuzz\/corpus)\//)
		want = ""
	name = FILENAME
	said = purpose = ""
}
FNR <= 3 && match($0, /SPDX-License-Identifier: /) {
	said = substr($0, RSTART + RLENGTH)
	sub(/[ \t]*(\*\/)?[ \t]*$/, "", said)
}
FNR <= 3 && /^(\/\*|\/\/) [^ ]/ && !/SPDX/ { purpose = 1 }
function finish() {
	if (want != "" && said != want) {
		print name ":1: the SPDX line must say " want
		bad = 1
	} else if (want != "" && name ~ /\.[ch]$/ && !purpose) {
		print name ":2: one sentence must say what the file is for"
		bad = 1
	}
}
END {
	finish()
	exit bad
}' "$@"
