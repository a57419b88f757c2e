// SPDX-License-Identifier: Apache-2.0
/* What was said before, as keyed digests; the oldest go first. */
#include "wire/seen.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"

#define NONE UINT32_MAX

struct entry {
	struct mark mark;
	struct mark *blocks; /* of an element */
	uint32_t n_blocks;
	uint32_t count; /* of a block: how often it was told in one conversation */
	uint32_t next;	/* in its bucket */
};

struct seen {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;
	uint8_t key[32];
	struct entry
		*entries; /* a ring: entry i is the oldest when all are used and i comes next */
	uint32_t *buckets;
	size_t cap, max; /* cap is a power of two or max; as many buckets */
	size_t len, oldest;
};

int seen_new(size_t max, struct seen **ret)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->max = max < 16 ? 16 : max < NONE ? max : NONE - 1;
	s->mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	s->ctx = s->mac ? EVP_MAC_CTX_new(s->mac) : NULL;
	if (!s->ctx || getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key)) {
		seen_free(s);
		return -EIO;
	}
	*ret = s;
	return 0;
}

void seen_free(struct seen *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->len; i++)
		free(s->entries[i].blocks);
	free(s->entries);
	free(s->buckets);
	EVP_MAC_CTX_free(s->ctx);
	EVP_MAC_free(s->mac);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

size_t seen_len(const struct seen *s)
{
	return s->len;
}

int seen_digest(struct seen *s, const struct wire_text *pieces, size_t n, struct mark *ret)
{
	struct mark mark;
	size_t len;

	if (!EVP_MAC_init(s->ctx, s->key, sizeof(s->key), NULL))
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		uint64_t length = pieces[i].len;

		/* the length first: "ab","c" must not be "a","bc" */
		if (!EVP_MAC_update(s->ctx, (const uint8_t *)&length, sizeof(length)) ||
		    (length && !EVP_MAC_update(s->ctx, (const uint8_t *)pieces[i].data, length)))
			return -EIO;
	}
	if (!EVP_MAC_final(s->ctx, (uint8_t *)&mark, &len, sizeof(mark)) || len != sizeof(mark))
		return -EIO;
	*ret = mark;
	return 0;
}

static bool mark_equal(const struct mark *x, const struct mark *y)
{
	return x->a == y->a && x->b == y->b;
}

static struct entry *seen_find(struct seen *s, const struct mark *mark)
{
	uint32_t i = s->cap ? s->buckets[mark->a % s->cap] : NONE;

	while (i != NONE && !mark_equal(&s->entries[i].mark, mark))
		i = s->entries[i].next;
	return i == NONE ? NULL : &s->entries[i];
}

static void seen_link(struct seen *s, uint32_t i)
{
	uint32_t *bucket = &s->buckets[s->entries[i].mark.a % s->cap];

	s->entries[i].next = *bucket;
	*bucket = i;
}

static int seen_grow(struct seen *s)
{
	size_t cap = s->cap ? s->cap * 2 : 64;
	struct entry *entries;
	uint32_t *buckets;

	if (cap > s->max)
		cap = s->max;
	buckets = malloc(cap * sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	entries = realloc(s->entries, cap * sizeof(*entries));
	if (!entries) {
		free(buckets);
		return -ENOMEM;
	}
	s->entries = entries;
	free(s->buckets);
	s->buckets = buckets;
	s->cap = cap;
	memset(buckets, 0xff, cap * sizeof(*buckets));
	for (size_t i = 0; i < s->len; i++)
		seen_link(s, (uint32_t)i);
	return 0;
}

static void seen_unlink(struct seen *s, uint32_t i)
{
	uint32_t *at = &s->buckets[s->entries[i].mark.a % s->cap];

	while (*at != i)
		at = &s->entries[*at].next;
	*at = s->entries[i].next;
}

/* A fresh entry, at the cost of the oldest when the table is full. */
static int seen_put(struct seen *s, const struct mark *mark, struct entry **ret)
{
	uint32_t i;

	if (s->len == s->cap && s->cap < s->max) {
		int r = seen_grow(s);

		if (r < 0)
			return r;
	}
	if (s->len < s->cap) {
		i = (uint32_t)s->len++;
	} else {
		i = (uint32_t)s->oldest;
		s->oldest = (s->oldest + 1) % s->cap;
		seen_unlink(s, i);
		free(s->entries[i].blocks);
	}
	s->entries[i] = (struct entry){.mark = *mark};
	seen_link(s, i);
	*ret = &s->entries[i];
	return 0;
}

void tally_free(struct tally *t)
{
	free(t->slots);
	*t = (struct tally){0};
}

static struct tally_slot *tally_find(const struct tally *t, const struct mark *mark)
{
	size_t i = mark->b & (t->cap - 1);

	while (t->slots[i].used && !mark_equal(&t->slots[i].mark, mark))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

static int tally_count(struct tally *t, const struct mark *mark, uint32_t *ret)
{
	struct tally_slot *slot;

	if (4 * (t->len + 1) > 3 * t->cap) {
		struct tally bigger = {.cap = t->cap ? t->cap * 2 : 64, .len = t->len};

		bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
		if (!bigger.slots)
			return -ENOMEM;
		for (size_t i = 0; i < t->cap; i++)
			if (t->slots[i].used)
				*tally_find(&bigger, &t->slots[i].mark) = t->slots[i];
		free(t->slots);
		*t = bigger;
	}
	slot = tally_find(t, mark);
	if (!slot->used) {
		*slot = (struct tally_slot){.mark = *mark, .used = true};
		t->len++;
	}
	*ret = ++slot->count;
	return 0;
}

int seen_has_element(struct seen *s, struct tally *t, const struct mark *element)
{
	const struct entry *e = seen_find(s, element);
	uint32_t i, count;
	bool known = true;

	if (!e)
		return 0;
	for (i = 0; i < e->n_blocks && known; i++) {
		const struct entry *block = seen_find(s, &e->blocks[i]);
		int r = tally_count(t, &e->blocks[i], &count);

		if (r < 0)
			return r;
		known = block && block->count >= count;
	}
	/* not all told: the element will be parsed, which counts its blocks again */
	for (; !known && i > 0; i--)
		tally_find(t, &e->blocks[i - 1])->count--;
	return known;
}

int seen_add_element(struct seen *s, const struct mark *element, const struct mark *blocks,
		     size_t n)
{
	struct entry *e = seen_find(s, element);
	struct mark *copy = NULL;
	int r;

	if (n) {
		copy = malloc(n * sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, blocks, n * sizeof(*copy));
	}
	if (!e) {
		r = seen_put(s, element, &e);
		if (r < 0) {
			free(copy);
			return r;
		}
	}
	free(e->blocks);
	e->blocks = copy;
	e->n_blocks = (uint32_t)n;
	return 0;
}

int seen_add_block(struct seen *s, struct tally *t, const struct mark *block)
{
	struct entry *e = seen_find(s, block);
	uint32_t count;
	int r;

	r = tally_count(t, block, &count);
	if (r < 0)
		return r;
	if (!e) {
		r = seen_put(s, block, &e);
		if (r < 0)
			return r;
	}
	if (count <= e->count)
		return 0;
	e->count = count;
	return 1;
}
