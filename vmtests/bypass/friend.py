#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A process of the same person that nothing binds, and that helps whoever asks.

usage: friend.py DIRECTORY. Orders are files DIRECTORY/ask/NAME.friend, one JSON object each:
    give PATH      connects to the forbidden host, connects to the local socket at PATH (where the
                   attempt listens) and hands the connection over
    take PATH      gets a socket there, connects that to the forbidden host and says TOKEN
    hold FILE      connects to the forbidden host, writes "PID FD" to FILE and keeps it
    shell          a login shell of the person, as the person opens one every day
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time

BLOCKED = ("10.77.2.10", 7000)


def local(path):
    for _ in range(100):
        try:
            there = socket.socket(socket.AF_UNIX)
            there.connect(path)
            return there
        except OSError:
            there.close()
            time.sleep(0.02)
    raise TimeoutError(path)


def give(order):
    with socket.create_connection(BLOCKED, 5) as connection, local(order["path"]) as there:
        socket.send_fds(there, [b"here"], [connection.fileno()])
        there.recv(16)


def take(order):
    with local(order["path"]) as there:
        descriptors = socket.recv_fds(there, 16, 1)[1]
        outcome = b"1"
        if descriptors:
            with socket.socket(fileno=descriptors[0]) as given:
                try:
                    given.connect(BLOCKED)
                    given.sendall(order["token"].encode() + b"\n")
                    if order["token"].encode() in given.recv(4096):
                        outcome = b"0"
                except OSError:
                    pass
        there.sendall(outcome)


def hold(order):
    with socket.create_connection(BLOCKED, 5) as connection:
        with open(order["file"] + ".new", "w", encoding="utf-8") as file:
            file.write("%d %d\n" % (os.getpid(), connection.fileno()))
        os.rename(order["file"] + ".new", order["file"])
        time.sleep(5)


def shell(_order):
    subprocess.run(["bash", "-i", "-c", "true"], stdin=subprocess.DEVNULL, timeout=10, check=False)


def main():
    ask = os.path.join(sys.argv[1], "ask")
    what = {"give": give, "take": take, "hold": hold, "shell": shell}
    while True:
        time.sleep(0.02)
        for name in os.listdir(ask):
            if not name.endswith(".friend"):
                continue
            path = os.path.join(ask, name)
            with open(path, encoding="utf-8") as file:
                order = json.load(file)
            os.unlink(path)
            threading.Thread(target=what[order["what"]], args=(order,), daemon=True).start()


if __name__ == "__main__":
    main()
