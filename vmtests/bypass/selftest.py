#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the bypass table without a VM: what it says fits the document and the programs, and the
judge and the generator say what they must.

usage: selftest.py [BUILD]: prints a line, and appends the counts to BUILD/results.
"""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import judge  # noqa: E402
import results  # noqa: E402
import rows as table  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
LINE = "a-row | 4 | user | - | refused | rule lsm_connect 10.0.0.1 | net_connect | tcp connect 10.0.0.1 7"


def text(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def event(reason="rule", door="lsm_connect", ip="10.0.0.1", time=1500, **more):
    return {
        "time": time, "dst_endpoint": {"ip": ip},
        "unmapped": {"reason": reason, "door": door, "verdict": "denied", "who_uid": 4002,
                     "person": "carol@company.com", **more},
    }


def runs(off=0, on=1, mutated=0, arrived=False):
    return {
        "off": judge.Run(off, False, "", 100, 200),
        "on": judge.Run(on, arrived, "", 1000, 2000),
        "mutated": judge.Run(mutated, False, "", 3000, 4000),
    }


class Document(unittest.TestCase):
    def test_every_way_has_its_number_and_its_place(self):
        document = text("docs", "bypasses.md").split(results.BEGIN)[0]
        ways, beside = document.split("## Not in the table")
        self.assertEqual(
            [int(n) for n in re.findall(r"^\| (\d+) \|", ways, re.M)], list(range(1, table.WAYS + 1))
        )
        tried = {row.way for row in table.read()} - {0}
        left_out = {int(n) for n in re.findall(r"^\| (\d+) \|", beside, re.M)}
        self.assertEqual(tried & left_out, set())
        self.assertEqual(tried | left_out, set(range(1, table.WAYS + 1)))
        self.assertGreaterEqual(len(tried), 45)

    def test_tests_that_are_named_are_there(self):
        for name in re.findall(r"`(tests/[a-z_/]+(?:\.c)?)`", text("docs", "bypasses.md")):
            self.assertTrue(os.path.exists(os.path.join(TOP, name)), name)

    def test_scenarios_that_are_named_are_there(self):
        beside = text("docs", "bypasses.md").split("## Beside the sixty")[1].split("## Not in the table")[0]
        shown = [cell for line in beside.splitlines() for cell in line.split("|")[3:5]]
        named = {name for cell in shown for name in re.findall(r"`([a-z]+)`", cell)} - {"unknown"}
        self.assertGreater(len(named), 10)
        for name in named:
            self.assertTrue(os.path.exists(os.path.join(TOP, "vmtests", "scenarios", name + ".sh")), name)

    def test_what_is_open_has_its_reason(self):
        said = text("docs", "bypasses.md").split("## Open, and why")[1].split("## Results")[0]
        cells = [line.split("|")[1] for line in said.splitlines() if line.startswith("| `")]
        named = [name for cell in cells for name in re.findall(r"`([a-z0-9-]+)`", cell)]
        is_open = [row.name for row in table.read() if any(word.startswith("open") for word in row.expect)]
        self.assertEqual(sorted(named), sorted(is_open))

    def test_results_are_of_these_rows(self):
        block = text("docs", "bypasses.md").split(results.BEGIN)[1].split(results.END)[0]
        named = re.findall(r"^\| (?:\d+)? ?\| ([a-z0-9-]+) \|", block, re.M)
        self.assertEqual(sorted(named), sorted(row.name for row in table.read()) if named else [])


class Rows(unittest.TestCase):
    def test_hooks_are_programs(self):
        source = "".join(
            text("bpf", name) for name in os.listdir(os.path.join(TOP, "bpf")) if name.endswith(".c")
        )
        programs = set(re.findall(r"^(?:int (?:BPF_PROG\()?|SOCKET_HOOK\()(\w+)", source, re.M))
        for row in table.read():
            self.assertEqual([hook for hook in row.hooks if hook not in programs], [], row.name)

    def test_actions_are_attempts(self):
        for row in table.read():
            name = row.action[0]
            source = name if "." in name else {"tls-static": "tls", "lineage-setuid": "lineage"}.get(
                name, name) + ".c"
            self.assertTrue(os.path.exists(os.path.join(HERE, "attempts", source)), row.name)

    def test_setups_are_there(self):
        there = set(re.findall(r"^setup_(\w+)\(\)", text("vmtests", "bypass", "setup.sh"), re.M))
        self.assertEqual({name for row in table.read() for name in row.setup} - there, set())

    def test_reasons_are_words_of_the_agent(self):
        source = text("agent", "decide", "reason.c")
        there = re.findall(r'"(\w+)"', source.split("reason_words[] = {")[1].split("}")[0])
        for row in table.read():
            for wanted in row.event:
                self.assertIn(wanted[wanted[0] == "also"], there, row.name)

    def test_mistakes(self):
        self.assertEqual(table.read_row(LINE).hooks, ["net_connect"])
        for change in (
            ("| 4 |", "| 61 |"), ("| user |", "| nobody |"), ("refused", "refusde"),
            ("refused", "refused@6.1"), ("| net_connect |", "| - |"), ("a-row", "a row"),
            ("rule lsm_connect 10.0.0.1", "-"), ("refused", "open"), (" | - ", ""), ("rule lsm_connect 10.0.0.1", "also rule"),
        ):
            with self.assertRaises(table.Mistake, msg=change):
                table.read_row(LINE.replace(*change, 1))

    def test_sets(self):
        self.assertEqual(table.read_set("= tcp4 | a b"), ("tcp4", ["a", "b"]))
        line = LINE.replace("| net_connect |", "| x +tcp4 b |")
        self.assertEqual(table.read_row(line, {"tcp4": ["a", "b"]}).hooks, ["x", "a", "b"])
        for wrong in ("= | a", "= a |", "= a", "= a | b | c"):
            with self.assertRaises(table.Mistake, msg=wrong):
                table.read_set(wrong)
        with self.assertRaises(table.Mistake):
            table.read_row(line, {})

    def test_expectation(self):
        row = table.read_row(LINE.replace("refused", "open@6.1 refused"))
        self.assertEqual(table.expectation(row, ["6.1"]), "open")
        self.assertEqual(table.expectation(row, ["6.12", "no-lsm"]), "refused")

    def test_selection(self):
        of = [table.read_row(LINE.replace("a-row", name).replace("| 4 |", "| %d |" % way))
              for name, way in (("zero", 0), ("4-ever", 4), ("five", 5), ("six", 6))]
        for words, want in (
            ([], 4), (["0"], 1), (["4-5"], 2), (["five", "5", "6"], 2), (["0-60"], 4), (["4-ever"], 1)):
            self.assertEqual(len(table.chosen(of, words)), want, words)
        with self.assertRaises(SystemExit):
            table.chosen(of, ["five", "7"])

    def test_groups(self):
        of = [table.read_row(LINE.replace("a-row", n).replace("| net_connect |", "| %s |" % hooks))
              for n, hooks in (("a", "x"), ("b", "y z"), ("c", "x y"), ("d", "y"), ("e", "x"))]
        got = [(hooks, [row.name for row in rows]) for hooks, rows in table.groups(of)]
        self.assertEqual(got, [
            (("x",), ["a", "e"]), (("y", "z"), ["b"]), (("x", "y"), ["c"]), (("y",), ["d"])])


class Judge(unittest.TestCase):
    def verdict(self, changes=(), events=(event(),), tags=("6.1",), **of):
        line = LINE
        for change in changes:
            line = line.replace(*change)
        return judge.row_verdict(table.read_row(line), runs(**of), list(events), 4002, list(tags))

    def test_refused(self):
        self.assertTrue(self.verdict()["ok"])
        for wrong in (
            self.verdict(off=1), self.verdict(off=2), self.verdict(on=0), self.verdict(on=2),
            self.verdict(mutated=1), self.verdict(mutated=124), self.verdict(arrived=True),
            self.verdict(events=()), self.verdict(events=(event(time=2500),)),
            self.verdict(events=(event(), event(reason="default"))),
            self.verdict(events=(event(ip="10.0.0.2"),)), self.verdict(events=(event(who_uid=1),)),
            self.verdict(events=(event(person=""),)), self.verdict(events=(event(verdict="allowed"),)),
        ):
            self.assertFalse(wrong["ok"], wrong)
            self.assertTrue(wrong["detail"])

    def test_what_may_be_there_too_names_nothing(self):
        changes = (("rule lsm_connect 10.0.0.1", "rule lsm_connect 10.0.0.1, also default"),)
        both = self.verdict(changes, (event(reason="default"), event()))
        self.assertEqual((both["ok"], both["event"]), (True, ["rule lsm_connect 10.0.0.1"]))
        self.assertTrue(self.verdict(changes)["ok"])
        self.assertFalse(self.verdict(changes, (event(reason="default"),))["ok"])
        self.assertFalse(self.verdict(changes, (event(), event(reason="resolver")))["ok"])

    def test_what_a_name_server_said(self):
        changes = (("rule lsm_connect 10.0.0.1", "default refused_answer 10.0.0.9"),)
        answer = event(reason="default", door=None, ip="", name_event="refused_answer")
        answer["answers"] = [{"rdata": "10.0.0.9", "ttl": 60}]
        self.assertTrue(self.verdict(changes, (answer,))["ok"])
        answer["answers"][0]["rdata"] = "10.0.0.8"
        self.assertFalse(self.verdict(changes, (answer,))["ok"])

    def test_open(self):
        changes = (("refused", "open"), ("| net_connect |", "| - |"), ("rule lsm_connect 10.0.0.1", "-"))
        self.assertTrue(self.verdict(changes, (), on=0, mutated=1)["ok"])
        self.assertFalse(self.verdict(changes, (), on=1)["ok"])

    def test_observed(self):
        changes = (("refused", "observed"), ("| net_connect |", "| - |"))
        self.assertTrue(self.verdict(changes, (event(verdict="allowed"),), on=0)["ok"])
        self.assertFalse(self.verdict(changes, (), on=0)["ok"])

    def test_absent(self):
        row = table.read_row(LINE.replace("refused", "absent@6.1 refused"))
        for words, off, on, ok in (
            ("setup: socket: Protocol not supported", 2, 1, True), ("setup: connect: Timed out", 2, 1, False),
            ("through: not supported", 0, 1, False), ("setup: socket: Protocol not supported", 2, 0, False)):
            done = runs(off=off, on=on)
            done["off"] = done["off"]._replace(text=words)
            verdict = judge.row_verdict(row, done, [], 4002, ["6.1"])
            self.assertEqual((verdict["ok"], verdict["expect"]), (ok, "absent"), words)

    def test_the_clients_own_events_are_not_the_rows(self):
        changes = (("| user |", "| client |"),)
        own = event(reason="default", tool="")
        good = event(tool="Bash", tool_use_id="toolu_1")
        self.assertTrue(self.verdict(changes, (own, good))["ok"])
        self.assertFalse(self.verdict(changes, (event(tool="Bash"),))["ok"])

    def test_only_what_happened_meanwhile(self):
        for time, ok in ((1000, True), (2000 + judge.SLACK_MS, True), (2001 + judge.SLACK_MS, False)):
            self.assertEqual(self.verdict(events=(event(time=time),))["ok"], ok, time)


class Generator(unittest.TestCase):
    def run_of(self, kernel, rows, tags, **changes):
        head = {"kernel": kernel, "tags": tags, "rows": len(rows)}
        lines = [json.dumps(head)]
        for row in rows:
            verdict = judge.row_verdict(row, runs(), [event()], 4002, tags)
            lines.append(json.dumps({**verdict, **changes}))
        return lines

    def test_from_run_to_document(self):
        rows = [table.read_row(LINE)]
        title, found, left_out = results.read_run(self.run_of("6.1.0-1-amd64", rows, ["6.1"]), rows)
        self.assertEqual(left_out, [])
        block = results.render(rows, [(title, found)])
        self.assertIn("| 4 | a-row | user | refused | `rule lsm_connect 10.0.0.1` | `net_connect` |", block)
        self.assertIn("1 attempts at 1 of the 60 ways; 1 refused, 0 open; of 1 ways", block)
        document = "head\n%s\nold\n%s\ntail\n" % (results.BEGIN, results.END)
        placed = results.place(document, block)
        self.assertEqual(placed, "head\n%s\n%s%s\ntail\n" % (results.BEGIN, block, results.END))
        self.assertEqual(results.place(placed, block), placed)

    def test_what_went_wrong_is_seen(self):
        rows = [table.read_row(LINE)]
        title, found, _ = results.read_run(
            self.run_of("6.1.0-1-amd64", rows, ["6.1"], ok=False, detail="a|b"), rows)
        self.assertIn("| WRONG: a/b |", results.render(rows, [(title, found)]))

    def test_other_runs_are_left_out(self):
        rows = [table.read_row(LINE)]
        other = [table.read_row(LINE.replace("| net_connect |", "| net_create |"))]
        two = rows + [table.read_row(LINE.replace("a-row", "b-row"))]
        for was, now, kept, strange in (
            (rows, two, ["a-row"], []), (two, rows, ["a-row"], ["b-row"]), (rows, other, [], ["a-row"])):
            title, found, left_out = results.read_run(self.run_of("6.1", was, ["6.1"]), now)
            self.assertEqual((title, sorted(found), left_out), ("6.1", kept, strange))

    def test_parts_of_a_run_are_one(self):
        rows = [table.read_row(LINE.replace("a-row", name)) for name in ("a-row", "b-row")]
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for number, (kernel, part, changes) in enumerate((
                ("6.12", rows[:1], {}), ("6.1", rows, {"detail": "old"}), ("6.1", rows[1:], {}))):
                paths.append(os.path.join(folder, str(number)))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    file.write("\n".join(self.run_of(kernel, part, ["6.1"], **changes)))
                os.utime(paths[-1], (number, number))
            with contextlib.redirect_stdout(io.StringIO()) as said:
                runs = results.newest(paths[::-1], rows)
        self.assertEqual([title for title, _found in runs], ["6.1"])
        self.assertEqual([runs[0][1][name]["detail"] for name in ("a-row", "b-row")], ["old", ""])
        self.assertIn("6.12: left out: no run of b-row", said.getvalue())

    def test_markers(self):
        for document in ("", results.BEGIN, results.END + results.BEGIN, 2 * (results.BEGIN + results.END)):
            with self.assertRaises(table.Mistake):
                results.place(document, "")


def main():
    out = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    outcome = unittest.TextTestRunner(stream=out).run(suite)
    failed = len(outcome.failures) + len(outcome.errors)
    passed = outcome.testsRun - failed
    print("  %-8s vmtests/bypass/selftest.py (%d)" % ("FAIL" if failed else "PASS", passed))
    if failed:
        print(out.getvalue())
    if len(sys.argv) > 1:
        with open(os.path.join(sys.argv[1], "results"), "a", encoding="utf-8") as file:
            file.write("vm-selftest %d %d 0\n" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
