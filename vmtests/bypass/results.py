#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the runs of the bypass table gave into a document, between its two markers.

usage: results.py DOCUMENT ROWS.JSONL…: one file a boot. Of each row a kernel's newest run counts. Runs
of a row that was another one then are left out, and so is a kernel that has not run every row; that is
said. Where nothing is left the document stays as it was, and that is an error.
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import rows as table  # noqa: E402

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def read_run(lines, rows):
    """A run's lines as its title, {row: verdict}, and the rows that were others then."""
    head, *verdicts = (json.loads(line) for line in lines if line.strip())
    now = {}
    for row in rows:
        want = table.expectation(row, head["tags"])
        now[row.name] = (row.way, want, row.hooks if want == "refused" else [])
    found, left_out = {}, []
    for verdict in verdicts:
        if now.get(verdict["row"]) == (verdict["way"], verdict["expect"], verdict["hooks"]):
            found[verdict["row"]] = verdict
        else:
            left_out.append(verdict["row"])
    return head["kernel"] + (", no `bpf` in `lsm=`" if "no-lsm" in head["tags"] else ""), found, left_out


def cell(verdict):
    """What one kernel gave for one row. A row that did not do as it must says so, in capitals."""
    if not verdict["ok"]:
        return "WRONG: " + verdict["detail"].replace("|", "/")
    if verdict["expect"] == "refused":
        return "refused"
    return verdict["expect"]


def named(runs, name):
    """The event of the first run that has one; it may differ between kernels only by its address."""
    for _title, found in runs:
        if found[name]["event"]:
            return "`%s`" % found[name]["event"][0]
    return ""


def render(rows, runs):
    """The block between the markers, without them."""
    titles = [title for title, _found in runs]
    out = ["| way | attempt | as | " + " | ".join(titles) + " | event | without these it succeeds |",
           "|---" * (5 + len(titles)) + "|"]
    for row in sorted(rows, key=lambda row: (row.way or table.WAYS + 1)):
        hooks = next((found[row.name]["hooks"] for _t, found in runs if found[row.name]["hooks"]), [])
        out.append("| %s | %s | %s | %s | %s | %s |" % (
            row.way or "", row.name, row.who, " | ".join(cell(found[row.name]) for _t, found in runs),
            named(runs, row.name), " ".join("`%s`" % hook for hook in hooks)))
    out.append("")
    for title, found in runs:
        expect = [verdict["expect"] for verdict in found.values()]
        ways = {verdict["way"] for verdict in found.values()} - {0}
        closed = {way for way in ways if all(
            verdict["expect"] in ("refused", "absent") for verdict in found.values() if verdict["way"] == way)}
        out.append("%s: %d attempts at %d of the %d ways; %d refused, %d open%s; of %d ways every attempt "
                   "was refused." % (
                       title, len(found), len(ways), table.WAYS, expect.count("refused"),
                       expect.count("open"),
                       "".join(", %d %s" % (expect.count(word), word)
                               for word in ("observed", "absent") if word in expect),
                       len(closed)))
    return "\n".join(out) + "\n"


def place(document, block):
    """The document with the block between its markers."""
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise table.Mistake("the markers are not there once each")
    before, rest = document.split(BEGIN)
    if END not in rest:
        raise table.Mistake("the markers are in the wrong order")
    return "%s%s\n%s%s%s" % (before, BEGIN, block, END, rest.split(END)[1])


def version(title):
    return [int(part) if part.isdigit() else part for part in title.replace("-", ".").split(".")[:3]]


def newest(paths, rows):
    runs = {}
    for path in sorted(paths, key=os.path.getmtime):
        with open(path, encoding="utf-8") as file:
            title, found, left_out = read_run(file, rows)
        runs.setdefault(title, {}).update(found)
        if left_out:
            print("%s: left out: %s" % (path, " ".join(left_out)))
    whole = []
    for title in sorted(runs, key=version):
        missing = [row.name for row in rows if row.name not in runs[title]]
        if missing:
            print("%s: left out: no run of %s" % (title, " ".join(missing)))
        else:
            whole.append((title, runs[title]))
    return whole


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    rows = table.read()
    runs = newest(sys.argv[2:], rows)
    if not runs:
        sys.exit("no kernel has run the whole table as it is now; make vmtest NAME=bypass")
    with open(sys.argv[1], encoding="utf-8") as file:
        document = file.read()
    try:
        document = place(document, render(rows, runs))
    except table.Mistake as mistake:
        sys.exit("%s: %s" % (sys.argv[1], mistake))
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(document)
    print("%s: %s" % (sys.argv[1], ", ".join(title for title, _found in runs)))


if __name__ == "__main__":
    main()
