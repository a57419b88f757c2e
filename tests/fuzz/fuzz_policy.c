// SPDX-License-Identifier: Apache-2.0
/* A policy out of any two texts: loads or is refused with a reason, prints, compiles, and what
 * compiles keeps what the kernel relies on. Input: bailiff.yaml, a line "===", the ACL. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/unit/policy_memory.h"

static int fuzz_uid(void *ctx, const char *login, uint32_t *ret_uid)
{
	*ret_uid = (uint32_t)strlen(login) % 4; /* several logins share a uid */
	return login[0] == 'x' ? -ENOENT : 0;
}

static void fuzz_require(bool holds)
{
	if (!holds)
		__builtin_trap();
}

static void fuzz_check_text(const struct inline_text *text)
{
	fuzz_require(text->len <= INLINE_TEXT_MAX - 20 - strlen(INLINE_TEXT_END));
	for (size_t k = 0; k < text->len; k++)
		fuzz_require(text->bytes[k] >= ' ' && text->bytes[k] <= '~');
}

static void fuzz_check_keys(const struct policy *policy, const struct policy_tables *t)
{
	bool refuses = policy->credential_flags & POLICY_CREDENTIAL_REFUSE;

	fuzz_require(!(t->root.inline_kinds & POLICY_INLINE_KEYS) == !refuses);
	fuzz_require(!t->n_key_texts == !refuses && t->n_key_texts % INLINE_TEXTS == 0);
	for (size_t i = 0; i < t->n_key_texts; i++) {
		const struct inline_text *text = &t->key_texts[i].text;

		fuzz_check_text(text);
		fuzz_require(text->len &&
			     t->key_texts[i].number % INLINE_TEXTS == i % INLINE_TEXTS);
		fuzz_require(i % INLINE_TEXTS == 0 || text->len < t->key_texts[i - 1].text.len);
		fuzz_require(t->key_texts[i].number / INLINE_TEXTS <=
			     INLINE_TEXT_PERSON(policy->n_people));
	}
}

static void fuzz_check_inline(const struct policy *policy, const struct policy_tables *t)
{
	if (!t->scan) {
		fuzz_require(!t->texts && !t->n_texts && !t->root.inline_rule);
		fuzz_require((t->root.inline_kinds & ~POLICY_INLINE_KEYS) ==
			     (policy->n_tools ? POLICY_INLINE_TOOLS : 0));
		return;
	}
	fuzz_require(t->scan->id && t->scan->states <= SCAN_STATES_MAX && t->root.inline_kinds);
	fuzz_require(t->n_texts == INLINE_TEXTS * (size_t)t->scan->detectors);
	fuzz_require(t->root.inline_rule &&
		     t->root.inline_rule + t->scan->detectors + policy->n_tools == t->n_rules);
	for (size_t i = 0; i < t->n_texts; i++) {
		const struct inline_text *text = &t->texts[i];

		fuzz_check_text(text);
		fuzz_require(i % INLINE_TEXTS == 0 || !text->len == !text[-1].len);
		fuzz_require(i % INLINE_TEXTS == 0 || !text->len || text->len < text[-1].len);
	}
}

static void fuzz_check_tools(const struct policy *policy, const struct policy_tables *t)
{
	fuzz_require(t->n_tools >= policy->n_tools);
	for (size_t i = 0; i < t->n_tools; i++) {
		const struct skill_value *v = &t->tools[i].value;

		fuzz_require(t->tools[i].key.person <= policy->n_people);
		fuzz_require((v->verdict == BAILIFF_DENY) == !t->tools[i].key.person);
		fuzz_require(v->rule < t->n_rules && t->rules[v->rule].kind == POLICY_RULE_TOOL);
	}
}

static void fuzz_check_tables(const struct policy *policy, const struct policy_tables *t)
{
	fuzz_require(t->n_dest4 >= 1 && t->n_dest6 >= 1 && t->n_sets >= 1);
	fuzz_require(t->dest4[0].key.prefix_len == 0 && t->dest6[0].key.prefix_len == 0);
	for (size_t i = 0; i < t->n_dest4; i++)
		fuzz_require(t->dest4[i].set < t->n_sets && t->dest4[i].key.prefix_len <= 32);
	for (size_t i = 0; i < t->n_dest6; i++)
		fuzz_require(t->dest6[i].set < t->n_sets && t->dest6[i].key.prefix_len <= 128);
	for (size_t i = 0; i < t->n_sets; i++) {
		fuzz_require(t->sets[i].n <= DEST_RULES_MAX);
		for (uint32_t j = 0; j < t->sets[i].n; j++) {
			const struct dest_rule *rule = &t->sets[i].rules[j];

			fuzz_require(rule->rule && rule->rule < t->n_rules);
			fuzz_require(rule->person <= policy->n_people);
			fuzz_require(rule->port_low <= rule->port_high);
		}
	}
	for (size_t i = 0; i < t->n_skills; i++) {
		fuzz_require(t->skills[i].value.rule && t->skills[i].value.rule < t->n_rules);
		fuzz_require(memchr(t->skills[i].key.name, 0, SKILL_NAME_SIZE) != NULL);
	}
	fuzz_check_inline(policy, t);
	fuzz_check_keys(policy, t);
	fuzz_check_tools(policy, t);
	for (size_t i = 1; i < t->n_rules; i++)
		fuzz_require(*t->rules[i].id && *t->rules[i].words && t->rules[i].where.file);
}

static void fuzz_compile(const struct policy *policy)
{
	struct policy_address address[2] = {
		{.family = AF_INET, .address = {10, 0, 0, 1}},
		{.family = AF_INET6, .address = {0x20, 1, [15] = 1}},
	};
	_cleanup_free_ struct policy_addresses *addresses = NULL;
	_cleanup_free_ const char **names = NULL;
	struct policy_tables *tables = NULL;
	size_t n = 0;
	char err[256];
	int r;

	if (policy_names(policy, &names) < 0)
		return;
	while (names[n])
		n++;
	addresses = calloc(n + 1, sizeof(*addresses));
	for (size_t i = 0; addresses && i < n; i++)
		addresses[i] = (struct policy_addresses){names[i], address, 2};
	/* without addresses the loader has promised that it compiles */
	r = policy_compile(policy, NULL, 0, fuzz_uid, NULL, &tables, err);
	fuzz_require(r == 0);
	fuzz_check_tables(policy, tables);
	policy_tables_free(tables);
	tables = NULL;
	r = policy_compile(policy, addresses, n, fuzz_uid, NULL, &tables, err);
	fuzz_require(r == 0 || (r == -E2BIG && *err));
	if (r == 0)
		fuzz_check_tables(policy, tables);
	policy_tables_free(tables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char mark[] = "\n===\n";
	const uint8_t *split = memmem(data, len, mark, sizeof(mark) - 1);
	struct policy_memory m = {
		.main = (const char *)data,
		.main_len = split ? (size_t)(split - data) + 1 : len,
	};
	struct policy_report report = {0};
	struct policy *policy = NULL;
	_cleanup_free_ char *text = NULL;
	size_t text_len = 0;
	FILE *f = open_memstream(&text, &text_len);
	int r;

	m.acl = split ? (const char *)split + sizeof(mark) - 1 : "skills: {}\n";
	m.acl_len = split ? len - (size_t)((const uint8_t *)m.acl - data) : strlen(m.acl);
	r = load_policy("p", policy_memory_open, &m, &policy, &report);
	fuzz_require((r == 0) == (policy != NULL));
	fuzz_require((r == 0) == (report.n_errors == 0));
	policy_report_print(&report, f, true);
	fclose(f);
	/* nothing but what colours it drives the terminal that shows the report */
	for (size_t i = 0; text && i < text_len; i++)
		fuzz_require((unsigned char)text[i] >= 0x20 || text[i] == '\n' ||
			     (text[i] == '\033' && text[i + 1] == '['));
	if (policy)
		fuzz_compile(policy);
	policy_free(policy);
	policy_report_free(&report);
	return 0;
}
