// SPDX-License-Identifier: Apache-2.0
/* Names from the dynamic table (the one that the loader uses), else from .symtab. */
#include "tls/symbols.h"

#include <errno.h>
#include <string.h>

#include "tls/finish.h"

struct name {
	const char *text;
	uint64_t address; /* 0: not there */
	uint64_t size;
	bool differs; /* there more than once, at different addresses */
};

enum {
	NAME_SSL_WRITE,
	NAME_SSL_READ,
	NAME_SSL_WRITE_EX,
	NAME_SSL_READ_EX,
	NAME_SSL_DO_HANDSHAKE,
	NAME_SSL_OFFER,
	NAME_SSL_OFFER_ALL,
	NAME_GNUTLS_SEND,
	NAME_GNUTLS_RECV,
	NAME_GNUTLS_HANDSHAKE,
	NAME_GNUTLS_OFFER,
	NAME_BORINGSSL, /* a function that only BoringSSL has */
	NAME_MAX,
};

static const char *const texts[NAME_MAX] = {
	[NAME_SSL_WRITE] = "SSL_write",
	[NAME_SSL_READ] = "SSL_read",
	[NAME_SSL_WRITE_EX] = "SSL_write_ex",
	[NAME_SSL_READ_EX] = "SSL_read_ex",
	[NAME_SSL_DO_HANDSHAKE] = "SSL_do_handshake",
	[NAME_SSL_OFFER] = "SSL_set_alpn_protos",
	[NAME_SSL_OFFER_ALL] = "SSL_CTX_set_alpn_protos",
	[NAME_GNUTLS_SEND] = "gnutls_record_send",
	[NAME_GNUTLS_RECV] = "gnutls_record_recv",
	[NAME_GNUTLS_HANDSHAKE] = "gnutls_handshake",
	[NAME_GNUTLS_OFFER] = "gnutls_alpn_set_protocols",
	[NAME_BORINGSSL] = "SSL_CTX_set_custom_verify",
};

static void name_take(const struct elf_image *image, const Elf64_Sym *sym, struct name *n)
{
	if (!elf_symbol_is_code(image, sym))
		return;
	if (n->address && n->address != sym->st_value)
		n->differs = true;
	n->address = sym->st_value;
	n->size = sym->st_size;
}

static bool dynsym_get(const struct elf_image *image, uint32_t i, Elf64_Sym *ret)
{
	if (i >= image->dynsym.size / sizeof(*ret))
		return false;
	memcpy(ret, image->map + image->dynsym.offset + (uint64_t)i * sizeof(*ret), sizeof(*ret));
	return true;
}

static bool word_get(const struct elf_image *image, const struct elf_table *t, uint64_t i,
		     uint32_t *ret)
{
	if (i >= t->size / 4)
		return false;
	memcpy(ret, image->map + t->offset + i * 4, sizeof(*ret));
	return true;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (uint8_t)*name;
	return h;
}

/* Every symbol of the name in DT_GNU_HASH: header of 4 words, bloom filter of 64-bit words,
 * buckets, chains. */
static void gnu_hash_find(const struct elf_image *image, struct name *n)
{
	const struct elf_table *t = &image->gnu_hash;
	uint32_t buckets, first, bloom, i, h = gnu_hash(n->text), chain;
	uint64_t chains;
	Elf64_Sym sym;

	if (!word_get(image, t, 0, &buckets) || !word_get(image, t, 1, &first) ||
	    !word_get(image, t, 2, &bloom) || !buckets)
		return;
	chains = 4 + 2ull * bloom + buckets;
	if (!word_get(image, t, 4 + 2ull * bloom + h % buckets, &i))
		return;
	for (; i >= first && word_get(image, t, chains + (i - first), &chain); i++) {
		if ((chain | 1) == (h | 1) && dynsym_get(image, i, &sym) &&
		    elf_symbol_is_named(image, &sym, n->text))
			name_take(image, &sym, n);
		if (chain & 1)
			break;
	}
}

/* DT_HASH: the number of chains is the number of symbols. */
static void hash_find(const struct elf_image *image, struct name *names)
{
	uint32_t n;
	Elf64_Sym sym;

	if (!word_get(image, &image->hash, 1, &n))
		return;
	for (uint32_t i = 1; i < n && dynsym_get(image, i, &sym); i++)
		for (unsigned int k = 0; k < NAME_MAX; k++)
			if (elf_symbol_is_named(image, &sym, names[k].text))
				name_take(image, &sym, &names[k]);
}

static bool section_get(const struct elf_image *image, uint32_t i, Elf64_Shdr *ret)
{
	uint64_t at = (uint64_t)i * sizeof(*ret);

	if (i >= image->shnum || image->shoff > image->size ||
	    at + sizeof(*ret) > image->size - image->shoff)
		return false;
	memcpy(ret, image->map + image->shoff + at, sizeof(*ret));
	return ret->sh_type == SHT_NOBITS ||
	       (ret->sh_offset <= image->size && ret->sh_size <= image->size - ret->sh_offset);
}

static void symtab_find(const struct elf_image *image, struct name *names)
{
	Elf64_Shdr table, strings;

	for (uint32_t i = 0; i < image->shnum; i++) {
		if (!section_get(image, i, &table) || table.sh_type != SHT_SYMTAB ||
		    !section_get(image, table.sh_link, &strings) || strings.sh_type != SHT_STRTAB)
			continue;
		for (uint64_t k = 0; k < table.sh_size / sizeof(Elf64_Sym); k++) {
			Elf64_Sym sym;
			const char *text;

			memcpy(&sym, image->map + table.sh_offset + k * sizeof(sym), sizeof(sym));
			if (sym.st_name >= strings.sh_size)
				continue;
			text = (const char *)image->map + strings.sh_offset + sym.st_name;
			/* two letters tell nearly all of them apart */
			if (strings.sh_size - sym.st_name < 2 ||
			    (memcmp(text, "SS", 2) != 0 && memcmp(text, "gn", 2) != 0))
				continue;
			for (unsigned int j = 0; j < NAME_MAX; j++) {
				size_t len = strlen(names[j].text) + 1;

				if (len <= strings.sh_size - sym.st_name &&
				    memcmp(text, names[j].text, len) == 0)
					name_take(image, &sym, &names[j]);
			}
		}
		return;
	}
}

static bool any_found(const struct name *names)
{
	return names[NAME_SSL_WRITE].address || names[NAME_SSL_READ].address ||
	       names[NAME_GNUTLS_SEND].address || names[NAME_GNUTLS_RECV].address;
}

static int role_take(struct code *c, enum tls_role role, const struct name *n,
		     struct tls_layout *layout)
{
	if (!n->address)
		return elf_image_why(c->image, -EUCLEAN, "the symbol %s is missing", n->text);
	if (n->differs)
		return elf_image_why(c->image, -EUCLEAN,
				     "there are several functions of the name %s", n->text);
	return finish_function(c, role, n->address, n->size, &layout->function[role]);
}

/* Without these no byte is missed, only spoken in HTTP/2, which is told: a library that has none,
 * or one that cannot be taken apart, is a good one all the same. */
static void offer_take(struct code *c, enum tls_role role, const struct name *n,
		       struct tls_layout *layout)
{
	if (n->address && !n->differs)
		finish_function(c, role, n->address, n->size, &layout->function[role]);
}

static int ssl_take(struct code *c, const struct name *names, struct tls_layout *layout)
{
	int r = role_take(c, TLS_ROLE_WRITE, &names[NAME_SSL_WRITE], layout);

	if (!r)
		r = role_take(c, TLS_ROLE_READ, &names[NAME_SSL_READ], layout);
	if (!r)
		r = role_take(c, TLS_ROLE_HANDSHAKE, &names[NAME_SSL_DO_HANDSHAKE], layout);
	/* optional, but where they are there, what goes through them must be seen too */
	if (!r && names[NAME_SSL_WRITE_EX].address)
		r = role_take(c, TLS_ROLE_WRITE_EX, &names[NAME_SSL_WRITE_EX], layout);
	if (!r && names[NAME_SSL_READ_EX].address)
		r = role_take(c, TLS_ROLE_READ_EX, &names[NAME_SSL_READ_EX], layout);
	if (!r) {
		offer_take(c, TLS_ROLE_OFFER, &names[NAME_SSL_OFFER], layout);
		offer_take(c, TLS_ROLE_OFFER_ALL, &names[NAME_SSL_OFFER_ALL], layout);
	}
	layout->library =
		names[NAME_BORINGSSL].address ? TLS_LIBRARY_BORINGSSL : TLS_LIBRARY_OPENSSL;
	return r;
}

static int gnutls_take(struct code *c, const struct name *names, struct tls_layout *layout)
{
	int r = role_take(c, TLS_ROLE_WRITE, &names[NAME_GNUTLS_SEND], layout);

	if (!r)
		r = role_take(c, TLS_ROLE_READ, &names[NAME_GNUTLS_RECV], layout);
	if (!r)
		r = role_take(c, TLS_ROLE_HANDSHAKE, &names[NAME_GNUTLS_HANDSHAKE], layout);
	if (!r)
		offer_take(c, TLS_ROLE_OFFER, &names[NAME_GNUTLS_OFFER], layout);
	layout->library = TLS_LIBRARY_GNUTLS;
	return r;
}

int symbols_locate(struct elf_image *image, struct tls_layout *ret)
{
	struct name names[NAME_MAX] = {{0}};
	struct code code;
	bool ssl, gnutls;
	int r;

	for (unsigned int i = 0; i < NAME_MAX; i++)
		names[i].text = texts[i];
	for (unsigned int i = 0; i < NAME_MAX && image->gnu_hash.size; i++)
		gnu_hash_find(image, &names[i]);
	if (!image->gnu_hash.size)
		hash_find(image, names);
	if (!any_found(names))
		symtab_find(image, names);
	if (!any_found(names))
		return -ENOENT;
	ssl = names[NAME_SSL_WRITE].address || names[NAME_SSL_READ].address;
	gnutls = names[NAME_GNUTLS_SEND].address || names[NAME_GNUTLS_RECV].address;
	if (ssl && gnutls)
		return elf_image_why(image, -EUCLEAN,
				     "the symbols of two TLS libraries are in one file");
	r = code_init(&code, image, NULL);
	if (r)
		return r;
	ret->method = TLS_METHOD_SYMBOLS;
	return ssl ? ssl_take(&code, names, ret) : gnutls_take(&code, names, ret);
}
