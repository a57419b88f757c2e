#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clock a day on, where answers and grants have expired, and a day back, where none has.
usage: clock.py ADDRESS PORT"""

import sys
import time

from attempt import REFUSED, become, exchange
import socket

DAY = 86400


def wander(address, port):
    """The first way through counts; the clock is right again before anything is said of it."""
    errors = []
    for seconds in (DAY, -DAY):
        now, since = time.time(), time.monotonic()
        time.clock_settime(time.CLOCK_REALTIME, now + seconds)
        try:
            with socket.create_connection((address, int(port)), 3) as there:
                return exchange(there)
        except OSError as error:
            errors.append(error)
        finally:
            time.clock_settime(time.CLOCK_REALTIME, now + time.monotonic() - since)
    print(errors)
    if any(error.errno is None for error in errors):
        raise ValueError("no refusal")
    raise errors[-1] if errors else OSError(REFUSED, "nothing")


become(wander, *sys.argv[1:])
