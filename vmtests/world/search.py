#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Search files for planted values.

usage: search.py PLANTED.JSON PATH…

Prints each file that holds one, and which. Looked for: the value itself, without its separators, in
hexadecimal, in UTF-16, in the three alignments of base64, and with JSON's escapes; also in what gzip
members unpack to. Exit status: 0 when nothing was found, 1 otherwise, 2 when nothing was searched.
"""

import base64
import json
import os
import sys
import zlib


def spellings(value):
    """Byte strings whose presence means that the value was written."""
    found = set()
    for text in {value, value.replace("-", ""), value.replace("\n", "\\n")}:
        raw = text.encode()
        found.update((raw, raw.hex().encode(), raw.hex().upper().encode(), text.encode("utf-16-le")))
        for shift in range(3):
            # the middle of the coding does not depend on what stands around the value
            coded = base64.b64encode(b"\0" * shift + raw)
            start = (0, 2, 3)[shift]
            end = len(coded) - (4 if (shift + len(raw)) % 3 else 0)
            if end - start >= 8:
                found.add(coded[start:end])
    return found


def contents(path):
    with open(path, "rb") as file:
        data = file.read()
    yield data
    at = data.find(b"\x1f\x8b\x08")
    while at >= 0:
        try:
            yield zlib.decompressobj(31).decompress(data[at:], 1 << 26)
        except zlib.error:
            pass
        at = data.find(b"\x1f\x8b\x08", at + 1)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        planted = json.load(file)
    wanted = {}
    for name, value in planted.items():
        wanted.setdefault(name, set()).update(spellings(value))
        for line in value.split("\n"):
            if len(line) >= 24 and not line.startswith("-----"):
                wanted[name].update(spellings(line))
    searched, hits = 0, 0
    for top in sys.argv[2:]:
        paths = [top] if os.path.isfile(top) else [
            os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names
        ]
        for path in paths:
            if not os.path.isfile(path) or os.path.islink(path):
                continue
            searched += 1
            for data in contents(path):
                for name, options in wanted.items():
                    if any(option in data for option in options):
                        print("%s: %s" % (path, name))
                        hits += 1
    print("%d files searched" % searched, file=sys.stderr)
    sys.exit(1 if hits else 0 if searched else 2)


if __name__ == "__main__":
    main()
