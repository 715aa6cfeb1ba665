#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The proofs of formal/: all hold, and each fails when what it proves is broken."""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WEIGHT_SUM = "attend/pq_attend_weight_sum.sv"
ROUND = "common/pq_round_saturate.sv"

# Harness, file, a text and what replaces it, what then fails.
BREAKS = (
    ("weight_rounding", ROUND, "fraction[MaxShift-1] && (|fraction[MaxShift-2:0] || scaled[MaxShift]);", "|fraction;",
     "weight_rounding"),
    ("weight_sum", WEIGHT_SUM, "sum_o + (sum_o >> 5);", "sum_o;", "a_coarse_enough"),
    ("weight_sum", WEIGHT_SUM, "sum_o >> shift;", "sum_o >> shift >> 1;", "a_rounds_up"),
    ("weight_sum", WEIGHT_SUM, "if (bounded[s]) add = add + 1'b1;", "", "weight_sum"),
    ("weight_sum", WEIGHT_SUM, "sum_o <= kept + SumWidth'(add_q);", "sum_o <= sum_o + kept + SumWidth'(add_q);", "weight_sum"),
)

passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += good
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


def prove(*arguments):
    done = subprocess.run([sys.executable, "formal/prove.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.returncode, done.stdout


with tempfile.TemporaryDirectory() as folder:
    for harness, file, old, new, culprit in BREAKS:
        rtl = Path(folder) / "rtl"
        shutil.rmtree(rtl, ignore_errors=True)
        shutil.copytree("rtl", rtl)
        text = (rtl / file).read_text()
        check(f"{old!r} is in {file} once", text.count(old) == 1)
        (rtl / file).write_text(text.replace(old, new))
        code, output = prove("--rtl", str(rtl), harness)
        check(f"{new!r} in the place of {old!r} is not proved",
              code == 1 and bool(re.search(rf"^NOT PROVED  {harness} .*{culprit}", output, re.M)), output)
    code, output = prove("--rtl", folder)
    check("RTL that is not there", code == 2 and output.startswith("prove: yosys failed: "), output)

code, output = prove()
check("the proofs hold", code == 0 and len(re.findall("^proved ", output, re.M)) == 3, output)

print(f"{passed} passed, {failed} failed")
sys.exit(int(failed > 0))
