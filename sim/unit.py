#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs the test of one RTL module.

    unit.py BLOCK [--seed SEED] [--waves 1] [--case PATTERN]

BLOCK is the name of a module, e.g. pq_slice (rtl/README.md lists them). --waves 1: each bench of the test leaves
build/unit/BLOCK/TEST-CASE.N.fst. --case: only the test cases whose names match, e.g. '*gaps*'. Exit codes: 0 all passed,
1 a failure, 2 bad input.
"""
import argparse
import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

import interrupt
import tools

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = "rtl/README.md"
LARGEST_SEED = 2**64 - 1
# Modules without a test program of their own: the program that plays them with their neighbours, and its test cases.
WHOLE = {"pq_channel": ("channel_tests", "*flat pq_channel*"),
         "pq_sequencer": ("channel_tests", "*constrained-random programs*")}
# A module that only wires others: the module around it, whose test is its own, too.
PLAYED_BY = {"pq_datapath": "pq_engine"}


class BadInput(Exception):
    pass


def modules():
    """The file of each RTL module, by name; a package is none."""
    return {path.stem: path for path in tools.rtl_files() if path.stem != "pq_pkg"}


def test_source(block):
    """The file with the tests of a module."""
    name = PLAYED_BY.get(block, block).removeprefix("pq_")
    return ROOT / ("tb/channel/channel_test.cpp" if block in WHOLE else f"tb/unit/{name}_test.cpp")


def check(arguments):
    if not arguments.block:
        raise BadInput(f"BLOCK must name a module, e.g. BLOCK=pq_slice ({CATALOGUE} lists them)")
    names = list(modules())
    if arguments.block not in names:
        nearest = difflib.get_close_matches(arguments.block, names, n=3, cutoff=0.5)
        hint = f"the nearest names are {', '.join(nearest)}" if nearest else f"{CATALOGUE} lists them"
        raise BadInput(f"there is no block {arguments.block!r}: {hint}")
    if arguments.seed and not (arguments.seed.isascii() and arguments.seed.isdigit()
                               and int(arguments.seed) <= LARGEST_SEED):
        raise BadInput(f"SEED must be a number from 0 to {LARGEST_SEED}, not {arguments.seed!r}")
    if arguments.waves not in ("", "0", "1"):
        raise BadInput(f"WAVES must be 0 or 1, not {arguments.waves!r}")
    if arguments.waves == "1" and arguments.block in WHOLE:
        raise BadInput(f"{arguments.block} has no test of its own that leaves waves; `aqpim channel --waves` does")


def run(arguments):
    block, waves = arguments.block, arguments.waves == "1"
    if block in WHOLE:
        target, case = WHOLE[block]
        program = Path(target)
    else:
        target, case = f"unit_{PLAYED_BY.get(block, block).removeprefix('pq_')}", ""
        program = Path("unit") / target
    # Waves make models slower to compile: they have a tree of their own.
    tree = ["traced", "-DAQPIM_UNIT_WAVES=ON"] if waves else ["release"]
    if subprocess.run(["sim/build.sh", *tree, target]).returncode != 0:
        return 1
    environment = dict(os.environ)
    if arguments.seed:
        environment["AQPIM_SEED"] = arguments.seed
    folder = Path("build/unit") / block
    if waves:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.fst"):
            old.unlink()
        environment["AQPIM_WAVES"] = str(folder)
    command = [str(Path("build") / tree[0] / "tests" / program), f"--test-case={arguments.case or case or '*'}"]
    counted = subprocess.run([*command, "--count"], env=environment, stdout=subprocess.PIPE, text=True).stdout
    if re.search(r"filters: 0$", counted, re.M):
        raise BadInput(f"no test case of {block} matches {arguments.case!r}")
    code = subprocess.run(command, env=environment).returncode
    if waves:
        print(f"{len(list(folder.glob('*.fst')))} files of waves in {folder}")
    return int(code != 0)


def main():
    parser = argparse.ArgumentParser(description="Builds and runs the test of one RTL module.")
    parser.add_argument("block", nargs="?", default="")
    parser.add_argument("--seed", default="")
    parser.add_argument("--waves", default="")
    parser.add_argument("--case", default="")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    try:
        check(arguments)
        return run(arguments)
    except BadInput as error:
        print(f"unit: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
