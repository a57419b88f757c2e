#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Local sockets of processes that nothing binds. usage: local.py stream | seqpacket | datagram PATH
A path that begins with @ is an abstract name."""

import socket
import sys

from attempt import REFUSED, THROUGH, TOKEN, arrived, become, exchange

KINDS = {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET, "datagram": socket.SOCK_DGRAM}


def use(kind, path):
    where = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, KINDS[kind]) as mine:
        if kind == "datagram":
            mine.sendto(TOKEN.encode() + b"\n", where)
            return THROUGH if arrived() else REFUSED
        mine.connect(where)
        return exchange(mine)


become(use, *sys.argv[1:])
