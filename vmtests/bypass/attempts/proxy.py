#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A proxy on this host that takes everybody's word. usage: proxy.py ADDRESS PORT HOST:PORT"""

import socket
import sys

from attempt import SETUP, become, exchange


def use(address, port, to):
    with socket.create_connection((address, int(port)), 3) as there:
        there.sendall(b"CONNECT %s HTTP/1.1\r\n\r\n" % to.encode())
        if b" 200 " not in there.recv(4096):
            return SETUP
        return exchange(there)


become(use, *sys.argv[1:])
