#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Decrypt a packet capture of TLS with the servers' keys, and check that nothing of it is missing.

usage: decrypted.py DIRECTORY LOG…

DIRECTORY has `packets` (pcap), `keys` (a TLS key log) and `parts`, whose lines are a time and the name
of what began then. Reassembly and decryption are tshark's. Each connection gets, by the part that it
began in, in DIRECTORY/said/PART: N.sent, what its client said, and apart from it, N.thinking, what stands
in the thinking blocks of its requests, which go back as they came or are refused; N.received; N.records,
all of it in the order of the wire, each TLS record with a line `> LENGTH` (sent) or `< LENGTH` before it.

LOGs are what the servers wrote of the requests that they had. Exit status 0 when each connection's
requests are in the capture, as many as its server had, whole, and no others.
"""

import bisect
import collections
import json
import os
import re
import subprocess
import sys

SYN = "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn"
FIELDS = ("tcp.stream", "frame.time_epoch", "ip.src", "tcp.srcport")
THINKING = re.compile(rb'"thinking":"((?:[^"\\]|\\.)*)"')
START = re.compile(rb"[A-Z]{3,7} \S+ HTTP/1\.1\r\n")


class Stream:
    def __init__(self, time, client):
        self.time, self.client = time, client
        self.records = []  # (sent, bytes)

    def said(self, sent):
        return b"".join(data for way, data in self.records if way == sent)


def tshark(packets, keys):
    """The streams in the order of tshark's numbers."""
    listed = subprocess.run(
        ["tcpdump", "-nn", "-r", packets, SYN], check=True, capture_output=True, text=True
    )
    most = len(listed.stdout.splitlines())
    # what lies in the TLS is looked at here: to have it dissected would take several times as long
    command = ["tshark", "-n", "-Q", "-r", packets, "-o", "tls.keylog_file:" + keys]
    command += ["--disable-protocol", "http", "--disable-protocol", "json"]
    command += ["-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    for number in range(most):
        command += ["-z", "follow,tls,raw,%d" % number]
    streams, current, first = {}, None, None
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            if line.startswith(b"Filter: tcp.stream eq "):
                current, first = int(line.split()[-1]), None
            elif current is None:
                fields = line.decode().rstrip("\n").split("\t")
                if len(fields) == len(FIELDS) and fields[0].isdigit():
                    number, time, address, port = fields
                    client = "%s:%s" % (address, port)
                    # a SYN that was sent again is of the same stream
                    streams.setdefault(int(number), Stream(float(time), client))
            elif re.fullmatch(rb"\t?[0-9a-f]+\n", line):
                # one side is set off by a tab. It is the client that speaks first
                tab = line.startswith(b"\t")
                first = tab if first is None else first
                streams[current].records.append((tab == first, bytes.fromhex(line.decode())))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "tshark")
    return streams


def requests(data):
    """How many requests stand there, one behind the other, each of them whole; None: something else."""
    at = count = 0
    while at < len(data):
        end = data.find(b"\r\n\r\n", at)
        if not START.match(data, at) or end < 0:
            return None
        head, at = data[at:end].lower(), end + 4
        length = re.search(rb"\r\ncontent-length: *(\d+)", head)
        if b"\r\ntransfer-encoding: chunked" in head:
            end = data.find(b"0\r\n\r\n", at)
            if end < 0:
                return None
            at = end + 5
        elif length:
            at += int(length[1])
        if at > len(data):
            return None
        count += 1
    return count


def logged(paths):
    """Requests by connection, as the servers have them: address and port of the client."""
    count = collections.Counter()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                if "path" in entry or entry.get("what") == "request":
                    count[entry.get("connection") or entry["client"]] += 1
    return count


def write(directory, number, stream):
    os.makedirs(directory, exist_ok=True)
    name = os.path.join(directory, str(number))
    sent = stream.said(True)
    for suffix, data in (
        (".sent", THINKING.sub(b'"thinking":""', sent)),
        (".thinking", b"\n".join(THINKING.findall(sent))),
        (".received", stream.said(False)),
    ):
        with open(name + suffix, "wb") as file:
            file.write(data)
    with open(name + ".records", "wb") as file:
        for sent, data in stream.records:
            file.write(b"%s %d\n%s" % (b">" if sent else b"<", len(data), data))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    directory = sys.argv[1]
    with open(os.path.join(directory, "parts"), encoding="utf-8") as file:
        parts = [line.split() for line in file]
    times = [float(time) for time, _ in parts]
    streams = tshark(os.path.join(directory, "packets"), os.path.join(directory, "keys"))
    found, had, wrong, size = collections.Counter(), logged(sys.argv[2:]), 0, 0
    for number, stream in sorted(streams.items()):
        part = parts[max(0, bisect.bisect(times, stream.time) - 1)][1]
        write(os.path.join(directory, "said", part), number, stream)
        sent = stream.said(True)
        count, size = requests(sent), size + len(sent)
        if count is None:
            wrong += 1
            print("%s, connection %d of %s: %d bytes that are no whole requests, from %r on"
                  % (part, number, stream.client, len(sent), sent[:60]))
        # a later connection may have the port of an earlier one
        found[stream.client] += count or 0
    for client in found.keys() | had.keys():
        if found[client] != had[client]:
            wrong += 1
            print("%s: %d requests in the capture, %d at the server" % (client, found[client], had[client]))
    total = sum(found.values())
    print("%d requests in %d connections, %d bytes sent" % (total, len(streams), size))
    sys.exit(1 if wrong or not total else 0)


if __name__ == "__main__":
    main()
