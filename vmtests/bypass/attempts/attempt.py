# SPDX-License-Identifier: Apache-2.0
"""What the attempts in Python share: how one ends, and what shows that it arrived."""

import errno
import json
import os
import socket
import sys
import time
import uuid

THROUGH, REFUSED, SETUP = 0, 1, 2
REFUSALS = (errno.EPERM, errno.EACCES, errno.ECONNRESET, errno.EPIPE)
DIRECTORY = "/run/bypass"
TOKEN = os.environ.get("BYPASS_TOKEN", "bypass-no-token")


def become(function, *arguments):
    """Runs the attempt and ends with what the contract says of its outcome."""
    try:
        outcome = function(*arguments)
    except OSError as error:
        print("%s: %s" % (type(error).__name__, error))
        outcome = REFUSED if error.errno in REFUSALS else SETUP
    except (ValueError, IndexError, KeyError) as error:
        print("%s: %s" % (type(error).__name__, error))
        outcome = SETUP
    sys.exit(outcome)


def exchange(connection):
    connection.settimeout(3)
    connection.sendall(TOKEN.encode() + b"\n")
    return heard(connection.recv(4096))


def heard(answer):
    print("heard:", answer[:200])
    return THROUGH if TOKEN.encode() in answer else REFUSED


def arrived(seconds=3.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with open(os.path.join(DIRECTORY, "arrivals"), encoding="utf-8") as file:
            for line in file:
                if TOKEN in line:
                    print("arrived:", line.strip())
                    return True
        time.sleep(0.03)
    return False


def ask(what, **order):
    """Leaves an order for the friend; see friend.py."""
    name = os.path.join(DIRECTORY, "ask", uuid.uuid4().hex)
    with open(name, "w", encoding="utf-8") as file:
        json.dump({"what": what, "token": TOKEN, **order}, file)
    os.chmod(name, 0o644)
    os.rename(name, name + ".friend")


def listener():
    """A local socket of one's own, for whoever comes from outside."""
    path = os.path.join(DIRECTORY, "ask", uuid.uuid4().hex + ".sock")
    there = socket.socket(socket.AF_UNIX)
    there.bind(path)
    os.chmod(path, 0o666)
    there.listen(1)
    there.settimeout(4)
    return there, path
