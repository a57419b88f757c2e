# SPDX-License-Identifier: Apache-2.0
"""What the three runs of a row say together. Pure: the runs and the events come as they are."""

import collections

import rows as table

THROUGH, REFUSED = 0, 1
OUTCOMES = {THROUGH: "through", REFUSED: "refused"}
SLACK_MS = 4  # two clocks are read, each to the millisecond

# One run of one row. status: of the attempt; arrived: its token came to where it must not.
Run = collections.namedtuple("Run", "status arrived text begun ended")


def outcome(run):
    """"through", "refused" or "broken". Bytes that arrived are through, whatever the attempt says."""
    if run is None:
        return "not run"
    if run.arrived:
        return "through"
    return OUTCOMES.get(run.status, "broken")


def within(event, run):
    return run.begun - SLACK_MS <= event.get("time", 0) <= run.ended + SLACK_MS


def address(event):
    """Where it went, or what a name server said of a name."""
    answers = event.get("answers") or [{}]
    return event.get("dst_endpoint", {}).get("ip") or answers[0].get("rdata", "")


def door(event):
    said = event.get("unmapped", {})
    return said.get("door") or said.get("name_event")


def matches(event, wanted):
    """wanted: a reason, then optionally a door and an address, as words of the table."""
    said = event.get("unmapped", {})
    reason, *rest = wanted[1:] if wanted[0] == "also" else wanted
    return said.get("reason") == reason and all(
        word in (door(event), address(event), said.get("skill")) for word in rest
    )


def about(events, row, run, uid):
    """The events of that person within the run. Those of the client itself are not the row's: it
    talks to the model meanwhile."""
    found = []
    for event in events:
        said = event.get("unmapped", {})
        if said.get("verdict") is None or said.get("who_uid") != uid or not within(event, run):
            continue
        if row.who == "client" and said.get("tool") != "Bash":
            continue
        found.append(event)
    return found


def shown(event):
    said = event["unmapped"]
    at = " ".join(str(w) for w in (said.get("reason"), door(event) or said.get("skill")) if w)
    return ("%s %s" % (at, address(event))).strip()


def events_of(row, run, events, uid):
    """(what is wrong with the events of a refusal or None, what they said)"""
    found = about(events, row, run, uid)
    denied = [event for event in found if event["unmapped"]["verdict"] == "denied"]
    said = sorted({shown(event) for event in denied})
    if not denied:
        return "no event names it", said
    strange = [shown(e) for e in denied if not any(matches(e, wanted) for wanted in row.event)]
    if strange:
        return "an event that is not expected: %s" % strange[0], said
    named = [e for e in denied if any(matches(e, wanted) for wanted in row.event if wanted[0] != "also")]
    if not named:
        return "no event names it", said
    said = sorted({shown(event) for event in named})
    if row.who == "client" and not all(
        e["unmapped"].get("tool_use_id", "").startswith("toolu_") for e in denied
    ):
        return "the event names no tool use", said
    if not all(e["unmapped"].get("person") for e in denied):
        return "the event names no person", said
    return None, said


def row_verdict(row, runs, events, uid, tags):
    """{what each run gave, ok, detail, event}; runs: {off, on, mutated}."""
    want = table.expectation(row, tags)
    off, on, mutated = (outcome(runs.get(name)) for name in ("off", "on", "mutated"))
    wrong, said = [], []
    if want == "absent":
        # by the kernel's own words, or a broken test would look like this
        if off != "broken" or "not supported" not in runs["off"].text:
            wrong.append("with bailiff off it was %s, and this kernel is said not to have it" % off)
        if on == "through":
            wrong.append("with bailiff on it was through")
        return verdict(row, want, (off, on, "-"), said, wrong)
    if off != "through":
        wrong.append("with bailiff off it was %s" % off)
    if on != ("refused" if want == "refused" else "through"):
        wrong.append("with bailiff on it was %s, the table says %s" % (on, want))
    elif want == "refused":
        fault, said = events_of(row, runs["on"], events, uid)
        if fault:
            wrong.append(fault)
    elif want == "observed":
        found = about(events, row, runs["on"], uid)
        said = sorted({shown(event) for event in found})
        if not any(matches(event, wanted) for event in found for wanted in row.event):
            wrong.append("no event names it")
    if want == "refused" and mutated != "through":
        wrong.append("without %s it was %s" % (" ".join(row.hooks), mutated))
    return verdict(row, want, (off, on, mutated if want == "refused" else "-"), said, wrong)


def verdict(row, want, runs, said, wrong):
    off, on, mutated = runs
    return {
        "row": row.name, "way": row.way, "expect": want, "hooks": row.hooks if want == "refused" else [],
        "off": off, "on": on, "mutated": mutated,
        "event": said, "ok": not wrong, "detail": "; ".join(wrong),
    }


