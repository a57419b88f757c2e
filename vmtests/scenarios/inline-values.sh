# SPDX-License-Identifier: Apache-2.0
# Values of every detector through the program that masks in place, on a TLS library that is none: in
# requests and responses, in every form, cut everywhere. See vmtests/inline.
# shellcheck shell=bash
# deadline: 600
# shellcheck source=vmtests/lib.sh
. /src/vmtests/lib.sh

step "no value comes out whole; blocks are answered; nothing is lost with a thousand connections"
/build/prove_inline >"$work/values" 2>&1 || fail "$(tail -n 3 "$work/values")"
cat "$work/values"
detail "$(grep -E ' masked, |connections:|checks, .* failed$' "$work/values" | tail -n 3 | tr '\n' ';')"

step "mutation: with no probe attached every part fails"
check "each does" /build/prove_inline --detached
