#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One RTL module alone: sim/unit.py, ctest, waves.

    unit_test.py RELEASE_TREE SANITIZE_TREE
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FST_MAGIC = 0  # the first byte of an FST file: the type of its header block
SMALL = "pq_stored_element"
BAD = [
    ([], "unit: BLOCK must name a module, e.g. BLOCK=pq_slice (rtl/README.md lists them)"),
    (["pq_slcie"], "unit: there is no block 'pq_slcie': the nearest names are pq_slice, "),
    (["slice"], "unit: there is no block 'slice': the nearest names are pq_slice"),
    (["zzzz"], "unit: there is no block 'zzzz': rtl/README.md lists them"),
    (["../pq_slice"], "unit: there is no block '../pq_slice': the nearest names are pq_slice"),
    (["--seed=-1", SMALL], "unit: SEED must be a number from 0 to 18446744073709551615, not '-1'"),
    (["--seed=18446744073709551616", SMALL], "unit: SEED must be a number from 0 to 18446744073709551615, not "),
    (["--seed=1e3", SMALL], "unit: SEED must be a number from 0 to "),
    (["--waves=yes", SMALL], "unit: WAVES must be 0 or 1, not 'yes'"),
    (["--waves=1", "pq_channel"], "unit: pq_channel has no test of its own that leaves waves; `aqpim channel --waves` does"),
]


def unit(*arguments):
    return subprocess.run(["sim/unit.py", *arguments], cwd=ROOT, capture_output=True, text=True)


def bad_input():
    for arguments, sentence in BAD:
        result = unit(*arguments)
        complaint = result.stderr.strip()
        assert result.returncode == 2 and complaint.startswith(sentence) and "\n" not in complaint, \
            f"{arguments}: exit code {result.returncode}, {result.stderr}"


def ctest_knows_every_module(release):
    listed = subprocess.run(["ctest", "--test-dir", release, "-N"], capture_output=True, text=True).stdout
    modules = {path.stem for path in ROOT.glob("rtl/**/pq_*.sv") if not path.stem.endswith("_pkg")}
    assert modules and modules == set(re.findall(r"Test +#\d+: (\S+)", listed)), listed


def one_module_runs():
    result = unit("--seed=7", SMALL)
    assert result.returncode == 0 and "seed 7:" in result.stdout and " 0 failed" in result.stdout, result.stdout
    result = unit("--case=no such case", SMALL)
    assert result.returncode == 2 and result.stderr == f"unit: no test case of {SMALL} matches 'no such case'\n", result


def waves():
    result = unit("--waves=1", SMALL)
    files = sorted((ROOT / "build/unit" / SMALL).glob("*.fst"))
    assert result.returncode == 0 and files, result.stdout
    assert f"{len(files)} files of waves in build/unit/{SMALL}" in result.stdout, result.stdout
    for path in files:
        assert path.name.startswith(f"{SMALL}-") and path.read_bytes()[0] == FST_MAGIC, path


def main():
    release = sys.argv[1]
    bad_input()
    ctest_knows_every_module(release)
    one_module_runs()
    waves()


if __name__ == "__main__":
    main()
