#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make the recordings of this folder out of what the scenario `recorded` left.

usage: pack.py RECORDS

RECORDS has a folder for each conversation, and in it a file for each connection. Kept are those with a
request of the Messages API or of a web page; credentials become letters of the same number.
"""

import os
import re
import subprocess
import sys

KEPT = re.compile(rb"(?m)^POST /v1/messages|^GET /docs/")
SECRETS = re.compile(rb"(?mi)^((?:x-api-key|authorization): *)(\S[^\r\n]*)")
HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    top = sys.argv[1]
    for part in sorted(os.listdir(top)):
        number = 0
        names = sorted(os.listdir(os.path.join(top, part)), key=lambda name: int(name.split(".")[0]))
        for name in names:
            with open(os.path.join(top, part, name), "rb") as file:
                data = file.read()
            if not KEPT.search(data):
                continue
            number += 1
            plain = SECRETS.sub(lambda match: match[1] + b"x" * len(match[2]), data)
            path = os.path.join(HERE, "%s-%d.records.zst" % (part, number))
            subprocess.run(["zstd", "-q", "-f", "--ultra", "-22", "--no-check", "-o", path], input=plain, check=True)
            print("%s: %d bytes, %d packed" % (path, len(plain), os.path.getsize(path)))


if __name__ == "__main__":
    main()
