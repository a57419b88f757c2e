#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs attempts, one after the other, as who it is: a client's descendant, root, or nobody bound.

usage: worker.py DIRECTORY [--become]: orders are JSON lines from the FIFO DIRECTORY/in, outcomes go
to DIRECTORY/out. A FIFO, because a socket is one of the doors. --become: governed from the start, by
mapping the client's program (see attempts/attempt.h). An order "become" does the same later: after
a row that tore the maps away.
"""

import json
import mmap
import os
import signal
import subprocess
import sys
import time

CLIENT = "/opt/claude/claude"
kept = []


def become():
    with open(CLIENT, "rb") as file:
        kept.append(mmap.mmap(file.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC))


def run(order):
    environment = {**os.environ, **order["environment"]}
    begun = time.time_ns()
    # a file, not a pipe: a descendant that is left alone must not keep the row from ending
    with open(os.path.join(sys.argv[1], "said"), "w+b") as said:
        attempt = subprocess.Popen(
            order["argv"], env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            start_new_session=True, cwd=order.get("directory"),
        )
        try:
            status = attempt.wait(order["seconds"])
        except subprocess.TimeoutExpired:
            status = 124
        ended = time.time_ns()
        try:
            os.killpg(attempt.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
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
