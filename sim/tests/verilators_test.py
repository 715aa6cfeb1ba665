#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The comparison of Verilators: one is equal to itself; one that makes another module is not, and the first wrong output
is named; lint refuses the calls of functions that some versions get wrong.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, "sim")
import lint  # noqa: E402

SAFE = """module m;
  function automatic logic f(input logic a);
    logic b;
    b = !a;
    f = b;
  endfunction
  assign x = f(y);
  always_comb begin
    z = '0;
    if (y) z = f((y));
  end
endmodule
"""
UNSAFE = ("always_ff @(posedge c) z <= f(y);", "always_comb {x, z} = f(y);", "assign z = !f(y);", "assign z = f(y) && y;")
passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += good
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


def compared(name, expected, sentence, *verilators):
    done = subprocess.run(["sim/compare_verilators.py", "--modules", "pq_delay", "--cycles", "100", *verilators],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check(name, done.returncode == expected and sentence in done.stdout, done.stdout)


def complaints(text):
    lint.tools.rtl_files = lambda folder: [path]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.sv"
        path.write_text(text)
        return lint.calls()


def main():
    with tempfile.TemporaryDirectory() as folder:
        slower = Path(folder) / "slower"
        slower.write_text('#!/bin/sh\nexec verilator "$@" -GCycles=9\n')
        slower.chmod(0o755)
        compared("two versions alike", 0, "ok   pq_delay (Cycles=1, Width=8): 8 of 8 bits", "verilator", "verilator")
        compared("one with another delay", 1, "data_o is 0x00 instead of 0x", "verilator", str(slower))
    check("calls that all versions get right", complaints(SAFE) == "", complaints(SAFE))
    for line in UNSAFE:
        text = complaints(SAFE.replace("endmodule", f"  {line}\nendmodule"))
        check(line, "m.sv:12: f() has variables of its own" in text, text)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
