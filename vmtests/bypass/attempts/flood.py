#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fills rings and tables with refusals, then goes where it wants to. usage: flood.py ADDRESS PORT N"""

import socket
import sys

from attempt import become, exchange


def flood(address, port, count):
    for _ in range(int(count)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            try:
                mine.sendto(b"flood", (address, 9))
            except OSError:
                pass
    with socket.create_connection((address, int(port)), 3) as there:
        return exchange(there)


become(flood, *sys.argv[1:])
