// SPDX-License-Identifier: Apache-2.0
/* DNS messages as the kernel programs read them: what a name server may say, and what one says that
 * wants to be believed too much. Each message is built by hand, byte for byte. */
#include "harness.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/dns.h"
#include "dns_message.h"

static void read_message(struct dns_message *m, const struct dns_builder *b)
{
	memset(m, 0, sizeof(*m));
	assert_true(b->len <= DNS_MESSAGE_MAX);
	memcpy(m->bytes, b->bytes, b->len);
	m->len = (uint32_t)b->len;
}

/* The whole way of an answer; what came of it. */
static int answer(struct dns_message *m, const struct dns_builder *b)
{
	int r;

	read_message(m, b);
	r = dns_question(m, 1);
	return r == DNS_OK ? dns_answer(m) : r;
}

static void assert_address(const struct dns_message *m, uint32_t i, const char *want, uint32_t ttl)
{
	char text[INET6_ADDRSTRLEN];

	assert_true(i < m->n);
	inet_ntop(m->addresses[i].family == VERDICT_AF_INET ? AF_INET : AF_INET6,
		  m->addresses[i].bytes, text, sizeof(text));
	assert_string_equal(text, want);
	assert_int_equal(m->addresses[i].ttl, ttl);
}

static void test_one_address(void **state)
{
	struct dns_builder b;
	struct dns_message m;

	dns_begin(&b, 0x1234, 0x8180, 1, 1);
	dns_ask(&b, "WWW.Example.com", 1);
	dns_pointer(&b, 12);
	dns_a(&b, 300, "192.0.2.7");
	assert_int_equal(answer(&m, &b), DNS_OK);
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.type, 1);
	assert_string_equal(m.question.text, "www.example.com");
	assert_int_equal(m.question.len, 15);
	assert_int_equal(m.n, 1);
	assert_address(&m, 0, "192.0.2.7", 300);
}

static void test_six_and_four(void **state)
{
	struct dns_builder b;
	struct dns_message m;

	/* an answer for one type does not bring the other in */
	dns_begin(&b, 1, 0x8180, 1, 3);
	dns_ask(&b, "a.example", 28);
	dns_pointer(&b, 12);
	dns_aaaa(&b, 60, "2001:db8::7");
	dns_pointer(&b, 12);
	dns_a(&b, 60, "192.0.2.7");
	dns_pointer(&b, 12);
	dns_aaaa(&b, 90, "2001:db8::8");
	assert_int_equal(answer(&m, &b), DNS_OK);
	assert_int_equal(m.n, 2);
	assert_address(&m, 0, "2001:db8::7", 60);
	assert_address(&m, 1, "2001:db8::8", 90);
}

static void test_chain_of_aliases(void **state)
{
	struct dns_builder b;
	struct dns_message m;

	dns_begin(&b, 1, 0x8180, 1, 4);
	dns_ask(&b, "www.example.com", 1);
	dns_pointer(&b, 12);
	dns_alias(&b, 500, "edge.cdn.example");
	dns_wire_name(&b, "EDGE.cdn.example");
	dns_alias(&b, 40, "n1.cdn.example");
	dns_wire_name(&b, "n1.cdn.example");
	dns_a(&b, 300, "192.0.2.1");
	dns_wire_name(&b, "n1.cdn.example");
	dns_a(&b, 20, "192.0.2.2");
	assert_int_equal(answer(&m, &b), DNS_OK);
	assert_int_equal(m.aliases, 2);
	assert_int_equal(m.n, 2);
	/* as long as the shortest of the chain */
	assert_address(&m, 0, "192.0.2.1", 40);
	assert_address(&m, 1, "192.0.2.2", 20);
}

/* Who answers for one name must not bring addresses for another, nor for the same through a chain
 * that does not begin at it. */
static void test_records_for_other_names_count_for_nothing(void **state)
{
	static const struct {
		const char *what, *owner, *alias;
	} rows[] = {
		{"another name", "api.anthropic.com", NULL},
		{"a name below", "x.www.example.com", NULL},
		{"a name above", "example.com", NULL},
		{"one that begins like it", "www.example.co", NULL},
		{"one letter off", "wwv.example.com", NULL},
		{"an alias of another name", "other.example", "www.example.com"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_builder b;
		struct dns_message m;

		dns_begin(&b, 1, 0x8180, 1, rows[i].alias ? 2 : 1);
		dns_ask(&b, "www.example.com", 1);
		dns_wire_name(&b, rows[i].owner);
		if (rows[i].alias) {
			dns_alias(&b, 60, "evil.example");
			dns_wire_name(&b, "evil.example");
		}
		dns_a(&b, 60, "203.0.113.66");
		if (answer(&m, &b) != DNS_OK || m.n)
			fail_msg("%s was taken", rows[i].what);
	}
}

/* A dot inside a label would let "a.b" under evil.example read like two labels. */
static void test_odd_names_are_no_names(void **state)
{
	static const char *const labels[] = {"www.example", "a b", "a\\b", "*", "a\tb", "\xc3\xa4"};

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		struct dns_builder b;
		struct dns_message m;

		dns_begin(&b, 1, 0x8180, 1, 1);
		dns_label(&b, labels[i], strlen(labels[i]));
		dns_label(&b, "com", 3);
		dns_put8(&b, 0);
		dns_put16(&b, 1);
		dns_put16(&b, 1);
		dns_pointer(&b, 12);
		dns_a(&b, 60, "192.0.2.7");
		assert_int_equal(answer(&m, &b), DNS_OK);
		assert_true(m.question.odd);
		assert_false(dns_name_is_plain(&m.question));
		/* equal to nothing, not even to itself */
		assert_int_equal(m.n, 0);
	}
}

struct hostile {
	const char *what;
	void (*make)(struct dns_builder *b);
	int want;
};

static void make_circle(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, (uint16_t)b->len); /* to itself */
	dns_a(b, 60, "192.0.2.7");
}

static void make_forward(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, (uint16_t)(b->len + 2));
	dns_a(b, 60, "192.0.2.7");
}

static void make_two_in_a_circle(struct dns_builder *b)
{
	size_t at;

	dns_begin(b, 1, 0x8180, 1, 2);
	dns_ask(b, "a.example", 1);
	at = b->len;
	dns_label(b, "x", 1);
	dns_pointer(b, (uint16_t)at); /* back to its own label */
	dns_a(b, 60, "192.0.2.7");
}

static void make_question_with_pointer(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 0);
	dns_label(b, "a", 1);
	dns_pointer(b, 4);
	dns_put16(b, 1);
	dns_put16(b, 1);
}

static void make_many_pointers(struct dns_builder *b)
{
	size_t at;

	dns_begin(b, 1, 0x8180, 1, 2);
	dns_ask(b, "a.example", 1);
	/* a record that is a ladder of pointers, each to the one before */
	dns_wire_name(b, "b.example");
	dns_put16(b, 16);
	dns_put16(b, 1);
	dns_put32(b, 60);
	dns_put16(b, 2 * 40);
	at = b->len;
	dns_pointer(b, 12);
	for (int i = 1; i < 40; i++)
		dns_pointer(b, (uint16_t)(at + 2 * (size_t)(i - 1)));
	dns_pointer(b, (uint16_t)(b->len - 2));
	dns_a(b, 60, "192.0.2.7");
}

static void make_reserved_label(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 1);
	dns_put8(b, 0x80);
	dns_a(b, 60, "192.0.2.7");
}

static void make_no_end(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_label(b, "a", 1);
	dns_label(b, "example", 7);
}

static void make_long_name(struct dns_builder *b)
{
	char label[63];

	memset(label, 'a', sizeof(label));
	dns_begin(b, 1, 0x8180, 1, 0);
	for (int i = 0; i < 4; i++) /* 4 * 64 - 1 is 255 characters */
		dns_label(b, label, sizeof(label));
	dns_put8(b, 0);
	dns_put16(b, 1);
	dns_put16(b, 1);
}

static void make_record_past_the_end(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_put16(b, 1);
	dns_put16(b, 1);
	dns_put32(b, 60);
	dns_put16(b, 4);
	dns_put16(b, 0xc000); /* two bytes of four */
}

static void make_short_address(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_put16(b, 1);
	dns_put16(b, 1);
	dns_put32(b, 60);
	dns_put16(b, 3);
	dns_put8(b, 192);
	dns_put16(b, 2);
}

static void make_four_bytes_of_six(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 28);
	dns_pointer(b, 12);
	dns_put16(b, 28);
	dns_put16(b, 1);
	dns_put32(b, 60);
	dns_put16(b, 4);
	dns_put32(b, 0xc0000201);
}

static void make_alias_shorter_than_its_record(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_put16(b, 5);
	dns_put16(b, 1);
	dns_put32(b, 60);
	dns_put16(b, 6);
	dns_pointer(b, 12);
	dns_put32(b, 0);
}

static void make_alias_after_address(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 2);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
	dns_pointer(b, 12);
	dns_alias(b, 60, "b.example");
}

static void make_alias_of_itself(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 40);
	dns_ask(b, "a.example", 1);
	for (int i = 0; i < 40; i++) {
		dns_pointer(b, 12);
		dns_alias(b, 60, "a.example");
	}
}

static void make_two_questions(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 2, 0);
	dns_ask(b, "a.example", 1);
	dns_ask(b, "b.example", 1);
}

static void make_no_question(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 0, 1);
	dns_wire_name(b, "a.example");
	dns_a(b, 60, "192.0.2.7");
}

static void make_fewer_records_than_said(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 60000);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
}

static void make_query(struct dns_builder *b)
{
	dns_begin(b, 1, 0x0100, 1, 0);
	dns_ask(b, "a.example", 1);
}

static void make_notify(struct dns_builder *b)
{
	dns_begin(b, 1, 0xa000, 1, 1); /* opcode 4 */
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
}

static void make_failure(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8183, 1, 1); /* no such name, and an address for it */
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
}

static void make_truncated(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8380, 1, 1);
	dns_ask(b, "a.example", 1);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
}

static void make_chaos(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_wire_name(b, "a.example");
	dns_put16(b, 1);
	dns_put16(b, 3);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
}

static void make_text_question(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 16);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
}

static void make_any_question(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	dns_ask(b, "a.example", 255);
	dns_pointer(b, 12);
	dns_a(b, 60, "192.0.2.7");
}

static void make_head_alone(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
}

static void make_half_a_head(struct dns_builder *b)
{
	dns_begin(b, 1, 0x8180, 1, 1);
	b->len = 11;
}

static const struct hostile hostile[] = {
	{"a name that points to itself", make_circle, DNS_BAD},
	{"a pointer forward", make_forward, DNS_BAD},
	{"a pointer to the label before it", make_two_in_a_circle, DNS_BAD},
	{"a question that points into the head", make_question_with_pointer, DNS_BAD},
	{"a ladder of pointers", make_many_pointers, DNS_BAD},
	{"a label of a reserved kind", make_reserved_label, DNS_BAD},
	{"a name without an end", make_no_end, DNS_BAD},
	{"a name of 255 characters", make_long_name, DNS_BAD},
	{"a record that goes on past the end", make_record_past_the_end, DNS_BAD},
	{"an address of three bytes", make_short_address, DNS_BAD},
	{"an IPv6 address of four bytes", make_four_bytes_of_six, DNS_BAD},
	{"an alias that does not fill its record", make_alias_shorter_than_its_record, DNS_BAD},
	{"an alias beside an address", make_alias_after_address, DNS_BAD},
	{"an alias of itself, forty times", make_alias_of_itself, DNS_BAD},
	{"two questions", make_two_questions, DNS_BAD},
	{"no question", make_no_question, DNS_BAD},
	{"fewer records than it says", make_fewer_records_than_said, DNS_BAD},
	{"a query", make_query, DNS_OTHER},
	{"another kind of message", make_notify, DNS_OTHER},
	{"a failure", make_failure, DNS_OTHER},
	{"a truncated answer", make_truncated, DNS_TRUNCATED},
	{"a question of another class", make_chaos, DNS_OTHER},
	{"a question for text", make_text_question, DNS_OTHER},
	{"a question for anything", make_any_question, DNS_OTHER},
	{"a head alone", make_head_alone, DNS_BAD},
	{"half a head", make_half_a_head, DNS_BAD},
};

static void test_hostile_messages_teach_nothing(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		struct dns_builder b;
		struct dns_message m;
		int r;

		hostile[i].make(&b);
		r = answer(&m, &b);
		if (r != hostile[i].want || m.n)
			fail_msg("%s: %d with %u addresses", hostile[i].what, r, m.n);
	}
}

/* Cut anywhere, no message is read past its end or believed more than whole. */
static void test_every_cut(void **state)
{
	struct dns_builder b;
	struct dns_message m;

	dns_begin(&b, 1, 0x8180, 1, 3);
	dns_ask(&b, "www.example.com", 1);
	dns_pointer(&b, 12);
	dns_alias(&b, 60, "n1.cdn.example");
	dns_wire_name(&b, "n1.cdn.example");
	dns_a(&b, 60, "192.0.2.1");
	dns_wire_name(&b, "n1.cdn.example");
	dns_a(&b, 60, "192.0.2.2");
	assert_int_equal(answer(&m, &b), DNS_OK);
	assert_int_equal(m.n, 2);
	while (b.len > 0) {
		b.len--;
		assert_int_equal(answer(&m, &b), DNS_BAD);
		assert_int_equal(m.n, 0);
	}
}

static void test_longest_name(void **state)
{
	char label[63];
	struct dns_builder b;
	struct dns_message m;
	struct name_key key = {0};
	uint32_t i = 0;

	memset(label, 'A', sizeof(label));
	dns_begin(&b, 1, 0x8180, 1, 1);
	for (int l = 0; l < 3; l++)
		dns_label(&b, label, sizeof(label));
	dns_label(&b, label, 61); /* 3 * 64 + 61: 253 characters */
	dns_put8(&b, 0);
	dns_put16(&b, 1);
	dns_put16(&b, 1);
	dns_pointer(&b, 12);
	dns_a(&b, 1, "192.0.2.1");
	assert_int_equal(answer(&m, &b), DNS_OK);
	assert_int_equal(m.question.len, 253);
	assert_int_equal(m.n, 1);
	while (!dns_key_step(&m.question, &key, i))
		i++;
	assert_int_equal(i, 253);
	assert_int_equal(key.name[0], 'a');
	assert_int_equal(key.name[61], '.');
	assert_int_equal(key.name[253], 0);
}

static void test_many_records(void **state)
{
	struct dns_builder b;
	struct dns_message m;

	dns_begin(&b, 1, 0x8180, 1, 200);
	dns_ask(&b, "a.example", 1);
	for (int i = 0; i < 200; i++) {
		char address[32];

		snprintf(address, sizeof(address), "192.0.2.%d", i);
		dns_pointer(&b, 12);
		dns_a(&b, 60, address);
	}
	assert_int_equal(answer(&m, &b), DNS_OK);
	assert_int_equal(m.n, DNS_ADDRESSES_MAX);
	assert_address(&m, DNS_ADDRESSES_MAX - 1, "192.0.2.15", 60);
}

/* The question of an answer and that of its query have one hash; others have others. */
static void test_hash_ties_an_answer_to_its_question(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		int same;
	} rows[] = {
		{"www.example.com", 1, 1}, {"WWW.EXAMPLE.COM", 1, 1}, {"www.example.com", 28, 0},
		{"ww.wexample.com", 1, 0}, {"www.example.co", 1, 0},  {"moc.elpmaxe.www", 1, 0},
	};
	struct dns_builder b;
	struct dns_message m;
	uint64_t asked;

	dns_begin(&b, 7, 0x0100, 1, 0);
	dns_ask(&b, "www.example.com", 1);
	read_message(&m, &b);
	assert_int_equal(dns_question(&m, 0), DNS_OK);
	assert_true(dns_only_asks(&m));
	asked = m.hash;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		dns_begin(&b, 7, 0x8180, 1, 0);
		dns_ask(&b, rows[i].name, rows[i].type);
		assert_int_equal(answer(&m, &b), DNS_OK);
		assert_int_equal(m.hash == asked, rows[i].same);
	}
}

static void test_a_query_that_carries_more(void **state)
{
	struct dns_builder b;
	struct dns_message m;

	dns_begin(&b, 7, 0x0100, 1, 0);
	b.bytes[9] = 1; /* an authority record */
	dns_ask(&b, "www.example.com", 1);
	read_message(&m, &b);
	assert_int_equal(dns_question(&m, 0), DNS_OK);
	assert_false(dns_only_asks(&m));
	b.bytes[9] = 0;
	b.bytes[11] = 1; /* EDNS */
	read_message(&m, &b);
	assert_int_equal(dns_question(&m, 0), DNS_OK);
	assert_true(dns_only_asks(&m));
	b.bytes[11] = 2;
	read_message(&m, &b);
	assert_int_equal(dns_question(&m, 0), DNS_OK);
	assert_false(dns_only_asks(&m));
}

/* RFC 2181: a time with its highest bit set is none. */
static void test_negative_ttl(void **state)
{
	struct dns_builder b;
	struct dns_message m;

	dns_begin(&b, 1, 0x8180, 1, 1);
	dns_ask(&b, "a.example", 1);
	dns_pointer(&b, 12);
	dns_a(&b, 0x80000000u, "192.0.2.7");
	assert_int_equal(answer(&m, &b), DNS_OK);
	assert_address(&m, 0, "192.0.2.7", 0);
}

UNIT_MAIN(unit(test_one_address), unit(test_six_and_four), unit(test_chain_of_aliases),
	  unit(test_records_for_other_names_count_for_nothing), unit(test_odd_names_are_no_names),
	  unit(test_hostile_messages_teach_nothing), unit(test_every_cut), unit(test_longest_name),
	  unit(test_many_records), unit(test_hash_ties_an_answer_to_its_question),
	  unit(test_a_query_that_carries_more), unit(test_negative_ttl))
