# SPDX-License-Identifier: Apache-2.0
"""The bypass table as it is written, read and checked. README.md says what the columns mean."""

import collections
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ("name", "way", "who", "setup", "expect", "event", "hooks", "action")
WHO = ("user", "root", "outside", "client", "person")
EXPECT = ("refused", "open", "observed", "absent")
WAYS = 60

Row = collections.namedtuple("Row", COLUMNS)


class Mistake(Exception):
    pass


def words(text):
    return [] if text == "-" else text.split()


def read_set(line):
    """"= NAME | HOOK…": hooks that are named together."""
    cells = [cell.strip() for cell in line[1:].split("|")]
    if len(cells) != 2 or not re.fullmatch(r"[a-z0-9]+", cells[0]) or not cells[1]:
        raise Mistake("a set is = NAME | HOOK…")
    return cells[0], cells[1].split()


def expanded(hooks, sets):
    """Each hook once, sets by what is in them."""
    found = []
    for hook in hooks:
        if hook.startswith("+") and hook[1:] not in sets:
            raise Mistake("no such set: %s" % hook)
        found += [one for one in (sets[hook[1:]] if hook[0] == "+" else [hook]) if one not in found]
    return found


def read_row(line, sets=()):
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) != len(COLUMNS):
        raise Mistake("%d columns, not %d" % (len(cells), len(COLUMNS)))
    row = Row(*cells)
    if not re.fullmatch(r"[a-z0-9-]+", row.name):
        raise Mistake("name: %s" % row.name)
    if not row.way.isdigit() or int(row.way) > WAYS:
        raise Mistake("way: %s" % row.way)
    if row.who not in WHO:
        raise Mistake("who: %s" % row.who)
    expected = [word.split("@")[0] for word in words(row.expect)]
    if not expected or any(word not in EXPECT for word in expected) or "@" in row.expect.split()[-1]:
        raise Mistake("expect: %s" % row.expect)
    refused = "refused" in expected
    if refused and (row.hooks == "-" or row.event == "-"):
        raise Mistake("a refusal has hooks that refuse and an event that names it")
    if "observed" in expected and row.event == "-":
        raise Mistake("what is observed has an event")
    if row.event != "-" and all(one.split()[:1] == ["also"] for one in row.event.split(",")):
        raise Mistake("an event that names it")
    if not refused and row.hooks != "-":
        raise Mistake("what is not refused has no hooks")
    if not row.action:
        raise Mistake("no action")
    return row._replace(
        way=int(row.way), setup=words(row.setup), expect=row.expect.split(), hooks=expanded(words(row.hooks), sets),
        event=[one.split() for one in row.event.split(",")] if row.event != "-" else [],
        action=row.action.split(),
    )


def read(path=os.path.join(HERE, "table")):
    """The rows in their order; a mistake ends the program with its place."""
    rows, sets = [], {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            try:
                if line.startswith("="):
                    name, hooks = read_set(line)
                    sets[name] = hooks
                    continue
                row = read_row(line, sets)
                if any(row.name == other.name for other in rows):
                    raise Mistake("the name %s is taken" % row.name)
            except Mistake as mistake:
                sys.exit("%s:%d: %s" % (path, number, mistake))
            rows.append(row)
    return rows


def names(word, row):
    """Whether a word of a selection means the row: its name, its number, or a range of numbers."""
    if re.fullmatch(r"\d+(-\d+)?", word):
        first, _, last = word.partition("-")
        return int(first) <= row.way <= int(last or first)
    return word == row.name


def chosen(rows, selection):
    """The rows that a selection names; all for none."""
    if not selection:
        return rows
    unknown = [word for word in selection if not any(names(word, row) for row in rows)]
    if unknown:
        sys.exit("no such row or way: %s" % " ".join(unknown))
    return [row for row in rows if any(names(word, row) for word in selection)]


def expectation(row, tags):
    """What the row expects on a host with these tags: the first word whose tag holds, or the last."""
    for word in row.expect:
        what, _, tag = word.partition("@")
        if not tag or tag in tags:
            return what
    raise Mistake("expect of %s ends in a condition" % row.name)


def groups(rows):
    """[(hooks, rows)]: rows by the hooks that are taken from them, in the order of the table."""
    by_hooks = {}
    for row in rows:
        by_hooks.setdefault(tuple(sorted(row.hooks)), []).append(row)
    return list(by_hooks.items())
