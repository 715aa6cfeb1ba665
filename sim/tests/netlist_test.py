#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The synthesis flow on one small block, in the generic library: its netlist equals the RTL, spoilt netlists do not, a
comparison of parameters adds up, a channel's modules get what configuration and memory say, its parts add up, and bad
input is refused with a sentence.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, "syn")
import area  # noqa: E402
import flow  # noqa: E402

TOP = "pq_score"
LIBRARY = "generic"
NETLIST = Path("build/syn") / LIBRARY / TOP / TOP / "netlist.v"
passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += good
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


def run(script, *arguments, **variables):
    done = subprocess.run([sys.executable, f"syn/{script}.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=os.environ | variables)
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


def refused(name, sentence, script, *arguments, **variables):
    code, output, errors = run(script, *arguments, **variables)
    check(name, code == 2 and not output and errors.count("\n") == 1 and sentence in errors, output + errors)


def parameters():
    found = flow.configurations(["pq8"], "pq_sequencer", {}, banks=[1, 2])
    engine = json.loads(Path("configs/pq8.json").read_text())["engine"]
    table = json.loads(Path("configs/memory/hbm3-5200.json").read_text())
    expected = {"HeadDim": engine["HeadDim"], "CodeBits": engine["CodeBits"], "Ranks": table["organization"]["ranks"],
                "BanksPerGroup": table["organization"]["banks_per_group"], "nRTPL": table["timing"]["nRTPL"],
                "nREFI": table["refresh"]["nREFI"], "Postponed": table["refresh"]["postponed"], "PowerLimited": 1,
                "LimitedCCDAB": table["power_limit"]["nCCDAB"], "LimitedWindow": table["power_limit"]["window"]}
    check("a sequencer gets the parameters of configuration, memory and banks per engine",
          [values["BanksPerEngine"] for values in found.values()] == [1, 2]
          and all(expected.items() <= values.items() and "QueryWidth" not in values for values in found.values()), str(found))
    fitting = flow.configurations([], "pq_sequencer", {}, banks=[1])
    check("without names, configurations that fit no channel are left out", "pq8" in fitting and "pq8-d64" not in fitting,
          str(fitting))


def sums():
    def block(module, cells, macros=0.0):
        return {"module": module, "cells": cells, "macros": macros}

    def module(rows, own, **values):
        return {"blocks": rows + [block(None, own)], "area": own + sum(row["cells"] + row["macros"] for row in rows),
                "parameters": values, "target_met": True, "configuration": "made-up", "library": "made-up",
                "area_unit": "GE"}
    data = area.channel(module([block("pq_engine", 100.0, 50.0)], 10.0),
                        module([block("pq_rank_stream", 3.0), block("pq_rank_stream", 4.0), block("pq_centroid_buffer", 20.0, 80.0)], 1.0,
                               Ranks=2, BankGroups=4, BanksPerGroup=4, BanksPerEngine=2),
                        module([], 36.0), module([], 40.0))
    parts = {part: row["per_channel"] for part, row in data["parts"].items()}
    check("the parts of a channel are those of 16 engines, one sequencer, one bus",
          parts == {"engine": 1600, "engine: memories": 800, "adapter": 160, "host commands": 0, "control": 0, "stream": 7,
                    "transfer": 0, "bus": 0, "reducer": 20, "reducer: memories": 80, "sequencer itself": 1, "read bus": 36},
          str(parts))
    check("a channel's total is shared out to 32 banks and set beside the rival at each",
          data["total"] == {"per_channel": 2704, "per_engine": 169, "per_bank": 84.5, "of_rival": 2.1125}
          and data["added_to_engines"]["per_channel"] == 304 and data["added_percent"] == 12.67, str(data))


def main():
    parameters()
    sums()
    with tempfile.TemporaryDirectory() as folder:
        lockstep("the netlist equals the RTL", 0)
        spoilt(folder, "an exclusive OR is inverted", r"^  XOR2_X1 ", "  XNOR2_X1 ")
        spoilt(folder, "two inputs of a multiplexer are swapped", r"\.A\((\w+)\), \.B\((\w+)\), \.S\(", r".A(\2), .B(\1), .S(")

        code, output, errors = run("area", "--top", TOP, "--versus", "SumWidth=12", "--out", folder)
        check("a comparison of parameters is made", code == 0, output + errors)
        data = json.loads((Path(folder) / LIBRARY / TOP / f"{TOP}.json").read_text())
        other = data["versus"]
        check("a narrower sum costs less, and the difference is stated",
              other["parameters"] == {"SumWidth": 12} and 0 < other["area"] < data["area"]
              and abs(data["area"] - other["area"] - other["added"]["area"]) < 0.2
              and abs(sum(block["area"] for block in other["added_per_block"].values()) - other["added"]["area"]) < 0.2,
              json.dumps(other))

        code, output, errors = run("area", "--top", TOP, "--out", folder, YOSYS="env A=B yosys")
        check("the words of YOSYS are a command and its arguments", code == 0 and "total" in output, output + errors)
        refused("a Yosys that is not there", "yosys: the command nonsense cannot be run", "area", "--top", TOP, YOSYS="nonsense")
        refused("an unknown module", "there is no module pq_nothing", "area", "--top", "pq_nothing")
        refused("an unknown parameter", "pq_score has no parameter Nothing", "timing", "--top", TOP, "--set", "Nothing=1")
        refused("an unknown configuration", "there is no configuration pq9", "area", "--config", "pq9")
        refused("a configuration that fits no channel", "pq8-d64 does not fit a channel", "timing", "--top", "pq_sequencer",
                "--config", "pq8-d64")
        refused("two banks for an engine of narrow words", "need words of 256 bits", "timing", "--top", "pq_sequencer",
                "--config", "pq4", "--banks-per-engine", "2")
        refused("an unknown memory", "there is no memory ddr9", "timing", "--top", "pq_sequencer", "--memory", "ddr9")
        refused("a parameter without a value", "is not KEY=VALUE", "area", "--versus", "Quantize")
        refused("a library that is not there", "does not exist", "timing", "--lib", f"{folder}/none.lib")
        code, output, errors = run("memories")
        check("the model of memories meets the published macros", code == 0, output + errors)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
