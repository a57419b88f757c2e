# SPDX-License-Identifier: Apache-2.0
# What scenarios expect of events and of the stand-in's log, in one place. Inputs are arrays.

# ---- events: where bailiff puts things ----------------------------------------------------------

def code($c): map(select(.metadata.event_code == $c));
def person($p): map(select(.unmapped.person == $p));
def verdict($v): map(select(.unmapped.verdict == $v));
def skill($s): map(select(.unmapped.skill == $s));
def rule($r): map(select(.unmapped.rule // "" | startswith($r)));
def session($s): map(select(.unmapped.client_session == $s));
def to($ip): map(select(.dst_endpoint.ip == $ip));
def some: length > 0;
def none: length == 0;

# step 1: an event of a skill that ran names all that an auditor asks for
def skill_ran($p; $s; $session): code("skill_use") | person($p) | skill($s) | session($session)
	| verdict("allowed") | any(.[]; .unmapped
		| .success == true
		and (.teams | sort) == ["engineers", "leads"]
		and .login_uid == 4001
		and (.build_id | test("^[0-9a-f]{16,}$"))
		and (.device_id | test("^[0-9a-f]{64}$"))
		and has("account_id")
		and (.model | type) == "string"
		and (.tool_use_id | startswith("toolu_"))
		and (.project | endswith("/project"))
		and (.duration_ms | type) == "number"
		and (.arguments | contains("dana.scully@example.com") | not))
	and any(.[]; .actor.process.pid > 1);

# a skill's file that was judged; the rule of the ACL stands in it
def skill_file($p; $s; $v): code("skill_file") | person($p) | skill($s) | verdict($v) | some;
def skill_refused($p; $s): code("skill_file") | person($p) | skill($s) | verdict("denied")
	| any(.[]; (.unmapped.rule | startswith("skill")) and (.unmapped.sentence | length) > 20);

# a connection that was judged
def destination($p; $ip; $v): code("destination") | person($p) | to($ip) | verdict($v) | some;
def destination_by_tool($p; $ip; $v): code("destination") | person($p) | to($ip) | verdict($v)
	| any(.[]; .unmapped.tool_use_id // "" | startswith("toolu_"));
def refused_at($p; $door): code("destination") | person($p) | verdict("denied")
	| map(select(.unmapped.door == $door and (.unmapped.sentence | length) > 20));
# what a process below a client said to somebody else than the model
def child_request($p; $host; $path): code("http_request") | person($p)
	| map(select(.dst_endpoint.hostname == $host and .http_request.url.path == $path
		and (.unmapped.tool_use_id // "" | startswith("toolu_"))));
# how many such requests there are, each by a tool use that the model is known to have asked for
def requests_by_tool_uses($host): [code("tool_use") | .[].unmapped.tool_use_id] as $asked
	| code("http_request") | map(select(.dst_endpoint.hostname == $host
		and (.unmapped.tool_use_id as $id | $asked | index($id)))) | length;
def sent_by_child($host; $detector): code("sensitive_data")
	| map(select(.unmapped.where == "other_body" and .unmapped.direction == "sent"
		and .unmapped.host == $host and (.unmapped.detector | test($detector; "i"))
		and (.unmapped.tool_use_id // "" | startswith("toolu_"))));
def model_refused($p; $ip): code("destination") | person($p) | to($ip) | verdict("denied")
	| any(.[]; .unmapped.reason == "not_inspected");

# sensitive data was found, by at least these detectors' kinds
def detectors: code("sensitive_data") | map(.unmapped.detector) | unique;
def found($pattern): detectors | any(.[]; test($pattern; "i"));

# one sequence without a hole, from the first event on
def one_sequence: map(.metadata.sequence) | . == [range(.[0]; .[0] + length)];
# a start that says for how long nobody watched
def unwatched: code("agent_start") | any(.[]; [.. | objects | to_entries[]
	| select(.key | test("unwatched")) | .value | numbers] | any(.[]; . > 0));

# ---- the stand-in's log: [.session is chosen already] -------------------------------------------

# a client that ends resets its connections; a record that does not decrypt is another matter
def api_errors: map(select((.errors // [] | length) > 0
	or (.failed // "" | test("^(SSLError|ValueError)"))
	or (.scenario // "" | test("^(end-of|unknown)-"))));
def turns: map(select(.turn != null));
def last_results: (turns | last | .results) // [];
def result($tool): last_results | map(select(.tool == $tool)) | last | .text // "";
def said: [turns[] | .last_user_texts[]?] | join("\n");
