#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`aqpim trace`: what it prints and returns for the example of docs/memory.md, and for legal and illegal traces.

    trace_test.py RELEASE_TREE SANITIZE_TREE
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path("docs/memory.md")


def blocks(text):
    return [block.strip("\n") for block in re.findall(r"^```\n(.*?)^```$", text, re.M | re.S)]


def rows(spacing, count=40):
    """Rows of 32 beats of all banks of rank 0."""
    cycle, lines = 0, []
    for row in range(count):
        lines.append(f"{cycle} ACT_ALL 0 all {row} -")
        cycle += 19
        for column in range(32):
            lines.append(f"{cycle} RD_ALL 0 all {row} {column}")
            cycle += spacing
        lines.append(f"{cycle - spacing + 8} PRE_ALL 0 all - -")
        cycle += 8 + 19 - spacing
    return "\n".join(lines) + "\n"


def main():
    program = Path(sys.argv[1]) / "aqpim"
    failed, passed = 0, 0

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "example.trace"

        def run(trace, *options):
            file.write_text(trace)
            result = subprocess.run([program.resolve(), "trace", file.name, *options], cwd=folder, text=True,
                                    capture_output=True)
            return result.returncode, result.stdout.rstrip("\n")

        def count(what, good):
            nonlocal passed, failed
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"{what}: not as expected")

        example, output = blocks(PAGE.read_text())[-2:]
        code, text = run(example)
        count("the example of the page, lines aside", (code, text.split()) == (1, output.split()))
        code, text = run(rows(6))
        count("rows of all banks", code == 0 and text.endswith("power limited: no violation"))
        count("the same, named", run(rows(6), "--memory", "hbm3-5200") == (code, text))
        code, text = run(rows(5))
        count("the last lines", code == 1 and text.endswith("violations: 1240 nCCDAB")
              and len(text.splitlines()) == 22)
        code, text = run(rows(5), "--print", "0")
        count("nothing in full", code == 1 and len(text.splitlines()) == 2)
        count("no power limit", run(rows(4), "--no-power-limit")[0] == 0)
        count("no power limit, too fast", run(rows(3), "--no-power-limit")[0] == 1)
        half = "0 ACT_ALL 0 even 0 -\n1 ACT_ALL 0 odd 0 -\n"
        count("half sets", run(half)[0] == 1)
        count("half sets for two banks", run(half, "--banks-per-engine", "2")[0] == 0)
        late = "1000000 PRE 0 0 - -\n1045630 REF 0 - - -\n1045631 REF 1 - - -\n"
        count("time starts with the first command", run(late)[1].endswith("violations: 1 nREFI"))

    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
