#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the engine on purpose, one place at a time, and counts which breaks the tests notice.

mutate.py [TEXT]... prints a line per break: what the tests of the broken module (unit_tests) and
those of the engine (engine_tests) say. At the end: `N breaks, N noticed, N not noticed`. The exit
code is 1 if one is not noticed, 2 if the campaign itself is wrong: a break that no longer applies
or does not build, or tests that fail without a break. With TEXTs, only breaks whose file or reason
contains one of them are tried.

  yes   a test fails, or an assertion stops the run
  hang  the tests took HANG_FACTOR times as long as without a break, and were stopped
  no    they pass
  -     the module has no tests of its own

To add a break, append an object to sim/mutations.json:
  file      a source under rtl or sw/golden
  old, new  a text that is in the file exactly once, and what replaces it; no new warnings
  reason    what is broken, in a few words
A break must change behaviour that is specified. One that is not noticed is a hole in the tests.

All happens in a copy of the sources, build/mutate/source, with a tree beside it. It has small
configurations of its own, whose models are built without optimization: building is what takes the
time. At most two jobs run at once.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = Path("build/mutate")
SOURCE = WORK / "source"
TREE = WORK / "tree"
SOURCES = ("CMakeLists.txt", "configs", "rtl", "sim", "sw", "tb")
MUTATIONS = Path("sim/mutations.json")
KEYS = {"file", "old", "new", "reason"}
UNIT, ENGINE = "unit_tests", "engine_tests"
JOBS = 2
HANG_FACTOR = 5
HANG_SECONDS = 60  # and at least this long, on a machine that does other things too

# Two engines as small as they get, that differ in the words per token.
BASE = Path("configs/pq4-d64.json")
CONFIGURATIONS = {
    "one-word": {"HeadDim": 64, "SubDim": 4, "CodeBits": 4, "WordBits": 64},
    "two-words": {"HeadDim": 64, "SubDim": 2, "CodeBits": 4, "WordBits": 64},
}
VERILATE = Path("sim/cmake/aqpim_verilate.cmake")
OPTIMIZATION = ("OPT_FAST='-O2'", "OPT_FAST='-O0'")


class CampaignError(Exception):
    pass


class BuildError(Exception):
    pass


def replace_once(text, old, new, where):
    count = text.count(old)
    if count != 1:
        raise CampaignError(f"{where}: this text must be there once, and is there {count} times: "
                            f"{old!r}")
    return text.replace(old, new)


def read_breaks():
    """All breaks. Each is checked against the copy, so that none rots silently."""
    breaks = json.loads(MUTATIONS.read_text())
    for number, entry in enumerate(breaks, 1):
        where = f"{MUTATIONS}, break {number} ({entry.get('reason', 'without a reason')})"
        if set(entry) != KEYS:
            raise CampaignError(f"{where}: its keys must be {', '.join(sorted(KEYS))}")
        path = SOURCE / entry["file"]
        if not path.is_file():
            raise CampaignError(f"{where}: there is no {entry['file']}")
        if entry["old"] == entry["new"]:
            raise CampaignError(f"{where}: it changes nothing")
        replace_once(path.read_text(), entry["old"], entry["new"], f"{where}, {entry['file']}")
    return breaks


def sources():
    """All files of the copy: path and bytes."""
    for name in SOURCES:
        for path in [Path(name), *sorted(Path(name).rglob("*"))]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path, path.read_bytes()
    for name, parameters in CONFIGURATIONS.items():
        configuration = json.loads(BASE.read_text())
        configuration["engine"] |= parameters
        yield BASE.with_stem(name), json.dumps(configuration, indent=2).encode()


def copy_sources():
    """A file that is the same already keeps its time, so that little is built again."""
    kept = set()
    for path, data in sources():
        if path == VERILATE:
            data = replace_once(data.decode(), *OPTIMIZATION, path).encode()
        copy = SOURCE / path
        kept.add(copy)
        if not copy.is_file() or copy.read_bytes() != data:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
    for copy in SOURCE.rglob("*"):
        if copy.is_file() and copy not in kept:
            copy.unlink()


@contextmanager
def broken(entry):
    """The copy is broken. RTL keeps its time: the build would make all models again."""
    path = SOURCE / entry["file"]
    intact, times = path.read_text(), path.stat()

    def write(text):
        path.write_text(text)
        if is_rtl(entry):
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    write(intact.replace(entry["old"], entry["new"]))
    try:
        yield
    finally:
        write(intact)


def is_rtl(entry):
    return entry["file"].endswith(".sv")


def run_logged(name, command, **options):
    """The exit code. The output goes to a log of this name."""
    with (WORK / f"{name}.log").open("w") as log:
        return subprocess.run(command, stdout=log, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, **options).returncode


class Tree:
    """The build tree, and which of its models were made from a broken file."""

    def __init__(self):
        self.seconds = {}     # target -> duration of its tests without a break
        self.models = []      # folders of all models
        self.stale = set()
        self.record = WORK / "stale"   # the same, for the next run if this one is stopped

    def prepare(self):
        """Builds without a break and lets the tests pass."""
        command = ["cmake", "-S", SOURCE, "-B", TREE, "-G", "Ninja",
                   f"-DAQPIM_CONFIGS={';'.join(CONFIGURATIONS)}"]
        if run_logged("configure", command) != 0:
            raise CampaignError(f"configuring failed, see {WORK}/configure.log")
        if self.record.is_file():
            self.stale = set(map(Path, self.record.read_text().split()))
        self.build(set(), [UNIT, ENGINE])
        self.models = [path for path in (TREE / "verilated").iterdir() if path.is_dir()]
        for target in (UNIT, ENGINE):
            start = time.monotonic()
            if self.test(target) != "no":
                raise CampaignError(f"{target} fails without a break, see {WORK}/{target}.log")
            self.seconds[target] = time.monotonic() - start

    def unit_models(self, entry):
        """Models of the module tests for this file."""
        if not is_rtl(entry):
            return set()
        name = re.compile(f"unit_{Path(entry['file']).stem.removeprefix('pq_')}_[0-9]+")
        return {path for path in self.models if name.fullmatch(path.name)}

    def build(self, stale, targets):
        """Builds the models of `stale` again, and those that were stale before."""
        self.record.write_text("\n".join(map(str, self.stale | stale)))
        for folder in self.stale | stale:
            shutil.rmtree(folder, ignore_errors=True)
        self.stale = stale
        command = ["cmake", "--build", TREE, "-j", str(JOBS), "--target", *targets]
        if run_logged("build", command) != 0:
            raise BuildError(f"building failed, see {WORK}/build.log")

    def test(self, target):
        """Whether the tests notice a break: yes, hang, no."""
        command = [(TREE / "tests" / target).resolve(), "--abort-after=1"]
        limit = None
        if target in self.seconds:
            limit = max(HANG_SECONDS, HANG_FACTOR * self.seconds[target])
        try:
            code = run_logged(target, command, cwd=WORK, timeout=limit)
        except subprocess.TimeoutExpired:
            return "hang"
        return "no" if code == 0 else "yes"

    def try_break(self, entry):
        """What the module tests and the engine tests say."""
        models = self.unit_models(entry)
        has_unit_tests = bool(models) or not is_rtl(entry)
        if is_rtl(entry):
            models = models | {TREE / "verilated" / name for name in CONFIGURATIONS}
        with broken(entry):
            self.build(models, [UNIT, ENGINE] if has_unit_tests else [ENGINE])
            return self.test(UNIT) if has_unit_tests else "-", self.test(ENGINE)


def run(texts):
    WORK.mkdir(parents=True, exist_ok=True)
    copy_sources()
    breaks = [entry for entry in read_breaks()
              if not texts or any(text in entry["file"] + " " + entry["reason"] for text in texts)]
    tree = Tree()
    tree.prepare()
    print("Without a break the tests pass.\n")
    print(f"{'file':<21} {'broken':<63} unit  engine", flush=True)
    counts = {"noticed": 0, "not noticed": 0, "does not build": 0}
    for entry in breaks:
        try:
            unit, engine = tree.try_break(entry)
            verdict = "noticed" if {"yes", "hang"} & {unit, engine} else "not noticed"
        except BuildError:
            unit, engine, verdict = "", "", "does not build"
        counts[verdict] += 1
        print(f"{Path(entry['file']).name:<21} {entry['reason']:<63} {unit:<5} {engine:<6} "
              f"{'' if verdict == 'noticed' else verdict}".rstrip(), flush=True)
    print(f"{len(breaks)} breaks, {counts['noticed']} noticed, {counts['not noticed']} not noticed")
    if counts["does not build"]:
        raise CampaignError(f"{counts['does not build']} breaks do not build")
    return int(counts["not noticed"] > 0)


def main():
    os.chdir(ROOT)
    try:
        return run(sys.argv[1:])
    except (CampaignError, BuildError) as error:
        print(f"mutate: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
