#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Print docs/verifier.md from what the scenario `verifier` left.

usage: verifier.py PROGRAMS.JSON…
"""

import json
import sys

LIMIT = 200000
HEAD = """# Verified instructions

Made by `make verifier-table` from runs of the scenario `verifier`; do not edit. For each program the
number of instructions that the kernel's verifier looked at before it took the program
(`bpf_prog_info.verified_insns`), as `bailiff status --json` shows it too. The kernel refuses at one
million; the scenario fails at {limit:,}.

`fmod_ret` is a kernel without `bpf` in `lsm=` ([posture.md](posture.md)); programs whose name ends in
`_enter`, `_leave` or `_instead` are loaded there only, in place of the one that they are named after.
"""


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    runs = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            run = json.load(file)
        title = run["kernel"] + (", " + run["means"] if run["means"] else "")
        runs[title] = {p["name"]: p["instructions"] for p in run["programs"]}
    titles = sorted(runs)
    names = sorted({name for run in runs.values() for name in run})
    print(HEAD.format(limit=LIMIT))
    print("| program | " + " | ".join(titles) + " |")
    print("|---|" + "---:|" * len(titles))
    for name in names:
        cells = (f"{runs[t][name]:,}" if name in runs[t] else "" for t in titles)
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    largest = (f"{max(runs[t].values()):,}" for t in titles)
    print("| **largest** | " + " | ".join(largest) + " |")


if __name__ == "__main__":
    main()
