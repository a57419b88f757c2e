// SPDX-License-Identifier: Apache-2.0
/* The names of event kinds and block kinds. */
#include "wire/wire.h"

#include "base/cleanup.h"

static const char *const kinds[] = {
	[WIRE_EXCHANGE] = "exchange",	    [WIRE_MODEL_CALL] = "model_call",
	[WIRE_MESSAGE] = "message",	    [WIRE_TOOL_USE] = "tool_use",
	[WIRE_TOOL_RESULT] = "tool_result", [WIRE_SKILL] = "skill",
	[WIRE_RESPONSE] = "response",	    [WIRE_BODY] = "body",
	[WIRE_UNDECODABLE] = "undecodable", [WIRE_RESYNC] = "resync",
};
_Static_assert(ARRAY_SIZE(kinds) == WIRE_KIND_MAX, "each kind has a name");

static const char *const blocks[] = {
	[WIRE_BLOCK_TEXT] = "text",	    [WIRE_BLOCK_THINKING] = "thinking",
	[WIRE_BLOCK_TOOL_USE] = "tool_use", [WIRE_BLOCK_TOOL_RESULT] = "tool_result",
	[WIRE_BLOCK_SYSTEM] = "system",	    [WIRE_BLOCK_OTHER] = "other",
};
_Static_assert(ARRAY_SIZE(blocks) == WIRE_BLOCK_MAX, "each block has a name");

const char *wire_kind_to_string(enum wire_kind kind)
{
	return (unsigned int)kind < WIRE_KIND_MAX ? kinds[kind] : NULL;
}

const char *wire_block_to_string(enum wire_block block)
{
	return (unsigned int)block < WIRE_BLOCK_MAX ? blocks[block] : NULL;
}
