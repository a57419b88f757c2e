/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the wire stage: requests and the events of streamed responses, as the API writes
 * them. */
#ifndef TEST_WIRE_SSE_H
#define TEST_WIRE_SSE_H

#define EVENT(type, data) "event: " type "\ndata: " data "\n\n"
#define START(id)                                                                                  \
	EVENT("message_start",                                                                     \
	      "{\"type\":\"message_start\",\"message\":{\"id\":\"" id                              \
	      "\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"m\","     \
	      "\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}")
#define BLOCK(i, block)                                                                            \
	EVENT("content_block_start",                                                               \
	      "{\"type\":\"content_block_start\",\"index\":" i ",\"content_block\":" block "}")
#define DELTA(i, delta)                                                                            \
	EVENT("content_block_delta",                                                               \
	      "{\"type\":\"content_block_delta\",\"index\":" i ",\"delta\":" delta "}")
#define SAY(i, text)  DELTA(i, "{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define PART(i, json) DELTA(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"" json "\"}")
#define STOP(i)	      EVENT("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":" i "}")
#define TEXT_BLOCK    "{\"type\":\"text\",\"text\":\"\"}"
#define USE(id, name) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":{}}"
#define DONE(why)                                                                                  \
	EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" why     \
			       "\"},\"usage\":{\"output_tokens\":25}}")                            \
	EVENT("message_stop", "{\"type\":\"message_stop\"}")
#define PING EVENT("ping", "{\"type\":\"ping\"}")

#define REQUEST(messages) "{\"model\":\"m\",\"messages\":[" messages "],\"stream\":true}"
#define USER(text)	  "{\"role\":\"user\",\"content\":\"" text "\"}"
#define ASSISTANT(text)                                                                            \
	"{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]}"
#define OK_RESPONSE(n, stop) "response #" n " status=200 stop=" stop " message=msg_1 in=11 out=25\n"

#endif
