// SPDX-License-Identifier: Apache-2.0
/* From a file to the layout of its TLS functions: by symbols, else by reasons. */
#include "tls/locate.h"

#include <errno.h>
#include <string.h>

#include "tls/elf.h"
#include "tls/reasons.h"
#include "tls/symbols.h"
#include "tls/scan.h"

static int layout_by_reasons(struct elf_image *image, void *arg)
{
	int r = elf_image_slots(image);

	return r ? r : reasons_locate(image, arg);
}

static int layout_by_any(struct elf_image *image, void *arg)
{
	int r = elf_image_slots(image);
	uint64_t string;

	if (!r)
		r = symbols_locate(image, arg);
	if (r != -ENOENT)
		return r;
	r = reasons_locate(image, arg);
	/* a library that is linked in and stripped, and that no method here can take apart, must
	 * not pass for a file without one */
	if (r == -ENOENT && !scan_string(image, "ssl/ssl_lib.c", &string))
		return elf_image_why(image, -EUCLEAN,
				     "OpenSSL is linked in, without symbols (its source file is "
				     "named at 0x%llx)",
				     (unsigned long long)string);
	return r;
}

static int run(int fd, int (*fn)(struct elf_image *, void *), struct tls_layout *ret, char *why)
{
	struct tls_layout layout = {0};
	struct elf_image image;
	int r = elf_image_open(fd, &image, why);

	if (r)
		return r;
	r = elf_image_guard(&image, fn, &layout);
	layout.machine = image.machine;
	layout.build_id_len = image.build_id_len;
	memcpy(layout.build_id, image.build_id, sizeof(layout.build_id));
	layout.file_size = image.size;
	elf_image_close(&image);
	if (r)
		return r;
	if (why)
		why[0] = 0;
	*ret = layout;
	return 0;
}

int tls_locate(int fd, struct tls_layout *ret, char *why)
{
	return run(fd, layout_by_any, ret, why);
}

int tls_locate_reasons(int fd, struct tls_layout *ret, char *why)
{
	return run(fd, layout_by_reasons, ret, why);
}

static bool is_return(uint16_t machine, const uint8_t *bytes)
{
	uint32_t w;

	if (machine == EM_X86_64) /* also behind a rep or bnd prefix */
		return bytes[0] == 0xc3 || bytes[0] == 0xc2 ||
		       ((bytes[0] == 0xf2 || bytes[0] == 0xf3) &&
			(bytes[1] == 0xc3 || bytes[1] == 0xc2));
	memcpy(&w, bytes, sizeof(w));
	return (w & 0xfffffc1f) == 0xd65f0000 || w == 0xd65f0bff || w == 0xd65f0fff;
}

struct comparison {
	const struct tls_layout *layout;
	bool equal;
};

static bool function_matches(const struct elf_image *image, const struct tls_function *f)
{
	if (f->offset > image->size || sizeof(f->entry) > image->size - f->offset ||
	    memcmp(image->map + f->offset, f->entry, sizeof(f->entry)) != 0)
		return false;
	if (f->n_rets > TLS_RETS_MAX)
		return false;
	for (uint32_t i = 0; i < f->n_rets; i++) {
		uint8_t bytes[4] = {0};
		uint64_t at = f->ret_offset[i];

		if (at >= image->size)
			return false;
		memcpy(bytes, image->map + at, image->size - at < 4 ? image->size - at : 4);
		/* a breakpoint in the middle of an instruction makes another one of it */
		if (!is_return(image->machine, bytes))
			return false;
	}
	return true;
}

static int compare(struct elf_image *image, void *arg)
{
	struct comparison *c = arg;
	const struct tls_layout *l = c->layout;

	if (image->size != l->file_size || image->machine != l->machine ||
	    image->build_id_len != l->build_id_len ||
	    memcmp(image->build_id, l->build_id, image->build_id_len) != 0)
		return 0;
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++)
		if (l->function[i].present && !function_matches(image, &l->function[i]))
			return 0;
	c->equal = true;
	return 0;
}

bool tls_layout_matches(const struct tls_layout *layout, int fd)
{
	struct comparison c = {.layout = layout};
	struct elf_image image;
	int r;

	if (elf_image_open(fd, &image, NULL))
		return false;
	r = elf_image_guard(&image, compare, &c);
	elf_image_close(&image);
	return r == 0 && c.equal;
}

const char *tls_role_to_string(enum tls_role role)
{
	static const char *const names[] = {
		[TLS_ROLE_WRITE] = "write",	    [TLS_ROLE_READ] = "read",
		[TLS_ROLE_WRITE_EX] = "write_ex",   [TLS_ROLE_READ_EX] = "read_ex",
		[TLS_ROLE_HANDSHAKE] = "handshake", [TLS_ROLE_OFFER] = "offer",
		[TLS_ROLE_OFFER_ALL] = "offer_all",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == TLS_ROLE_MAX, "one name a role");
	return (unsigned int)role < TLS_ROLE_MAX ? names[role] : "?";
}

const char *tls_method_to_string(enum tls_method method)
{
	static const char *const names[] = {
		[TLS_METHOD_NONE] = "none",
		[TLS_METHOD_REASONS] = "reasons",
		[TLS_METHOD_SYMBOLS] = "symbols",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == TLS_METHOD_MAX, "one name a method");
	return (unsigned int)method < TLS_METHOD_MAX ? names[method] : "?";
}

const char *tls_library_to_string(enum tls_library library)
{
	static const char *const names[] = {
		[TLS_LIBRARY_NONE] = "none",
		[TLS_LIBRARY_BORINGSSL] = "BoringSSL",
		[TLS_LIBRARY_OPENSSL] = "OpenSSL",
		[TLS_LIBRARY_GNUTLS] = "GnuTLS",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == TLS_LIBRARY_MAX, "one name a library");
	return (unsigned int)library < TLS_LIBRARY_MAX ? names[library] : "?";
}
