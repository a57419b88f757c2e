#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Change one byte of one record, in every file of a copied log that holds it.

usage: change.py DIRECTORY RECORD
"""

import os
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    record = sys.argv[2].encode()
    # a digit of the time, so that the record stays JSON and only the tree can tell
    at = record.index(b'"time":') + len(b'"time":') + 3
    changed = record[:at] + (b"1" if record[at : at + 1] != b"1" else b"2") + record[at + 1 :]
    files = 0
    for folder, _, names in os.walk(sys.argv[1]):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                data = file.read()
            if record in data:
                with open(path, "wb") as file:
                    file.write(data.replace(record, changed))
                files += 1
    if not files:
        sys.exit("the record is in no file of %s" % sys.argv[1])


if __name__ == "__main__":
    main()
