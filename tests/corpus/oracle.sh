#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# oracle.sh BAILIFF CACHE: builds BoringSSL (Debian's source) in many ways, strips it, and compares what
# the locator finds with the symbols before the strip. An answer that differs fails; a refusal is listed,
# and fails where the table below expects an answer.
set -eu
bailiff=$(realpath "$1")
mkdir -p "$2"
cd "$2"
failed=0

# Sources and arm64 headers come through a private apt state: the machine's own is left alone.
fetch() {
	apt=$PWD/apt
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	if [ -f /etc/apt/sources.list.d/debian.sources ]; then
		sed 's/^Types:.*/Types: deb deb-src/' /etc/apt/sources.list.d/debian.sources >"$apt/d.sources"
		list=$apt/d.sources
	else
		sed -n 's/^deb /deb /p; s/^deb /deb-src /p' /etc/apt/sources.list >"$apt/d.list"
		list=$apt/d.list
	fi
	set -- -qq -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt" -o APT::Sandbox::User=root
	apt-get "$@" update
	apt-get "$@" source --download-only android-platform-external-boringssl
	apt-get "$@" download libc6-dev-arm64-cross libstdc++-12-dev-arm64-cross \
		linux-libc-dev-arm64-cross
	mkdir -p src cross
	tar xJf android-platform-external-boringssl_*.orig.tar.xz --strip-components=1 -C src
	for d in ./*.deb; do
		dpkg -x "$d" cross
	done
	touch fetched
}

[ -e fetched ] || fetch
cat >main.c <<'END'
typedef struct ssl_st SSL;
int SSL_write(SSL *, const void *, int), SSL_read(SSL *, void *, int), SSL_peek(SSL *, void *, int);
int SSL_do_handshake(SSL *), SSL_shutdown(SSL *);
SSL *volatile s;
char b[64];
int main(void)
{
	return SSL_do_handshake(s) + SSL_write(s, b, 64) + SSL_read(s, b, 64) + SSL_peek(s, b, 3) +
	       SSL_shutdown(s);
}
END

# try NAME WANT CC CFLAGS LDFLAGS: WANT is found or refused
try() {
	o=out/$1
	mkdir -p "$o"
	for f in ssl_lib bio_ssl handshake s3_pkt tls_method ssl_buffer; do
		# shellcheck disable=SC2086 # flags are meant to be split
		$3 $4 -std=gnu++17 -fno-exceptions -fno-rtti -w -DBORINGSSL_IMPLEMENTATION -DOPENSSL_NO_ASM \
			-Isrc/src/include -x c++ -c "src/src/ssl/$f.cc" -o "$o/$f.o"
	done
	# shellcheck disable=SC2086
	$3 $4 -w -x c -Isrc/src/include -DOPENSSL_NO_ASM -c src/src/crypto/err/err.c -o "$o/err.o"
	# shellcheck disable=SC2086
	$3 $4 -w -x c -c main.c -o "$o/main.o"
	# shellcheck disable=SC2086
	$3 $4 $5 -nostdlib -Wl,--unresolved-symbols=ignore-all -Wl,-e,main "$o"/*.o -o "$o/prog" 2>"$o/log"
	llvm-strip --strip-all "$o/prog" -o "$o/stripped"
	want=$(nm "$o/prog" | awk '$3 ~ /^SSL_(do_handshake|read|write)$/ { print $3, $1 }' | sort | awk '{ print $2 }' |
		sed 's/^0*//' | tr '\n' ' ')
	got=$("$bailiff" locate --json "$o/stripped" | jq -r 'if .located then .functions |
		[.handshake.address, .read.address, .write.address] | map(ltrimstr("0x")) | join(" ") + " "
		else "refused" end')
	if [ "$got" = refused ] && [ "$2" = refused ]; then
		printf '  REFUSED  %-16s (no answer is expected)\n' "$1"
	elif [ "$got" = "$want" ]; then
		printf '  PASS     %-16s %s\n' "$1" "$got"
	else
		failed=1
		printf '  FAIL     %-16s found: %s wanted: %s\n' "$1" "$got" "$want"
	fi
}

static='-no-pie -static'
inc=$PWD/cross/usr/aarch64-linux-gnu/include
arm="--target=aarch64-linux-gnu -fuse-ld=lld -nostdlibinc -I$inc/c++/12 -I$inc/c++/12/aarch64-linux-gnu -I$inc"
for c in gcc clang; do
	for l in 1 2 3 s; do
		try "$c-O$l" found "$c" "-O$l -fno-pie" "$static"
	done
	try "$c-pie" found "$c" "-O2 -fPIE -fstack-protector-strong" -pie
	# whole-program optimisation merges the functions into their one caller here: they are gone
	try "$c-lto" refused "$c" "-O2 -flto -fno-pie -fuse-ld=$([ $c = gcc ] && echo bfd || echo lld)" "$static"
done
try gcc-partition found gcc "-O2 -fno-pie -freorder-blocks-and-partition" "$static"
try clang-split found clang "-O2 -fno-pie -mllvm -hot-cold-split" "$static"
try clang-haswell found clang "-O3 -march=haswell -fno-omit-frame-pointer -fPIE -fuse-ld=lld" -pie
# constants go over the stack: their reasons are not read
try clang-Oz refused clang "-Oz -fno-pie" "$static"
for l in 1 2 3 s; do
	try "arm64-O$l" found clang "$arm -O$l -fno-pie" "$static"
done
try arm64-pie found clang "$arm -O2 -fPIE -mbranch-protection=standard" -pie
try arm64-Oz refused clang "$arm -Oz -fno-pie" "$static"
exit $failed
