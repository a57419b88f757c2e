#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `bailiff locate` over published releases of the client, checks each answer against another
disassembler, and writes the table of results into the documentation.

What is checked does not use the method under test: llvm-objdump must see an aligned function start
behind padding, every return that is listed and no other, and the calls between the functions."""

import argparse
import base64
import hashlib
import json
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tarfile
import tempfile
import time

BEGIN, END = "<!-- corpus: begin -->", "<!-- corpus: end -->"
ROLES = ("write", "read", "handshake")
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
CALLS = {"call", "callq", "jmp", "bl", "b"}
RETURNS = {"ret", "retq", "repz", "retaa", "retab"}


class Failure(Exception):
    pass


def releases(path):
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            version, package, integrity, *proven = line.split("\t")
            yield version, package, integrity, [int(p, 16) for p in proven]


def tarball(cache, package, version, integrity):
    """The package, from the cache or npm; its digest is checked either way."""
    name = package.lstrip("@").replace("/", "-") + f"-{version}.tgz"
    path = cache / name
    if not path.exists():
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", ".", f"{package}@{version}"],
                       cwd=cache, check=True, stdout=subprocess.DEVNULL)
    algorithm, _, want = integrity.partition("-")
    digest = hashlib.new(algorithm)
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    if base64.b64encode(digest.digest()).decode() != want:
        path.unlink()
        raise Failure(f"{name} does not have the integrity that is pinned")
    return path


def extract(path, into):
    """Only the program; no name of the archive is used as a path."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and member.name in ("package/claude", "package/bin/claude.exe"):
                out = into / "client"
                with tar.extractfile(member) as source, out.open("wb") as target:
                    while block := source.read(1 << 20):
                        target.write(block)
                return out
    raise Failure("no program in the package")


class Elf:
    """Just the loadable segments, read without the locator's parser."""

    def __init__(self, path):
        self.file = path.open("rb")
        head = self.file.read(64)
        offset, = struct.unpack_from("<Q", head, 32)
        size, number = struct.unpack_from("<HH", head, 54)
        self.type, self.machine = struct.unpack_from("<HH", head, 16)
        self.file.seek(offset)
        table = self.file.read(size * number)
        self.loads = []
        for i in range(number):
            kind, flags, off, vaddr, _, filesz = struct.unpack_from("<IIQQQQ", table, i * size)
            if kind == 1:
                self.loads.append((vaddr, off, filesz, flags))

    def offset(self, vaddr):
        for start, off, size, _ in self.loads:
            if start <= vaddr < start + size:
                return off + vaddr - start
        raise Failure(f"{vaddr:#x} is in no segment")

    def read(self, vaddr, n):
        self.file.seek(self.offset(vaddr))
        return self.file.read(n)


def disassemble(path, start, size):
    out = subprocess.run(["llvm-objdump", "-d", "--no-show-raw-insn", f"--start-address={start:#x}",
                          f"--stop-address={start + size:#x}", str(path)],
                         check=True, capture_output=True, text=True).stdout
    return [(int(m[1], 16), m[2], m[3]) for m in map(LINE.match, out.splitlines()) if m]


def called(code):
    targets = set()
    for _, mnemonic, operands in code:
        m = re.match(r"(?:0x)?([0-9a-f]+)(?:\s|$)", operands)
        if mnemonic in CALLS and m:
            targets.add(int(m[1], 16))
    return targets


def check_start(elf, address):
    if address % 16:
        raise Failure(f"{address:#x} is not aligned as a function")
    if elf.machine == 62:
        before = elf.read(address - 1, 1)[0]
        back = elf.read(address - 5, 5)
        if before not in (0xCC, 0xC3, 0x90, 0x00) and back[0] != 0xE9 and back[3] != 0xEB:
            raise Failure(f"the byte before {address:#x} is {before:#x}: no padding, no end")
    else:
        word, = struct.unpack("<I", elf.read(address - 4, 4))
        ends = (word in (0, 0xD503201F) or word >> 26 == 5 or word & 0xFFFFFC1F == 0xD65F0000
                or word & 0xFFFFFC1F == 0xD61F0000 or word & 0xFFE0001F == 0xD4200000
                or word >> 26 == 0x25)
        if not ends:
            raise Failure(f"the word before {address:#x} is {word:#x}: no padding, no end")


def check(path, got, proven):
    elf = Elf(path)
    functions = {role: got["functions"][role] for role in ROLES}
    address = {role: int(f["address"], 16) for role, f in functions.items()}
    body = int(got["read_body"], 16)
    if len({*address.values(), body}) != 4:
        raise Failure("two roles have one address")
    name = elf.read(int(got["source_string"], 16), 256).split(b"\0")[0]
    if not name.endswith(b"ssl/ssl_lib.cc"):
        raise Failure("the string is not the name of BoringSSL's source file")
    code = {}
    for role, f in functions.items():
        check_start(elf, address[role])
        if elf.offset(address[role]) != int(f["offset"], 16):
            raise Failure(f"{role}: the file offset is wrong")
        code[role] = disassemble(path, address[role], f["size"])
        seen = {elf.offset(a) for a, mnemonic, _ in code[role] if mnemonic in RETURNS}
        told = {int(r, 16) for r in f["returns"]}
        if role != "handshake" and (not told or told != seen):
            raise Failure(f"{role}: returns {sorted(map(hex, told))}, llvm-objdump sees "
                          f"{sorted(map(hex, seen))}")
    check_start(elf, body)
    if address["handshake"] not in called(code["write"]):
        raise Failure("write does not call handshake")
    if body not in called(code["read"]):
        raise Failure("read does not call its body")
    if address["handshake"] not in called(disassemble(path, body, 0x600)):
        raise Failure("the body of read does not call handshake")
    if proven and proven != [address["write"], address["read"]]:
        raise Failure("not the addresses that were proven on the running client")


def locate(bailiff, path, times):
    """The answer, and how long each run of the whole command took, the shortest first."""
    took = []
    for _ in range(times):
        start = time.monotonic()
        run = subprocess.run([bailiff, "locate", "--json", str(path)], capture_output=True,
                             text=True, check=False)
        took.append(time.monotonic() - start)
    got = json.loads(run.stdout)
    if run.returncode or not got["located"]:
        raise Failure(f"exit {run.returncode}: {got.get('why')}")
    return got, sorted(took)


def row(version, package, got):
    f = got["functions"]
    system = package.split("claude-code-")[1]
    reasons = ",".join(map(str, f["write"]["reasons"]))
    returns = f'{len(f["write"]["returns"])}, {len(f["read"]["returns"])}'
    return (f'| {version} | {system} | {got["build_id"][:12]} | {f["write"]["address"]} | '
            f'{f["read"]["address"]} | {got["read_body"]} | {f["handshake"]["address"]} | '
            f'{returns} | {reasons} |')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bailiff", required=True)
    parser.add_argument("--cache", type=pathlib.Path)
    parser.add_argument("--releases", type=pathlib.Path)
    parser.add_argument("--time", metavar="FILE", help="only time ten runs over this file")
    parser.add_argument("--table", type=pathlib.Path, help="file with the markers of the table")
    args = parser.parse_args()
    if args.time:
        took = locate(args.bailiff, args.time, 10)[1]
        print(f"best {took[0] * 1000:.1f} ms, median {statistics.median(took) * 1000:.1f} ms")
        return 0
    if not args.cache or not args.releases:
        parser.error("--cache and --releases, or --time")
    args.cache.mkdir(parents=True, exist_ok=True)
    rows, failed = [], 0
    for version, package, integrity, proven in releases(args.releases):
        label = f"{version} {package.split('claude-code-')[1]}"
        try:
            path = tarball(args.cache, package, version, integrity)
            with tempfile.TemporaryDirectory(dir=args.cache) as work:
                program = extract(path, pathlib.Path(work))
                got, took = locate(args.bailiff, program, 5)
                check(program, got, proven)
        except (Failure, subprocess.CalledProcessError, OSError) as e:
            failed += 1
            print(f"  FAIL     {label}: {e}")
            continue
        rows.append(row(version, package, got))
        print(f"  PASS     {label:26} write {got['functions']['write']['address']:>10} read "
              f"{got['functions']['read']['address']:>10} {took[0] * 1000:6.0f} ms")
    print(f"  corpus: {len(rows)} located, {failed} failed")
    if args.table and args.table.exists() and not failed:
        text = args.table.read_text()
        head, rest = text.split(BEGIN)[0], text.split(END)[1]
        title = ("| release | system | build-id | SSL_write | SSL_read | its body | "
                 "SSL_do_handshake | returns of write, read | reasons of SSL_write |\n"
                 "|---|---|---|---|---|---|---|---|---|\n")
        args.table.write_text(head + BEGIN + "\n" + title + "\n".join(rows) + "\n" + END + rest)
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
