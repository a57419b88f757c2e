#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A socket that is made in one cgroup and used in another.

usage: late.py DIRECTORY ADDRESS PORT
           makes a socket, leaves its process's number in DIRECTORY/made, waits for DIRECTORY/go,
           connects and prints "open" or the error
"""

import errno
import os
import socket
import sys
import time


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    directory, address, port = sys.argv[1:]
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.settimeout(10)
    made = os.path.join(directory, "made")
    with open(made + ".new", "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))
    os.rename(made + ".new", made)
    for _ in range(600):
        if os.path.exists(os.path.join(directory, "go")):
            break
        time.sleep(0.1)
    code = tcp.connect_ex((address, int(port)))
    print("open" if code in (0, errno.ECONNREFUSED) else errno.errorcode.get(code, str(code)))


main()
