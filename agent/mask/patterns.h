/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that the patterns of detectors share. PCRE2 syntax; those named A_ are for anchors. */
#ifndef MASK_PATTERNS_H
#define MASK_PATTERNS_H

/* No letter or digit before; but the letter of \n, \t and the like in escaped text is none. */
#define BEGIN "(?:(?<![A-Za-z0-9])|(?<=\\\\[nrtbf]))"
/* One of the escapes before, or none of these characters. */
#define BEGIN_NOT(set) "(?:(?<![" set "])|(?<=\\\\[nrtbf]))"
/* No letter or digit after. */
#define END "(?![A-Za-z0-9])"
/* The same for a letter before an anchor. */
#define A_BEGIN "(?:^|[^A-Za-z0-9]|\\\\[nrtbf])"

/* One separator inside a number: space, dash, point, no-break space, the dashes of typographers. */
#define SEP	 "(?:[ .-]|\\xc2\\xa0|\\xe2\\x80[\\x90-\\x95])"
#define SPACE	 "(?: |\\xc2\\xa0)"
#define DASH	 "(?:-|\\xe2\\x80[\\x90-\\x95])"
#define SEP_DASH "(?:[ -]|\\xc2\\xa0|\\xe2\\x80[\\x90-\\x95])"

/* A quote as JSON in JSON in a shell may write it. */
#define QUOTE "(?:\\\\{0,7}[\"'`])"
/* What stands between a name and a number: "nhs_number": "943..., NHS no. 943..., nhs=943... */
#define GAP "[^0-9\\n]{0,32}"
/* The same after a name that is also a word: "number" and the like, or a sign of assignment. */
#define GAP_STRICT                                                                                 \
	"(?:[ _.-]{0,2}(?:number|numero|nummer|no|nr|num|code|id)[^A-Za-z0-9\\n]{1,8}|"            \
	"[^A-Za-z0-9\\n]{0,8}[:=#\"'|>,][^A-Za-z0-9\\n]{0,8})"

/* Two words in all ways to join them, as plain words for an anchor. */
#define A_JOINED(a, b) a b "|" a "_" b "|" a "-" b "|" a " " b

#endif
