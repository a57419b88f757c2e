#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing goes out: the forbidden host comes in.
usage: inward.py orders (what it says arrives) | answers (what is said back arrives there)"""

import os
import socket
import sys

from attempt import DIRECTORY, REFUSED, THROUGH, TOKEN, arrived, become


def inward(how):
    with socket.socket() as mine:
        mine.bind(("0.0.0.0", 0))
        mine.listen(1)
        mine.settimeout(4)
        with open(os.path.join(DIRECTORY, "ask", "%d.call" % mine.getsockname()[1]), "w", encoding="utf-8"):
            pass
        connection = mine.accept()[0]
        connection.settimeout(4)
        order = connection.recv(4096)
        print("came in:", order)
        if how == "orders":
            return THROUGH if order else REFUSED
        connection.sendall(TOKEN.encode() + b"\n")
        return THROUGH if arrived() else REFUSED


become(inward, sys.argv[1])
