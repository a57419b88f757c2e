#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""borrow.py DIRECTORY WHAT [ARGUMENT]: one attempt to use what lend.py lends. Ends with 0 when it went
through, and says how it failed otherwise."""
import array
import ctypes
import os
import socket
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
directory, what = sys.argv[1], sys.argv[2]
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD, SYS_PROCESS_VM_WRITEV = 434, 438, 311


def call(r):
    if r < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return r


def lender():
    with open(directory + "/ready", encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def lent(address, kind=socket.SOCK_STREAM, family=socket.AF_UNIX):
    s = socket.socket(family, kind)
    s.settimeout(5)
    s.connect(address)
    assert s.recv(10) == b"lent\n"


def wait_for(path):
    for _ in range(3000):
        if os.path.exists(path):
            return
        time.sleep(0.1)
    raise TimeoutError(path)


def touch(name, text=""):
    with open(directory + "/" + name + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(directory + "/" + name + ".new", directory + "/" + name)


def datagram():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(b"out", directory + "/datagrams")


def received():
    """The lender connects to us and hands its connection over."""
    path = directory + "/take.sock"
    if os.path.exists(path):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    server.settimeout(10)
    touch("give")
    peer, _ = server.accept()
    fds = array.array("i", [0])
    _, ancillary, flags, _ = peer.recvmsg(1, socket.CMSG_SPACE(fds.itemsize))
    if not ancillary:
        raise PermissionError(f"no descriptor came, flags {flags:#x}")


def getfd():
    pid, fd = lender()
    call(libc.syscall(SYS_PIDFD_GETFD, call(libc.syscall(SYS_PIDFD_OPEN, pid, 0)), fd, 0))


def attach(pid):
    call(libc.ptrace(PTRACE_ATTACH, pid, None, None))
    os.waitpid(pid, 0x40000000)
    libc.ptrace(PTRACE_DETACH, pid, None, None)


def memory():
    pid = lender()[0]
    os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))


def vm_write():
    class Iovec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    pid = lender()[0]
    buffer = ctypes.create_string_buffer(1)
    with open(f"/proc/{pid}/maps", encoding="ascii") as f:
        start = next(int(line.split("-")[0], 16) for line in f if " rw-p " in line)
    near, far = Iovec(ctypes.addressof(buffer), 1), Iovec(start, 1)
    # a byte is read and put back: the twin must not break the lender
    call(libc.syscall(SYS_PROCESS_VM_WRITEV - 1, pid, ctypes.byref(near), 1, ctypes.byref(far), 1, 0))
    call(libc.syscall(SYS_PROCESS_VM_WRITEV, pid, ctypes.byref(near), 1, ctypes.byref(far), 1, 0))


def own_child():
    pid = os.fork()
    if pid == 0:
        time.sleep(20)
        os._exit(0)
    try:
        attach(pid)
    finally:
        os.kill(pid, 9)


def namespace():
    call(libc.unshare(0x10000000))  # CLONE_NEWUSER


def device():
    os.close(os.open(sys.argv[3], os.O_RDWR))


def listen(address, port, family=socket.AF_INET):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(4)
    return s


def serve():
    """A development server: the person's browser and the lineage's own tools reach it."""
    s = listen("127.0.0.1", int(sys.argv[3]))
    s.settimeout(20)
    touch("serving")
    for _ in range(int(sys.argv[4])):
        peer, _ = s.accept()
        peer.sendall(b"lent\n")
        peer.close()


def own():
    s = listen("127.0.0.1", 4010)
    if os.fork() == 0:
        peer, _ = s.accept()
        peer.sendall(b"lent\n")
        os._exit(0)
    lent(("127.0.0.1", 4010), family=socket.AF_INET)


def own_local():
    path = directory + "/own.sock"
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(1)
    if os.fork() == 0:
        peer, _ = s.accept()
        peer.sendall(b"lent\n")
        os._exit(0)
    lent(path)


def own_received():
    a, b = socket.socketpair()
    c, _ = socket.socketpair()
    socket.send_fds(a, [b"x"], [c.fileno()])
    if not socket.recv_fds(b, 1, 1)[1]:
        raise PermissionError("no descriptor came")


def stolen():
    """A port of our own, closed, and taken by the lender."""
    port = 5000 + os.getpid() % 20000
    listen("127.0.0.1", port).close()
    touch("steal", str(port))
    wait_for(directory + "/stolen")
    os.unlink(directory + "/stolen")
    time.sleep(0.2)
    lent(("127.0.0.1", port), family=socket.AF_INET)


def beside():
    """A listener of our own on the proxy's port, on another address."""
    listen("127.0.0.2", 3128)
    lent(("127.0.0.1", 3128), family=socket.AF_INET)


def open_connection():
    """Connects, waits for the policy to change, and sends by sendfile(): HOST PORT KEY."""
    key = sys.argv[5]
    s = socket.create_connection((sys.argv[3], int(sys.argv[4])), 10)
    touch("connected-" + key)
    wait_for(directory + "/go-" + key)
    with open(directory + "/secret", "rb") as f:
        os.sendfile(s.fileno(), f.fileno(), 0, 100)
    time.sleep(1)


attempts = {
    "stream": lambda: lent(directory + "/docker.sock"),
    "packet": lambda: lent(directory + "/packet.sock", socket.SOCK_SEQPACKET),
    "abstract": lambda: lent("\0lend-abstract"),
    "at": lambda: lent(sys.argv[3]),
    "datagram": datagram,
    "received": received,
    "getfd": getfd,
    "ptrace": lambda: attach(lender()[0]),
    "memory": memory,
    "vm_write": vm_write,
    "own_child": own_child,
    "namespace": namespace,
    "device": device,
    "listen_any": lambda: listen("0.0.0.0", 4001),
    "listen_any6": lambda: listen("::", 4001, socket.AF_INET6),
    "listen_port": lambda: listen("0.0.0.0", 4100),
    "bind_datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).bind(("0.0.0.0", 4002)),
    "bind_client": lambda: socket.socket(type=socket.SOCK_DGRAM).bind(("0.0.0.0", 0)),
    "proxy": lambda: lent(("127.0.0.1", 3128), family=socket.AF_INET),
    "proxy6": lambda: lent(("::ffff:127.0.0.1", 3128), family=socket.AF_INET6),
    "serve": serve,
    "own": own,
    "own_local": own_local,
    "own_received": own_received,
    "stolen": stolen,
    "beside": beside,
    "from": lambda: lent(("127.0.0.1", int(sys.argv[3])), family=socket.AF_INET),
    "open_connection": open_connection,
}
try:
    attempts[what]()
except (OSError, AssertionError) as e:
    sys.exit(f"{what}: {type(e).__name__}: {e}")
