#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What masking costs a request in a gateway, beside what it costs in place.

A client sends prompts over TLS on one connection to a server, directly and through mitmproxy with an
addon that replaces social security numbers and cards in bodies; then the same bytes go over the probes
of bench_inline. Printed are times of one run and their ratio. Without mitmproxy nothing is compared.

usage: proxy.py BENCH_INLINE
"""

import json
import os
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BODY = 16384
ROUNDS = 400

ADDON = r'''
import re

VALUES = re.compile(rb"(?<![0-9A-Za-z])(?:[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}|[3-6][0-9]{12,18})(?![0-9A-Za-z])")


def mask(match):
    return re.sub(rb"[0-9]", b"*", match[0])


def request(flow):
    flow.request.content = VALUES.sub(mask, flow.request.content)


def response(flow):
    flow.response.content = VALUES.sub(mask, flow.response.content)
'''


def certificate(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", directory + "/key.pem", "-out", directory + "/cert.pem"],
        check=True, stderr=subprocess.DEVNULL,
    )


def read_message(tls, data=b""):
    while b"\r\n\r\n" not in data:
        more = tls.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"(?i)content-length: *([0-9]+)", head)[1])
    while len(body) < length:
        body += tls.recv(65536)
    return body


def serve(listener, context):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection, context), daemon=True).start()


def answer(connection, context):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with context.wrap_socket(connection, server_side=True) as tls:
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        while read_message(tls) is not None:
            tls.sendall(reply)


def times(port, host_port, trust, body):
    """Seconds of each request on one connection; through a proxy where host_port is given."""
    context = ssl.create_default_context(cafile=trust)
    raw = socket.create_connection(("127.0.0.1", port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if host_port:
        raw.sendall(b"CONNECT localhost:%d HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % (host_port, host_port))
        raw.recv(4096)
    tls = context.wrap_socket(raw, server_hostname="localhost")
    head = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        tls.sendall(request)
        read_message(tls)
        taken.append(time.perf_counter() - began)
    tls.close()
    return taken


def start_proxy(directory, port):
    path = directory + "/addon.py"
    with open(path, "w", encoding="utf-8") as file:
        file.write(ADDON)
    # pylint: disable=consider-using-with
    proxy = subprocess.Popen(
        ["mitmdump", "-q", "-s", path, "--listen-host", "127.0.0.1", "-p", str(port), "--set",
         "confdir=" + directory, "--set", "ssl_verify_upstream_trusted_ca=" + directory + "/cert.pem"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    for _ in range(200):
        time.sleep(0.1)
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            continue
        if os.path.exists(directory + "/mitmproxy-ca-cert.pem"):
            return proxy
    proxy.terminate()
    sys.exit("proxy.py: mitmdump did not start")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def main():
    if not shutil.which("mitmdump"):
        print("beside a proxy: not measured, mitmproxy is not installed")
        return
    text = "a turn of a conversation with 123-45-6789 in it and some more of the usual words, "
    body = json.dumps({"messages": [{"role": "user", "content": text * (BODY // len(text))}]}).encode()
    with tempfile.TemporaryDirectory() as directory:
        certificate(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory + "/cert.pem", directory + "/key.pem")
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        threading.Thread(target=serve, args=(listener, context), daemon=True).start()
        proxy_port = free_port()
        proxy = start_proxy(directory, proxy_port)
        try:
            direct = statistics.median(times(port, None, directory + "/cert.pem", body))
            through = statistics.median(
                times(proxy_port, port, directory + "/mitmproxy-ca-cert.pem", body)
            )
        finally:
            proxy.terminate()
            proxy.wait()
    out = subprocess.run([sys.argv[1], "--value"], check=True, capture_output=True, text=True).stdout
    ours = float(out)
    added = (through - direct) * 1e6
    print(
        "beside mitmproxy: a prompt of %d bytes takes %.0f us, through the proxy %.0f us; it adds %.0f us,"
        " in place %.1f us: %.0f times less" % (len(body), direct * 1e6, through * 1e6, added, ours, added / ours)
    )


if __name__ == "__main__":
    main()
