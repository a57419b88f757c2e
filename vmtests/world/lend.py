#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""lend.py DIRECTORY: what a person has running beside the client, and what lends its network: a local
socket named like a container engine's, an abstract one, one for datagrams, a proxy on loopback, a
process that holds an open connection. Writes DIRECTORY/ready with its pid and that connection's
descriptor. With a file DIRECTORY/give it connects to DIRECTORY/take.sock and hands the connection
over; with DIRECTORY/steal it listens on the port written there."""
import array
import os
import socket
import sys
import threading
import time

directory = sys.argv[1]


def local(kind, address):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(address)
    return s


def stream(s):
    s.listen(16)
    while True:
        peer, _ = s.accept()
        peer.sendall(b"lent\n")
        peer.close()


def datagrams(s, log):
    while True:
        with open(log, "ab") as f:
            f.write(s.recv(200) + b"\n")


def tcp(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    return s


def start(f, *args):
    threading.Thread(target=f, args=args, daemon=True).start()


def wanted(name):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as f:
        text = f.read().strip()
    os.unlink(path)
    return text


start(stream, local(socket.SOCK_STREAM, directory + "/docker.sock"))
start(stream, local(socket.SOCK_SEQPACKET, directory + "/packet.sock"))
start(stream, local(socket.SOCK_STREAM, "\0lend-abstract"))
start(datagrams, local(socket.SOCK_DGRAM, directory + "/datagrams"), directory + "/datagrams.log")
start(stream, tcp(3128))
held = socket.create_connection(("127.0.0.1", 3128))
with open(directory + "/ready.new", "w", encoding="ascii") as ready:
    ready.write(f"{os.getpid()} {held.fileno()}\n")
os.rename(directory + "/ready.new", directory + "/ready")
while True:
    time.sleep(0.1)
    if wanted("give") is not None:
        s = socket.socket(socket.AF_UNIX)
        s.connect(directory + "/take.sock")
        s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                            array.array("i", [held.fileno()]))])
        s.close()
    port = wanted("steal")
    if port:
        start(stream, tcp(int(port)))
        with open(directory + "/stolen", "w", encoding="ascii"):
            pass
