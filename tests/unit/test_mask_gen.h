/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded text without anything in it that must be masked: code, JSON, logs, diffs, lock files,
 * prose. Rich in what looks nearly like a secret: hashes, UUIDs, versions, timestamps, long
 * numbers. */
#ifndef TEST_MASK_GEN_H
#define TEST_MASK_GEN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct gen {
	uint64_t seed;
	char *out;
	size_t len, cap;
};

/* xorshift64*: the same on every machine */
static inline uint64_t gen_next(struct gen *g)
{
	g->seed ^= g->seed >> 12;
	g->seed ^= g->seed << 25;
	g->seed ^= g->seed >> 27;
	return g->seed * 0x2545f4914f6cdd1dull;
}

static inline unsigned int gen_below(struct gen *g, unsigned int n)
{
	return (unsigned int)((gen_next(g) >> 33) % n);
}

__attribute__((format(printf, 2, 3))) static inline void gen_put(struct gen *g, const char *fmt,
								 ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(g->out + g->len, g->cap - g->len, fmt, ap);
	va_end(ap);
	g->len = n < 0 || (size_t)n >= g->cap - g->len ? g->cap - 1 : g->len + (size_t)n;
}

static inline const char *gen_word(struct gen *g)
{
	static const char *const words[] = {
		"buffer", "token",  "count", "index",	"session", "user",   "value", "password",
		"key",	  "parse",  "state", "request", "header",  "stream", "node",  "secret",
		"length", "offset", "error", "config",	"event",   "result", "table", "credential",
		"path",	  "socket", "frame", "client",	"policy",  "digest", "entry", "handler",
		"the",	  "of",	    "and",   "which",	"before",  "when",   "with",  "routing",
		"using",  "single", "since", "basic",	"bearer",  "author", "sin",   "born",
	};

	return words[gen_below(g, sizeof(words) / sizeof(words[0]))];
}

static inline void gen_chars(struct gen *g, const char *alphabet, unsigned int n_alphabet,
			     unsigned int n)
{
	while (n--)
		gen_put(g, "%c", alphabet[gen_below(g, n_alphabet)]);
}

static inline void gen_hex(struct gen *g, unsigned int n)
{
	gen_chars(g, "0123456789abcdef", 16, n);
}

static inline void gen_code(struct gen *g)
{
	const char *a = gen_word(g), *b = gen_word(g), *c = gen_word(g);

	switch (gen_below(g, 24)) {
	case 0:
		gen_put(g, "static int %s_%s(struct %s *%s, size_t len)\n{\n", a, b, c, c);
		break;
	case 1:
		gen_put(g, "\tif (%s->%s_%s < 0 || !%s(%s, &%s))\n\t\treturn -EINVAL;\n", a, b, c,
			c, a, b);
		break;
	case 2:
		gen_put(g, "\tlog_info(\"%s: %%s of %%zu in %s\\n\", %s_%s, (size_t)%u);\n", a, b,
			c, a, gen_below(g, 100000));
		break;
	case 3:
		gen_put(g, "\t%s = %s_%s(%s, 0x%08x, %uull << %u);\n", a, b, c, a,
			gen_below(g, 1u << 30), gen_below(g, 1u << 30), gen_below(g, 64));
		break;
	case 12 ... 14:
		gen_put(g, "\tfor (%s = %s; %s < %u; %s++)\n\t\t%s_%s(%s[%s], %s);\n", a, b, a,
			gen_below(g, 100), a, c, b, c, a, b);
		break;
	case 15 ... 17:
		gen_put(g, "\tstruct %s *%s = %s_%s(%s->%s);\n\tint %s = 0;\n\n", a, b, c, a, b, c,
			a);
		break;
	case 18 ... 20:
		gen_put(g, "\t/* the %s of a %s is not the %s that %s */\n\treturn %s(%s) + %u;\n",
			a, b, c, a, b, c, gen_below(g, 10));
		break;
	case 4:
		gen_put(g, "\ttoken = get_token(%s);\n\tpassword = read_%s(%s, \"password\");\n", a,
			b, c);
		break;
	case 5:
		gen_put(g, "  const %s_token: string = await %s.%s({ password: props.%s });\n", a,
			b, c, a);
		break;
	case 6:
		gen_put(g, "@property\ndef %s_%s(self, %s: Optional[str] = None) -> Token:\n", a, b,
			c);
		break;
	case 7:
		gen_put(g, "import { %s, %s } from '@%s/%s-%s';\n", a, b, a, b, c);
		break;
	case 8:
		gen_put(g, "#define %s_%s_%s %u\n/* %s %s of the %s. */\n", a, b, c,
			gen_below(g, 1u << 31), a, b, c);
		break;
	case 9:
		gen_put(g, "    secret_name = \"%s/%s\"  # api_key: see %s.md\n", a, b, c);
		break;
	case 10:
		gen_put(g, "+\t\t{ %u, %u, %u, %u },\n-\t\t{ %u, %u },\n", gen_below(g, 1u << 31),
			gen_below(g, 9999), gen_below(g, 99), gen_below(g, 9999),
			gen_below(g, 1u << 31), gen_below(g, 999));
		break;
	default:
		gen_put(g, "}\n\n");
		break;
	}
}

static inline void gen_data(struct gen *g)
{
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *a = gen_word(g), *b = gen_word(g);
	unsigned int n = gen_below(g, 1u << 31), m = gen_below(g, 1000);

	switch (gen_below(g, 10)) {
	case 0:
		gen_put(g, "{\"size\":%u,\"%s_id\":\"", n, m & 1 ? "request" : "trace");
		gen_hex(g, 8);
		for (int i = 0; i < 3; i++) {
			gen_put(g, "-");
			gen_hex(g, 4);
		}
		gen_put(g, "-");
		gen_hex(g, 12);
		gen_put(g, "\",\"ts\":17%011u,\"ok\":true}\n", n);
		break;
	case 1:
		gen_put(g, "      \"integrity\": \"sha512-");
		gen_chars(g, base64, 64, 86);
		gen_put(g, "==\",\n");
		break;
	case 2:
		gen_hex(g, 64);
		gen_put(g, "  %s/%s-%u.%u.%u.tar.gz\n", a, b, m % 20, m % 7, m);
		break;
	case 3:
		gen_put(g, "commit ");
		gen_hex(g, 40);
		gen_put(g, "\nDate:   2024-0%u-1%u 1%u:%02u:%02u +0%u00\n", m % 9 + 1, m % 9, m % 9,
			m % 60, m % 59, m % 9);
		break;
	case 4:
		gen_put(g, "2024-11-%02uT10:%02u:%02u.%06uZ INFO %s.%s pid=%u took %u.%03ums\n",
			m % 28 + 1, m % 60, m % 60, n % 1000000, a, b, n % 65536, m, m);
		break;
	case 5:
		gen_put(g, "https://docs.example.org/%s/%s?page=%u&sort=%s#%s-%u\n", a, b, m, a, b,
			m);
		break;
	case 6:
		gen_put(g, "%u.%015u %u.%07u -%u.%u\n", m % 9, n, m, n % 10000000, m, n);
		break;
	case 7:
		gen_put(g, "10.%u.%u.%u:%u 0x%016llx %u-%u-%u\n", m % 255, m % 250, m % 99,
			n % 65536, (unsigned long long)gen_next(g), m, n % 10, n % 100000);
		break;
	case 8:
		gen_put(g, "github.com/%s/%s v0.%u.%u-2024%010u-", a, b, m % 30, m % 9, n);
		gen_hex(g, 12);
		gen_put(g, " h1:");
		gen_chars(g, base64, 64, 43);
		gen_put(g, "=\n");
		break;
	default:
		gen_put(g, "drwxr-xr-x  %u %s %s %9u Nov %2u 0%u:%02u %s_%s.c\n", m % 9, a, b, n,
			m % 28 + 1, m % 9, m % 60, a, b);
		break;
	}
}

static inline void gen_prose(struct gen *g)
{
	for (unsigned int i = 12 + gen_below(g, 20); i; i--)
		gen_put(g, "%s%s", gen_word(g), gen_below(g, 8) ? " " : ", ");
	gen_put(g, "%s.\n", gen_word(g));
}

/* Fills out with len bytes of text and a zero (cap len + 1). */
static inline void gen_text(uint64_t seed, char *out, size_t len)
{
	struct gen g = {.seed = seed * 0x9e3779b97f4a7c15ull + 1, .out = out, .cap = len + 1};

	while (g.len < len) {
		unsigned int kind = gen_below(&g, 10);

		if (kind < 5)
			gen_code(&g);
		else if (kind < 7)
			gen_data(&g);
		else
			gen_prose(&g);
	}
}

#endif
