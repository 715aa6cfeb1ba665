#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Proves with Yosys and z3 what docs/attend.md, "Why no bucket overflows", rests on: prove.py [--rtl FOLDER] [NAME]...

A line per harness (of the NAMEs, or all), `proved` or `NOT PROVED` with the assertion that fails; a trace of the
failure lies beside the log in build/formal. The exit code is 0 if all are proved, 1 if one is not, 2 if a tool fails.
The variable YOSYS names another Yosys; yosys-smtbmc and z3 are those of the PATH.
"""
import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "sim"))
import tools  # noqa: E402

BUILD = Path("build/formal")   # from the root of the repository, where all tools run
SOURCES = ("common/pq_pkg.sv", "common/pq_round_saturate.sv", "engine/pq_exp2.sv", "attend/pq_attend_weight_sum.sv")

# Name, top module in formal/, its parameters, steps from reset, and whether induction takes it from there. Without induction
# the outputs depend on the last steps only.
HARNESSES = (
    ("weight_rounding", "weight_rounding", {}, 6, False),
    ("weight_sum", "weight_sum", {"Slots": 1}, 8, True),
    ("weight_sum, two tokens at a time", "weight_sum", {"Slots": 2}, 8, True),
)


class ToolError(Exception):
    pass


def run(command, log):
    """The exit code and the output, which goes to the log, too."""
    try:
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=ROOT)
    except FileNotFoundError:
        raise ToolError(f"{command[0]} is not installed") from None
    (ROOT / log).write_text(done.stdout)
    return done.returncode, done.stdout


def translate(rtl, top, parameters, stem):
    """The harness and what it instantiates, in SMT-LIB."""
    files = " ".join(str(path) for path in [*(rtl / source for source in SOURCES), Path("formal") / f"{top}.sv"])
    chparam = "".join(f"chparam -set {key} {value} {top}; " for key, value in parameters.items())
    smt = BUILD / f"{stem}.smt2"
    script = (f"read_verilog -formal -sv -I{rtl}/common {files}; {chparam}prep -top {top} -flatten; async2sync; dffunmap; "
              f"write_smt2 -wires {smt}")
    code, text = run([*tools.command("yosys"), "-Q", "-p", script], BUILD / f"{stem}.yosys.log")
    if code:
        raise ToolError(f"yosys failed: {(re.findall('^ERROR.*', text, re.M) or ['no message'])[0]}")
    return smt


def failure(smt, stem, steps, induction):
    """The assertion that does not hold, or nothing."""
    for mode in ([], ["-i"]) if induction else ([],):
        name = f"{stem}{''.join(mode)}"
        code, text = run(["yosys-smtbmc", "-s", "z3", "-t", steps, *mode, "--dump-vcd", BUILD / f"{name}.vcd", smt],
                         BUILD / f"{name}.log")
        if "Status: PASSED" not in text:
            failed = re.findall(r"Assert failed in (.*)", text)
            if not failed and "Status: FAILED" not in text:
                raise ToolError(f"yosys-smtbmc failed with exit code {code}, see {BUILD}/{name}.log")
            return failed[0] if failed else "induction"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rtl", default="rtl", type=Path, help="folder of the RTL, absolute (default: rtl)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="harnesses (default: all)")
    arguments = parser.parse_args()
    (ROOT / BUILD).mkdir(parents=True, exist_ok=True)
    proved = True
    try:
        for name, top, parameters, steps, induction in HARNESSES:
            if arguments.names and name not in arguments.names:
                continue
            start = time.monotonic()
            stem = re.sub(r"\W+", "_", name)
            failed = failure(translate(arguments.rtl, top, parameters, stem), stem, steps, induction)
            proved = proved and not failed
            print(f"{'NOT PROVED' if failed else 'proved'}  {name} ({time.monotonic() - start:.0f} s)"
                  f"{': ' + failed if failed else ''}", flush=True)
    except ToolError as error:
        print(f"prove: {error}", file=sys.stderr)
        return 2
    return int(not proved)


if __name__ == "__main__":
    sys.exit(main())
