#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The plain test hosts: HTTPS servers that answer with a sentence and record who came.

usage: hosts.py DIRECTORY NAME=NETNS=ADDRESS…

Every accepted TCP connection is a line in DIRECTORY/<NAME>.jsonl before a byte is read from it, so a
refused client leaves nothing there. What came in below TCP is counted by the namespace's own kernel
counters (see lib.sh, packets_at). POST /mcp is an MCP server (mcp.py).
"""

import ctypes
import json
import os
import socket
import ssl
import sys
import threading
import time

import mcp

CLONE_NEWNET = 0x40000000


def enter(netns):
    """A socket belongs to the namespace it was made in, for as long as it lives."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/run/netns/" + netns, "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns " + netns)


class Host:
    def __init__(self, directory, name, netns, address):
        self.name = name
        self.path = os.path.join(directory, name + ".jsonl")
        self.lock = threading.Lock()
        with open(self.path, "w", encoding="utf-8"):
            pass
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(
            os.path.join(directory, "host.pem"), os.path.join(directory, "host.key")
        )
        self.context.keylog_filename = os.path.join(directory, "tls.keys")
        enter(netns)
        self.socket = socket.create_server((address, 443), backlog=64)

    def record(self, entry):
        with self.lock, open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time.time(), **entry}) + "\n")

    def serve(self):
        while True:
            connection, peer = self.socket.accept()
            self.record({"what": "connection", "peer": peer[0]})
            threading.Thread(target=self.answer, args=(connection, "%s:%d" % peer[:2]), daemon=True).start()

    def looked_up(self, query):
        self.record({"what": "lookup", "query": query})
        return "Nothing is known."

    def answered(self, line, got):
        status, kind = b"200 OK", b"text/plain"
        body = ("This is %s, and you reached it.\n" % self.name).encode()
        if line.split(" ")[1:2] == ["/mcp"]:
            kind, body = b"application/json", b""
            if not line.startswith("POST "):
                status = b"405 Method Not Allowed"  # no stream of its own, no session
            else:
                said = mcp.answer(got, self.looked_up)
                if said is None:
                    status = b"202 Accepted"
                else:
                    body = json.dumps(said).encode()
                    status = b"400 Bad Request" if said.get("id") is None else status
        return (
            b"HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
            % (status, kind, len(body), body)
        )

    def answer(self, connection, client):
        connection.settimeout(20)
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                head = b""
                while b"\r\n\r\n" not in head and len(head) < 65536:
                    piece = tls.recv(4096)
                    if not piece:
                        return
                    head += piece
                top, got = head.split(b"\r\n\r\n", 1)
                lines = top.decode("latin-1").split("\r\n")
                length = 0
                for field in lines[1:]:
                    name, _, value = field.partition(":")
                    if name.lower() == "content-length":
                        length = int(value)
                # to its end: a connection closed over unread bytes is reset, and the answer lost
                while len(got) < min(length, 1 << 20):
                    piece = tls.recv(65536)
                    if not piece:
                        break
                    got += piece
                self.record(
                    {"what": "request", "client": client, "line": lines[0], "body_bytes": len(got)}
                )
                tls.sendall(self.answered(lines[0], got))
        except OSError as error:
            self.record({"what": "error", "error": type(error).__name__})


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    directory = sys.argv[1]
    hosts = [Host(directory, *spec.split("=")) for spec in sys.argv[2:]]
    for host in hosts:
        threading.Thread(target=host.serve).start()
    with open(os.path.join(directory, "hosts.ready"), "w", encoding="utf-8"):
        pass


if __name__ == "__main__":
    main()
