#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the runs of the bypass table gave into a document, between its two markers.

usage: results.py DOCUMENT ROWS.JSONL…: one file a boot; a kernel that was run twice counts once, with
its newest run. Only runs of the whole table are taken, and only of the table as it is now; other
files are named and left out. Nothing that is left is an error: the document stays as it was.
"""

import json
import os
import sys

sys.dont_write_bytecode = True

import rows as table  # noqa: E402

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def read_run(lines, rows):
    """A run's lines as (title, {row: verdict}), or a text that says why not."""
    head, *verdicts = (json.loads(line) for line in lines if line.strip())
    found = {verdict["row"]: verdict for verdict in verdicts}
    if set(found) != {row.name for row in rows}:
        return None, "not the whole table"
    for row in rows:
        verdict = found[row.name]
        want = table.expectation(row, head["tags"])
        hooks = row.hooks if want == "refused" else []
        if (verdict["way"], verdict["expect"], verdict["hooks"]) != (row.way, want, hooks):
            return None, "%s was another row then" % row.name
    title = head["kernel"] + (", no `bpf` in `lsm=`" if "no-lsm" in head["tags"] else "")
    return (title, found), None


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
            verdict["expect"] == "refused" for verdict in found.values() if verdict["way"] == way)}
        out.append("%s: %d attempts at %d of the %d ways; %d refused, %d open%s; of %d ways every attempt "
                   "was refused." % (
                       title, len(found), len(ways), table.WAYS, expect.count("refused"),
                       expect.count("open"),
                       ", %d observed" % expect.count("observed") if "observed" in expect else "",
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
            run, why = read_run(file, rows)
        if run:
            runs[run[0]] = run
        else:
            print("%s: left out: %s" % (path, why))
    return sorted(runs.values(), key=lambda run: version(run[0]))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    rows = table.read()
    runs = newest(sys.argv[2:], rows)
    if not runs:
        sys.exit("no run of the whole table as it is now; make vmtest NAME=bypass")
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
