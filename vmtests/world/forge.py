#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""DNS answers that nobody gave.

usage: forge.py ask SERVER NAME DIRECTORY ADDRESS
           asks SERVER for NAME (the id is 4242), leaves the port it has in DIRECTORY/asked, waits for
           one datagram, tries to connect to ADDRESS:443 and prints "open" or the error
       forge.py answer SOURCE TARGET PORT ID NAME ADDRESS
           sends TARGET:PORT an answer with that id: NAME has ADDRESS. From SOURCE:53, by a raw socket.
       forge.py pages SERVER ADDRESS DIRECTORY
           answers one question at SERVER:53, whatever it is: ADDRESS. The answer is sent in two parts
           (MSG_MORE), and so all behind its first twelve bytes lies in a page, as much of what
           network cards receive does.
"""

import errno
import os
import socket
import struct
import sys


def name_of(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".")) + b"\0"


def ask(server, name, directory, address):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(30)
    question = struct.pack("!HHHHHH", 4242, 0x0100, 1, 0, 0, 0) + name_of(name)
    udp.sendto(question + struct.pack("!HH", 1, 1), (server, 53))
    asked = os.path.join(directory, "asked")
    with open(asked + ".new", "w", encoding="utf-8") as file:
        file.write(str(udp.getsockname()[1]))
    os.rename(asked + ".new", asked)
    try:
        udp.recvfrom(4096)
    except socket.timeout:
        sys.exit("no datagram came")
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.settimeout(10)
    code = tcp.connect_ex((address, 443))
    print("open" if code in (0, errno.ECONNREFUSED) else errno.errorcode.get(code, str(code)))


def answer(source, target, port, number, name, address):
    message = struct.pack("!HHHHHH", int(number), 0x8180, 1, 1, 0, 0) + name_of(name)
    message += struct.pack("!HH", 1, 1)
    message += struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
    # without a checksum, which IPv4 allows
    packet = struct.pack("!HHHH", 53, int(port), 8 + len(message), 0) + message
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    raw.bind((source, 0))
    raw.sendto(packet, (target, 0))


def pages(server, address, directory):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((server, 53))
    udp.settimeout(60)
    with open(os.path.join(directory, "listens"), "w", encoding="utf-8"):
        pass
    question, peer = udp.recvfrom(4096)
    message = question[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + question[12:]
    message += struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
    udp.connect(peer)
    udp.send(message[:12], socket.MSG_MORE)
    udp.send(message[12:])


def main():
    modes = {"ask": (ask, 4), "answer": (answer, 6), "pages": (pages, 3)}
    if len(sys.argv) < 2 or sys.argv[1] not in modes:
        sys.exit(__doc__)
    mode, n = modes[sys.argv[1]]
    if len(sys.argv) != 2 + n:
        sys.exit(__doc__)
    mode(*sys.argv[2:])


if __name__ == "__main__":
    main()
