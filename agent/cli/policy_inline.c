// SPDX-License-Identifier: Apache-2.0
/* Shows the detectors of the inline data path: what each does, and how large their table is. */
#include "cli/policy_inline.h"

#include "base/cleanup.h"
#include "cli/table.h"
#include "cli/terminal.h"

void policy_inline_print_size(const struct policy *policy, FILE *to)
{
	const struct scan_table *t = policy->scan;

	if (t)
		fprintf(to,
			"inline: detectors: %u, states: %u of %u, classes: %u of %u, bytes: %zu\n",
			t->detectors, t->states, SCAN_STATES_MAX, t->classes, SCAN_CLASSES_MAX,
			policy->scan_bytes);
}

json_t *policy_inline_size_json(const struct policy *policy)
{
	const struct scan_table *t = policy->scan;

	if (!t)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "detectors", (json_int_t)t->detectors, "states",
			 (json_int_t)t->states, "classes", (json_int_t)t->classes, "bytes",
			 (json_int_t)policy->scan_bytes);
}

int policy_inline_print(const struct policy *policy, FILE *to)
{
	static const char *const heads[] = {"DETECTOR", "LINE",	      "REQUEST",
					    "TEXT",	"TOOL INPUT", "FINDS"};
	_cleanup_(table_freep) struct table *table = NULL;
	int r;

	if (!policy->n_inlines)
		return 0;
	r = table_new(heads, ARRAY_SIZE(heads), &table);
	if (r < 0)
		return r;
	for (size_t i = 0; i < policy->n_inlines; i++) {
		const struct policy_inline *p = &policy->inlines[i];

		table_row(table);
		table_cell(table, TERMINAL_BOLD, p->name);
		table_printf(table, TERMINAL_DIM, "%u", p->where.line);
		table_cell(table, TERMINAL_PLAIN, policy_inline_action(p->request));
		table_cell(table, TERMINAL_PLAIN, policy_inline_action(p->text));
		table_cell(table, TERMINAL_PLAIN, policy_inline_action(p->tool_input));
		table_cell(table, TERMINAL_PLAIN, p->called);
	}
	fprintf(to, "\nIn requests and responses\n");
	table_print(table, to, terminal_width());
	fprintf(to, "a response that comes compressed all the same: %s\n",
		policy->inline_compressed_block ? "blocked" : "logged");
	fprintf(to, "a request in a form that is not read, such as HTTP/2: %s\n",
		policy->inline_unreadable_block ? "blocked" : "logged");
	fprintf(to, "a host that cannot mask in place: %s\n",
		policy->inline_unsupported_refuse ? "refused" : "runs");
	return 0;
}

json_t *policy_inline_json(const struct policy *policy)
{
	json_t *detectors = json_array();

	for (size_t i = 0; i < policy->n_inlines; i++) {
		const struct policy_inline *p = &policy->inlines[i];

		json_array_append_new(
			detectors, json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "name", p->name,
					     "finds", p->called, "line", (json_int_t)p->where.line,
					     "request", policy_inline_action(p->request), "text",
					     policy_inline_action(p->text), "tool_input",
					     policy_inline_action(p->tool_input)));
	}
	return json_pack("{s:o, s:s, s:s, s:s, s:o}", "detectors", detectors, "compressed",
			 policy->inline_compressed_block ? "block" : "log", "unreadable",
			 policy->inline_unreadable_block ? "block" : "log", "unsupported",
			 policy->inline_unsupported_refuse ? "refuse" : "run", "table",
			 policy_inline_size_json(policy));
}
