/* SPDX-License-Identifier: Apache-2.0 */
/* bailiff policy digest: what enrols a key of the model API for a person. */
#ifndef CLI_POLICY_DIGEST_H
#define CLI_POLICY_DIGEST_H

#include <stddef.h>

#include "cli/commands.h"
#include "policy/policy.h"

/* The digest that the kernel programs compute for a key on a request: the value of x-api-key, or of
 * authorization without "Bearer ". secret: policy->credential_key. */
void policy_digest_of(const uint64_t secret[2], const char *key, size_t len, uint8_t ret[16]);

/* Reads a key from standard input and prints what model.credentials.enrolled takes. Returns an enum
 * cli_status. */
int policy_digest(const struct policy *policy);

#endif
