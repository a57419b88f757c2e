/* SPDX-License-Identifier: Apache-2.0 */
/* A policy as people and as programs read it. */
#ifndef CLI_POLICY_SHOW_H
#define CLI_POLICY_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "policy/policy.h"

/* Modes, people, skills and destinations as tables. Returns 0 or -errno. */
int policy_show_print(const struct policy *policy, FILE *to);

/* The same as an object; NULL when memory is out. */
json_t *policy_show_json(const struct policy *policy);

/* Text that may not be UTF-8 (a path), as a JSON string. */
json_t *policy_show_text(const char *text);

#endif
