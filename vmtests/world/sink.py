#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sink.py PORT FILE: takes connections and appends what comes to FILE."""
import socket
import sys
import threading

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("0.0.0.0", int(sys.argv[1])))
server.listen(8)


def drain(peer):
    while data := peer.recv(1000):
        with open(sys.argv[2], "ab") as f:
            f.write(data)


open(sys.argv[2], "ab").close()
while True:
    threading.Thread(target=drain, args=(server.accept()[0],), daemon=True).start()
