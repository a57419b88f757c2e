// SPDX-License-Identifier: Apache-2.0
/* What masking in place costs on the client's time: a write of 16 KiB that is gone over, above an
 * empty pair of uprobes at the same place (what is added to a record), and above a pair of which
 * the first copies the same bytes once, with the same helper (what a byte costs that is looked at).
 *
 * Only uprobes on functions of this program. Rounds of each kind take turns; what is compared is a
 * round with the one beside it. Where the kernel is in lockdown nothing is overwritten: the bytes
 * that a mask would change are counted, and all else is done. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bench_empty.skel.h"
#include "bpf/content_state.h"
#include "policy/automaton.h"
#include "test_mask_gen.h"
#include "world.h"

#define RECORD 16384
#define CALLS  200
#define ROUNDS 30

enum filling {
	FILL_WORDS, /* no byte that could begin a value */
	FILL_PROSE,
	FILL_CODE,
	FILL_MIXED, /* logs, hashes, numbers, JSON */
	FILL_DIGITS,
	FILL_PROMPT, /* a value each 80 bytes */
	/* the same, of the kinds whose look takes the longest: a sum over the value */
	FILL_CARDS,
	FILL_GROUPS,
	FILL_IBANS,
	FILL_PHONES,
	FILL_MAILS, /* and a way back to where the value began */
	FILL_MAX,
};

static const char *const filling_names[FILL_MAX] = {
	"one letter",
	"prose",
	"code",
	"mixed, logs and numbers",
	"digits",
	"a value each 80 bytes",
	"a card each 80 bytes",
	"a card in groups",
	"an IBAN each 80 bytes",
	"a phone each 80 bytes",
	"an e-mail each 80 bytes",
};

static char record[FILL_MAX][RECORD], buffer[RECORD];
static double taken[FILL_MAX][ROUNDS], empty[ROUNDS], copied[ROUNDS], plain[ROUNDS];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The first tenth: what is beside it on the same core is seldom still. */
static double quiet(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 10];
}

/* FILL_PROMPT is what proxy.py sends. */
static const char *const repeated[FILL_MAX] = {
	[FILL_WORDS] = "xxxxxxxxxxxxxxxx",
	[FILL_DIGITS] = "0918273645546372",
	[FILL_PROMPT] = "a turn of a conversation with 123-45-6789 in it and some more of the "
			"usual words, ",
	[FILL_CARDS] = "a turn of a conversation with 4111111111111111 in it and more of the usual "
		       "words, ",
	[FILL_GROUPS] =
		"a turn of a conversation with 4111 1111 1111 1111 in it and the more usual "
		"words, ",
	[FILL_IBANS] = "a turn of a conversation with DE89370400440532013000 in it and the usual "
		       "words, ",
	[FILL_PHONES] = "a turn of a conversation with +49 30 901820-0 in it and more of the usual "
			"words ",
	[FILL_MAILS] = "a turn of a conversation with dana@example.com in it and more of the usual "
		       "words, ",
};

/* The middle of a long string in a request: what nearly all of one is. */
static void fill(enum filling f, char *out)
{
	static char text[1 << 20];
	struct gen g = {.seed = 99, .out = text, .cap = sizeof(text)};
	size_t n = 0;

	while (g.len < sizeof(text) / 2) {
		if (f == FILL_PROSE)
			gen_prose(&g);
		else if (f == FILL_CODE)
			gen_code(&g);
		else if (f == FILL_MIXED)
			gen_data(&g);
		else
			gen_put(&g, "%s", repeated[f]);
	}
	for (size_t i = 0; n < RECORD; i++) {
		/* as JSON has it: two bytes for some */
		if (text[i] == '"' || text[i] == '\\') {
			out[n++] = '\\';
			if (n < RECORD)
				out[n++] = text[i];
		} else if (text[i] == '\n') {
			out[n++] = '\\';
			if (n < RECORD)
				out[n++] = 'n';
		} else if (text[i] >= ' ') {
			out[n++] = text[i];
		}
	}
}

static uint64_t begun(void)
{
	static const char head[] =
		"POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\n"
		"Content-Type: application/json\r\nContent-Length: 900000000\r\n\r\n"
		"{\"messages\":[{\"role\":\"user\",\"content\":\"";
	static uint64_t ssl = 4096;
	char copy[sizeof(head)];

	memcpy(copy, head, sizeof(head));
	ssl += 64;
	world_write(ssl, copy, sizeof(head) - 1, sizeof(head) - 1);
	return ssl;
}

/* CPU time of the thread, less that of the copy: other work on the machine does not count. */
static double calls(uint64_t ssl, const char *text)
{
	double from = now_ns(), filled;

	for (int i = 0; i < CALLS; i++) {
		memcpy(buffer, text, RECORD);
		__asm__ volatile("" ::"r"(buffer) : "memory");
	}
	filled = now_ns();
	for (int i = 0; i < CALLS; i++) {
		memcpy(buffer, text, RECORD);
		world_write(ssl, buffer, RECORD, RECORD);
	}
	return (now_ns() - filled - (filled - from)) / CALLS;
}

static struct scan_table *compiled(void)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);
	struct automaton_report report = {0};
	struct scan_table *table = NULL;

	if (automaton_compile(list, n, SCAN_STATES_MAX, 1, &table, &report) < 0)
		abort();
	automaton_report_free(&report);
	for (size_t i = 0; i < n; i++)
		table->detector[i].acts = (uint16_t)SCAN_ACT(CONTENT_REQUEST, SCAN_MASK);
	return table;
}

static struct bpf_link *probe(struct bpf_program *prog, size_t offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = "world_ssl_write");

	return bpf_program__attach_uprobe_opts(prog, getpid(), "/proc/self/exe", offset, &opts);
}

/* A round with a program at the entry of the write, and an empty one at its end. */
static double beside(struct bench_empty *none, struct bpf_program *enter)
{
	struct bpf_link *end = probe(none->progs.empty_return, world_write_ret());
	struct bpf_link *entry = probe(enter, 0);
	double ns;

	if (!end || !entry)
		abort();
	ns = calls(1, record[0]);
	bpf_link__destroy(entry);
	bpf_link__destroy(end);
	return ns;
}

/* --value: what a value each 80 bytes adds to a write, in us, for who compares it with something
 * else.
 */
int main(int argc, char **argv)
{
	bool value = argc > 1 && strcmp(argv[1], "--value") == 0;
	struct world_options options = {
		.table = compiled(),
		.mode = BAILIFF_MODE_ENFORCE,
		.kinds = 1 << CONTENT_REQUEST,
		.dry = true,
	};
	struct bench_empty *none = bench_empty__open_and_load();
	struct world *w;
	double base, copy;

	for (int f = 0; f < FILL_MAX; f++)
		fill(f, record[f]);
	if (!none)
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t ssl;

		plain[i] = calls(1, record[0]);
		empty[i] = beside(none, none->progs.empty_enter);
		copied[i] = beside(none, none->progs.copy_enter);
		w = world_open(&options);
		for (int f = 0; f < FILL_MAX; f++) {
			if (value && f != FILL_PROMPT)
				continue;
			ssl = begun();
			taken[f][i] = calls(ssl, record[f]);
		}
		world_close(w);
	}
	base = quiet(empty, ROUNDS);
	if (value) {
		for (int i = 0; i < ROUNDS; i++)
			taken[FILL_PROMPT][i] -= base;
		printf("%.2f\n", quiet(taken[FILL_PROMPT], ROUNDS) / 1e3);
		return 0;
	}
	copy = quiet(copied, ROUNDS);
	printf("a write of 16 KiB, first tenth of %d rounds of %d: no probe %.2f us, empty pair "
	       "%.2f us, a pair that copies %.2f us\n",
	       ROUNDS, CALLS, quiet(plain, ROUNDS) / 1e3, base / 1e3, copy / 1e3);
	for (int f = 0; f < FILL_MAX; f++) {
		double ns = quiet(taken[f], ROUNDS);

		printf("%-24s above the empty pair: %6.2f us; above the copy: %6.2f us, %.2f ns a "
		       "byte\n",
		       filling_names[f], (ns - base) / 1e3, (ns - copy) / 1e3,
		       (ns - copy) / RECORD);
	}
	bench_empty__destroy(none);
	free((void *)options.table);
	return 0;
}
