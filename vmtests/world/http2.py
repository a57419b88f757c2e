#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host that takes HTTP/2 where it is offered, and HTTP/1 otherwise; and a client that offers what it
is told to.

usage: http2.py serve DIRECTORY NETNS ADDRESS PORT LOG
       http2.py ask CA HOST PORT OFFER,… PATH BODY

The host writes a line of JSON for each request: the protocol, the path, the body. The client says which
protocol was chosen, and sends the request in it.
"""

import json
import os
import socket
import ssl
import sys
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

ANSWER = b"You reached it.\n"


def serve_2(tls, record):
    link = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    link.initiate_connection()
    tls.sendall(link.data_to_send())
    paths, bodies = {}, {}
    while data := tls.recv(65536):
        for event in link.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                paths[event.stream_id] = dict(event.headers)[":path"]
                bodies[event.stream_id] = b""
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] += event.data
                link.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                stream = event.stream_id
                record("h2", paths[stream], bodies[stream])
                link.send_headers(stream, [(":status", "200"), ("content-length", str(len(ANSWER)))])
                link.send_data(stream, ANSWER, end_stream=True)
        tls.sendall(link.data_to_send())


def serve_1(tls, record):
    got = b""
    while b"\r\n\r\n" not in got:
        data = tls.recv(65536)
        if not data:
            return
        got += data
    head, body = got.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(":", 1) for line in lines[1:])
    while len(body) < int(fields.get("content-length", 0)):
        data = tls.recv(65536)
        if not data:
            return
        body += data
    record("http/1.1", lines[0].split(" ")[1], body)
    tls.sendall(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
    )


def serve(directory, netns, address, port, log):
    import hosts  # not above: who asks has this file alone

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "host.pem"), os.path.join(directory, "host.key"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    lock = threading.Lock()

    def record(protocol, path, body):
        entry = {"protocol": protocol, "path": path, "body": body.decode("latin-1")}
        with lock, open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def answer(connection):
        connection.settimeout(60)
        try:
            with context.wrap_socket(connection, server_side=True) as tls:
                (serve_2 if tls.selected_alpn_protocol() == "h2" else serve_1)(tls, record)
        except (OSError, ValueError, h2.exceptions.ProtocolError) as error:
            print(type(error).__name__, error, flush=True)

    hosts.enter(netns)
    server = socket.create_server((address, int(port)), backlog=16)
    open(log, "w", encoding="utf-8").close()
    while True:
        threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()


def ask_2(tls, host, path, body):
    link = h2.connection.H2Connection()
    link.initiate_connection()
    stream = link.get_next_available_stream_id()
    head = [(":method", "POST"), (":scheme", "https"), (":authority", host), (":path", path)]
    link.send_headers(stream, head)
    link.send_data(stream, body, end_stream=True)
    tls.sendall(link.data_to_send())
    while data := tls.recv(65536):
        for event in link.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                return True
        tls.sendall(link.data_to_send())
    return False


def ask_1(tls, host, path, body):
    head = "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (path, host, len(body))
    tls.sendall(head.encode() + body)
    return bool(tls.recv(65536))


def ask(ca, host, port, offer, path, body):
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(offer.split(","))
    with context.wrap_socket(socket.create_connection((host, int(port)), 20), server_hostname=host) as tls:
        chosen = tls.selected_alpn_protocol()
        print(chosen, flush=True)
        return (ask_2 if chosen == "h2" else ask_1)(tls, host, path, body.encode())


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"] and len(sys.argv) == 7:
        serve(*sys.argv[2:])
    elif sys.argv[1:2] == ["ask"] and len(sys.argv) == 8:
        sys.exit(not ask(*sys.argv[2:]))
    else:
        sys.exit(__doc__)
