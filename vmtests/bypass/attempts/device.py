#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Networks of one's own. usage: device.py tun (an interface whose packets a program makes)
| namespace (a user namespace, with a network where one is root)"""

import ctypes
import fcntl
import os
import struct
import sys

from attempt import THROUGH, become

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def tun():
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", b"bypass", IFF_TUN | IFF_NO_PI))
    print("an interface of our own")
    return THROUGH


def namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    print("root over a network of our own")
    return THROUGH


become({"tun": tun, "namespace": namespace}[sys.argv[1]])
