#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What make does with variables: unknown ones are refused, and values reach the commands as they are.

    makefile_test.py RELEASE_TREE SANITIZE_TREE

Recipes are printed, not run.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}


def make(*arguments, **environment):
    return subprocess.run(["make", "-n", *arguments], capture_output=True, text=True, env=ENVIRONMENT | environment)


def commands(output):
    """The words of each command that would be run."""
    return [shlex.split(line) for line in output.replace("\\\n", " ").splitlines()]


def value(words, option):
    return words[words.index(f"--{option}") + 1] if f"--{option}" in words else None


class Checker:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, what, good, detail):
        self.passed += bool(good)
        if not good:
            self.failed += 1
            print(f"{what}: {detail}")

    def refused(self, part, *arguments):
        result = make(*arguments)
        good = result.returncode == 2 and part in result.stderr and result.stderr.count("\n") == 1 and not result.stdout
        self.check(" ".join(arguments), good, result)


def check_unknown(checker):
    for name, nearest in {"CONFGI": "CONFIG", "CONFIGS": "CONFIG", "workload": "WORKLOAD", "QUERY": "QUERIES",
                          "HEAD": "HEADS", "BANKS_PER_ENGINES": "BANKS_PER_ENGINE", "LIBS": "LIB"}.items():
        checker.refused(f"there is no variable {name}; the nearest is {nearest}.", "sim", f"{name}=pq8")
    checker.refused("there is no variable X; there are WORKLOAD, CONFIG", "help", "X=1")
    checker.refused("there is no variable it's; there are", "help", "it's=1")
    checker.refused("make channel does not take BANKS_PER_ENGINE, but CONFIG HEADS MEMORY ", "channel", "BANKS_PER_ENGINE=2")
    checker.refused("make lint test does not take CONFIG, but no option", "lint", "test", "CONFIG=pq4")
    checker.refused("QUERIES_FIRST must be 0 or 1, not no", "sim", "QUERIES_FIRST=no")
    for arguments in (["area", "lint", "LIB=x"], ["sim", "YOSYS=y", "QUERIES_FIRST=0"], ["CONFIG=pq4"]):
        result = make(*arguments)
        checker.check(" ".join(arguments), result.returncode == 0, result)
    result = make("sim", LIB="x")
    checker.check("an option of others in the environment", result.returncode == 0, result)
    checker.refused("OUT has more than one line", "sim", "OUT=a\ntouch b")
    for name in ("AUTO_DEPS=0", "JOBS=1", "CCACHE_DIR=/tmp", "CXX=g++", "PYTHON=python3", "AQPIM_QUALITY=x"):
        result = make("help", name)
        checker.check(name, result.returncode == 0, result)
    for name in re.findall(r"^([A-Z_]+) *\?=", Path("Makefile").read_text(), re.M):
        result = make("help", f"{name}=1")
        checker.check(f"{name}, an option", result.returncode == 0, result)


def check_checkout(checker):
    with tempfile.TemporaryDirectory(prefix="a blank ") as folder:
        result = make("-C", folder, "-f", str(Path("Makefile").resolve()), "sim")
        good = result.returncode == 2 and f"the path of this checkout has a blank, which the tools do not take: {folder}" in result.stderr
        checker.check("a checkout with a blank in its path", good, result)


def check_values(checker):
    odd = "it's  a \"b\" `touch c`; $(touch d) $HOME $$ #%\\*,-=x"
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{odd}"
        for environment, given in (({}, [f"WORKLOAD={path}", f"OUT={path}", f"PAGE={path}/page.md"]),
                                   ({"WORKLOAD": path, "OUT": path, "PAGE": f"{path}/page.md"}, [])):
            *_, accuracy, copy = commands(make("accuracy", *given, **environment).stdout)
            got = [value(accuracy, option) for option in ("workloads", "out", "page")]
            checker.check("accuracy", got == [path, path, f"{path}/page.md"], accuracy)
            checker.check("pictures", copy[:2] == ["cp", f"{path}/error_*.png"], copy)
        *_, sim = commands(make("sim", f"WORKLOAD={path}", f"HEADS={odd}", "SEED=$x", "QUERIES_FIRST=1", "PREFILL=9").stdout)
        got = [value(sim, option) for option in ("workloads", "seed", "prefill")]
        checker.check("sim", got == [path, "$x", "9"] and "--queries-first" in sim, sim)
        *_, channel = commands(make("channel", f"WORKLOAD={path}").stdout)
        checker.check("channel", value(channel, "workload") == path, channel)
        *_, area = commands(make("area", f"LIB={path}", f"TOP={odd}").stdout)
        checker.check("area", value(area, "lib") == path, area)
        *_, regress = commands(make("regress", f"ITERATIONS={odd}", f"SEED={odd}").stdout)
        checker.check("regress", {f"AQPIM_ITERATIONS={odd}", f"AQPIM_SEED={odd}"} < set(regress), regress)
        checker.check("nothing was run", not os.listdir(folder) and not Path("d").exists(), os.listdir(folder))
    *_, sim = commands(make("sim", "CONFIG=pq8 pq4", "HEADS=l0.h0, l0.h1").stdout)
    checker.check("lists", (value(sim, "config"), value(sim, "heads")) == ("pq8,pq4", "l0.h0,l0.h1"), sim)
    for measure, models in {"": True, "some": True, "all": True, "none": False, "nope": False}.items():
        built = make("compare", "CONFIG=pq4", f"MEASURE={measure}").stdout
        checker.check(f"models of compare {measure}", ("channels_pq4" in built) == models, built)
    *_, build, _ = commands(make("channel", "CONFIG=pq4,../x").stdout)
    *_, versions = commands(make("compare-verilators", "VERILATORS=5.32.0 a;b").stdout)
    checker.check("versions", versions[-2:] == ["5.32.0", "a;b"], versions)
    checker.check("models", build[2:] == ["aqpim", "channel_pq4-1"], build)


def main():
    checker = Checker()
    check_unknown(checker)
    check_checkout(checker)
    check_values(checker)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return int(checker.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
