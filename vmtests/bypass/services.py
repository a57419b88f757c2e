#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the attempts want to reach: hosts in the namespaces, and borrowed doors on this host.

usage: services.py DIRECTORY. Run by root, outside of every lineage. Whatever comes in is a line in
DIRECTORY/arrivals, and is answered with the same text: so an attempt knows that it got there, and
the table knows it too when the attempt does not. DIRECTORY/services.ready: all listen.
"""

import ctypes
import os
import select
import socket
import struct
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
IPPROTO_MPTCP = 262
TCP_FASTOPEN = 23
SOCK_DCCP, IPPROTO_DCCP, SOL_DCCP, DCCP_SERVICE = 6, 33, 269, 2
BLOCKED = ("10.77.2.10", 7000)
LOCK = threading.Lock()
directory = sys.argv[1] if len(sys.argv) > 1 else "."
missing = []


def enter(netns):
    """This thread's namespace; a socket stays in the one it was made in."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/run/netns/" + netns if netns else "/proc/1/ns/net", "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def arrived(where, data):
    text = data.decode("latin-1", "replace").strip().replace("\n", " ")
    with LOCK, open(os.path.join(directory, "arrivals"), "a", encoding="utf-8") as file:
        file.write("%s %s\n" % (where, text))
    return b"marker of " + where.encode() + b": " + data


def serve_stream(where, connection):
    with connection:
        connection.settimeout(5)
        try:
            data = connection.recv(4096)
            connection.sendall(arrived(where, data))
            # an answer that is cut off by a close with unread data would be a reset
            while connection.recv(4096):
                pass
        except OSError:
            pass


def accept(where, listener, serve):
    while True:
        connection = listener.accept()[0]
        threading.Thread(target=serve, args=(where, connection), daemon=True).start()


def datagrams(where, listener, serve):
    while True:
        data, peer = listener.recvfrom(4096)
        answer = serve(where, data)
        if answer and peer:
            try:
                listener.sendto(answer, peer)
            except OSError:
                pass


def background(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def stream(netns, family, protocol, address, serve=serve_stream, kind=socket.SOCK_STREAM):
    where = "%s:%s/%d" % (netns or "host", address[1], protocol)
    try:
        enter(netns)
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == SOCK_DCCP:
            listener.setsockopt(SOL_DCCP, DCCP_SERVICE, struct.pack("!I", 7000))
        listener.bind(address)
        listener.listen(64)
        if protocol == 0 and family in (socket.AF_INET, socket.AF_INET6):
            listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    except OSError as error:
        missing.append("%s: %s" % (where, error))
        return
    finally:
        enter(None)
    background(accept, where, listener, serve)


def datagram(netns, address):
    enter(netns)
    listener = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(address)
    enter(None)
    background(datagrams, "%s:%d/udp" % (netns or "host", address[1]), listener, arrived)


# ---- borrowed doors: processes that nothing binds, and that do what they are asked ---------------


def fetch(data):
    """What a daemon does for whoever asks: here, bring the text to the host that is forbidden."""
    with socket.create_connection(BLOCKED, 5) as there:
        there.sendall(data)
        return there.recv(4096)


def serve_borrowed(where, connection):
    with connection:
        connection.settimeout(5)
        try:
            connection.sendall(fetch(connection.recv(4096)))
        except OSError:
            pass


def serve_proxy(_where, connection):
    """CONNECT HOST:PORT, then bytes in both directions."""
    with connection:
        connection.settimeout(5)
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(4096)
                if not piece:
                    return
                head += piece
            host, port = head.split()[1].decode().rsplit(":", 1)
            with socket.create_connection((host, int(port)), 5) as there:
                connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                while True:
                    for ready in select.select([connection, there], [], [], 5)[0]:
                        data = ready.recv(65536)
                        if not data:
                            return
                        (there if ready is connection else connection).sendall(data)
        except OSError:
            pass


def borrowed_datagram(_where, data):
    return fetch(data)


def local(address, kind, serve):
    listener = socket.socket(socket.AF_UNIX, kind)
    if not address.startswith("\0"):
        if os.path.exists(address):
            os.unlink(address)
    listener.bind(address)
    if not address.startswith("\0"):
        os.chmod(address, 0o666)
    if kind == socket.SOCK_DGRAM:
        background(datagrams, "datagram", listener, serve)
        return
    listener.listen(64)
    background(accept, "local", listener, serve)


def can_bus():
    try:
        bus = socket.socket(socket.PF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        bus.bind(("vcan0",))
    except OSError as error:
        missing.append("can: %s" % error)
        return
    while True:
        arrived("can", bus.recv(16)[8:])


def callers():
    """Comes in from the forbidden host to every port that DIRECTORY/ask/PORT.call names."""
    ask = os.path.join(directory, "ask")
    while True:
        time.sleep(0.02)
        for name in os.listdir(ask):
            if not name.endswith(".call"):
                continue
            os.unlink(os.path.join(ask, name))
            background(call, int(name.split(".")[0]))


def call(port):
    enter("blocked")
    for _ in range(20):
        try:
            with socket.create_connection(("10.77.2.1", port), 2) as there:
                there.settimeout(3)
                there.sendall(b"order of the forbidden host\n")
                data = there.recv(4096)
                if data:
                    arrived("called:%d" % port, data)
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
        except OSError:
            return


def main():
    any6, four, six = "::", socket.AF_INET, socket.AF_INET6
    os.makedirs(os.path.join(directory, "ask"), exist_ok=True)
    os.chmod(os.path.join(directory, "ask"), 0o1777)
    with open(os.path.join(directory, "arrivals"), "a", encoding="utf-8"):
        pass
    for port in (7000, 853):
        stream("blocked", six, 0, (any6, port))
        datagram("blocked", (any6, port))
    datagram("blocked", (any6, 53))
    datagram("allowed", (any6, 53))
    stream("blocked", four, IPPROTO_MPTCP, ("0.0.0.0", 7001))
    stream("allowed", four, IPPROTO_MPTCP, ("0.0.0.0", 7001))
    stream("blocked", four, socket.IPPROTO_SCTP, ("0.0.0.0", 7002))
    stream("blocked", four, IPPROTO_DCCP, ("0.0.0.0", 7003), kind=SOCK_DCCP)
    stream("allowed", six, 0, (any6, 7000))
    stream("dns", six, 0, (any6, 7000))
    stream(None, six, 0, (any6, 7000))
    stream(None, four, 0, ("127.0.0.1", 3128), serve_proxy)
    stream(None, socket.AF_VSOCK, 0, (socket.VMADDR_CID_ANY, 7000))
    local("/run/docker.sock", socket.SOCK_STREAM, serve_borrowed)
    local(os.path.join(directory, "seqpacket.sock"), socket.SOCK_SEQPACKET, serve_borrowed)
    local("\0bypass-bus", socket.SOCK_STREAM, serve_borrowed)
    local(os.path.join(directory, "journal.sock"), socket.SOCK_DGRAM, borrowed_datagram)
    background(can_bus)
    background(callers)
    for text in missing:
        print("missing:", text, flush=True)
    with open(os.path.join(directory, "services.ready"), "w", encoding="utf-8"):
        pass
    threading.Event().wait()


if __name__ == "__main__":
    main()
