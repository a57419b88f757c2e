// SPDX-License-Identifier: Apache-2.0
/* The destination tables against a naive reading of the policy, and what is special in them. */
#include <time.h>

#include "policy_tables.h"

struct probe {
	int family;
	uint8_t address[16];
	uint16_t port;
	uint8_t protocol;
	uint32_t person;
	uint64_t teams;
};

static bool rule_matches(const struct dest_rule *rule, const struct probe *p)
{
	bool who = (!rule->person && !rule->teams) || (rule->person && rule->person == p->person) ||
		   (rule->teams & p->teams);

	return who && p->port >= rule->port_low && p->port <= rule->port_high &&
	       (!rule->protocol || rule->protocol == p->protocol);
}

/* Longest prefix, then the first rule that matches: what the kernel does. NULL: the default. */
static const struct dest_rule *judge_tables(const struct policy_tables *t, const struct probe *p)
{
	const struct prefix inner = {
		.family = p->family,
		.len = p->family == AF_INET ? 32 : 128,
	};
	struct prefix address = inner;
	int best = -1;
	uint32_t set = 0;

	memcpy(address.address, p->address, 16);
	for (size_t i = 0; p->family == AF_INET && i < t->n_dest4; i++) {
		struct prefix outer = {.family = AF_INET, .len = t->dest4[i].key.prefix_len};

		memcpy(outer.address, t->dest4[i].key.address, 4);
		if (address_covers(&outer, &address) && (int)outer.len > best) {
			best = (int)outer.len;
			set = t->dest4[i].set;
		}
	}
	for (size_t i = 0; p->family == AF_INET6 && i < t->n_dest6; i++) {
		struct prefix outer = {.family = AF_INET6, .len = t->dest6[i].key.prefix_len};

		memcpy(outer.address, t->dest6[i].key.address, 16);
		if (address_covers(&outer, &address) && (int)outer.len > best) {
			best = (int)outer.len;
			set = t->dest6[i].set;
		}
	}
	assert_true(best >= 0); /* the /0 entries are always there */
	assert_true(set < t->n_sets);
	for (uint32_t i = 0; i < t->sets[set].n; i++)
		if (rule_matches(&t->sets[set].rules[i], p))
			return &t->sets[set].rules[i];
	return NULL;
}

static bool destination_matches(const struct policy_destination *d,
				const struct policy_addresses *addresses, size_t n,
				const struct probe *p)
{
	bool where = false, port = d->n_ports == 0, who = !d->teams && !d->n_people;

	if (d->target == POLICY_TARGET_CIDR) {
		where = d->family == p->family;
		for (uint32_t bit = 0; where && bit < d->prefix_len; bit++)
			where = !((d->address[bit / 8] ^ p->address[bit / 8]) & 0x80 >> bit % 8);
	}
	/* of other names the kernel learns the addresses */
	for (size_t i = 0; d->target == POLICY_TARGET_NAME && d->effect == DEST_MODEL && i < n; i++)
		for (size_t j = 0; strcmp(addresses[i].name, d->name) == 0 && j < addresses[i].n;
		     j++)
			where |= addresses[i].addresses[j].family == p->family &&
				 memcmp(addresses[i].addresses[j].address, p->address,
					p->family == AF_INET ? 4 : 16) == 0;
	for (size_t i = 0; i < d->n_ports; i++)
		port |= p->port >= d->ports[i].low && p->port <= d->ports[i].high;
	who |= (d->teams & p->teams) != 0;
	for (size_t i = 0; i < d->n_people; i++)
		who |= d->people[i] == p->person;
	return where && port && who && (!d->protocol || d->protocol == p->protocol);
}

/* The policy read as it is written: deny wins, then the model API, then allow. -1: the default. */
static long judge_naively(const struct policy *policy, const struct policy_addresses *addresses,
			  size_t n, const struct probe *p)
{
	static const enum dest_effect order[] = {DEST_DENY, DEST_MODEL, DEST_ALLOW};

	for (size_t e = 0; e < ARRAY_SIZE(order); e++)
		for (size_t i = 0; i < policy->n_destinations; i++)
			if (policy->destinations[i].effect == order[e] &&
			    destination_matches(&policy->destinations[i], addresses, n, p))
				return (long)i;
	return -1;
}

/* ---- random policies ---------------------------------------------------------------------------
 */

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t n) /* splitmix64: the same tests each time */
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ z >> 31) % n);
}

/* A small world, so that rules meet each other often: few bits, few ports, few people. */
static void random_address(int *family, uint8_t address[16])
{
	memset(address, 0, 16);
	*family = random_below(3) ? AF_INET : AF_INET6;
	address[0] = *family == AF_INET ? 10 : 0x20;
	address[1] = (uint8_t)(random_below(4) << 6);
	address[2] = (uint8_t)(random_below(4) << 6 | random_below(2));
	address[*family == AF_INET ? 3 : 15] = (uint8_t)random_below(4);
}

static void random_destination(struct policy_destination *d, size_t i, const char *const *names,
			       size_t n_names)
{
	uint32_t bits;

	*d = (struct policy_destination){.effect = random_below(3)};
	assert_true(asprintf(&d->id, "r%zu", i) > 0);
	if (random_below(4) == 0) {
		d->target = POLICY_TARGET_NAME;
		d->name = strdup(names[random_below((uint32_t)n_names)]);
	} else {
		random_address(&d->family, d->address);
		bits = d->family == AF_INET ? 32 : 128;
		d->prefix_len = random_below(3) ? random_below(25) : random_below(bits + 1);
		for (uint32_t bit = d->prefix_len; bit < bits; bit++)
			d->address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	}
	if (random_below(2)) {
		d->n_ports = 1 + random_below(2);
		d->ports = calloc(d->n_ports, sizeof(*d->ports));
		for (size_t p = 0; p < d->n_ports; p++) { /* apart, as the parser leaves them */
			d->ports[p].low = (uint16_t)(1 + 10 * p + random_below(4));
			d->ports[p].high = (uint16_t)(d->ports[p].low + random_below(4));
		}
	}
	d->protocol = (uint8_t[]){0, 0, IPPROTO_TCP, IPPROTO_UDP}[random_below(4)];
	if (d->effect == DEST_MODEL)
		return;
	d->teams = random_below(3) ? 0 : random_below(8);
	if (random_below(4) == 0) {
		d->people = calloc(2, sizeof(*d->people));
		d->people[0] = 1 + random_below(2);
		d->people[1] = 3;
		d->n_people = 1 + random_below(2);
	}
}

static void random_addresses(struct policy_addresses *a, const char *name)
{
	a->name = name;
	a->n = random_below(4);
	a->addresses = calloc(a->n + 1, sizeof(*a->addresses));
	for (size_t i = 0; i < a->n; i++)
		random_address(&a->addresses[i].family, a->addresses[i].address);
}

static void compare_verdicts(const struct policy *policy, const struct policy_tables *t,
			     const struct policy_addresses *addresses, size_t n, size_t first)
{
	for (int i = 0; i < 300; i++) {
		struct probe p = {
			.port = (uint16_t)random_below(20),
			.protocol = random_below(2) ? IPPROTO_TCP : IPPROTO_UDP,
			.person = random_below(4),
			.teams = random_below(8),
		};
		const struct dest_rule *got;
		long want;

		random_address(&p.family, p.address);
		want = judge_naively(policy, addresses, n, &p);
		got = judge_tables(t, &p);
		assert_int_equal(got ? (long)(got->rule - first) : -1, want);
		if (got)
			assert_int_equal(got->effect, policy->destinations[want].effect);
	}
}

/* Tables in each detail: equal input must give equal bytes. */
static void compare_tables(const struct policy_tables *a, const struct policy_tables *b)
{
	assert_int_equal(a->n_dest4, b->n_dest4);
	assert_int_equal(a->n_dest6, b->n_dest6);
	assert_int_equal(a->n_sets, b->n_sets);
	assert_memory_equal(a->dest4, b->dest4, a->n_dest4 * sizeof(*a->dest4));
	assert_memory_equal(a->dest6, b->dest6, a->n_dest6 * sizeof(*a->dest6));
	assert_memory_equal(a->sets, b->sets, a->n_sets * sizeof(*a->sets));
}

static void check_sets(const struct policy_tables *t)
{
	static const int rank[] = {[DEST_DENY] = 0, [DEST_MODEL] = 1, [DEST_ALLOW] = 2};

	assert_int_equal(t->sets[0].n, 0);
	for (size_t s = 1; s < t->n_sets; s++) {
		assert_in_range(t->sets[s].n, 1, DEST_RULES_MAX);
		for (uint32_t i = 1; i < t->sets[s].n; i++)
			assert_true(rank[t->sets[s].rules[i - 1].effect] <=
				    rank[t->sets[s].rules[i].effect]);
		for (size_t o = 0; o < s; o++) /* each set once */
			assert_memory_not_equal(&t->sets[o], &t->sets[s], sizeof(t->sets[s]));
	}
}

static void test_tables_agree_with_naive_reading(void **state)
{
	static const char *const names[] = {"a.example", "b.example", "c.example"};
	size_t compiled = 0, too_large = 0;

	for (int round = 0; round < 1500; round++) {
		struct policy_addresses addresses[ARRAY_SIZE(names)], turned[ARRAY_SIZE(names)];
		struct policy_destination destinations[20];
		char *files[] = {(char *)"p/bailiff.yaml", (char *)"p/acl.yaml", NULL};
		char *email = (char *)"a@example";
		struct policy_person people[3] = {
			{.email = email}, {.email = email}, {.email = email}};
		struct policy policy = {
			.destinations = destinations,
			.n_destinations = random_below(ARRAY_SIZE(destinations) + 1),
			.people = people,
			.n_people = 3,
			.teams = (char *[]){email, email, email},
			.n_teams = 3,
			.files = files,
		};
		struct policy_tables *t = NULL, *again = NULL;
		char err[256];
		int r;

		for (size_t i = 0; i < policy.n_destinations; i++)
			random_destination(&destinations[i], i, names, ARRAY_SIZE(names));
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			random_addresses(&addresses[i], names[i]);
			turned[ARRAY_SIZE(names) - 1 - i] = addresses[i];
		}
		r = policy_compile(&policy, addresses, ARRAY_SIZE(names), lookup, NULL, &t, err);
		if (r == 0) {
			compiled++;
			check_sets(t);
			compare_verdicts(&policy, t, addresses, ARRAY_SIZE(names), 3);
			assert_int_equal(policy_compile(&policy, turned, ARRAY_SIZE(names), lookup,
							NULL, &again, err),
					 0);
			compare_tables(t, again);
		} else {
			too_large++;
			assert_int_equal(r, -E2BIG);
			assert_null(t);
			assert_non_null(strstr(err, "over 32 rules"));
		}
		policy_tables_free(t);
		policy_tables_free(again);
		for (size_t i = 0; i < policy.n_destinations; i++) {
			free(destinations[i].id);
			free(destinations[i].name);
			free(destinations[i].ports);
			free(destinations[i].people);
		}
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			free(addresses[i].addresses);
	}
	/* the world must be neither empty nor too full for the comparison to mean something */
	assert_true(compiled > 1000);
	assert_true(too_large < 300);
}

/* ---- destinations ------------------------------------------------------------------------------
 */

static struct probe probe_of(const char *address, uint16_t port, uint8_t protocol)
{
	struct probe p = {.family = strchr(address, ':') ? AF_INET6 : AF_INET,
			  .port = port,
			  .protocol = protocol};

	assert_int_equal(inet_pton(p.family, address, p.address), 1);
	return p;
}

static const char *judge(const struct policy_tables *t, const char *address, uint16_t port,
			 uint8_t protocol)
{
	const struct probe p = probe_of(address, port, protocol);
	const struct dest_rule *rule = judge_tables(t, &p);

	return rule ? t->rules[rule->rule].id : "default";
}

static void test_empty_policy_has_the_default_entries(void **state)
{
	struct policy *policy = load(HEAD, "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_int_equal(t->n_dest4, 1);
	assert_int_equal(t->n_dest6, 1);
	assert_int_equal(t->dest4[0].key.prefix_len, 0);
	assert_int_equal(t->dest6[0].key.prefix_len, 0);
	assert_int_equal(t->n_sets, 1);
	assert_int_equal(t->sets[0].n, 0);
	assert_string_equal(judge(t, "192.0.2.1", 443, IPPROTO_TCP), "default");
	policy_tables_free(t);
	policy_free(policy);
}

static void test_resolvers(void **state)
{
	struct policy *policy =
		load(HEAD "destinations: {resolvers: [10.0.0.53, '[2001:db8::53]:5353'],\n"
			  "  deny: [{cidr: 10.0.0.53, ports: [54]}]}\n",
		     "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_string_equal(judge(t, "10.0.0.53", 53, IPPROTO_UDP), "destinations/resolvers[0]");
	assert_string_equal(judge(t, "10.0.0.53", 53, IPPROTO_TCP), "destinations/resolvers[0]");
	assert_string_equal(judge(t, "10.0.0.53", 853, IPPROTO_TCP), "default");
	assert_string_equal(judge(t, "10.0.0.53", 54, IPPROTO_TCP), "destinations/deny[0]");
	assert_string_equal(judge(t, "10.0.0.54", 53, IPPROTO_UDP), "default");
	assert_string_equal(judge(t, "2001:db8::53", 5353, IPPROTO_UDP),
			    "destinations/resolvers[1]");
	assert_string_equal(judge(t, "2001:db8::53", 53, IPPROTO_UDP), "default");
	policy_tables_free(t);
	policy_free(policy);
}

static void add_address(struct policy_addresses *a, const char *address)
{
	struct policy_address *to = &a->addresses[a->n++];

	to->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(to->family, address, to->address), 1);
}

/* Only model endpoints have entries by address; and whoever answers for one must not open the
 * host's own services with it. */
static void test_names(void **state)
{
	struct policy_address of_a[4] = {0}, of_w[4] = {0}, of_m[16] = {0};
	struct policy_addresses addresses[] = {
		{"m.example", of_m, 0},
		{"a.example", of_a, 0},
		{"*.w.example", of_w, 0},
		{"unused.example", of_a, 0},
	};
	struct policy *policy =
		load(HEAD "model: {endpoints: [{name: m.example}, {name: '*.w.example'}]}\n"
			  "destinations:\n"
			  "  deny: [{cidr: 203.0.113.1}]\n"
			  "  allow: [{name: a.example}, {name: gone.example}]\n",
		     "skills: {}\n");
	static const char *const local[] = {
		"127.0.0.1",	   "127.8.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1",
		"255.255.255.255", "::",	"::1",	   "fe80::1",	      "ff02::1"};
	struct policy_tables *t;

	add_address(&addresses[0], "198.51.100.1");
	add_address(&addresses[0], "::ffff:192.0.2.7");
	add_address(&addresses[0], "2001:db8::7");
	add_address(&addresses[0], "203.0.113.1"); /* denied by address: deny wins */
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		add_address(&addresses[0], local[i]);
	add_address(&addresses[1], "192.0.2.1");
	add_address(&addresses[2], "192.0.2.2");
	t = compile(policy, addresses, ARRAY_SIZE(addresses));
	assert_string_equal(judge(t, "198.51.100.1", 443, IPPROTO_TCP), "model/endpoints[0]");
	assert_string_equal(judge(t, "192.0.2.7", 443, IPPROTO_TCP), "model/endpoints[0]");
	assert_string_equal(judge(t, "2001:db8::7", 1, IPPROTO_UDP), "model/endpoints[0]");
	assert_string_equal(judge(t, "203.0.113.1", 443, IPPROTO_TCP), "destinations/deny[0]");
	assert_string_equal(judge(t, "192.0.2.1", 443, IPPROTO_TCP), "default");
	assert_string_equal(judge(t, "192.0.2.2", 443, IPPROTO_TCP), "default");
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		assert_string_equal(judge(t, local[i], 443, IPPROTO_TCP), "default");
	policy_tables_free(t);
	policy_free(policy);
}

static void test_names_of_endpoints_are_listed_once(void **state)
{
	struct policy *policy = load(
		HEAD "model: {endpoints: [{name: m.example, ports: [1]}, {name: '*.w.example'},\n"
		     "  {name: M.EXAMPLE, ports: [2]}, {name: e.example}, {cidr: 10.0.0.1}]}\n"
		     "destinations:\n"
		     "  deny: [{name: b.example}]\n"
		     "  allow: [{name: a.example}]\n",
		"skills: {}\n");
	const char **names = NULL;

	assert_int_equal(policy_names(policy, &names), 0);
	assert_string_equal(names[0], "e.example");
	assert_string_equal(names[1], "m.example");
	assert_null(names[2]);
	free(names);
	policy_free(policy);
}

/* 33 names on one address of a content network: each alone is fine, together they fill the set. */
static void test_full_set_names_the_prefix(void **state)
{
	struct policy_address one = {.family = AF_INET, .address = {192, 0, 2, 9}};
	struct policy_addresses addresses[33];
	char main[4096] = HEAD "model:\n  endpoints:\n", names[33][32], err[256] = "x";
	struct policy_tables *t = NULL;
	struct policy *policy;

	for (size_t i = 0; i < 33; i++) {
		size_t len = strlen(main);

		snprintf(names[i], sizeof(names[i]), "host%zu.example", i);
		snprintf(main + len, sizeof(main) - len, "    - {name: %s, ports: [%zu]}\n",
			 names[i], i + 1);
		addresses[i] = (struct policy_addresses){names[i], &one, 1};
	}
	policy = load(main, "skills: {}\n");
	assert_int_equal(policy_compile(policy, addresses, 32, lookup, NULL, &t, err), 0);
	assert_string_equal(err, "");
	assert_string_equal(judge(t, "192.0.2.9", 32, IPPROTO_TCP), "model/endpoints[31]");
	policy_tables_free(t);
	t = NULL;
	assert_int_equal(policy_compile(policy, addresses, 33, lookup, NULL, &t, err), -E2BIG);
	assert_null(t);
	assert_string_equal(err,
			    "192.0.2.9: over 32 rules hold for this destination; the one too many "
			    "is model/endpoints[32]");
	policy_free(policy);
}

/* A rule inside a wider one that says the same needs no entry: the longest match is the wider one.
 */
static void test_covered_prefixes_cost_nothing(void **state)
{
	struct policy *policy = load(HEAD "destinations:\n"
					  "  allow:\n"
					  "    - cidr: 10.0.0.0/8\n"
					  "    - cidr: 10.1.0.0/16\n"
					  "    - {cidr: 10.2.0.0/16, ports: [443]}\n"
					  "    - {cidr: 0.0.0.0/0, ports: [53]}\n",
				     "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_int_equal(t->n_dest4, 2); /* /0 and /8 */
	assert_int_equal(t->n_sets, 3);
	assert_string_equal(judge(t, "10.1.0.1", 443, IPPROTO_TCP), "destinations/allow[0]");
	assert_string_equal(judge(t, "192.0.2.1", 53, IPPROTO_TCP), "destinations/allow[3]");
	assert_string_equal(judge(t, "192.0.2.1", 443, IPPROTO_TCP), "default");
	policy_tables_free(t);
	policy_free(policy);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* What grows with the square of the rules takes minutes here; the limit leaves room for sanitizers.
 */
static void test_long_lists_take_seconds(void **state)
{
	const size_t n_cidrs = 100000, n_names = 10000;
	char *main = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&main, &len);
	struct policy *policy;
	struct policy_tables *t;
	double start = seconds();

	assert_non_null(f);
	fprintf(f, HEAD "destinations:\n allow:\n");
	for (size_t i = 0; i < n_cidrs; i++)
		fprintf(f, "  - {cidr: %zu.%zu.%zu.0/24}\n", 1 + i / 65536, i / 256 % 256, i % 256);
	for (size_t i = 0; i < n_names; i++)
		fprintf(f, "  - {name: h%zu.example}\n", i);
	fclose(f);
	policy = load(main, "skills: {}\n");
	assert_int_equal(policy->n_destinations, n_cidrs + n_names);
	t = compile(policy, NULL, 0);
	assert_int_equal(t->n_dest4, n_cidrs + 1);
	assert_int_equal(t->n_sets, n_cidrs + n_names + 1);
	assert_int_equal(t->n_names, n_names);
	assert_int_equal(t->n_patterns, n_names);
	assert_true(seconds() - start < 30);
	policy_tables_free(t);
	policy_free(policy);
	free(main);
}

/* Elsewhere nobody looks at what somebody who is not governed connects to. */
static void test_ports_of_endpoints_are_in_the_root(void **state)
{
	static const struct {
		const char *ports[3]; /* of each endpoint; NULL: none more */
		struct port_range want[POLICY_MODEL_MAX];
	} rows[] = {
		{{NULL}, {{0, 0}}},
		{{"ports: [443]"}, {{443, 443}}},
		{{"ports: [443]", "ports: [443, 8000-8100]"}, {{443, 443}, {8000, 8100}}},
		{{"ports: [1, 3, 5, 7]"}, {{1, 1}, {3, 3}, {5, 5}, {7, 7}}},
		{{"ports: [20, 7, 3, 11]", "ports: [9]"}, {{3, 20}}},
		{{"ports: [443]", "ports: [1-65535]"}, {{443, 443}, {1, 65535}}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[1024] = HEAD "destinations: {allow: [{cidr: 10.0.0.0/8, ports: [22]}]}\n"
				       "model:\n  endpoints:\n";
		struct policy_tables *t;
		struct policy *policy;

		if (!rows[i].ports[0])
			*strstr(text, "model:") = 0;
		for (size_t j = 0; rows[i].ports[j]; j++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				 "    - {name: m%zu.example, %s}\n", j, rows[i].ports[j]);
		policy = load(text, "skills: {}\n");
		t = compile(policy, NULL, 0);
		assert_memory_equal(t->root.model, rows[i].want, sizeof(t->root.model));
		policy_tables_free(t);
		policy_free(policy);
	}
}

UNIT_MAIN(unit(test_tables_agree_with_naive_reading),
	  unit(test_empty_policy_has_the_default_entries), unit(test_resolvers), unit(test_names),
	  unit(test_names_of_endpoints_are_listed_once), unit(test_full_set_names_the_prefix),
	  unit(test_covered_prefixes_cost_nothing), unit(test_long_lists_take_seconds),
	  unit(test_ports_of_endpoints_are_in_the_root))
