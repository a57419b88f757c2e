#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Print apt sources (deb822) for a later suite of the Debian mirror that this machine already uses.

usage: later-suite.py CURRENT LATER [APT_DIRECTORY]

Both forms of source are read. Only the entries for CURRENT itself (and its -security) are taken;
everything else about them (mirror, components, keys, options) stays as the machine has it. The
output is for a private apt state: the machine's own sources are never changed.
"""

import glob
import os
import re
import sys


def stanzas(text):
    """The deb822 stanzas of a file as dictionaries with lower-case keys."""
    for block in re.split(r"\n\s*\n", text):
        fields, last = {}, None
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t" and last:
                fields[last] += "\n" + line
            elif ":" in line:
                last, value = line.split(":", 1)
                last = last.strip().lower()
                fields[last] = value.strip()
        if fields:
            yield fields


def one_line(line):
    """A `deb [options] uri suite component…` line as a stanza, or None."""
    match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)", line.split("#")[0])
    if not match:
        return None
    options, uri, suite, components = match.groups()
    fields = {"types": "deb", "uris": uri, "suites": suite, "components": components.strip()}
    for option in (options or "").split():
        key, _, value = option.partition("=")
        if value:
            fields[key.lower()] = value.replace(",", " ")
    return fields


def sources(directory):
    for name in sorted(glob.glob(os.path.join(directory, "sources.list.d", "*.sources"))):
        with open(name, encoding="utf-8") as file:
            yield from stanzas(file.read())
    lists = [os.path.join(directory, "sources.list")]
    lists += sorted(glob.glob(os.path.join(directory, "sources.list.d", "*.list")))
    for name in lists:
        if not os.path.exists(name):
            continue
        with open(name, encoding="utf-8") as file:
            for line in file:
                fields = one_line(line)
                if fields:
                    yield fields


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    current, later = sys.argv[1:3]
    wanted = {current: later}
    # unstable and backports have no security suite beside them
    if later != "sid" and not later.endswith("-backports"):
        wanted[current + "-security"] = later + "-security"
    found = []
    for fields in sources(sys.argv[3] if len(sys.argv) > 3 else "/etc/apt"):
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        suites = [wanted[s] for s in fields.get("suites", "").split() if s in wanted]
        if not suites or "deb" not in fields.get("types", "").split():
            continue
        fields["types"] = "deb"
        fields["suites"] = " ".join(suites)
        fields["components"] = "main"
        text = "".join("%s: %s\n" % (key.title(), value) for key, value in fields.items())
        if text not in found:
            found.append(text)
    if not any(later in text.split("Suites:")[1].split("\n")[0].split() for text in found):
        sys.exit("later-suite: no apt source for suite %s was found here" % current)
    print("\n".join(found), end="")


if __name__ == "__main__":
    main()
