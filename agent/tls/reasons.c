// SPDX-License-Identifier: Apache-2.0
/* A function of BoringSSL is known by the set of errors that it can raise: names are stripped and
 * instructions change with every compiler, what goes wrong in SSL_write does not. */
#include "tls/reasons.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tls/finish.h"
#include "tls/raise.h"

#define SOURCE_FILE   "ssl/ssl_lib.cc"
#define FUNCTIONS_MAX 512
#define SOURCES_MAX   256

/* reasons of ERR_LIB_SSL */
#define BAD_HELLO_REQUEST	    110
#define BAD_LENGTH		    111
#define CONNECTION_TYPE_NOT_SET	    134
#define NO_RENEGOTIATION	    182
#define SHOULD_NOT_HAVE_BEEN_CALLED 66
#define SSL_HANDSHAKE_FAILURE	    215
#define UNINITIALIZED		    226

enum kind {
	KIND_WRITE,
	KIND_READ, /* SSL_read, or SSL_peek */
	KIND_HANDSHAKE,
	KIND_BODY, /* ssl_read_impl, which both of those call */
	KIND_MAX,
};

struct rule {
	const char *name;
	uint32_t needed[4];
	uint32_t allowed[4]; /* besides */
};

/* A reason outside both lists means that the compiler merged two functions: then which one starts
 * at the entry is not known. */
static const struct rule rules[KIND_MAX] = {
	[KIND_WRITE] = {"SSL_write",
			{SHOULD_NOT_HAVE_BEEN_CALLED, SSL_HANDSHAKE_FAILURE, UNINITIALIZED},
			{BAD_LENGTH}},
	[KIND_READ] = {"SSL_read", {SHOULD_NOT_HAVE_BEEN_CALLED}, {0}},
	[KIND_HANDSHAKE] = {"SSL_do_handshake", {CONNECTION_TYPE_NOT_SET}, {0}},
	[KIND_BODY] = {"the body of SSL_read",
		       {UNINITIALIZED, SSL_HANDSHAKE_FAILURE},
		       /* of ssl_do_post_handshake's, where the compiler merged that in */
		       {BAD_HELLO_REQUEST, NO_RENEGOTIATION}},
};

struct found {
	uint64_t entry;
	uint64_t end;
	struct raises raises;
};

struct search {
	struct elf_image *image;
	struct scan scan;
	struct code code;
	struct raise_walk *walk;
	uint64_t string;
	uint32_t n_found;
	struct found *found;
	const struct found *chosen[KIND_MAX];
};

static bool rule_lists(const uint32_t *list, uint32_t reason)
{
	for (unsigned int i = 0; i < 4 && list[i]; i++)
		if (list[i] == reason)
			return true;
	return false;
}

static bool rule_fits(const struct rule *rule, const struct raises *r)
{
	if (r->n_unread)
		return false;
	for (unsigned int i = 0; i < 4 && rule->needed[i]; i++)
		if (!raise_has(r, rule->needed[i]))
			return false;
	for (uint32_t i = 0; i < r->n_reasons; i++)
		if (!rule_lists(rule->needed, r->reason[i]) &&
		    !rule_lists(rule->allowed, r->reason[i]))
			return false;
	return true;
}

static bool covers(const struct code *c, uint64_t address)
{
	for (uint32_t i = 0; i < c->n_chunks; i++)
		if (address >= c->chunk[i].start && address < c->chunk[i].end)
			return true;
	return false;
}

/* Leaves the function that holds the address decoded in s->code. A byte pattern that only looks
 * like a call may name a false start inside a function: the one before it then reaches beyond. */
static bool owner_decode(struct search *s, uint64_t address, uint64_t *ret)
{
	uint64_t start = scan_start_of(s->image, &s->scan, address), before;

	if (!start)
		return false;
	before = scan_start_of(s->image, &s->scan, start - 1);
	if (before && !code_decode(&s->code, before, 0, false) && code_end(&s->code) > address) {
		*ret = before;
		return true;
	}
	if (code_decode(&s->code, start, 0, false) || !covers(&s->code, address))
		return false;
	*ret = start;
	return true;
}

static int owners_find(struct search *s)
{
	uint64_t done = 0;

	for (uint32_t i = 0; i < s->scan.n_uses; i++) {
		struct found *f = &s->found[s->n_found];

		if (s->scan.use[i] < done || !owner_decode(s, s->scan.use[i], &f->entry))
			continue;
		if (s->n_found == FUNCTIONS_MAX - 1)
			return elf_image_why(s->image, -EUCLEAN,
					     "more than %d functions use the string at 0x%" PRIx64,
					     FUNCTIONS_MAX, s->string);
		f->end = done = code_end(&s->code);
		raise_read(s->walk, &s->code, s->string, &f->raises);
		s->n_found++;
	}
	return 0;
}

static bool entry_reaches(struct search *s, const struct found *f, uint64_t target)
{
	return !code_decode(&s->code, f->entry, 0, false) && code_reaches(&s->code, target);
}

/* What else, besides its reasons, a function of the kind must do. */
static bool edges_fit(struct search *s, enum kind kind, const struct found *f)
{
	const struct found *handshake = s->chosen[KIND_HANDSHAKE];

	switch (kind) {
	case KIND_WRITE: /* shakes hands first, then calls the method's write_app_data */
		return entry_reaches(s, f, handshake->entry) && code_calls_indirectly(&s->code);
	case KIND_BODY:
		return entry_reaches(s, f, handshake->entry) && code_calls_indirectly(&s->code);
	case KIND_READ:
		return entry_reaches(s, f, s->chosen[KIND_BODY]->entry);
	default:
		return true;
	}
}

/* -ESRCH for none, so that the search may go on otherwise; several are several. */
static int refuse_count(const struct search *s, enum kind kind, uint32_t n, uint64_t first,
			uint64_t second)
{
	if (n == 0)
		return elf_image_why(s->image, -ESRCH,
				     "no function raises the errors of %s and makes its calls (%u "
				     "functions use the string at 0x%" PRIx64 ")",
				     rules[kind].name, s->n_found, s->string);
	return elf_image_why(s->image, -EUCLEAN,
			     "%u functions look like %s, not one: 0x%" PRIx64 ", 0x%" PRIx64, n,
			     rules[kind].name, first, second);
}

static int kind_choose(struct search *s, enum kind kind)
{
	const struct found *match[2] = {NULL, NULL};
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_found; i++) {
		const struct found *f = &s->found[i];

		/* an entry that nothing calls may be the middle of a function */
		if (!rule_fits(&rules[kind], &f->raises) || !scan_is_called(&s->scan, f->entry) ||
		    !edges_fit(s, kind, f))
			continue;
		if (n < 2)
			match[n] = f;
		n++;
	}
	if (n != 1)
		return refuse_count(s, kind, n, n ? match[0]->entry : 0, n ? match[1]->entry : 0);
	s->chosen[kind] = match[0];
	return 0;
}

/* SSL_read raises nothing that SSL_peek does not; it is the one that takes what it copied out of
 * the pending data. Where the compiler did not merge SSL_peek into it, it calls SSL_peek and raises
 * nothing. */
static int read_choose(struct search *s)
{
	const struct found *reads = NULL, *peeks = NULL;
	struct found *caller = &s->found[FUNCTIONS_MAX - 1];
	uint32_t n_reads = 0, n_peeks = 0, n;
	uint64_t second = 0, *source;

	for (uint32_t i = 0; i < s->n_found; i++) {
		const struct found *f = &s->found[i];

		if (!rule_fits(&rules[KIND_READ], &f->raises) ||
		    !scan_is_called(&s->scan, f->entry) || !edges_fit(s, KIND_READ, f))
			continue;
		if (code_consumes(&s->code)) {
			if (n_reads++)
				second = f->entry;
			else
				reads = f;
		} else {
			n_peeks++;
			peeks = f;
		}
	}
	if (n_reads == 1) {
		s->chosen[KIND_READ] = reads;
		return 0;
	}
	if (n_reads > 1 || n_peeks != 1)
		return refuse_count(s, KIND_READ, n_reads, n_reads ? reads->entry : 0, second);
	source = elf_image_alloc(s->image, SOURCES_MAX, sizeof(*source));
	if (!source)
		return -ENOMEM;
	n = scan_sources(s->image, peeks->entry, peeks->entry + 1, source, SOURCES_MAX);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t entry;

		if (!owner_decode(s, source[i], &entry) || entry == caller->entry ||
		    !scan_is_called(&s->scan, entry) || !code_reaches(&s->code, peeks->entry) ||
		    !code_consumes(&s->code))
			continue;
		if (n_reads++) {
			second = entry;
			continue;
		}
		*caller = (struct found){.entry = entry, .end = code_end(&s->code)};
	}
	if (n_reads != 1)
		return refuse_count(s, KIND_READ, n_reads, caller->entry, second);
	s->chosen[KIND_READ] = caller;
	return 0;
}

static int role_fill(struct search *s, enum kind kind, enum tls_role role, struct tls_function *ret)
{
	const struct found *f = s->chosen[kind];
	struct tls_function out;
	int r = finish_function(&s->code, role, f->entry, 0, &out);

	if (r)
		return r;
	out.n_reasons = f->raises.n_reasons;
	memcpy(out.reasons, f->raises.reason, sizeof(out.reasons));
	for (unsigned int k = 0; k < KIND_MAX; k++)
		if (s->chosen[k] != f && code_reaches(&s->code, s->chosen[k]->entry))
			out.edges[out.n_edges++] = s->chosen[k]->entry;
	*ret = out;
	return 0;
}

/* One search, with functions at multiples of 1 << shift. */
static int search_run(struct search *s, unsigned int shift, struct tls_layout *ret)
{
	int r = scan_text(s->image, s->string, shift, &s->scan);

	s->n_found = 0;
	if (!r)
		r = owners_find(s);
	/* in this order: each step knows the functions that the next one must call */
	if (!r)
		r = kind_choose(s, KIND_HANDSHAKE);
	if (!r)
		r = kind_choose(s, KIND_BODY);
	if (!r)
		r = kind_choose(s, KIND_WRITE);
	if (!r)
		r = read_choose(s);
	if (!r)
		r = role_fill(s, KIND_WRITE, TLS_ROLE_WRITE, &ret->function[TLS_ROLE_WRITE]);
	if (!r)
		r = role_fill(s, KIND_READ, TLS_ROLE_READ, &ret->function[TLS_ROLE_READ]);
	if (!r)
		r = role_fill(s, KIND_HANDSHAKE, TLS_ROLE_HANDSHAKE,
			      &ret->function[TLS_ROLE_HANDSHAKE]);
	return r;
}

int reasons_locate(struct elf_image *image, struct tls_layout *ret)
{
	struct search s = {.image = image};
	int r = scan_string(image, SOURCE_FILE, &s.string);

	if (r == -ENOTUNIQ)
		return elf_image_why(image, -EUCLEAN,
				     "the name of BoringSSL's source file is there more than once");
	if (r)
		return elf_image_why(image, -ENOENT, "no TLS library that is known here");
	s.found = elf_image_alloc(image, FUNCTIONS_MAX, sizeof(*s.found));
	s.walk = raise_init(image);
	if (!s.found || !s.walk || code_init(&s.code, image, &s.scan))
		return -ENOMEM;
	r = search_run(&s, image->machine == EM_X86_64 ? 4 : 2, ret);
	/* compilers that save space do not align functions; first the sharper way, with fewer false
	 * starts */
	if (r == -ESRCH && image->machine == EM_X86_64)
		r = search_run(&s, 0, ret);
	if (r)
		return r == -ESRCH ? -EUCLEAN : r;
	ret->method = TLS_METHOD_REASONS;
	ret->library = TLS_LIBRARY_BORINGSSL;
	ret->source_string = s.string;
	ret->read_body = s.chosen[KIND_BODY]->entry;
	return 0;
}
