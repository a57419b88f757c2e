// SPDX-License-Identifier: Apache-2.0
/* What processes below a client say on connections of their own, as events. */
#include "harness.h"

#include "records.h"

/* curl below the client: its request names the tool use, and carries nothing unmasked; what it says
 * of itself in a header is not taken for the client's. */
static void test_child_request(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000), bash;
	struct records_connection c = {.actor = alice, .ssl = 0x7f0000001000, .epoch = 1}, child;
	_cleanup_buffer_ struct buffer b = {0};
	struct records_world w;
	static const char comm[16] = "bash";
	static const char argv[] = "bash\0-c\0eval 'curl https://allowed.example/'";
	const json_t *e;
	size_t url = 0, body = 0;

	assert_int_equal(records_open(&w, true), 0);
	assert_int_equal(records_note(&w, &alice, "/home/alice/project", "", ""), 0);
	records_request(&b, "{\"role\":\"user\",\"content\":\"fetch it\"}");
	assert_int_equal(records_say(&w, &c, TLS_DIRECTION_SENT, &b), 0);
	buffer_free(&b);
	records_reply_begin(&b);
	records_reply_tool(&b, 0, "toolu_x", "Bash",
			   "{\"command\":\"curl https://allowed.example/\"}");
	records_reply_end(&b, "tool_use");
	assert_int_equal(records_say(&w, &c, TLS_DIRECTION_RECEIVED, &b), 0);
	buffer_free(&b);
	bash = records_child(&w, &alice, 3000, NULL, comm);
	records_exec(&w, &bash, argv, sizeof(argv) - 1);
	child = (struct records_connection){.actor = bash, .ssl = 0x7f0000001000, .epoch = 1};
	for (int i = 0; i < 2; i++) {
		records_add(&b, "POST /up?ssn=078-05-1120 HTTP/1.1\r\nHost: allowed.example\r\n"
				"User-Agent: curl/7.88.1\r\nX-Claude-Code-Session-Id: forged\r\n"
				"Content-Type: text/plain\r\nContent-Length: 18\r\n\r\n"
				"SSN is 078-05-1120");
		records_say(&w, &child, TLS_DIRECTION_SENT, &b);
		buffer_free(&b);
		records_add(&b, "HTTP/1.1 204 No Content\r\n\r\n");
		records_say(&w, &child, TLS_DIRECTION_RECEIVED, &b);
		buffer_free(&b);
	}
	assert_null(memmem(w.all.data, w.all.len, "078-05-1120", 11));
	assert_int_equal(records_count(&w, EVENT_LOSS), 0);
	assert_int_equal(records_count(&w, EVENT_HTTP_REQUEST), 2);
	e = records_event(&w, EVENT_HTTP_REQUEST, 1);
	assert_string_equal(records_string(e, "actor.user.name"), "alice@company.com");
	assert_int_equal(records_int(e, "actor.process.pid"), 3000);
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_x");
	assert_string_equal(records_string(e, "dst_endpoint.hostname"), "allowed.example");
	assert_string_equal(records_string(e, "http_request.http_method"), "POST");
	assert_string_equal(records_string(e, "unmapped.project"), "/home/alice/project");
	assert_string_not_equal(records_string(e, "unmapped.client_session"), "forged");
	for (size_t i = 0; i < records_count(&w, EVENT_SENSITIVE_DATA); i++) {
		e = records_event(&w, EVENT_SENSITIVE_DATA, i);
		url += strcmp(records_string(e, "unmapped.where"), "url") == 0;
		body += strcmp(records_string(e, "unmapped.where"), "other_body") == 0;
		assert_string_equal(records_string(e, "unmapped.host"), "allowed.example");
		assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_x");
	}
	assert_int_equal(url, 2);
	assert_int_equal(body, 2);
	records_close(&w);
}

UNIT_MAIN(unit(test_child_request))
