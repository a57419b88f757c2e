// SPDX-License-Identifier: Apache-2.0
/* Replays conversations as kernel records through the pipeline: megabytes of plaintext a second on
 *one core, and resident memory with many conversations in flight.
 *
 *	bench_reader [CONVERSATIONS [TURNS [REPETITIONS]]]	(50, 40, 5)
 *
 * A conversation is what the client sends: every turn the whole of it again, 40 KiB of system text
 *and tools before it, a tool's result of 6 KiB in each turn, and an answer in server-sent events
 *whose text is split every few bytes. Records of all conversations come in turns, one record each,
 *so that all of them are in flight at any time. Building the records is not measured.
 * After that, requests of messages that were never sent before: code, logs and data, prose. */
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../unit/records.h"
#include "../unit/test_mask_gen.h"

#define SYSTEM_BYTES 40000
#define RESULT_BYTES 6000
#define ANSWER_BYTES 1500

#define FRESH_RESULTS 64  /* tools' results in a conversation that is sent for the first time */
#define FRESH_CLIENTS 100 /* that each send one */

/* One conversation, as records one after the other: a 32-bit length, padding, the record. */
struct tape {
	struct buffer bytes;
	size_t n, plaintext;
};

/* Not assert(): what is measured must be done in a build without assertions too. */
static void bench_must(int r)
{
	if (r < 0) {
		fprintf(stderr, "bench_reader: %s\n", strerror(-r));
		exit(1);
	}
}

static uint64_t bench_random(void)
{
	static uint64_t x = 0x2545F4914F6CDD1DULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Words as they stand in prose and code; one address for every few thousand bytes. */
static void bench_text(struct buffer *b, size_t len)
{
	static const char *const words[] = {
		"the ",	   "return ", "function ", "if (x == 0) ", "value ",	"error: ",
		"of ",	   "and ",    "file.c ",   "0x7f ",	   "line 42: ", "// why ",
		"commit ", "2026 ",   "static ",   "request ",	   "build ",	"a.b.c ",
		"to ",	   "test ",   "map[key] ", "path/to/it ",  "is ",	"/usr/lib ",
	};
	size_t end = b->len + len;

	while (b->len < end) {
		uint64_t r = bench_random();

		if (r % 700 == 0)
			records_add(b, "jane.roe@example.org ");
		else
			records_add(b, words[r % (sizeof(words) / sizeof(words[0]))]);
	}
}

static void bench_record(struct tape *t, struct records_connection *c, uint64_t *now,
			 uint32_t direction, const uint8_t *bytes, size_t len)
{
	struct record_tls r = {
		.head = {.version = CONTRACT_VERSION,
			 .type = RECORD_TLS,
			 .size = (uint32_t)(sizeof(r) + len),
			 .time_ns = *now += 100000,
			 .generation = 1,
			 .actor = c->actor},
		.ssl = c->ssl,
		.offset = c->offset[direction],
		.epoch = 1,
		.direction = direction,
		.len = (uint32_t)len,
	};
	uint64_t size = sizeof(r) + len, zero = 0;

	c->offset[direction] += len;
	bench_must(buffer_append(&t->bytes, &size, sizeof(size), RECORDS_BUFFER));
	bench_must(buffer_append(&t->bytes, &r, sizeof(r), RECORDS_BUFFER));
	bench_must(buffer_append(&t->bytes, bytes, len, RECORDS_BUFFER));
	bench_must(buffer_append(&t->bytes, &zero, -size % 8, RECORDS_BUFFER));
	t->n++;
	t->plaintext += len;
}

static void bench_say(struct tape *t, struct records_connection *c, uint64_t *now,
		      uint32_t direction, const struct buffer *text, size_t step)
{
	for (size_t at = 0; at < text->len; at += step)
		bench_record(t, c, now, direction, text->data + at,
			     text->len - at < step ? text->len - at : step);
}

static void bench_conversation(struct tape *t, unsigned int turns)
{
	struct record_actor actor = records_client(1000, RECORDS_ALICE, 1000);
	struct records_connection c = {.actor = actor, .ssl = 0x7f0000001000};
	struct buffer messages = {0};
	uint64_t now = RECORDS_MS;

	records_add(&messages, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"");
	bench_text(&messages, SYSTEM_BYTES);
	records_add(&messages, "\"}]}");
	for (unsigned int turn = 0; turn < turns; turn++) {
		struct buffer request = {0}, answer = {0}, said = {0};
		char input[128], id[32];

		records_request(&request, (char *)messages.data);
		bench_say(t, &c, &now, TLS_DIRECTION_SENT, &request, TLS_CHUNK_LARGE);
		snprintf(id, sizeof(id), "toolu_%06u", turn);
		snprintf(input, sizeof(input), "{\"command\":\"cat file%u.c\",\"timeout\":%u}",
			 turn, turn);
		bench_text(&said, ANSWER_BYTES);
		records_reply_begin(&answer);
		records_reply_text(&answer, 0, (char *)said.data, 24);
		records_reply_tool(&answer, 1, id, "Bash", input);
		records_reply_end(&answer, "tool_use");
		bench_say(t, &c, &now, TLS_DIRECTION_RECEIVED, &answer, 1400);
		bench_must(buffer_printf(
			&messages, RECORDS_BUFFER,
			",{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
			"\"text\":\"%s\"},{\"type\":\"tool_use\",\"id\":\"%s\","
			"\"name\":\"Bash\",\"input\":%s}]},{\"role\":\"user\","
			"\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"%s\","
			"\"content\":\"",
			(char *)said.data, id, input, id));
		bench_text(&messages, RESULT_BYTES);
		records_add(&messages, "\"}]}");
		buffer_free(&request);
		buffer_free(&answer);
		buffer_free(&said);
	}
	buffer_free(&messages);
}

static long bench_rss_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long size = 0, resident = 0;

	if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static double bench_cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench_run {
	double seconds;
	uint64_t events, bytes_out;
	long rss_kib; /* highest, less what was there before */
};

/* Every conversation is the same tape played by another client: the head is changed in place. */
static void bench_play(const struct tape *t, uint32_t conversations, struct bench_run *ret)
{
	struct records_world w;
	long before = bench_rss_kib(), most = 0;
	double start;
	size_t at = 0;

	bench_must(records_open_all(&w, false));
	start = bench_cpu_seconds();
	for (size_t i = 0; i < t->n; i++) {
		struct record_tls *r = (struct record_tls *)(t->bytes.data + at + 8);
		uint64_t size = r->head.size;

		for (uint32_t k = 0; k < conversations; k++) {
			r->head.actor.tgid = r->head.actor.root_tgid = 1000 + k;
			bench_must(pipeline_record(w.pipeline, r, size));
		}
		at += 8 + size + (-size % 8);
		if (i % 64 == 0) {
			long now = bench_rss_kib();

			most = now > most ? now : most;
		}
	}
	ret->seconds = bench_cpu_seconds() - start;
	ret->rss_kib = most - before;
	records_close(&w);
	ret->events = w.n_events;
	ret->bytes_out = w.bytes_out;
}

/* A string as JSON.stringify writes it. */
static void bench_escaped(struct buffer *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			bench_must(buffer_printf(b, RECORDS_BUFFER, "\\%c", c));
		else if (c == '\n' || c == '\t')
			records_add(b, c == '\n' ? "\\n" : "\\t");
		else
			bench_must(buffer_append(b, &c, 1, RECORDS_BUFFER));
	}
}

/* One request whose every message is new: results of tools, all of one kind of text. */
static void bench_fresh(struct tape *t, void (*line)(struct gen *))
{
	struct records_connection c = {.actor = records_client(1000, RECORDS_ALICE, 1000),
				       .ssl = 0x7f0000001000};
	struct buffer messages = {0}, request = {0};
	uint64_t now = RECORDS_MS;
	char text[RESULT_BYTES + 1];

	for (unsigned int i = 0; i < FRESH_RESULTS; i++) {
		struct gen g = {.seed = 7 + i, .out = text, .cap = sizeof(text)};

		while (g.len + 1 < sizeof(text))
			line(&g);
		bench_must(buffer_printf(
			&messages, RECORDS_BUFFER,
			"%s{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
			"\"toolu_%u\",\"name\":\"Read\",\"input\":{\"file_path\":\"/src/%u.c\"}}]},"
			"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
			"\"tool_use_id\":\"toolu_%u\",\"content\":\"",
			i ? "," : "", i, i, i));
		bench_escaped(&messages, text, g.len);
		records_add(&messages, "\"}]}");
	}
	records_request(&request, (char *)messages.data);
	bench_say(t, &c, &now, TLS_DIRECTION_SENT, &request, TLS_CHUNK_LARGE);
	buffer_free(&request);
	buffer_free(&messages);
}

static int bench_compare(const void *a, const void *b)
{
	double x = ((const struct bench_run *)a)->seconds,
	       y = ((const struct bench_run *)b)->seconds;

	return x < y ? -1 : x > y;
}

/* What was never sent before, by kind of text. */
static void bench_fresh_all(size_t n)
{
	static const struct {
		const char *name;
		void (*line)(struct gen *);
	} kinds[] = {{"code", gen_code}, {"data", gen_data}, {"prose", gen_prose}};
	struct bench_run *runs = calloc(n, sizeof(*runs));

	for (size_t k = 0; runs && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct tape tape = {0};
		double megabytes;

		bench_fresh(&tape, kinds[k].line);
		megabytes = (double)tape.plaintext * FRESH_CLIENTS / 1e6;
		for (size_t i = 0; i < n; i++)
			bench_play(&tape, FRESH_CLIENTS, &runs[i]);
		qsort(runs, n, sizeof(*runs), bench_compare);
		printf("reader.fresh_%s_mb_s\t%.1f\tmedian of %zu; %.1f to %.1f; %.1f MB\n",
		       kinds[k].name, megabytes / runs[n / 2].seconds, n,
		       megabytes / runs[n - 1].seconds, megabytes / runs[0].seconds, megabytes);
		buffer_free(&tape.bytes);
	}
	free(runs);
}

int main(int argc, char **argv)
{
	uint32_t conversations = argc > 1 ? (uint32_t)atoi(argv[1]) : 50;
	unsigned int turns = argc > 2 ? (unsigned int)atoi(argv[2]) : 40;
	size_t n = argc > 3 ? (size_t)atoi(argv[3]) : 5;
	struct bench_run *runs = calloc(n ? n : 1, sizeof(*runs));
	struct tape tape = {0};
	double megabytes;
	long rss = 0;

	if (!runs || !conversations || conversations > 400 || !turns || !n)
		return 2;
	bench_conversation(&tape, turns);
	megabytes = (double)tape.plaintext * conversations / 1e6;
	for (size_t i = 0; i < n; i++) {
		bench_play(&tape, conversations, &runs[i]);
		rss = runs[i].rss_kib > rss ? runs[i].rss_kib : rss;
	}
	qsort(runs, n, sizeof(*runs), bench_compare);
	printf("reader.plaintext_mb\t%.1f\t%u conversations of %u turns\n", megabytes,
	       conversations, turns);
	printf("reader.throughput_mb_s\t%.1f\tmedian of %zu; %.1f to %.1f\n",
	       megabytes / runs[n / 2].seconds, n, megabytes / runs[n - 1].seconds,
	       megabytes / runs[0].seconds);
	printf("reader.events\t%llu\t%.1f MB of JSON\n", (unsigned long long)runs[0].events,
	       (double)runs[0].bytes_out / 1e6);
	printf("reader.us_per_event\t%.1f\n", runs[n / 2].seconds * 1e6 / (double)runs[0].events);
	printf("reader.rss_kib\t%ld\tabove the records themselves\n", rss);
	buffer_free(&tape.bytes);
	free(runs);
	bench_fresh_all(n);
	return 0;
}
