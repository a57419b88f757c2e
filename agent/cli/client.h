/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the running agent over its query socket (agent/keeper/query.h). */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "cli/commands.h"

#define CLIENT_TIMEOUT_S       5
#define CLIENT_ORDER_TIMEOUT_S 60
#define CLIENT_NOTICE_S	       2

/* Sends request and waits for the answer, at most CLIENT_TIMEOUT_S seconds each way. Returns CLI_OK
 * and the answer, a JSON object whose "ok" is true; else another status, after saying on stderr
 * what is wrong, in one sentence. When the agent itself refuses, *ret_refusal (may be NULL) gets
 * the whole answer too; the status is CLI_NOT_PERMITTED when the agent says "not_permitted", or
 * when root_only is set and who asks is not root. */
enum cli_status client_ask(json_t *request, int root_only, json_t **ret, json_t **ret_refusal);

/* The same for what only root may have done, and what takes its time: waits up to
 * CLIENT_ORDER_TIMEOUT_S seconds, and after CLIENT_NOTICE_S seconds says so where stderr is a
 * terminal. doing: what the agent does meanwhile, as in "the agent is loading the policy". */
enum cli_status client_order(json_t *request, const char *doing, json_t **ret,
			     json_t **ret_refusal);

/* Prints an answer for programs: indented JSON in ASCII, which also keeps a terminal safe. */
enum cli_status client_print_json(const json_t *value);

/* Members of an answer; never NULL, never a crash when the agent is of another version: "" and the
 * fallback stand for what is missing or of another type. */
const char *client_text(const json_t *object, const char *key);
json_int_t client_integer(const json_t *object, const char *key, json_int_t fallback);

void client_decref(json_t **json);
#define _cleanup_json_ __attribute__((cleanup(client_decref)))

#ifdef BAILIFF_TESTING
/* Another socket than QUERY_SOCKET, and another time than CLIENT_TIMEOUT_S; the other times keep
 * their proportion to it. */
void client_test(const char *path, int timeout_ms);
#endif

#endif
