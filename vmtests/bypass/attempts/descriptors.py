#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Descriptors that change hands. usage: descriptors.py receive | hand-out | pidfd"""

import ctypes
import os
import socket
import sys
import time

from attempt import DIRECTORY, REFUSED, SETUP, THROUGH, TOKEN, ask, become, exchange, listener

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438


def receive():
    """Somebody connects, and hands the connection over."""
    there, path = listener()
    ask("give", path=path)
    connection = there.accept()[0]
    descriptors = socket.recv_fds(connection, 16, 1)[1]
    if not descriptors:
        print("the message came without its descriptor")
        return REFUSED
    with socket.socket(fileno=descriptors[0]) as given:
        outcome = exchange(given)
    connection.sendall(b"done")
    return outcome


def hand_out():
    """A socket of one's own goes out, and somebody else connects it."""
    there, path = listener()
    ask("take", path=path)
    connection = there.accept()[0]
    with socket.socket() as mine:
        socket.send_fds(connection, [b"here"], [mine.fileno()])
        connection.settimeout(4)
        return THROUGH if connection.recv(16) == b"0" else REFUSED


def pidfd():
    """A connection is copied out of a process of the same person."""
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.path.join(DIRECTORY, "ask", TOKEN + ".held")
    ask("hold", file=path)
    for _ in range(200):
        if os.path.exists(path):
            break
        time.sleep(0.02)
    else:
        return SETUP
    with open(path, encoding="utf-8") as file:
        pid, number = (int(word) for word in file.read().split())
    process = libc.syscall(SYS_PIDFD_OPEN, pid, 0)
    if process < 0:
        raise OSError(ctypes.get_errno(), "pidfd_open")
    mine = libc.syscall(SYS_PIDFD_GETFD, process, number, 0)
    if mine < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    with socket.socket(fileno=mine) as connection:
        return exchange(connection)


become({"receive": receive, "hand-out": hand_out, "pidfd": pidfd}[sys.argv[1]])
