#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""formal/prove.py: the quick proofs hold, none is there without rules and a twin that fails, and what is wrong gets a sentence.

`make prove` tries all of them."""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

QUICK = ("queue", "delay", "wait_for", "power_window", "nearest", "attend_lane", "table_lane", "attend_control", "score_sum")

RTL = "".join(path.read_text() for path in Path("rtl").glob("*/*.sv"))

# Proof, file, a text and what replaces it, what then fails.
BREAKS = (
    ("weight_sum", "attend/pq_attend_weight_sum.sv", "sum_o + (sum_o >> 5);", "sum_o;", "a_coarse_enough"),
    ("weight_sum", "attend/pq_attend_weight_sum.sv", "shift_q[5*(Delay-1) +: 5] : 5'd0;", "5'd31 : 5'd0;", "rule_5"),
    ("attend_control", "attend/pq_attend_control.sv", "legal = holds_q == Scored;", "legal = 1'b1;", "rule_2"),
    ("table_lane", "engine/pq_table_lane.sv", "if (add_q) sum_q <= sum;", "sum_q <= '0;", "formal/table_lane.sv"),
)

passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


def prove(*arguments):
    done = subprocess.run([sys.executable, "formal/prove.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.returncode, done.stdout


code, output = prove(*QUICK)
check("the quick proofs hold", code == 0 and len(re.findall("^proved ", output, re.M)) == len(QUICK), output)

for entry in json.loads(Path("formal/proofs.json").read_text()):
    name, harness = entry["name"], Path("formal", f"{entry.get('harness', entry['name'])}.sv").read_text()
    header = harness.split("\nmodule ")[0]
    sentences = re.findall(r"^//   (\d+)\. (.*(?:\n//      \S.*)*)", header, re.M)
    rules = [number for number, _ in sentences]
    check(f"{name}: rules are numbered from 1", rules == [str(n + 1) for n in range(len(rules))] and rules)
    labels = re.findall(r"rule_(\d+):", harness)
    in_rtl = {number: assertion[1] for number, text in sentences if (assertion := re.search(r"\((a_\w+)\)$", text))}
    check(f"{name}: each rule has its assertion", sorted(labels + list(in_rtl)) == sorted(rules), f"labels: {labels}")
    for assertion in in_rtl.values():
        check(f"{name}: {assertion} is in the RTL", re.search(rf"AQ_ASSERT(_WHEN)?\({assertion},", RTL))
    file, old, _ = entry["twin"]
    check(f"{name}: the twin's text is there once", Path("rtl", file).read_text().count(old) == 1)

with tempfile.TemporaryDirectory() as folder:
    for name, file, old, new, culprit in BREAKS:
        rtl = Path(folder) / "rtl"
        shutil.rmtree(rtl, ignore_errors=True)
        shutil.copytree("rtl", rtl)
        text = (rtl / file).read_text()
        check(f"{old!r} is in {file} once", text.count(old) == 1)
        (rtl / file).write_text(text.replace(old, new))
        code, output = prove("--rtl", str(rtl), name)
        check(f"{new!r} in the place of {old!r} is not proved",
              code == 1 and re.search(rf"^NOT PROVED  {name}, .*{culprit}", output, re.M), output)
    code, output = prove("--rtl", folder, "queue")
    check("RTL that is not there", code == 2 and output.startswith("prove: yosys failed: "), output)

code, output = prove("queues")
check("a proof that is not there", code == 2 and output.startswith("prove: there is no proof queues (there are: queue, "), output)

print(f"{passed} passed, {failed} failed")
sys.exit(int(failed > 0))
