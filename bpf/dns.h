/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* DNS messages (RFC 1035), taken apart one bounded step at a time: compiled for the kernel programs
 * and, as plain C, for unit tests and the fuzzer. Nothing is looked up here.
 *
 * Whoever answers may be an attacker's name server. So each step has a bound of its own: a name has
 * 254 characters, a pointer leads backwards only, an answer has a chain of aliases that begins at
 * the name that was asked, and a record for any other name is passed over. */
#ifndef BAILIFF_DNS_H
#define BAILIFF_DNS_H

#include "bpf/verdict.h"

/* Larger ones would have come in fragments, which is where forged answers are slipped in; name
 * servers keep to 1,232 bytes (RFC 9715). A power of two: an offset is masked with it. */
#define DNS_MESSAGE_MAX	  4096
#define DNS_HEAD	  12
#define DNS_RECORDS_MAX	  64 /* of one answer that are looked at */
#define DNS_ADDRESSES_MAX 16 /* of one answer that are learned */
#define DNS_ALIASES_MAX	  16
#define DNS_POINTERS_MAX  16 /* within one name */
#define DNS_STEPS_MAX	  (NAME_SIZE + DNS_POINTERS_MAX)

#define DNS_TYPE_A     1
#define DNS_TYPE_ALIAS 5 /* CNAME */
#define DNS_TYPE_AAAA  28
#define DNS_CLASS_IN   1

enum dns_result {
	DNS_OK,
	DNS_OTHER, /* no standard query, a failure, another kind of question: nothing to learn */
	DNS_TRUNCATED, /* the rest would come over TCP */
	DNS_BAD,       /* not what RFC 1035 says */
};

enum dns_walk {
	DNS_WALK_QUESTION, /* read into question, and its hash */
	DNS_WALK_TARGET,   /* read into target: where an alias leads */
	DNS_WALK_COMPARE,  /* is it target? */
};

struct dns_name {
	__u32 len; /* without the zero that ends it */
	__u32 odd; /* a byte in it that no host name has: equal to no name, matched by no rule */
	char text[NAME_SIZE]; /* lower case, dots between labels */
};

struct dns_address {
	__u32 family;
	__u32 ttl;
	__u8 bytes[16];
};

/* One message and how far it was read. In the kernel it lies in a map value: what a bpf_loop
 * callback changes must. */
struct dns_message {
	__u32 len;
	__u32 result; /* enum dns_result */
	/* the head */
	__u16 id, flags;
	__u16 type; /* of the question */
	__u16 pad;
	__u32 left; /* records */
	__u64 hash; /* of the question's name and type */
	/* where reading stands */
	__u32 at;
	__u32 walk;	  /* enum dns_walk */
	__u32 label;	  /* bytes left in this label */
	__u32 out;	  /* characters of the name so far */
	__u32 lowest;	  /* a pointer must lead below this */
	__u32 pointers;	  /* followed */
	__u32 end;	  /* where the name ends in its place; 0: not yet known */
	__u32 same, done; /* of DNS_WALK_COMPARE; of any */
	__u32 ttl;	  /* least of the chain */
	__u32 aliases;
	__u32 n;
	struct dns_address addresses[DNS_ADDRESSES_MAX];
	struct dns_name question, target;
	__u8 bytes[DNS_MESSAGE_MAX];
};

/* Where a callback finds its message. */
struct dns_context {
	struct dns_message *m;
};

#ifdef __BPF__
#define dns_loop(n, callback, context) bpf_loop(n, callback, context, 0)
/* not static: the verifier looks at it once, and not once for each path that leads here */
#define DNS_FUNCTION __noinline
#else
#define dns_loop(n, callback, context)                                                             \
	do {                                                                                       \
		for (__u32 dns_i_ = 0; dns_i_ < (n); dns_i_++)                                     \
			if (callback(dns_i_, context))                                             \
				break;                                                             \
	} while (0)
#define DNS_FUNCTION static __attribute__((unused))
#endif

static __always_inline __u32 dns_byte(const struct dns_message *m, __u32 at)
{
	return m->bytes[at & (DNS_MESSAGE_MAX - 1)];
}

static __always_inline __u32 dns_short(const struct dns_message *m, __u32 at)
{
	return dns_byte(m, at) << 8 | dns_byte(m, at + 1);
}

static __always_inline __u32 dns_long(const struct dns_message *m, __u32 at)
{
	return dns_short(m, at) << 16 | dns_short(m, at + 2);
}

static __always_inline long dns_fail(struct dns_message *m)
{
	m->result = DNS_BAD;
	m->done = 1;
	return 1;
}

/* Letters, digits, '-' and '_': anything else, a dot inside a label above all, would let one name
 * be written so that it reads like another. */
static __always_inline int dns_is_plain(__u32 c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* One character of the name. Returns 1 when the name is too long. */
static __always_inline long dns_put(struct dns_message *m, __u32 c, __u32 odd)
{
	__u32 at = m->out;

	if (at >= NAME_SIZE - 3) /* 253, RFC 1035 2.3.4 */
		return 1;
	m->out = at + 1;
	at &= NAME_SIZE - 1;
	if (m->walk == DNS_WALK_QUESTION) {
		m->question.text[at] = (char)c;
		m->question.odd |= odd;
		m->hash = (m->hash ^ c) * 0x100000001b3ULL;
	} else if (m->walk == DNS_WALK_TARGET) {
		m->target.text[at] = (char)c;
		m->target.odd |= odd;
	} else if (odd || m->target.odd || m->target.text[at] != (char)c) {
		m->same = 0;
	}
	return 0;
}

static __always_inline long dns_name_ends(struct dns_message *m, __u32 at)
{
	if (!m->end)
		m->end = at + 1;
	if (m->walk == DNS_WALK_QUESTION)
		m->question.len = m->out;
	else if (m->walk == DNS_WALK_TARGET)
		m->target.len = m->out;
	else if (m->target.len != m->out)
		m->same = 0;
	m->done = 1;
	return 1;
}

/* One byte of a name, or one pointer. */
static long dns_name_step(__u32 i, void *context)
{
	struct dns_message *m = ((struct dns_context *)context)->m;
	__u32 at = m->at, c;

	(void)i;
	if (at >= m->len)
		return dns_fail(m);
	c = dns_byte(m, at);
	if (m->label) {
		__u32 lower = c >= 'A' && c <= 'Z' ? c + 32 : c;

		m->label--;
		m->at = at + 1;
		return dns_put(m, lower, !dns_is_plain(lower)) ? dns_fail(m) : 0;
	}
	if (!c)
		return dns_name_ends(m, at);
	if ((c & 0xc0) == 0xc0) {
		__u32 to = dns_short(m, at) & 0x3fff;

		/* backwards, and before all that was read of this name: it cannot run in a circle
		 */
		if (at + 1 >= m->len || to >= m->lowest || m->pointers >= DNS_POINTERS_MAX)
			return dns_fail(m);
		if (!m->end)
			m->end = at + 2;
		m->pointers++;
		m->lowest = to;
		m->at = to;
		return 0;
	}
	if (c & 0xc0)
		return dns_fail(m);
	m->label = c;
	m->at = at + 1;
	return m->out && dns_put(m, '.', 0) ? dns_fail(m) : 0;
}

/* Walks the name at m->at. m->end is then where what follows it begins; with DNS_WALK_COMPARE,
 * m->same says whether it is target. Returns DNS_OK or DNS_BAD. */
DNS_FUNCTION int dns_name(struct dns_message *m, __u32 walk)
{
	struct dns_context context = {.m = m};

	if (!m)
		return DNS_BAD;
	m->walk = walk;
	m->lowest = m->at;
	m->label = m->out = m->pointers = m->end = m->done = 0;
	m->same = 1;
	if (walk == DNS_WALK_QUESTION) {
		m->question.odd = 0;
		m->hash = 0xcbf29ce484222325ULL;
	} else if (walk == DNS_WALK_TARGET) {
		m->target.odd = 0;
	}
	dns_loop(DNS_STEPS_MAX, dns_name_step, &context);
	/* as many steps as a name of 253 characters takes: what is still going is none */
	if (!m->done || m->result == DNS_BAD) {
		m->result = DNS_BAD;
		return DNS_BAD;
	}
	return DNS_OK;
}

/* The head and the question: exactly one, as every resolver sends it. answer: 1 for a message from
 * a name server. Returns an enum dns_result; with DNS_OK and DNS_TRUNCATED the question is known.
 */
DNS_FUNCTION int dns_question(struct dns_message *m, __u32 answer)
{
	__u32 flags, at;

	if (!m)
		return DNS_BAD;
	m->result = DNS_OK;
	m->n = m->aliases = 0;
	m->question.len = 0;
	if (m->len < DNS_HEAD || m->len > DNS_MESSAGE_MAX)
		return m->result = DNS_BAD;
	flags = dns_short(m, 2);
	m->id = (__u16)dns_short(m, 0);
	m->flags = (__u16)flags;
	m->left = dns_short(m, 6);
	if ((flags >> 15) != (answer ? 1 : 0) || (flags & 0x7800))
		return m->result = DNS_OTHER;
	if (dns_short(m, 4) != 1)
		return m->result = DNS_BAD;
	m->at = DNS_HEAD;
	if (dns_name(m, DNS_WALK_QUESTION) != DNS_OK)
		return m->result = DNS_BAD;
	at = m->end;
	/* nothing stands before it that a pointer could lead to */
	if (m->pointers || at + 4 > m->len)
		return m->result = DNS_BAD;
	m->type = (__u16)dns_short(m, at);
	m->hash = (m->hash ^ (m->type + 256u)) * 0x100000001b3ULL;
	m->at = at + 4;
	if (dns_short(m, at + 2) != DNS_CLASS_IN)
		return m->result = DNS_OTHER;
	if (answer && (flags & 0x0200))
		return m->result = DNS_TRUNCATED;
	return m->result = DNS_OK;
}

/* A query that asks and says nothing else: no records but the one of RFC 6891. */
static __always_inline int dns_only_asks(const struct dns_message *m)
{
	return !m->left && !dns_short(m, 8) && dns_short(m, 10) <= 1;
}

static __always_inline void dns_take(struct dns_message *m, __u32 at, __u32 ttl)
{
	struct dns_address *a;

	if (m->n >= DNS_ADDRESSES_MAX)
		return;
	a = &m->addresses[m->n & (DNS_ADDRESSES_MAX - 1)];
	a->family = m->type == DNS_TYPE_A ? VERDICT_AF_INET : VERDICT_AF_INET6;
	a->ttl = ttl < m->ttl ? ttl : m->ttl;
	for (__u32 i = 0; i < 16; i++)
		a->bytes[i] = i < 4 || m->type == DNS_TYPE_AAAA ? (__u8)dns_byte(m, at + i) : 0;
	m->n++;
}

/* One record of the answer. */
static long dns_record_step(__u32 i, void *context)
{
	struct dns_message *m = ((struct dns_context *)context)->m;
	__u32 at, type, ttl, size, next;

	(void)i;
	if (!m->left)
		return 1;
	m->left--;
	if (dns_name(m, DNS_WALK_COMPARE) != DNS_OK)
		return 1;
	at = m->end;
	if (at + 10 > m->len)
		return dns_fail(m);
	type = dns_short(m, at);
	ttl = dns_long(m, at + 4);
	size = dns_short(m, at + 8);
	next = at + 10 + size;
	if (next > m->len)
		return dns_fail(m);
	if (ttl >> 31) /* RFC 2181 8: stands for 0 */
		ttl = 0;
	if (!m->same || dns_short(m, at + 2) != DNS_CLASS_IN) {
		m->at = next;
		return 0;
	}
	if (type == DNS_TYPE_ALIAS) {
		/* one name, two aliases; or addresses beside an alias: no server says that */
		if (m->n || ++m->aliases > DNS_ALIASES_MAX)
			return dns_fail(m);
		if (ttl < m->ttl)
			m->ttl = ttl;
		m->at = at + 10;
		if (dns_name(m, DNS_WALK_TARGET) != DNS_OK)
			return 1;
		if (m->end != next)
			return dns_fail(m);
	} else if (type == m->type) {
		if (size != (type == DNS_TYPE_A ? 4 : 16))
			return dns_fail(m);
		dns_take(m, at + 10, ttl);
	}
	m->at = next;
	return 0;
}

/* The addresses that the answer gives for its question, after dns_question() gave DNS_OK. Returns
 * DNS_OK with m->n of them, also for none; else an enum dns_result with none. */
DNS_FUNCTION int dns_answer(struct dns_message *m)
{
	struct dns_context context = {.m = m};

	if (!m)
		return DNS_BAD;
	/* a failure (rcode) says nothing; of other types, nothing is learned */
	if ((m->flags & 0xf) || (m->type != DNS_TYPE_A && m->type != DNS_TYPE_AAAA))
		return m->result = DNS_OTHER;
	m->ttl = NAME_TTL_MOST_S;
	__builtin_memcpy(&m->target, &m->question, sizeof(m->target));
	dns_loop(DNS_RECORDS_MAX, dns_record_step, &context);
	if (m->result != DNS_OK)
		m->n = 0;
	return m->result;
}

/* ---- what follows from a name and an address ---------------------------------------------------
 */

/* The key by which the policy's table of names is asked: backwards, with the zero that ends a whole
 * name. One step a character; the key is zero before. Returns 1 at the end. */
static __always_inline long dns_key_step(const struct dns_name *n, struct name_key *key, __u32 i)
{
	if (i >= n->len || i >= NAME_SIZE - 1)
		return 1;
	key->name[i & (NAME_SIZE - 1)] = n->text[(n->len - 1 - i) & (NAME_SIZE - 1)];
	return 0;
}

/* A name that the table can be asked for at all. */
static __always_inline int dns_name_is_plain(const struct dns_name *n)
{
	return n->len && n->len < NAME_SIZE - 2 && !n->odd;
}

static __always_inline __u32 dns_ttl(__u32 ttl)
{
	return ttl < NAME_TTL_LEAST_S  ? NAME_TTL_LEAST_S
	       : ttl > NAME_TTL_MOST_S ? NAME_TTL_MOST_S
				       : ttl;
}

enum dns_reach {
	DNS_REACH_PUBLIC,
	DNS_REACH_PRIVATE, /* of a company's own network, or of a provider's inside */
	DNS_REACH_LOCAL,   /* of this host or its link, or of many hosts: no name leads there */
};

static __always_inline int dns_reach_v4(const __u8 *b)
{
	if (b[0] == 0 || b[0] == 127 || b[0] >= 224 || (b[0] == 169 && b[1] == 254))
		return DNS_REACH_LOCAL;
	/* RFC 1918, RFC 6598 (carrier-grade NAT), RFC 6890 (192.0.0.0/24), RFC 2544 */
	if (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	    (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 192 && !b[1] && !b[2]) ||
	    (b[0] == 198 && (b[1] & 0xfe) == 18))
		return DNS_REACH_PRIVATE;
	return DNS_REACH_PUBLIC;
}

/* How far an address reaches, after canonicalising: else a mapped or translated form of 127.0.0.1
 * would pass for a public one. */
static __always_inline int dns_reach(const struct address *a)
{
	const __u8 *b = a->bytes;
	__u64 high;

	if (a->family == VERDICT_AF_INET)
		return dns_reach_v4(b);
	__builtin_memcpy(&high, b, 8);
	/* ::1 and what else is below ::/64 (IPv4 in yet another dress, RFC 2765); fe80::/10,
	 * multicast */
	if (!high || b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80))
		return DNS_REACH_LOCAL;
	/* fc00::/7, fec0::/10 (RFC 3879), 64:ff9b:1::/48 (RFC 8215: anybody's IPv4 network), Teredo
	 * (RFC 4380) */
	if ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) ||
	    (!b[0] && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b) ||
	    (b[0] == 0x20 && b[1] == 0x01 && !b[2] && !b[3]))
		return DNS_REACH_PRIVATE;
	return DNS_REACH_PUBLIC;
}

/* Whether the policy lets a name of these effects have an address. A private one behind a public
 * name is rebinding: the name's owner would reach into the company's network with the client's
 * hands. Where nothing but closing can follow, and for the model API itself, it may. */
static __always_inline int dns_may_have(__u32 effects, int reach)
{
	if (reach == DNS_REACH_LOCAL)
		return 0;
	return reach == DNS_REACH_PUBLIC || (effects & NAME_PRIVATE) ||
	       !(effects & (1u << DEST_ALLOW));
}

/* Puts a pattern among the names of an address: where it is already, where one has ended, or where
 * the first of them ends. Returns 1 when it is news. */
static __always_inline int dns_remember(struct learned_value *v, __u64 pattern, __u64 until,
					__u64 now)
{
	__u32 place = 0;
	__u64 least = ~0ULL;

	for (__u32 i = 0; i < LEARNED_NAMES; i++) {
		struct learned_name *n = &v->names[i];
		__u64 ends = n->pattern && n->until_ns >= now ? n->until_ns : 0;

		if (n->pattern == pattern) {
			int news = !ends;

			if (n->until_ns < until)
				n->until_ns = until;
			return news;
		}
		if (ends < least) {
			least = ends;
			place = i;
		}
	}
	v->names[place & (LEARNED_NAMES - 1)].pattern = pattern;
	v->names[place & (LEARNED_NAMES - 1)].until_ns = until;
	return 1;
}

#endif
