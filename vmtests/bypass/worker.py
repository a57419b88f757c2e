#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs attempts, one after the other, as who it is: a client's descendant, root, or nobody bound.

usage: worker.py DIRECTORY [--become]: orders are JSON lines from the FIFO DIRECTORY/in, outcomes go
to DIRECTORY/out. A FIFO, because a socket is one of the doors. --become: governed from the start, by
mapping the client's program (see attempts/attempt.h). An order "become" does the same later: after
a row that tore the maps away. Times are since boot: one row sets the clock.
"""

import json
import mmap
import os
import runpy
import signal
import socket  # noqa: F401 # what the attempts need is there before they begin
import ssl  # noqa: F401
import subprocess
import sys
import time

CLIENT = "/opt/claude/claude"
kept = []


def become():
    with open(CLIENT, "rb") as file:
        kept.append(mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC))


class Program(subprocess.Popen):
    """What exec makes of it."""


class Script:
    """A Python attempt in a child of this interpreter: under emulation another one takes a second to
    start, and there are dozens."""

    def __init__(self, argv, env, said):
        self.pid = os.fork()
        if self.pid:
            return
        status = 2
        try:
            os.setsid()
            nothing = os.open("/dev/null", os.O_RDONLY)
            for target, source in ((0, nothing), (1, said.fileno()), (2, said.fileno())):
                os.dup2(source, target)
            os.closerange(3, 256)
            os.environ.update(env)
            sys.argv = argv[1:]
            sys.path.insert(0, os.path.dirname(argv[1]))
            runpy.run_path(argv[1], run_name="__main__")
        except SystemExit as end:
            status = end.code
        except BaseException as error:  # whatever it is, the child must not go on as a worker
            print(repr(error))
        sys.stdout.flush()
        os._exit(status)

    def wait(self, seconds=None):
        end = time.monotonic() + (seconds or 60)
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        raise subprocess.TimeoutExpired(sys.argv, seconds)


def start(order, said):
    environment = {**os.environ, **order["environment"]}
    if order["argv"][0] == sys.executable:
        return Script(order["argv"], environment, said)
    return Program(
        order["argv"], env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        start_new_session=True,
    )


def run(order):
    begun = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    # a file, not a pipe: a descendant that is left alone must not keep the row from ending
    with open(os.path.join(sys.argv[1], "said"), "w+b") as said:
        attempt = start(order, said)
        status = None
        try:
            status = attempt.wait(order["seconds"])
        except subprocess.TimeoutExpired:
            pass
        ended = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        try:
            os.killpg(attempt.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if status is None:
            status = 124
            attempt.wait()
        said.seek(0)
        text = said.read(4000).decode("utf-8", "replace")
    return {"status": status, "text": text, "begun": begun // 1000000, "ended": ended // 1000000 + 1}


def main():
    directory = sys.argv[1]
    if "--become" in sys.argv:
        become()
    # both ends are opened, so that the file never ends between two orders
    orders = os.fdopen(os.open(os.path.join(directory, "in"), os.O_RDWR), encoding="utf-8")
    outcomes = os.fdopen(os.open(os.path.join(directory, "out"), os.O_RDWR), "w", encoding="utf-8")
    for line in orders:
        order = json.loads(line)
        if order.get("become"):
            become()
            outcome = {"status": 0}
        else:
            outcome = run(order)
        outcomes.write(json.dumps(outcome) + "\n")
        outcomes.flush()


if __name__ == "__main__":
    main()
