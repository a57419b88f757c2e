/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the TLS functions in an ELF file: by symbol where there are symbols (OpenSSL, GnuTLS,
 * unstripped BoringSSL), by the reason-set method in a stripped static BoringSSL. */
#ifndef TLS_LOCATE_H
#define TLS_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_role {
	TLS_ROLE_WRITE,	   /* SSL_write, gnutls_record_send: plaintext in (arg 2, arg 3) at entry */
	TLS_ROLE_READ,	   /* SSL_read, gnutls_record_recv: plaintext in arg 2 at return, length
			      returned */
	TLS_ROLE_WRITE_EX, /* SSL_write_ex: int result, *arg4 = written */
	TLS_ROLE_READ_EX,  /* SSL_read_ex: int result, *arg4 = length */
	TLS_ROLE_HANDSHAKE, /* SSL_do_handshake, gnutls_handshake: a connection starts */
	TLS_ROLE_OFFER,	    /* SSL_set_alpn_protos, gnutls_alpn_set_protocols: what is offered in
			       (arg 2, arg 3) at entry */
	TLS_ROLE_OFFER_ALL, /* SSL_CTX_set_alpn_protos: the same, for connections to come */
	TLS_ROLE_MAX,
};

/* Probed at the entry alone, by another program than what carries plaintext. */
static inline bool tls_role_is_offer(enum tls_role role)
{
	return role == TLS_ROLE_OFFER || role == TLS_ROLE_OFFER_ALL;
}

enum tls_method {
	TLS_METHOD_NONE,
	TLS_METHOD_REASONS, /* BoringSSL, by the error reasons each function raises */
	TLS_METHOD_SYMBOLS, /* .dynsym or .symtab */
	TLS_METHOD_MAX,
};

enum tls_library {
	TLS_LIBRARY_NONE,
	TLS_LIBRARY_BORINGSSL,
	TLS_LIBRARY_OPENSSL,
	TLS_LIBRARY_GNUTLS,
	TLS_LIBRARY_MAX,
};

#define TLS_RETS_MAX	 24
#define TLS_REASONS_MAX	 16
#define TLS_EDGES_MAX	 16
#define TLS_ENTRY_BYTES	 16
#define TLS_BUILD_ID_MAX 20
#define TLS_WHY_SIZE	 256

struct tls_function {
	bool present;
	uint64_t address; /* virtual address of the entry */
	uint64_t offset;  /* file offset of the entry: what a uprobe takes */
	uint64_t size;	  /* bytes decoded, entry to last instruction */
	/* File offsets of each ret instruction, all of them. A function that ends with a jump to
	 * another returns there (gnutls_record_recv does): such a ret serves other callers too, and
	 * is this call's only where the stack pointer equals that at entry. HANDSHAKE may have
	 * none: its entry serves, and OpenSSL's ends with a jump through a pointer. So do those of
	 * the OFFER roles. */
	uint32_t n_rets;
	uint64_t ret_offset[TLS_RETS_MAX];
	uint8_t entry[TLS_ENTRY_BYTES]; /* the bytes at offset: compared again before attaching */
	/* evidence, for people */
	uint32_t n_reasons;
	uint32_t reasons[TLS_REASONS_MAX]; /* ascending, lib 16 (ERR_LIB_SSL) */
	uint32_t n_edges;
	uint64_t
		edges[TLS_EDGES_MAX]; /* addresses of the role functions (and read body) it calls */
};

struct tls_layout {
	enum tls_method method;
	enum tls_library library;
	uint16_t machine; /* EM_X86_64, EM_AARCH64 */
	uint32_t build_id_len;
	uint8_t build_id[TLS_BUILD_ID_MAX];
	uint64_t file_size;
	uint64_t source_string; /* address of "…ssl/ssl_lib.cc", 0 with TLS_METHOD_SYMBOLS */
	uint64_t read_body;	/* address of ssl_read_impl / SSL_peek body, 0 if none */
	struct tls_function function[TLS_ROLE_MAX];
};

/* Analyses the file behind fd (mapped, not read; the offset of fd is not used or changed).
 * Returns 0 and fills *ret; or
 *   -ENOENT   no TLS library in this file,
 *   -EUCLEAN  a TLS library, but not exactly one candidate for a role: refused,
 *   -ENOEXEC  not an ELF file, or a damaged one,
 *   -ENOTSUP  an ELF of a machine or class that is not analysed,
 *   another negative errno of open/mmap.
 * why (TLS_WHY_SIZE bytes, may be NULL) then holds one sentence: what was expected, what was found,
 * where. *ret is untouched on failure. WRITE, READ and HANDSHAKE are required for success; the _EX
 * roles are optional and exist in OpenSSL only, the OFFER roles are found by symbol only. A file
 * that is cut short meanwhile is -EIO: for that, the SIGBUS handler of the process is taken while
 * this runs, so not in two threads at once.
 */
int tls_locate(int fd, struct tls_layout *ret, char *why);

/* Whether the bytes at each located entry in fd still equal those analysed, and the build-id too.
 */
bool tls_layout_matches(const struct tls_layout *layout, int fd);

const char *tls_role_to_string(enum tls_role role);
const char *tls_method_to_string(enum tls_method method);
const char *tls_library_to_string(enum tls_library library);

#endif
