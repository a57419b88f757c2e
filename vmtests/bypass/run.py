#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the bypass table in the guest: every row with bailiff off, with bailiff on, and without the
hooks that refuse it.

usage: run.py WORK [ROW|NUMBER…]. A line a row goes to /mnt/results.jsonl, as scenarios write them;
WORK/rows.jsonl has all that is known of each, WORK/runs.jsonl what each attempt said.
"""

import collections
import glob
import itertools
import json
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
import time

import judge
import rows as table

DIRECTORY = "/run/bypass"
PROGRAMS, ATTEMPTS = "/opt/bypass/bin", "/opt/bypass/attempts"
EVENTS = "/var/log/bailiff/events.jsonl"
RESULTS = "/mnt/results.jsonl"
POLICY = DIRECTORY + "/policy"
AS_USER = "/src/vmtests/world/as-user"
CAROL, ALICE = 4002, 4001
ROW_SECONDS = 30
BAILIFF_SECONDS = 180  # a start takes five on an idle machine
INTERPRETERS = {".py": "/usr/bin/python3", ".sh": "/bin/bash"}


def say(text):
    print("%s  %s" % (time.strftime("%H:%M:%S"), text), flush=True)


def command(action):
    """The first word of an action is a program of the attempts'."""
    name, rest = action[0], action[1:]
    end = os.path.splitext(name)[1]
    if end in INTERPRETERS:
        return [INTERPRETERS[end], os.path.join(ATTEMPTS, name), *rest]
    return [os.path.join(PROGRAMS, name), *rest]


def since_boot_ms():
    """What makes a time since boot one of the clock."""
    return (time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) // 1000000


def damages(row):
    return bool({"restore", "policy"} & set(row.setup))


class Worker:
    """Somebody who runs attempts; see worker.py."""

    def __init__(self, name):
        self.name = name
        where = os.path.join(DIRECTORY, name)
        self.orders = os.fdopen(os.open(where + "/in", os.O_RDWR), "w", encoding="utf-8")
        self.outcomes = os.fdopen(os.open(where + "/out", os.O_RDWR), encoding="utf-8")
        self.process = None

    def start(self, *arguments):
        program = ["/usr/bin/python3", "/opt/bypass/worker.py", os.path.join(DIRECTORY, self.name)]
        if self.name == "root":
            # root as it is after su: the login uid stays that of the person
            start = ["bash", "-c", 'echo %d >/proc/self/loginuid; exec "$@"' % CAROL, "root"]
        else:
            start = [AS_USER, "carol"]
        self.process = subprocess.Popen([*start, *program, *arguments], stdin=subprocess.DEVNULL)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def tell(self, **order):
        self.orders.write(json.dumps(order) + "\n")
        self.orders.flush()
        # one answer an order, so that nothing can lie in the file's buffer
        if not select.select([self.outcomes], [], [], 3 * ROW_SECONDS)[0]:
            sys.exit("the worker %s does not answer" % self.name)
        return json.loads(self.outcomes.readline())

    def run(self, row, token):
        return self.tell(
            argv=command(row.action), environment={"BYPASS_TOKEN": token}, seconds=ROW_SECONDS
        )


class Table:
    def __init__(self, work, rows):
        self.work, self.rows = work, rows
        self.runs = collections.defaultdict(dict)
        self.workers = {name: Worker(name) for name in ("user", "root", "outside")}
        self.count = itertools.count(1)
        self.relink = None
        self.starts = 0
        self.attached = set()
        self.since_boot = since_boot_ms()
        with open("/sys/kernel/security/lsm", encoding="utf-8") as file:
            lsm = file.read().strip().split(",")
        self.release = os.uname().release
        self.tags = [".".join(self.release.split(".")[:2])] + ([] if "bpf" in lsm else ["no-lsm"])
        self.events_from = 0

    # ---- bailiff, by what scenarios start it with -------------------------------------------------

    def scenario(self, text, seconds=300):
        script = (
            "set -u; . /src/vmtests/lib.sh; scenario=bypass work=%s; api_mark; events_mark; %s"
            % (shlex.quote(self.work), text)
        )
        return subprocess.run(
            ["timeout", str(seconds), "bash", "-c", script], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )

    def policy(self):
        subprocess.run(
            ["bash", "-c", "mkdir -p $1; cp $2/*.yaml /src/vmtests/world/policy/acl.yaml $1",
             "policy", POLICY, os.path.join(table.HERE, "policy")], check=True,
        )

    def on(self):
        begun, self.starts = time.monotonic(), self.starts + 1
        done = self.scenario("bailiff_on " + POLICY, BAILIFF_SECONDS)
        # as the keeper does when it starts: what sets the clock later moves neither
        self.since_boot = since_boot_ms()
        self.attached = self.pinned()
        say("bailiffd started in %.1f s" % (time.monotonic() - begun))
        if done.returncode:
            self.stuck()
            sys.exit("bailiffd did not start: %s" % done.stdout[-2000:])

    def stuck(self):
        """What bailiff knows, and where its processes are: of one that does not answer, or lets wait."""
        said = subprocess.run(["timeout", "10", "bailiff", "status", "--json"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        say(said.stdout[-6000:])
        for pid in self.processes():
            for what in ("status", "wchan", "stack", "syscall"):
                with open("/proc/%d/%s" % (pid, what), encoding="utf-8") as file:
                    say("%d %s: %s" % (pid, what, file.read()[:1500]))
        for key in "lw":
            with open("/proc/sysrq-trigger", "w", encoding="utf-8") as file:
                file.write(key)
        time.sleep(1)
        say(subprocess.run(["dmesg"], stdout=subprocess.PIPE, text=True, check=False).stdout[-8000:])

    def processes(self):
        """Every process of bailiffd. Not by the scenarios' loop: it starts a program for each process
        of the host, which under emulation takes half a minute."""
        found = []
        for exe in glob.glob("/proc/[0-9]*/exe"):
            try:
                if os.readlink(exe).split(" ")[0] == "/usr/local/sbin/bailiffd":
                    found.append(int(exe.split("/")[2]))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def kill(self):
        for _ in range(200):
            found = self.processes()
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not found:
                return
            time.sleep(0.05)
        sys.exit("bailiffd cannot be killed")

    def anew(self):
        """As after a row that tore something away: everything is attached, everybody governed."""
        if not os.path.ismount("/sys/fs/bpf"):
            subprocess.run(["mount", "-t", "bpf", "-o", "mode=0700", "bpf", "/sys/fs/bpf"], check=True)
        self.policy()
        self.kill()
        self.on()
        for name in ("user", "root"):
            self.workers[name].tell(become=True)

    def whole(self):
        """Whether bailiffd watches, what was pinned still is, and the policy is as it was put."""
        status = subprocess.run(["timeout", "10", "bailiff", "status", "--json"],
                                stdout=subprocess.PIPE, text=True, check=False)
        same = subprocess.run(["cmp", "-s", os.path.join(table.HERE, "policy", "bailiff.yaml"),
                               os.path.join(POLICY, "bailiff.yaml")], check=False)
        return (status.returncode == 0 and json.loads(status.stdout).get("watching") is True
                and same.returncode == 0 and self.attached <= self.pinned())

    def mend(self, row):
        """After a row that damaged something; a policy is mended without a start."""
        if "policy" in row.setup:
            self.policy()
            again = subprocess.run(["timeout", "10", "bailiff", "reload"], check=False)
            if again.returncode == 0:
                return
        self.anew()

    def pinned(self):
        return set(glob.glob("/sys/fs/bpf/bailiff/v*/links/*/*"))

    def pins(self, hook):
        """The links of a program, or of those that stand in for it where `bpf` is no LSM; of one
        for cgroups, at each of them."""
        return [pin for end in ("", "@*", "_enter", "_leave", "_instead")
                for pin in glob.glob("/sys/fs/bpf/bailiff/v*/links/*/" + hook + end)]

    def detach(self, hooks):
        """Takes the links of these programs away, by name, and keeps who can put them back. Gives
        what is wrong, or None."""
        pins = [(hook, self.pins(hook)) for hook in hooks]
        missing = [hook for hook, found in pins if not found]
        if missing:
            return "no such hook: " + " ".join(missing)
        self.relink = subprocess.Popen(
            [PROGRAMS + "/relink", *(pin for _hook, found in pins for pin in found)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return None if self.relink.stdout.readline() else "the links cannot be taken away"

    def attach(self):
        self.relink.stdin.close()
        if self.relink.wait():
            sys.exit("the links cannot be put back")

    # ---- running --------------------------------------------------------------------------------

    def token(self, row, phase):
        return "bypass-%s-%s-%d" % (row.name, phase, next(self.count))

    def note(self, row, phase, token, said):
        with open(DIRECTORY + "/arrivals", encoding="utf-8", errors="replace") as file:
            arrived = [line.split()[0] for line in file if token in line]
        # the allowed host may be reached: what counts there is how, and the attempt says that
        arrived = any(not where.startswith(("allowed:", "called:")) for where in arrived)
        run = judge.Run(said["status"], arrived, said["text"], said["begun"], said["ended"])
        self.runs[row.name][phase] = run
        with open(self.work + "/runs.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"row": row.name, "phase": phase, **run._asdict()}) + "\n")
        say("%-8s %-24s %-8s %5d ms" % (phase, row.name, judge.outcome(run), run.ended - run.begun))

    def beside(self, phase, rows):
        """The same where no events are compared: each worker goes through its rows on its own."""
        alone = [row for row in rows if row.action[0] == "files.sh" or damages(row)]
        threads = [
            threading.Thread(target=self.attempts, args=(
                phase, [row for row in rows if row.who == name and row not in alone]))
            for name in self.workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.attempts(phase, alone)

    def attempts(self, phase, rows):
        for row in rows:
            if row.who in self.workers:
                token = self.token(row, phase)
                said = self.workers[row.who].run(row, token)
                for end in ("begun", "ended"):
                    said[end] += self.since_boot
                self.note(row, phase, token, said)
                # events are told apart by the millisecond
                time.sleep(0.015)
                if phase != "off" and damages(row):
                    refused = said["status"] == judge.REFUSED
                    if not (phase == "on" and refused and self.whole()):
                        self.mend(row)

    def persons(self, phase, rows):
        """Rows that take a client's whole life: beside the others, as somebody else."""
        started = []
        for row in rows:
            if row.who == "person":
                token = self.token(row, phase)
                process = subprocess.Popen(
                    [AS_USER, "alice", "BYPASS_TOKEN=" + token, *command(row.action)],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    text=True, errors="replace",
                )
                started.append((row, token, process, int(time.time() * 1000)))
        return started

    def collect(self, phase, started):
        for row, token, process, begun in started:
            text = process.communicate(timeout=150)[0]
            ended = int(time.time() * 1000)
            self.note(row, phase, token, {
                "status": process.returncode, "text": text[-4000:], "begun": begun, "ended": ended})

    def client(self, phase, rows, first=""):
        """The rows that the client's own Bash tool runs, and what else it has to start."""
        rows = [row for row in rows if row.who == "client"]
        if not rows and not first:
            return
        where = DIRECTORY + "/client"
        tokens, lines = {}, ["cd " + where, first]
        for row in rows:
            token = tokens[row.name] = self.token(row, phase)
            lines.append(
                "begun=$(date +%%s%%3N); BYPASS_TOKEN=%s %s >%s.said 2>&1; "
                "echo $? $begun $(date +%%s%%3N) >%s.status"
                % (token, shlex.join(command(row.action)), row.name, row.name))
        with open(DIRECTORY + "/client.sh", "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        key = "client-%s-%d" % (phase, next(self.count))
        done = self.scenario("client_run %s carol 'SCENARIO:bypass script=%s/client.sh'" % (key, DIRECTORY))
        say(done.stdout.strip())
        if phase != "off" and "status 0," not in done.stdout:
            # it was kept from the model
            self.stuck()
        for row in rows:
            said = {"status": 2, "text": "the client did not run it", "begun": 0, "ended": 0}
            path = "%s/%s." % (where, row.name)
            if os.path.exists(path + "status"):
                with open(path + "status", encoding="utf-8") as file:
                    status, begun, ended = (int(word) for word in file.read().split())
                with open(path + "said", encoding="utf-8", errors="replace") as file:
                    said = {"status": status, "text": file.read(4000), "begun": begun, "ended": ended + 1}
                os.unlink(path + "status")
            self.note(row, phase, tokens[row.name], said)

    # ---- the three runs -------------------------------------------------------------------------

    def off(self):
        self.policy()
        for worker in self.workers.values():
            worker.start()
        started = self.persons("off", self.rows)
        self.client("off", self.rows)
        self.beside("off", self.rows)
        self.collect("off", started)
        for name in ("user", "root"):
            self.workers[name].stop()

    def enforce(self):
        subprocess.run(["rm", "-rf", "/var/log/bailiff"], check=True)
        self.policy()
        self.on()
        # one client starts the shell that the rows are run in, and is the first of its kind here
        self.client("on", self.rows, "setsid -f /usr/bin/python3 /opt/bypass/worker.py %s/user "
                    "</dev/null >/dev/null 2>&1" % DIRECTORY)
        self.workers["root"].start("--become")
        for name in ("user", "root"):
            self.workers[name].tell(become=True)
        started = self.persons("on", self.rows)
        # what tears the agent down comes last: the rest is asked of one that was never touched
        last = [row for row in self.rows if damages(row)]
        self.attempts("on", [row for row in self.rows if row not in last])
        self.collect("on", started)
        self.attempts("on", last)

    def mutations(self):
        wanted = [row for row in self.rows if table.expectation(row, self.tags) == "refused"]
        for hooks, rows in table.groups(row for row in wanted if not damages(row)):
            self.without(hooks, rows)
        # each of these may leave little behind
        for row in wanted:
            if damages(row):
                self.without(row.hooks, [row])

    def without(self, hooks, rows):
        say("without " + " ".join(hooks))
        wrong = self.detach(hooks)
        if wrong:
            # what was never attached cannot be what refused
            now = int(time.time() * 1000)
            for row in rows:
                self.note(row, "mutated", self.token(row, "mutated"), {
                    "status": 2, "text": wrong, "begun": now, "ended": now})
            return
        before = self.starts
        started = self.persons("mutated", rows)
        self.client("mutated", rows)
        self.beside("mutated", rows)
        self.collect("mutated", started)
        if self.starts > before:
            # a new bailiffd has attached programs of its own
            self.relink.kill()
        else:
            self.attach()

    def events(self):
        # denials are told after the records that were there first
        time.sleep(2)
        with open(EVENTS, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def verdicts(self):
        events, wrong = self.events(), 0
        with open(self.work + "/rows.jsonl", "w", encoding="utf-8") as file:
            head = {"kernel": self.release, "tags": self.tags, "rows": len(self.rows)}
            file.write(json.dumps(head) + "\n")
            for row in self.rows:
                uid = ALICE if row.who == "person" else CAROL
                verdict = judge.row_verdict(row, self.runs[row.name], events, uid, self.tags)
                file.write(json.dumps(verdict) + "\n")
                wrong += not verdict["ok"]
                result(row, verdict, self.runs[row.name])
        return wrong


def result(row, verdict, runs):
    on = runs.get("on")
    detail = verdict["detail"] or "%s%s" % (
        verdict["expect"], ": " + verdict["event"][0] if verdict["event"] else "")
    if not verdict["ok"]:
        say("FAIL %s: %s" % (row.name, detail))
        for phase, run in runs.items():
            say("     %-8s status %s: %s" % (phase, run.status, run.text.strip()[:300]))
        say("     events: %s" % verdict["event"])
    with open(RESULTS, "a", encoding="utf-8") as file:
        file.write(json.dumps({
            "scenario": "bypass", "name": "%s (%d)" % (row.name, row.way), "ok": verdict["ok"],
            "skipped": False, "detail": detail, "ms": on.ended - on.begun if on else 0}) + "\n")


def main():
    work, selection = sys.argv[1], sys.argv[2:]
    run = Table(work, table.chosen(table.read(), selection))
    ended = None
    try:
        run.off()
        run.enforce()
        run.mutations()
    except SystemExit as end:
        # what was tried until then is told; what was not is no pass
        ended = end.code
        say("ended early: %s" % ended)
    sys.exit(1 if run.verdicts() or ended else 0)


if __name__ == "__main__":
    main()
