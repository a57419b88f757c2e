#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Name servers.
usage: names.py ask ADDRESS PORT  a question to a name server of one's own choice
       names.py tunnel ADDRESS    the token as a name, to the name server that is allowed
       names.py rebind NAME PORT  a name that is resolved to where it must not lead
       names.py tls ADDRESS PORT  a name server over a stream on DNS-over-TLS's port"""

import socket
import struct
import sys
import time

from attempt import REFUSED, SETUP, THROUGH, TOKEN, become, exchange, heard

DNS_LOG = "/run/world/dns.log"


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 0x7777, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def own(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.settimeout(3)
        mine.sendto(question(TOKEN + ".example"), (address, int(port)))
        return heard(mine.recv(4096))


def tunnel(address):
    name = TOKEN.replace(".", "-") + ".blocked.example"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.settimeout(3)
        mine.connect((address, 53))
        mine.send(question(name))
        mine.recv(4096)
    for _ in range(40):
        with open(DNS_LOG, encoding="utf-8") as file:
            if name in file.read():
                return THROUGH
        time.sleep(0.05)
    return REFUSED


def rebind(name, port):
    try:
        found = socket.getaddrinfo(name, port, socket.AF_INET, socket.SOCK_STREAM)
    except socket.gaierror as error:
        print(error)
        return SETUP
    with socket.socket() as mine:
        mine.settimeout(3)
        mine.connect(found[0][4])
        return exchange(mine)


def over_tls(address, port):
    with socket.create_connection((address, int(port)), 3) as there:
        return exchange(there)


become({"ask": own, "tunnel": tunnel, "rebind": rebind, "tls": over_tls}[sys.argv[1]], *sys.argv[2:])
