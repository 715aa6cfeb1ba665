#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs all tests. The last line is `N passed, N failed`; the exit code is 0 if none failed.

A suite is
  build/release/tests/*    a doctest binary: tests with RTL, and *_long_test.cpp of sw; a test case counts as one test
  build/sanitize/tests/*   other tests of sw, and of tb what has no RTL in it, under the address and undefined-behaviour sanitizers
  sim/tests/*.sh and sim/tests/*_test.py
                           a script, given build/release and build/sanitize; it counts what it says in a line
                           `N passed, N failed`, or else as one test
"""
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import interrupt
import shapes

ROOT = Path(__file__).resolve().parent.parent
RELEASE = Path("build/release")
SANITIZE = Path("build/sanitize")
LOGS = Path("build/test")
RELEASE_TESTS = ["attention_tests", "channel_tests", "engine_tests", "long_tests", "unit_tests"]
SANITIZE_TESTS = ["sw_tests"]
# `make test` takes half an hour at most, building included; a suite that hangs must not take it all.
TIMEOUT_SECONDS = 600

DOCTEST_COUNTS = re.compile(r"^\[doctest\] test cases: *\d+ \| *(\d+) passed \| *(\d+) failed", re.M)
SCRIPT_COUNTS = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)


def build():
    subprocess.run(["sim/build.sh", RELEASE.name, "aqpim", "channel_pq4-1", *RELEASE_TESTS], check=True)
    # The models are not under test here: those of the first tree are linked.
    subprocess.run(["sim/build.sh", SANITIZE.name, "-DAQPIM_SANITIZE=ON",
                    f"-DAQPIM_MODELS_FROM={ROOT / RELEASE}", "aqpim", *SANITIZE_TESTS], check=True)


def find_suites():
    """Name and command of each suite, those that take longest first."""
    scripts = [(path.stem, [sys.executable] * (path.suffix == ".py") + [str(path), str(RELEASE), str(SANITIZE)])
               for path in sorted([*Path("sim/tests").glob("*.sh"), *Path("sim/tests").glob("*_test.py")])]

    def binaries(tree, names, suffix=""):
        return [(f"{name}{suffix}", [str(tree / "tests" / name)]) for name in names]

    return binaries(SANITIZE, SANITIZE_TESTS, " (sanitizers)") + scripts + binaries(RELEASE, RELEASE_TESTS)


def run(name, command):
    """Runs a suite and prints its line, and its output if it failed. Returns the numbers passed and failed."""
    log = LOGS / (name.replace(" ", "_") + ".log")
    start = time.monotonic()
    with log.open("w") as output:
        try:
            code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                  timeout=TIMEOUT_SECONDS).returncode
        except subprocess.TimeoutExpired:
            code = f"none, stopped after {TIMEOUT_SECONDS} s"
    seconds = time.monotonic() - start
    text = log.read_text(errors="replace")
    counts = DOCTEST_COUNTS.findall(text) or SCRIPT_COUNTS.findall(text)
    passed, failed = map(int, counts[-1]) if counts else (int(code == 0), 0)
    if code != 0 and failed == 0:
        failed = 1
    report = f"{name}: {passed} passed, {failed} failed ({seconds:.0f} s)\n"
    if failed:
        report += text + f"{name}: exit code {code}, command: {' '.join(command)}\n"
    sys.stdout.write(report)
    sys.stdout.flush()
    return passed, failed


def main():
    os.chdir(ROOT)
    try:
        shapes.all_legal(shapes.load())
    except shapes.ShapeError as error:
        print(f"{error}\n0 passed, 1 failed")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    try:
        build()
    except subprocess.CalledProcessError as error:
        print(f"building failed: {' '.join(error.cmd)}")
        print("0 passed, 1 failed")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda suite: run(*suite), find_suites()))
    passed = sum(result[0] for result in results)
    failed = sum(result[1] for result in results)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
