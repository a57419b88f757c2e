#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the Messages API: answers the real client as api.anthropic.com does.

It is no model. What "the model" says comes from a scenario file: the newest text of the user that
holds `SCENARIO:name key=value…` chooses the scenario, the number of answers since then the turn.
It is strict on purpose: a request that the real service would refuse is answered 400 and logged with
what is wrong with it, so a test that damages requests on their way is seen.

Every request is one JSON line in the log, with the tool results that reached "the model".
"""

import argparse
import http.server
import json
import os
import re
import socketserver
import ssl
import sys
import threading
import time
import uuid

import validate
import wire
from script import Script

SERVER = "messages-api-stand-in"

# What the client asks for around a conversation. The real service answers more; the client takes
# "not found" and an empty object for "nothing special".
SIDE_CALLS = {
    ("HEAD", "/api/hello"): (200, None),
    ("GET", "/api/hello"): (200, {"message": "hello"}),
    ("GET", "/api/claude_code/settings"): (404, None),
    ("GET", "/api/claude_code/policy_limits"): (404, None),
    ("GET", "/api/claude_cli/bootstrap"): (200, {}),
    ("GET", "/api/claude_code_penguin_mode"): (200, {"enabled": False}),
    ("GET", "/api/directory/server-urls"): (200, {"server_urls": []}),
    ("GET", "/api/claude_code/organizations/metrics_enabled"): (200, {"metrics_logging_enabled": False}),
    ("POST", "/api/event_logging/v2/batch"): (200, {"accepted_count": 0, "rejected_count": 0}),
    ("GET", "/api/web/domain_info"): (200, {"can_fetch": True}),
    ("POST", "/api/eval/"): (200, {"features": {}}),
}


class Log:
    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.number = 0
        with open(path, "w", encoding="utf-8"):
            pass

    def write(self, entry):
        with self.lock:
            self.number += 1
            entry = {"n": self.number, "time": round(time.time(), 3), **entry}
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


def new_request_id():
    return "req_" + uuid.uuid4().hex[:24]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = SERVER
    sys_version = ""
    # one write per piece of a stream must be one record on the wire, not what Nagle makes of it
    disable_nagle_algorithm = True

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def setup(self):
        super().setup()
        self.requests = 0

    def answer(self, status, value, headers=(), request_id=None):
        # to the byte as long as the service's: what can be written over it depends on that
        body = b"" if value is None else json.dumps(value, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("request-id", request_id or new_request_id())
        if value is not None:
            self.send_header("Content-Type", "application/json")
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, kind, message):
        request_id = new_request_id()
        error = {"type": kind, "message": message}
        self.answer(status, {"type": "error", "error": error, "request_id": request_id}, request_id=request_id)

    def body(self):
        length = self.headers.get("Content-Length")
        if length is None and "chunked" in self.headers.get("Transfer-Encoding", ""):
            return wire.read_chunked(self.rfile)
        return self.rfile.read(int(length or 0))

    def base_entry(self):
        self.requests += 1
        return {
            "connection": "%s:%d" % self.client_address[:2],
            "request": self.requests,
            "tls": self.connection.version(),
            "method": self.command,
            "path": self.path,
            "user_agent": self.headers.get("User-Agent", ""),
            "headers": sorted(name.lower() for name in self.headers.keys()),
        }

    def side_call(self):
        entry = self.base_entry()
        entry["body_bytes"] = len(self.body())
        path = self.path.split("?", 1)[0]
        status, value = 404, {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}
        for (method, known), reply in SIDE_CALLS.items():
            if self.command == method and (path == known or known.endswith("/") and path.startswith(known)):
                status, value = reply
        entry["status"] = status
        self.server.log.write(entry)
        self.answer(status, value)

    do_GET = do_HEAD = do_PUT = do_DELETE = side_call

    def do_POST(self):
        path, _, query = self.path.partition("?")
        if path == "/v1/messages/count_tokens":
            raw = self.body()
            self.server.log.write({**self.base_entry(), "body_bytes": len(raw), "status": 200})
            self.answer(200, {"input_tokens": len(raw) // 4})
        elif path == "/v1/messages":
            self.messages(query)
        else:
            self.side_call()

    def messages(self, query):
        entry = self.base_entry()
        raw = self.body()
        request, errors = validate.request(self.headers, query, raw)
        entry.update(
            body_bytes=len(raw),
            session=self.headers.get("X-Claude-Code-Session-Id"),
            accept_encoding=self.headers.get("Accept-Encoding", ""),
            errors=errors,
            planted=self.server.script.seen(raw),
        )
        if request is not None:
            entry.update(validate.summary(request))
        if errors:
            # whoever has no key is told that first, whatever else is wrong
            keyless = validate.KEYLESS in errors
            entry["status"] = 401 if keyless else 400
            self.server.log.write(entry)
            if keyless:
                self.refuse(401, "authentication_error", "x-api-key header is required")
            else:
                self.refuse(400, "invalid_request_error", errors[0])
            return
        turn = self.server.script.turn(request)
        message = wire.message(request["model"], turn.blocks)
        encoding = "gzip" if wire.accepts_gzip(entry["accept_encoding"]) else "identity"
        entry.update(
            status=200,
            scenario=turn.scenario,
            turn=turn.number,
            stop_reason=message["stop_reason"],
            reply=[{k: v for k, v in block.items() if k != "id"} for block in turn.blocks],
            encoding=encoding,
        )
        # logged before it is sent: a test that sees the answer finds the entry
        self.server.log.write(entry)
        if request.get("stream"):
            self.stream(message, encoding, turn.pause)
        else:
            self.answer(200, message)

    def stream(self, message, encoding, pause):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("request-id", new_request_id())
        if encoding == "gzip":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        out = wire.ChunkedStream(self.wfile, encoding)
        for event in wire.events(message, self.server.piece):
            out.write(event)
            if pause:
                time.sleep(pause)
        out.close()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address, context, **attributes):
        self.context = context
        self.__dict__.update(attributes)
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        # the handshake belongs to the connection's thread: a client that stalls holds up nobody
        request.settimeout(300)
        try:
            with self.context.wrap_socket(request, server_side=True) as tls:
                self.RequestHandlerClass(tls, client_address, self)
        except (OSError, ValueError) as error:
            self.log.write({"connection": "%s:%d" % client_address[:2], "failed": type(error).__name__})

    def handle_error(self, request, client_address):
        self.log.write({"failed": repr(sys.exc_info()[1])})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--listen", default="127.0.0.1:8443", help="ADDRESS:PORT")
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--directory", default=".", help="where the other files are")
    parser.add_argument("--scenarios", required=True)
    parser.add_argument("--planted", help="values that scenarios may name as {planted.NAME}")
    parser.add_argument("--log", default="api.jsonl")
    parser.add_argument("--tls-keys", help="where the secrets of connections go, to decrypt them by")
    parser.add_argument("--piece", type=int, default=7, help="bytes of a delta")
    args = parser.parse_args()
    os.chdir(args.directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(args.certificate, args.key)
    if args.tls_keys:
        context.keylog_filename = args.tls_keys
    planted = {}
    if args.planted:
        with open(args.planted, encoding="utf-8") as file:
            planted = json.load(file)
    match = re.fullmatch(r"(.*):(\d+)", args.listen)
    if not match:
        parser.error("--listen takes ADDRESS:PORT")
    server = Server(
        (match[1], int(match[2])),
        context,
        script=Script(args.scenarios, planted),
        log=Log(args.log),
        piece=args.piece,
    )
    with open("api.ready", "w", encoding="utf-8"):
        pass
    server.serve_forever()


if __name__ == "__main__":
    main()
