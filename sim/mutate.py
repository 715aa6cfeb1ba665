#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the RTL and the golden model on purpose, one place at a time, and counts which breaks the tests notice.

mutate.py [TEXT]... prints a line per break: what each group of tests says. At the end: `N breaks, N noticed, N not
noticed`. The exit code is 1 if one is not noticed, 2 if the campaign itself is wrong: a break whose text is no longer in
its source, or that does not build, or tests that fail without a break. With TEXTs, only breaks whose file or reason
contains one of them are tried.

  yes   a test fails, or an assertion stops the run
  hang  the tests took HANG_FACTOR times as long as without a break, and were stopped
  no    they pass
  -     not tried: another group has noticed the break before, or there is no such group

The groups: `module`, tests of the broken module alone, or of all modules if the golden model is broken (tb/unit);
`engine`, tests of the whole engine (tb/engine, and tb/unit/engine_test.cpp).

To add a break, append an object to sim/mutations.json:
  file      a source under rtl or sw/golden, no header
  old, new  a text that is in the file exactly once, and what replaces it; ports stay as they are
  reason    what is broken, in a few words
A break must change behaviour that is specified. One that is not noticed is a hole in the tests.

The intact sources are built once, in build/mutate/tree, with small configurations of their own whose models are not
optimized: building is what takes the time. For a break, only the broken source and the models made from it are built
again, beside the tree, and linked in front of the intact ones. JOBS breaks are tried at once.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import interrupt

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/mutate"
CONFIGS = WORK / "configs"
TREE = WORK / "tree"
MUTATIONS = Path("sim/mutations.json")
KEYS = {"file", "old", "new", "reason"}
JOBS = os.cpu_count() or 1
HANG_FACTOR = 5
HANG_SECONDS = 60  # and at least this long, on a machine that does other things too

# Two engines as small as they get, that differ in the words per token and the tokens side by side in CLUSTER.
BASE = Path("configs/pq4-d64.json")
CONFIGURATIONS = {
    "one-word": {"HeadDim": 64, "SubDim": 4, "CodeBits": 4, "WordBits": 64},
    "two-words": {"HeadDim": 64, "SubDim": 4, "CodeBits": 8, "WordBits": 64},
}


# Parts of a module whose test knows what they do together.
WITHIN = {"bus_arbiter": "bus", "bus_ask": "bus", "bus_data": "bus"}


class CampaignError(Exception):
    pass


class BuildError(Exception):
    pass


class Break:
    """One entry of the list."""

    def __init__(self, number, entry):
        where = f"{MUTATIONS}, break {number} ({entry.get('reason', 'without a reason')})"
        if set(entry) != KEYS:
            raise CampaignError(f"{where}: its keys must be {', '.join(sorted(KEYS))}")
        self.source = ROOT / entry["file"]
        if not self.source.is_file() or self.source.suffix not in (".sv", ".cpp"):
            raise CampaignError(f"{where}: {entry['file']} is no .sv or .cpp file")
        if entry["old"] == entry["new"]:
            raise CampaignError(f"{where}: it changes nothing")
        text = self.source.read_text()
        count = text.count(entry["old"])
        if count != 1:
            raise CampaignError(f"{where}: this text must be in {entry['file']} once, and is there {count} times: "
                                f"{entry['old']!r}")
        self.text = text.replace(entry["old"], entry["new"])
        self.file, self.reason = entry["file"], entry["reason"]
        self.folder = WORK / f"break{number}"
        self.is_rtl = self.source.suffix == ".sv"
        self.module = self.source.stem.removeprefix("pq_")


def read_breaks():
    """All breaks; each is checked, so that none rots silently."""
    breaks, complaints = [], []
    for number, entry in enumerate(json.loads(MUTATIONS.read_text()), 1):
        try:
            breaks.append(Break(number, entry))
        except CampaignError as error:
            complaints.append(str(error))
    if complaints:
        raise CampaignError("\nmutate: ".join(complaints))
    return breaks


def run_logged(log, command, **options):
    """The exit code; the output goes to the log."""
    with log.open("w") as output:
        return subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              **options).returncode


class Tree:
    """The build of the intact sources, and its commands."""

    TESTS = ("unit_tests", "engine_tests")

    def __init__(self):
        self.seconds = {}    # name of a test run -> duration without a break
        self.commands = {}   # target -> all commands that make it, in order

    def build(self):
        CONFIGS.mkdir(parents=True, exist_ok=True)
        base = json.loads(BASE.read_text())
        for name, parameters in CONFIGURATIONS.items():
            path = CONFIGS / f"{name}.json"
            text = json.dumps(base | {"engine": base["engine"] | parameters}, indent=2)
            if not path.is_file() or path.read_text() != text:
                path.write_text(text)
        command = ["sim/build.sh", str(TREE.relative_to(ROOT / "build")), f"-DAQPIM_CONFIG_FOLDER={CONFIGS}",
                   "-DAQPIM_MODEL_OPTIMIZATION=-O0", *self.TESTS]
        if run_logged(WORK / "build.log", command) != 0:
            raise CampaignError(f"building failed, see {WORK}/build.log")
        for target in self.TESTS:
            self.commands[target] = subprocess.run(["ninja", "-C", TREE, "-t", "commands", target], check=True,
                                                   capture_output=True, text=True).stdout.splitlines()

    def try_tests(self):
        """The tests must pass, and show how long they take."""
        for run in map(Run, self.TESTS):
            start = time.monotonic()
            if run.verdict(TREE / "tests" / run.target, WORK / f"{run.target}.log", None) != "no":
                raise CampaignError(f"{run.target} fails without a break, see {WORK}/{run.target}.log")
            self.seconds[run.target] = time.monotonic() - start

    def models(self, target, pattern):
        """Folders of the models of a target whose names match."""
        folders = (Path(name) for command in self.commands[target]
                   for name in re.findall(r" --Mdir (\S+)", command))
        return sorted(folder for folder in folders if re.fullmatch(pattern, folder.name))

    def command(self, target, text):
        """The one command of a target that contains this text."""
        found = [command for command in self.commands[target] if text in command]
        if len(found) != 1:
            raise CampaignError(f"{target} has {len(found)} commands with {text!r}, not one")
        return found[0]


class Run:
    """A test program, all of it or the tests of some files."""

    def __init__(self, target, files=None):
        self.target = target
        self.options = [f"--source-file={files}"] if files else []

    def verdict(self, program, log, limit):
        try:
            code = run_logged(log, [program, "--abort-after=1", *self.options], cwd=log.parent, timeout=limit)
        except subprocess.TimeoutExpired:
            return "hang"
        return "no" if code == 0 else "yes"


class Attempt:
    """A break, built beside the tree."""

    def __init__(self, tree, entry):
        self.tree, self.entry, self.folder = tree, entry, entry.folder
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.broken = self.folder / entry.source.name
        self.broken.write_text(entry.text)

    def shell(self, name, command):
        if run_logged(self.folder / f"{name}.log", command, shell=True, cwd=TREE) != 0:
            raise BuildError(f"building failed, see {self.folder}/{name}.log")

    def verilate(self, target, model):
        """Makes a model from the broken source; returns its archive."""
        copy = self.folder / model.name
        command = self.tree.command(target, f" --Mdir {model} ")
        command = command.replace(str(model), str(copy)).replace(str(self.entry.source), str(self.broken))
        # Modules are searched in the order of the folders; a break may leave signals without use.
        command = command.replace(" --cc ", f" --cc -Wno-fatal -I{self.folder} ")
        self.shell(model.name, command)
        self.shell(f"{model.name}.make", self.tree.command(target, f" -C {model} ").replace(str(model), str(copy)))
        return next(copy.glob("*__ALL.a"))

    def compile(self, target, source, changes):
        """Compiles a C++ source of the target with changed paths; returns the object."""
        command = self.tree.command(target, f" -c {source}")
        intact = re.search(r" -o (\S+)", command).group(1)
        copy = self.folder / f"{Path(intact).name}"
        command = command.replace(f" -c {source}", f" -c {changes.pop(source, source)}")
        for old, new in changes.items():
            command = command.replace(str(old), str(new))
        self.shell(copy.name, command.replace(intact, str(copy)))
        return copy

    def link(self, target, parts):
        """Links the target with these parts in front of all libraries."""
        program = self.folder / target
        command = self.tree.commands[target][-1]
        output = f" -o tests/{target} "
        if output not in command:
            raise CampaignError(f"the last command of {target} does not link it")
        self.shell(f"link_{target}", command.replace(output, f" -o {program} {shlex.join(map(str, parts))} "))
        return program

    def unit(self, module):
        """The tests of a module, and the parts to link: its models. No parts if there are no such tests."""
        return (Run("unit_tests", f"*/tb/unit/{module}_test.cpp"),
                [self.verilate("unit_tests", model)
                 for model in self.tree.models("unit_tests", f"unit_{module}_[0-9]+")])

    def module_tests(self):
        """Runs of the module tests, each with the parts to link."""
        if not self.entry.is_rtl:
            yield Run("unit_tests"), [self.compile("unit_tests", self.entry.source, {self.entry.source: self.broken})]
        elif self.entry.module != "engine":
            yield self.unit(self.entry.module)
            if self.entry.module in WITHIN:
                yield self.unit(WITHIN[self.entry.module])

    def engine_tests(self):
        """The same of the engine tests."""
        if not self.entry.is_rtl:
            yield Run("engine_tests"), [self.compile("engine_tests", self.entry.source,
                                                     {self.entry.source: self.broken})]
            return
        parts = []
        for model in self.tree.models("engine_tests", "|".join(CONFIGURATIONS)):
            archive = self.verilate("engine_tests", model)
            adapter = TREE / f"generated/tb/engine/model_{archive.name.removesuffix('__ALL.a')}.cpp"
            # The adapter first: the linker takes from an archive what is missing so far.
            parts += [self.compile("engine_tests", adapter, {model: self.folder / model.name}), archive]
            yield Run("engine_tests"), parts
        yield self.unit("engine")

    def judge(self):
        """What the groups say: module, engine. Later tests are built only if the earlier ones notice nothing."""
        groups = {"module": self.module_tests, "engine": self.engine_tests}
        verdicts = dict.fromkeys(groups, "-")
        for group, tests in groups.items():
            for run, parts in filter(lambda test: test[1], tests()):
                program = self.link(run.target, parts)
                limit = max(HANG_SECONDS, HANG_FACTOR * self.tree.seconds[run.target])
                verdicts[group] = run.verdict(program, self.folder / f"{run.target}.log", limit)
                if verdicts[group] != "no":
                    return verdicts
        return verdicts


def try_break(tree, entry):
    """The verdicts, or the sentence that says why there are none."""
    try:
        attempt = Attempt(tree, entry)
        verdicts = attempt.judge()
    except BuildError as error:
        return None, str(error)
    if {"yes", "hang"} & set(verdicts.values()):
        shutil.rmtree(entry.folder)
    return verdicts, ""


def run(texts):
    start = time.monotonic()
    breaks = [entry for entry in read_breaks()
              if not texts or any(text in entry.file + " " + entry.reason for text in texts)]
    tree = Tree()
    tree.build()
    tree.try_tests()
    print(f"Without a break the tests pass ({time.monotonic() - start:.0f} s).\n")
    print(f"{'file':<21} {'broken':<70} module engine", flush=True)
    counts = {"noticed": 0, "not noticed": 0, "does not build": 0}
    with ThreadPoolExecutor(JOBS) as pool:
        for entry, (verdicts, complaint) in zip(breaks, pool.map(lambda entry: try_break(tree, entry), breaks)):
            if verdicts is None:
                outcome = "does not build"
            else:
                outcome = "noticed" if {"yes", "hang"} & set(verdicts.values()) else "not noticed"
            counts[outcome] += 1
            said = f"{verdicts['module']:<6} {verdicts['engine']:<6}" if verdicts else complaint
            print(f"{entry.source.name:<21} {entry.reason:<70} {said} "
                  f"{'' if outcome == 'noticed' else outcome}".rstrip(), flush=True)
    print(f"{len(breaks)} breaks, {counts['noticed']} noticed, {counts['not noticed']} not noticed "
          f"({time.monotonic() - start:.0f} s)")
    if counts["does not build"]:
        raise CampaignError(f"{counts['does not build']} breaks do not build")
    return int(counts["not noticed"] > 0)


def main():
    os.chdir(ROOT)
    try:
        return run(sys.argv[1:])
    except CampaignError as error:
        print(f"mutate: {error}")
        return 2


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
