#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the test world itself, without a VM: a stand-in that is wrong makes every verdict wrong.

usage: selftest.py [BUILD]: prints a line, and appends the counts to BUILD/results.
"""

import base64
import gzip
import http.client
import importlib.util
import io
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "api"))
sys.path.insert(0, os.path.join(HERE, "world"))

import decrypted  # noqa: E402
import mcp  # noqa: E402
import planted  # noqa: E402
import script  # noqa: E402
import search  # noqa: E402
import validate  # noqa: E402
import wire  # noqa: E402

later = importlib.util.spec_from_file_location("later", os.path.join(HERE, "setup", "later-suite.py"))
later_suite = importlib.util.module_from_spec(later)
later.loader.exec_module(later_suite)

USER_ID = json.dumps(
    {"device_id": "a" * 64, "account_uuid": "", "session_id": "00000000-0000-4000-8000-000000000000"}
)
HEADERS = {
    "anthropic-version": "2023-06-01",
    "x-api-key": "sk-ant-api03-stand-in",
    "Content-Type": "application/json",
}


def body(*messages, **more):
    messages = list(messages) or [{"role": "user", "content": "hi"}]
    return {"model": "m", "max_tokens": 9, "messages": messages, "metadata": {"user_id": USER_ID}, **more}


def use(name):
    return {"role": "assistant", "content": [{"type": "tool_use", "id": name, "name": "Bash", "input": {}}]}


def result(*names):
    blocks = [{"type": "tool_result", "tool_use_id": name, "content": "out"} for name in names]
    return {"role": "user", "content": blocks}


class Mcp(unittest.TestCase):
    def say(self, method, lookup=str.upper, **parameters):
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": parameters}
        said = mcp.answer(json.dumps(message), lookup)
        self.assertEqual((said["jsonrpc"], said["id"]), ("2.0", 7))
        return said.get("result") or said["error"]["code"]

    def test_a_call(self):
        self.assertEqual(self.say("tools/list")["tools"][0]["name"], "lookup")
        said = self.say("tools/call", name="lookup", arguments={"query": "word"})
        self.assertEqual(said, {"content": [{"type": "text", "text": "WORD"}]})

    def test_a_lookup_that_fails_is_the_tools_failure(self):
        def fails(query):
            raise ConnectionResetError("reset")

        said = self.say("tools/call", fails, name="lookup", arguments={"query": "word"})
        self.assertTrue(said["isError"])

    def test_what_is_not_of_the_protocol_is_refused(self):
        self.assertEqual(self.say("tools/call", name="other", arguments={"query": "word"}), -32602)
        self.assertEqual(self.say("tools/call", name="lookup", arguments={"query": 1}), -32602)
        self.assertEqual(self.say("tools/none"), -32601)
        self.assertEqual(mcp.answer(b"blank", str)["error"]["code"], -32700)
        self.assertEqual(mcp.answer(b"[]", str)["error"]["code"], -32600)

    def test_a_notification_has_no_answer(self):
        self.assertIsNone(mcp.answer(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}', str))


class Validate(unittest.TestCase):
    def errors(self, request, headers=None):
        return validate.request(headers or HEADERS, "beta=true", json.dumps(request).encode())[1]

    def test_good(self):
        user = {"role": "user", "content": "hi"}
        note = {"role": "system", "content": "note"}
        legacy = "user_%s_account__session_00000000-0000-4000-8000-000000000000" % ("b" * 64)
        for request in (
            body(),
            body(user, use("toolu_1"), result("toolu_1")),
            body(user, use("toolu_1"), note, result("toolu_1")),
            body(metadata={"user_id": legacy}),
            body(stream=True, tools=[{"name": "Bash"}], system=[{"type": "text", "text": "s"}]),
        ):
            self.assertEqual(self.errors(request), [], request)

    def test_bad(self):
        user = {"role": "user", "content": "hi"}
        for request, words in (
            (body(user, use("toolu_1")), "no tool_result"),
            (body(user, use("toolu_1"), user), "no tool_result in the next message"),
            (body(user, result("toolu_1")), "without a tool_use"),
            (body(user, use("toolu_1"), result("toolu_1"), use("toolu_1"), result("toolu_1")), "twice"),
            (body(user, use("bad id"), result("bad id")), "toolu_"),
            (body({"role": "robot", "content": "hi"}), "role"),
            (body({"role": "user", "content": ""}), "not empty"),
            (body(metadata={"user_id": "me"}), "neither JSON"),
            (body(metadata={"user_id": "{}"}), "device_id"),
            (body(max_tokens=True), "max_tokens"),
            (body(stream="yes"), "stream"),
            (body(tools=[{}]), "tools"),
        ):
            self.assertTrue(any(words in e for e in self.errors(request)), (words, self.errors(request)))

    def test_headers_and_bytes(self):
        self.assertTrue(self.errors(body(), {"Content-Type": "text/plain"}))
        self.assertIsNone(validate.request(HEADERS, "", b"   ")[0])
        self.assertTrue(validate.request(HEADERS, "", b'{"a": "\xff"}')[1])
        self.assertTrue(validate.request(HEADERS, "", b"[]")[1])


class Stream(unittest.TestCase):
    def test_events_say_the_same(self):
        """Put together again, as the client does it, whatever the size of a piece."""
        blocks = [
            {"type": "text", "text": "naïve — 漢字 🙂 end"},
            {"type": "tool_use", "id": "toolu_1", "name": "Skill", "input": {"skill": "pdf", "args": "é x"}},
        ]
        for size in (1, 2, 3, 7, 4096):
            message = wire.message("m", blocks)
            kinds, texts, stop = [], {}, None
            for raw in wire.events(message, size):
                event = json.loads(raw.decode().split("data: ", 1)[1])
                kinds.append(event["type"])
                if event["type"] == "content_block_delta":
                    delta = event["delta"]
                    piece = delta.get("text", delta.get("partial_json"))
                    self.assertLessEqual(len(piece.encode()), size + 3)
                    texts[event["index"]] = texts.get(event["index"], "") + piece
                elif event["type"] == "message_delta":
                    stop = event["delta"]["stop_reason"]
            self.assertEqual(texts[0], blocks[0]["text"])
            self.assertEqual(json.loads(texts[1]), blocks[1]["input"])
            self.assertEqual((kinds[0], kinds[-1], stop), ("message_start", "message_stop", "tool_use"))

    def test_each_write_can_be_read_at_once(self):
        """A gzip stream that is flushed for each event, in chunks."""
        out = io.BytesIO()
        stream = wire.ChunkedStream(out, "gzip")
        stream.write(b"event: a\n\n")
        size, rest = out.getvalue().split(b"\r\n", 1)
        self.assertEqual(
            wire.zlib.decompressobj(31).decompress(rest[: int(size, 16)]), b"event: a\n\n"
        )
        stream.close()
        self.assertEqual(gzip.decompress(wire.read_chunked(io.BytesIO(out.getvalue()))), b"event: a\n\n")

    def test_accept_encoding(self):
        for header, want in (
            ("gzip, deflate, br, zstd", True),
            ("identity                ", False),
            ("gzip;q=0, br", False),
            ("*", True),
            ("", False),
            ("br", False),
        ):
            self.assertEqual(wire.accepts_gzip(header), want, header)


class Scenarios(unittest.TestCase):
    def setUp(self):
        self.script = script.Script(os.path.join(HERE, "api", "scenarios.json"), planted.planted())

    def turn(self, *messages):
        return self.script.turn({"messages": list(messages)})

    def test_turns(self):
        ask = {"role": "user", "content": [{"type": "text", "text": "SCENARIO:bash-curl host=a.example"}]}
        first = self.turn(ask)
        self.assertEqual((first.scenario, first.number), ("bash-curl", 0))
        self.assertIn("https://a.example/", first.blocks[1]["input"]["command"])
        self.assertNotEqual(first.blocks[1]["id"], self.turn(ask).blocks[1]["id"])
        after = [ask, use("toolu_1"), result("toolu_1")]
        self.assertEqual(self.turn(*after).number, 1)
        over = self.turn(*after, use("toolu_2"), result("toolu_2"), use("toolu_3"), result("toolu_3"))
        self.assertEqual(over.scenario, "end-of-bash-curl")

    def test_choice(self):
        slash = {"role": "user", "content": "<command-name>/pdf</command-name>"}
        unknown = {"role": "user", "content": "SCENARIO:no-such"}
        self.assertEqual(self.turn(slash).scenario, "slash")
        self.assertEqual(self.turn(unknown).scenario, "unknown-no-such")
        self.assertEqual(self.turn({"role": "user", "content": "hello"}).scenario, "default")
        # the newest prompt counts
        self.assertEqual(
            self.turn(unknown, {"role": "assistant", "content": "x"}, slash).scenario, "slash"
        )


class Planted(unittest.TestCase):
    def test_values_are_valid_and_new(self):
        one, other = planted.planted(), planted.planted()
        self.assertFalse(set(one.values()) & set(other.values()))
        digits = [int(char) for char in reversed(one["card"])]
        total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits))
        self.assertEqual(total % 10, 0)
        self.assertRegex(one["ssn"], r"^(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}$")
        self.assertRegex(one["aws"], r"^AKIA[A-Z2-7]{16}$")

    def test_search_finds_each_spelling(self):
        values = planted.planted()
        line = values["private_key"].split("\n")[1]
        with tempfile.TemporaryDirectory() as folder:
            values_file = os.path.join(folder, "planted.json")
            with open(values_file, "w", encoding="utf-8") as file:
                json.dump(values, file)
            program = [sys.executable, os.path.join(HERE, "world", "search.py"), values_file]
            for number, (written, found) in enumerate(
                (
                    (b"nothing here", False),
                    (b"x" + values["ssn"].encode() + b"x", True),
                    (values["ssn"].replace("-", "").encode(), True),
                    (values["card"].encode().hex().encode(), True),
                    (base64.b64encode(b"?" + values["email"].encode() + b"tail"), True),
                    (base64.b64encode(b"??" + values["aws"].encode() + b"tail"), True),
                    (values["aws"].encode("utf-16-le"), True),
                    (b"junk" + gzip.compress(line.encode()), True),
                    (json.dumps(values["private_key"]).encode(), True),
                )
            ):
                path = os.path.join(folder, "file%d" % number)
                with open(path, "wb") as file:
                    file.write(written)
                done = subprocess.run(program + [path], capture_output=True, check=False)
                self.assertEqual(done.returncode, 1 if found else 0, (number, done))
            none = subprocess.run(program + [folder + "/none"], capture_output=True, check=False)
            self.assertEqual(none.returncode, 2)


class Decrypted(unittest.TestCase):
    def test_requests_are_counted_whole(self):
        get = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n"
        post = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        chunked = b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
        for data, want in (
            (b"", 0),
            (get, 1),
            (post + get + chunked + get, 4),
            (post[:-1], None),
            (chunked[:-1], None),
            (get[:-1], None),
            (post + b"\x16\x03\x01", None),
        ):
            self.assertEqual(decrypted.requests(data), want, data)

    def test_thinking_is_apart(self):
        said = b'{"type":"thinking","thinking":"a \\"b\\" c","signature":"s"},{"text":"thinking"}'
        stream = decrypted.Stream(1.0, "10.0.0.1:5")
        stream.records = [(True, said[:30]), (False, b"answer"), (True, said[30:])]
        with tempfile.TemporaryDirectory() as folder:
            decrypted.write(folder, 3, stream)
            got = {}
            for suffix in ("sent", "thinking", "received", "records"):
                with open(os.path.join(folder, "3." + suffix), "rb") as file:
                    got[suffix] = file.read()
        self.assertEqual(got["thinking"], b'a \\"b\\" c')
        self.assertEqual(got["sent"], b'{"type":"thinking","thinking":"","signature":"s"},{"text":"thinking"}')
        self.assertEqual(got["received"], b"answer")
        self.assertEqual(
            got["records"], b"> 30\n" + said[:30] + b"< 6\nanswer> %d\n" % (len(said) - 30) + said[30:]
        )

    def test_logged_by_connection(self):
        with tempfile.TemporaryDirectory() as folder:
            lines = {
                "api": [{"connection": "10.0.0.1:5", "path": "/a"}, {"connection": "10.0.0.1:6", "failed": "x"}],
                "host": [{"what": "connection", "peer": "10.0.0.1"}]
                + [{"what": "request", "client": "10.0.0.1:7"}] * 2,
            }
            for name, entries in lines.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(entry) + "\n" for entry in entries)
            found = decrypted.logged([os.path.join(folder, name) for name in lines])
        self.assertEqual(dict(found), {"10.0.0.1:5": 1, "10.0.0.1:7": 2})


class LaterSuite(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "sources.list.d"))
            for name, text in files.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            program = os.path.join(HERE, "setup", "later-suite.py")
            done = subprocess.run(
                [sys.executable, program, "bookworm", "trixie", folder],
                capture_output=True,
                check=False,
                text=True,
            )
        return done.returncode, [fields for fields in later_suite.stanzas(done.stdout)]

    def test_both_forms(self):
        deb822 = (
            "# a comment\nTypes: deb deb-src\nURIs: http://mirror.example/debian\n"
            "Suites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /k.gpg\n\n"
            "Types: deb\nURIs: http://other.example\nSuites: stable\nComponents: main\n"
        )
        line = "deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian bookworm main\n"
        for name, text in (("sources.list.d/debian.sources", deb822), ("sources.list", line)):
            status, found = self.run_on({name: text})
            self.assertEqual((status, len(found)), (0, 1), name)
            self.assertEqual(found[0]["suites"], "trixie")
            self.assertEqual(found[0]["uris"], "http://mirror.example/debian")
            self.assertEqual(found[0]["signed-by"], "/k.gpg")
            self.assertEqual((found[0]["types"], found[0]["components"]), ("deb", "main"))

    def test_nothing_to_derive_from(self):
        self.assertNotEqual(self.run_on({})[0], 0)
        off = "Types: deb\nEnabled: no\nURIs: http://a\nSuites: bookworm\nComponents: main\n"
        self.assertNotEqual(self.run_on({"sources.list.d/a.sources": off})[0], 0)


class Server(unittest.TestCase):
    """The stand-in as the guest starts it, spoken to over TLS."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        where = self.folder.name
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", "/CN=t", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", where + "/k", "-out", where + "/c"],
            check=True, capture_output=True,
        )
        self.port = 20000 + os.getpid() % 20000
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "api", "messages_api.py"), "--listen",
             "127.0.0.1:%d" % self.port, "--certificate", "c", "--key", "k", "--directory", where,
             "--scenarios", os.path.join(HERE, "api", "scenarios.json")],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        deadline = time.monotonic() + 20
        while not os.path.exists(where + "/api.ready") and time.monotonic() < deadline:
            time.sleep(0.05)
        context = ssl.create_default_context(cafile=where + "/c")
        self.client = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)

    def tearDown(self):
        self.client.close()
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def ask(self, method, path, value=None, headers=()):
        self.client.request(
            method, path, None if value is None else json.dumps(value), {**HEADERS, **dict(headers)}
        )
        reply = self.client.getresponse()
        return reply, reply.read()

    def test_a_conversation_on_one_connection(self):
        reply, _ = self.ask("HEAD", "/api/hello")
        self.assertEqual(reply.status, 200)
        self.assertEqual(self.client.sock.version(), "TLSv1.3")
        request = body({"role": "user", "content": "SCENARIO:skill-pdf"}, stream=True)
        reply, data = self.ask(
            "POST", "/v1/messages?beta=true", request, {"Accept-Encoding": "gzip, br"}
        )
        self.assertEqual(reply.getheader("Content-Encoding"), "gzip")
        self.assertIn(b"input_json_delta", gzip.decompress(data))
        reply, data = self.ask(
            "POST", "/v1/messages?beta=true", request, {"Accept-Encoding": "identity"}
        )
        self.assertIsNone(reply.getheader("Content-Encoding"))
        self.assertTrue(data.endswith(b'data: {"type":"message_stop"}\n\n'))
        reply, data = self.ask("POST", "/v1/messages", body())
        self.assertEqual(json.loads(data)["content"][0]["text"], "Hello from the stand-in.")
        reply, data = self.ask("POST", "/v1/messages", body(max_tokens=0))
        self.assertEqual((reply.status, json.loads(data)["error"]["type"]), (400, "invalid_request_error"))
        reply, _ = self.ask("GET", "/nothing")
        self.assertEqual(reply.status, 404)
        with open(self.folder.name + "/api.jsonl", encoding="utf-8") as file:
            entries = [json.loads(line) for line in file]
        self.assertEqual([entry["status"] for entry in entries], [200, 200, 200, 200, 400, 404])
        self.assertEqual(len({entry["connection"] for entry in entries}), 1)


def main():
    out = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    outcome = unittest.TextTestRunner(stream=out).run(suite)
    failed = len(outcome.failures) + len(outcome.errors)
    passed = outcome.testsRun - failed - len(outcome.skipped)
    print("  %-8s vmtests/selftest.py (%d)" % ("FAIL" if failed else "PASS", passed))
    if failed:
        print(out.getvalue())
    if len(sys.argv) > 1:
        with open(os.path.join(sys.argv[1], "results"), "a", encoding="utf-8") as file:
            file.write("vm-selftest %d %d %d\n" % (passed, failed, len(outcome.skipped)))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
