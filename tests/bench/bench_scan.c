// SPDX-License-Identifier: Apache-2.0
/* Measures the inline scanner: nanoseconds a byte over buffers of 16 KiB, above the copy, by kind
 * of text; the size of the table; what it masks that it should not. Time is that of the thread, so
 * that other work on the machine counts little. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/scan_false.h"
#include "tests/unit/test_mask_gen.h"

#define BYTES	(1u << 20)
#define RUNS	15
#define REPEATS 8

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void count(void *ctx, const struct scan_span *s)
{
	*(size_t *)ctx += s->end > s->start;
}

static volatile uint8_t sink;

static double copy_once(const char *text, uint8_t *buffer)
{
	double from = now();

	for (size_t r = 0; r < REPEATS; r++)
		for (size_t at = 0; at < BYTES; at += SCAN_BUFFER) {
			memcpy(buffer, text + at, SCAN_BUFFER);
			sink = buffer[at & (SCAN_BUFFER - 1)];
		}
	return (now() - from) / REPEATS / BYTES;
}

static double scan_once(const char *text, uint8_t *buffer, size_t *spans)
{
	double from = now();

	for (size_t r = 0; r < REPEATS; r++) {
		struct scan_state state = {0};

		*spans = 0;
		for (size_t at = 0; at < BYTES; at += SCAN_BUFFER) {
			memcpy(buffer, text + at, SCAN_BUFFER);
			scan_bytes(false_table, &state, buffer, SCAN_BUFFER, spans, count);
		}
	}
	return (now() - from) / REPEATS / BYTES;
}

/* The least of several runs: what the machine can do, and not what else it did. */
static void measure(const char *name, const char *text)
{
	static uint8_t buffer[SCAN_BUFFER];
	double copy = 1e9, both = 1e9;
	size_t spans = 0;

	for (int i = 0; i < RUNS; i++) {
		double c = copy_once(text, buffer), b = scan_once(text, buffer, &spans);

		copy = c < copy ? c : copy;
		both = b < both ? b : both;
	}
	printf("%-24s %6.3f ns/byte above the copy (%.3f), %7.1f us a record of 16 KiB, %zu "
	       "spans\n",
	       name, both - copy, copy, (both - copy) * SCAN_BUFFER / 1000, spans);
}

static void fill(char *text, void (*put)(struct gen *g))
{
	struct gen g = {.seed = 99, .out = text, .cap = BYTES + 1};

	while (g.len < BYTES)
		put(&g);
}

static void put_json(struct gen *g)
{
	gen_put(g,
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":%u,"
		"\"delta\":{\"type\":\"text_delta\",\"text\":\"%s %s the %s\"}}\n\n",
		gen_below(g, 9), gen_word(g), gen_word(g), gen_word(g));
}

static void put_digits(struct gen *g)
{
	gen_put(g, "%u,%u.%u %08u-%u\n", gen_below(g, 1u << 31), gen_below(g, 9999),
		gen_below(g, 1000), gen_below(g, 1u << 30), gen_below(g, 99));
}

static void put_words(struct gen *g)
{
	gen_put(g, "%s ", gen_word(g));
}

static void put_cards(struct gen *g)
{
	gen_put(g, "4111 1111 1111 1111 4111111111111111 ");
}

static void put_dashes(struct gen *g)
{
	gen_put(g, "4000-4000-4000-4000-");
}

int main(void)
{
	static char text[BYTES + 1];
	struct false_totals generated = {0}, machine = {0};

	false_set_up();
	printf("table: %u states, %u classes (stride %u), %zu bytes of it in use, %zu in all\n",
	       false_table->states, false_table->classes, SCAN_COLUMNS,
	       offsetof(struct scan_table, next) +
		       ((size_t)false_table->states << SCAN_CLASSES_SHIFT) * sizeof(__u16),
	       sizeof(*false_table));
	memset(text, ' ', BYTES);
	measure("spaces", text);
	fill(text, put_words);
	measure("words", text);
	fill(text, gen_prose);
	measure("prose", text);
	fill(text, gen_code);
	measure("code", text);
	fill(text, put_json);
	measure("server-sent events", text);
	fill(text, gen_data);
	measure("logs, hashes, numbers", text);
	fill(text, put_digits);
	measure("digits", text);
	fill(text, put_cards);
	measure("cards", text);
	fill(text, put_dashes);
	measure("groups of digits", text);
	for (uint64_t seed = 1; seed <= 6; seed++) {
		gen_text(seed, text, BYTES);
		false_scan("generated", text, BYTES, SCAN_BUFFER, &generated);
	}
	false_scan_machine(&machine);
	printf("generated text: %zu bytes, %zu masks, %zu of them false\n", generated.bytes,
	       generated.masks, generated.unsure);
	printf("this machine: %zu bytes, %zu masks, %zu of them false\n", machine.bytes,
	       machine.masks, machine.unsure);
	false_tear_down();
	return 0;
}
