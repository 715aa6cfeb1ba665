#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that need no simulation: warnings of Verilator and Yosys for engine, reducer, a bank's engine in a channel, the
sequencer and the whole channel, of every configuration and for D = 256, and for the attend engine; the width of RTL
lines, the layout of C++ sources, and the licence header of every source. Prints a line per check; the exit code is 0 if
all are clean.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RTL_COLUMNS = 100
BEAT_BITS = 256
# Shapes of the attend engine, for which there is no configuration.
ATTEND = [{"HeadDim": 128, "BucketWidth": 16, "Banks": 4}, {"HeadDim": 128, "BucketWidth": 24, "Banks": 2},
          {"HeadDim": 64, "BucketWidth": 16, "Banks": 1}, {"HeadDim": 64, "BucketWidth": 24, "TileDepth": 16}]
SEQUENCER_KEYS = ("HeadDim", "SubDim", "CodeBits", "WordBits", "ScoreDepth", "BiasDepth")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
SOURCE_SUFFIXES = {".sv", ".svh", ".cpp", ".h", ".in", ".py", ".sh", ".cmake", ".sdc", ".tcl", ".ys", ".gp"}
SOURCE_NAMES = {"Makefile", "CMakeLists.txt", "run"}
SOURCE_FOLDERS = ("rtl", "formal", "tb", "sw", "sim", "syn", "constraints", "workloads", ".ci")


def rtl_files():
    return sorted(Path("rtl").rglob("*.sv"))


def parameter_sets():
    """Name and RTL parameters of each configuration, and a set with D = 256, for which there is none."""
    sets = {path.stem: json.loads(path.read_text())["engine"] for path in sorted(Path("configs").glob("*.json"))}
    widest = next(iter(sets.values())) | {"HeadDim": 256, "SubDim": 4, "CodeBits": 8, "WordBits": 256}
    return sets | {"D = 256": widest}


def designs():
    """Name, top module and RTL parameters of all that is checked. Only engines that cluster need a reducer; those
    of the shapes in docs/channel.md can be in a channel."""
    for name, engine in parameter_sets().items():
        yield name, "pq_engine", engine
        if engine["Quantize"]:
            yield name, "pq_reducer", {key: engine[key] for key in ("WordBits", "CodeBits", "SubDim", "ScoreDepth")}
            token_bits = engine["HeadDim"] // engine["SubDim"] * engine["CodeBits"]
            if (token_bits in (BEAT_BITS, 2 * BEAT_BITS) and engine["WordBits"] in (BEAT_BITS // 2, BEAT_BITS)
                    and engine["BiasDepth"] <= 512):
                sequencer = {key: engine[key] for key in SEQUENCER_KEYS}
                for banks in (1, 2) if engine["WordBits"] == BEAT_BITS else (1,):
                    placed = f"{name}, {banks} bank{'s' * (banks > 1)}"
                    yield placed, "pq_bank_engine", engine | {"BanksPerEngine": banks}
                    yield placed, "pq_sequencer", sequencer | {"BanksPerEngine": banks}
                    # Engines are all alike: a few are enough.
                    yield placed, "pq_channel", engine | {"BanksPerEngine": banks, "Ranks": 1, "BanksPerGroup": banks}
    for parameters in ATTEND:
        yield ", ".join(f"{key} {value}" for key, value in parameters.items()), "pq_attend_engine", parameters


def output_of(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.returncode, result.stdout


def verilator(top, parameters):
    folders = sorted({path.parent for path in rtl_files()})
    code, text = output_of(
        ["verilator", "--lint-only", "-Wall", "--top-module", top]
        + [f"-G{key}={value}" for key, value in parameters.items()]
        + [f"-I{folder}" for folder in folders]
        + [str(path) for path in rtl_files() if path.stem == top])
    return text if code else ""


def yosys(top, parameters):
    values = " ".join(f"-chparam {key} {value}" for key, value in parameters.items())
    folders = " ".join(f"-I{folder}" for folder in sorted({path.parent for path in rtl_files()}))
    files = " ".join(map(str, rtl_files()))
    script = (f"read_verilog -sv {folders} {files}; hierarchy -check -top {top} {values}; "
              "proc; opt_clean; check -assert")
    code, text = output_of(["yosys", "-Q", "-q", "-e", "implicitly declared", "-p", script])
    return text if code or "Warning" in text else ""


def columns():
    files = sorted(path for folder in ("rtl", "syn", "formal") for path in Path(folder).rglob("*.sv*"))
    return "".join(f"{path}:{number}: {len(line)} columns, at most {RTL_COLUMNS}\n" for path in files
                   for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > RTL_COLUMNS)


# A function with variables of its own must be all that a plain variable is assigned: Verilator 5.016 to 5.043 reorders
# its statements where the call is a part of what a register takes, or where a {list of variables} takes its result.
FUNCTION = re.compile(r"^  function automatic [^;(]*?\b(\w+)\([^;]*;(.*?)^  endfunction", re.M | re.S)
VARIABLE = re.compile(r"^    (logic|int|bit)\b", re.M)
PLAIN_CALL = r"(?:[;)]|\b(?:begin|else|assign)\b)\s*\w+(?:\[[^];]*\])?\s*=\s*({}\()(?:[^()]|\([^()]*\))*\);"


def calls():
    complaints = ""
    for path in rtl_files():
        text = re.sub(r"//.*", "", path.read_text())
        for function in FUNCTION.finditer(text):
            if not VARIABLE.search(function[2]):
                continue
            name = function[1]
            right = {function.start(1), *(match.start(1) for match in re.finditer(PLAIN_CALL.format(name), text))}
            for call in re.finditer(rf"\b{name}\(", text):
                if call.start() not in right:
                    line = text.count("\n", 0, call.start()) + 1
                    complaints += (f"{path}:{line}: {name}() has variables of its own: assign its result to a plain "
                                   "variable by `=`, then use that\n")
    return complaints


def layout():
    files = sorted(str(path) for folder in ("sw", "tb", "sim", "syn") for path in Path(folder).rglob("*")
                   if path.suffix in (".cpp", ".h"))
    code, text = output_of(["clang-format", "--dry-run", "-Werror", *files])
    return text if code else ""


def licences():
    sources = (path for folder in SOURCE_FOLDERS for path in Path(folder).rglob("*")
               if path.is_file() and (path.suffix in SOURCE_SUFFIXES or path.name in SOURCE_NAMES))
    sources = [*sorted(sources), Path("Makefile"), Path("CMakeLists.txt")]
    missing = [str(path) for path in sources if LICENCE not in "".join(path.read_text().splitlines(True)[:2])]
    return "".join(f"{path}: lacks the licence header\n" for path in missing)


def main():
    os.chdir(ROOT)
    checks = [(f"{tool.__name__}, {top}, {name}", lambda check=(tool, top, parameters): check[0](*check[1:]))
              for tool in (verilator, yosys) for name, top, parameters in designs()]
    checks += [(f"{RTL_COLUMNS} columns of RTL", columns), ("calls of functions", calls), ("clang-format", layout), ("licence headers", licences)]
    clean = True
    for name, check in checks:
        complaint = check()
        print(f"{'BAD' if complaint else 'ok':<4} {name}", flush=True)
        if complaint:
            clean = False
            print(re.sub(r"^", "     ", complaint.rstrip(), flags=re.M))
    return int(not clean)


if __name__ == "__main__":
    sys.exit(main())
