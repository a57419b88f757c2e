/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says about itself inside a Messages request. All of it can be forged: claims. */
#ifndef WIRE_CLAIMS_H
#define WIRE_CLAIMS_H

#include "wire/internal.h"

/* metadata.user_id: a JSON object in a string, or the older user_X_account_Y_session_Z. What is
 * found is kept in texts. Returns 1 when either form was read, 0, or -ENOMEM. */
int claims_user_id(struct texts *texts, struct wire_text user_id, struct wire_call *call);

/* The attribution line that stands first in the system prompt. It changes with every request, so it
 * is no message; anything else that hides behind its name is. Returns 1, 0 or -ENOMEM. */
int claims_attribution(struct texts *texts, struct wire_text line, struct wire_call *call);

/* Working directory and git e-mail from a text that the client itself writes. Returns 0, -ENOMEM.
 */
int claims_environment(struct wire_client *client, struct wire_text text);

/* Version and entrypoint of "claude-cli/2.1.329 (external, sdk-cli)", where not known yet. */
void claims_user_agent(struct wire_text user_agent, struct wire_call *call);

#endif
