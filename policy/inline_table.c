// SPDX-License-Identifier: Apache-2.0
/* The detectors of a policy's inline section as one table: compiled once when the policy is loaded,
 * for names of model endpoints get new addresses more often than detectors change. */
#include "policy/inline_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "bpf/content_state.h"
#include "policy/automaton.h"
#include "policy/report.h"

unsigned int inline_acts(const struct policy_inline *p)
{
	return SCAN_ACT(CONTENT_REQUEST, p->request) | SCAN_ACT(CONTENT_TEXT, p->text) |
	       SCAN_ACT(CONTENT_INPUT, p->tool_input);
}

/* Those that act, in the order of the table. */
struct inline_list {
	struct inline_detector *detectors;
	const struct policy_inline **of;
	size_t n;
};

static void inline_list_free(struct inline_list *list)
{
	free(list->detectors);
	free(list->of);
}

static int inline_list_make(const struct policy *policy, struct inline_list *list)
{
	list->detectors = calloc(policy->n_inlines + 1, sizeof(*list->detectors));
	list->of = calloc(policy->n_inlines + 1, sizeof(*list->of));
	if (!list->detectors || !list->of)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_inlines; i++) {
		const struct policy_inline *p = &policy->inlines[i];

		if (!inline_acts(p))
			continue;
		list->detectors[list->n] = *p->detector;
		list->detectors[list->n].name = p->name;
		list->detectors[list->n].acts = inline_acts(p);
		list->of[list->n++] = p;
	}
	return 0;
}

/* Where the expression stands that an error is about, which begins with its name. */
static struct policy_where inline_place(const struct policy_inline *p, const char *text)
{
	static const char *const names[] = {"pattern,", "except,", "head,",
					    "before,",	"after,",  "back,"};

	_Static_assert(ARRAY_SIZE(names) == ARRAY_SIZE(p->owned_where), "names");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (p->owned_where[i].line && strncmp(text, names[i], strlen(names[i])) == 0)
			return p->owned_where[i];
	return p->where;
}

static void inline_tell(const struct inline_list *list, const struct automaton_report *from,
			struct policy_report *report)
{
	static const enum policy_severity severity[] = {
		[AUTOMATON_ERROR] = POLICY_ERROR,
		[AUTOMATON_WARNING] = POLICY_WARNING,
		[AUTOMATON_NOTE] = POLICY_NOTE,
	};

	for (size_t i = 0; i < from->n_findings; i++) {
		const struct automaton_finding *f = &from->findings[i];
		const struct policy_inline *p = list->of[f->detector];

		report_add(report, severity[f->level], inline_place(p, f->text), "inline/%s: %s",
			   p->name, f->text);
	}
}

/* The same detectors have the same number on every host and after each start. */
static int inline_table_number(struct scan_table *table)
{
	uint8_t digest[DIGEST_SIZE];
	int r;

	table->id = 0;
	r = digest_sha256(table, sizeof(*table), digest);
	if (r < 0)
		return r;
	memcpy(&table->id, digest, sizeof(table->id));
	if (!table->id) /* a stream that is scanned for the first time has 0 */
		table->id = 1;
	return 0;
}

int inline_table_build(struct policy *policy, struct policy_report *report)
{
	_cleanup_(inline_list_free) struct inline_list list = {0};
	_cleanup_(automaton_report_free) struct automaton_report made = {0};
	_cleanup_free_ struct scan_table *table = NULL;
	int r = inline_list_make(policy, &list);

	if (r < 0 || !list.n)
		return r;
	r = automaton_compile(list.detectors, list.n, SCAN_STATES_MAX, 0, &table, &made);
	if (r < 0) {
		inline_tell(&list, &made, report);
		return r == -ENOMEM ? r : -EINVAL;
	}
	r = inline_table_number(table);
	if (r < 0)
		return r;
	policy->scan_bytes = made.bytes;
	policy->scan = TAKE_PTR(table);
	return 0;
}

int policy_check_inline(const struct policy *policy, struct policy_report *report)
{
	_cleanup_(inline_list_free) struct inline_list list = {0};
	_cleanup_(automaton_report_free) struct automaton_report found = {0};
	int r = inline_list_make(policy, &list);

	if (r == 0 && list.n)
		r = automaton_compare(list.detectors, list.n, &found);
	if (r == -ENOMEM)
		return r;
	inline_tell(&list, &found, report);
	report_sort(report);
	return 0;
}
