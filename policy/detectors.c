// SPDX-License-Identifier: Apache-2.0
/* Checks names and patterns of detectors against the stage that has them. */
#include <errno.h>
#include <string.h>

#include "policy/report.h"

int policy_check_detectors(const struct policy *policy, bool (*known)(const char *name),
			   struct policy_report *report)
{
	size_t errors = report->n_errors;

	for (size_t i = 0; policy->detectors && policy->detectors[i]; i++)
		if (!known(policy->detectors[i]))
			report_add(report, POLICY_ERROR, policy->detector_where[i],
				   "there is no detector \"%.64s\"", policy->detectors[i]);
	for (size_t i = 0; i < policy->n_custom; i++)
		if (known(policy->custom[i].name))
			report_add(report, POLICY_ERROR, policy->custom[i].where,
				   "\"%.64s\" is the name of a detector that is built in; expected "
				   "another",
				   policy->custom[i].name);
	report_sort(report);
	return report->n_errors > errors ? -EINVAL : 0;
}

int policy_check_patterns(const struct policy *policy,
			  int (*compiles)(const char *name, const char *pattern, char *err),
			  struct policy_report *report)
{
	size_t errors = report->n_errors;

	for (size_t i = 0; i < policy->n_custom; i++) {
		char err[256] = "";
		int r = compiles(policy->custom[i].name, policy->custom[i].pattern, err);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			report_add(report, POLICY_ERROR, policy->custom[i].where, "pattern: %s",
				   *err ? err : strerror(-r));
	}
	report_sort(report);
	return report->n_errors > errors ? -EINVAL : 0;
}
