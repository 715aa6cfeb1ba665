#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The synthesis flow on one small block, in Debian's osu018: its netlist equals the RTL, spoilt netlists do not, a
comparison of parameters adds up, and bad input is refused with a sentence.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = "pq_score"
NETLIST = Path("build/syn/osu018_stdcells") / TOP / TOP / "netlist.v"
passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += good
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


def run(script, *arguments):
    done = subprocess.run([sys.executable, f"syn/{script}.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    return done.returncode, done.stdout, done.stderr


def lockstep(name, expected, *arguments):
    code, output, errors = run("lockstep", "--top", TOP, "--cycles", "3000", *arguments)
    check(name, code == expected and ("in the RTL" in output) == (expected == 1), output + errors)


def spoilt(folder, name, pattern, replacement):
    """A netlist with a gate of another kind, or wired differently, in the place of the last one that fits."""
    text = NETLIST.read_text()
    last = list(re.finditer(pattern, text, flags=re.M))[-1]
    path = Path(folder) / "netlist.v"
    path.write_text(text[:last.start()] + last.expand(replacement) + text[last.end():])
    lockstep(name, 1, "--netlist", str(path))


def refused(name, sentence, script, *arguments):
    code, output, errors = run(script, *arguments)
    check(name, code == 2 and not output and errors.count("\n") == 1 and sentence in errors, output + errors)


def main():
    with tempfile.TemporaryDirectory() as folder:
        lockstep("the netlist equals the RTL", 0)
        spoilt(folder, "an exclusive OR is inverted", r"^  XOR2X1 ", "  XNOR2X1 ")
        spoilt(folder, "two inputs of a multiplexer are swapped", r"\.A\((\w+)\), \.B\((\w+)\), \.S\(", r".A(\2), .B(\1), .S(")

        code, output, errors = run("area", "--top", TOP, "--versus", "SumWidth=12", "--out", folder)
        check("a comparison of parameters is made", code == 0, output + errors)
        data = json.loads((Path(folder) / "osu018_stdcells" / TOP / f"{TOP}.json").read_text())
        other = data["versus"]
        check("a narrower sum costs less, and the difference is stated",
              other["parameters"] == {"SumWidth": 12} and 0 < other["area"] < data["area"]
              and abs(data["area"] - other["area"] - other["added"]["area"]) < 0.2
              and abs(sum(block["area"] for block in other["added_per_block"].values()) - other["added"]["area"]) < 0.2,
              json.dumps(other))

        refused("an unknown module", "there is no module pq_nothing", "area", "--top", "pq_nothing")
        refused("an unknown parameter", "pq_score has no parameter Nothing", "timing", "--top", TOP, "--set", "Nothing=1")
        refused("an unknown configuration", "there is no configuration pq9", "area", "--config", "pq9")
        refused("a parameter without a value", "is not KEY=VALUE", "area", "--versus", "Quantize")
        refused("a library that is not there", "does not exist", "timing", "--lib", f"{folder}/none.lib")
        code, output, errors = run("memories")
        check("the model of memories meets the published macros", code == 0, output + errors)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
