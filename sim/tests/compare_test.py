#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`aqpim compare` and `aqpim scale`: their files, whose baseline and limits are computed again here from the JSON files
and the definitions in docs/performance.md, and their answers to bad input.

    compare_test.py RELEASE_TREE SANITIZE_TREE
"""
import csv
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = {"compare.json", "compare.csv", "charged.csv", "energy.csv", "compare.md", "report.html", "speedup.png",
         "cycles.png"}
COLUMNS = ["config", "banks_per_engine", "power_limited", "memory", "L", "heads", "cycles", "latency_cycles",
           "attacc_cycles", "speedup", "fp16_limit_cycles", "code_limit_cycles"]
MEMORY = json.loads((ROOT / "configs/memory/hbm3-5200.json").read_text())
ATTACC = json.loads((ROOT / "configs/baseline/attacc.json").read_text())


class Checker:
    def __init__(self, release):
        self.program = Path(release).resolve() / "aqpim"
        self.passed = self.failed = 0

    def check(self, what, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"{what}: does not hold {detail}")

    def run(self, *arguments):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def designs():
    """Configuration and banks per engine of all that fits: one or two beats of codes, two banks only for words of 256 bits."""
    for path in sorted((ROOT / "configs").glob("*.json")):
        engine = json.loads(path.read_text())["engine"]
        if engine["HeadDim"] // engine["SubDim"] * engine["CodeBits"] % 256 == 0:
            for banks in (1, 2)[:1 + (engine["WordBits"] == 256)]:
                yield path.stem, banks, engine


def attacc(tokens, heads, limited):
    """Cycles of a run, or in closed form."""
    for run in ATTACC["runs"]:
        if run["fewest_heads"] <= heads <= run["most_heads"] and run["power_limited"] == limited:
            return run["cycles"][run["tokens"].index(tokens)]
    gap = MEMORY["power_limit" if limited else "timing"]["nCCDAB"]
    cycles = math.ceil(heads / 16) * 2 * math.ceil(tokens / 256) * (31 * gap + 8 + 19 + 19)
    refresh = MEMORY["refresh"]
    return cycles * refresh["nREFI"] / (refresh["nREFI"] - refresh["nRFC"]) if cycles > refresh["nREFI"] else cycles


def check_row(checker, row, engine):
    tokens, heads, limited = (int(row[key]) for key in ("L", "heads", "power_limited"))
    what = ",".join(list(row.values())[:6])
    gap = MEMORY["power_limit" if limited else "timing"]["nCCDAB"]
    elements = 2 * tokens * engine["HeadDim"] * math.ceil(heads / 16)
    bits = engine["CodeBits"] / engine["SubDim"]
    # Beats of 256 bits in 64 banks.
    checker.check(f"{what}: limits", (float(row["fp16_limit_cycles"]), float(row["code_limit_cycles"]))
                  == (round(elements * 16 / 256 / 64 * gap), round(elements * bits / 256 / 64 * gap)), row)
    checker.check(f"{what}: AttAcc", float(row["attacc_cycles"]) == round(attacc(tokens, heads, limited)), row)
    checker.check(f"{what}: speed-up", math.isclose(float(row["speedup"]), float(row["attacc_cycles"])
                                                    / float(row["cycles"]), rel_tol=1e-3,
                                                    abs_tol=1e-3), row)
    checker.check(f"{what}: slower than its codes", float(row["cycles"]) > float(row["code_limit_cycles"])
                  and float(row["latency_cycles"]) > float(row["code_limit_cycles"]), row)


def check_longer(checker, rows):
    """More tokens take longer where the token loops are what takes time."""
    rows = {tuple(row[key] for key in COLUMNS[:3] + ["L", "heads"]): float(row["cycles"]) for row in rows}
    for (config, banks, limited, tokens, heads), cycles in rows.items():
        if tokens == "32768":
            shorter = rows[config, banks, limited, "16384", heads]
            checker.check(f"{config},{banks},{limited},{heads}: 32K after 16K", shorter < cycles <= 2.1 * shorter)


def check_files(checker, folder):
    out = folder / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    page = folder / "page.md"
    page.write_text("before\n<!-- tables of aqpim compare: begin -->\nold\n<!-- tables of aqpim compare: end -->\nafter\n")
    result = checker.run("compare", "--measure", "none", "--out", out, "--page", page)
    checker.check("exit code 0", result.returncode == 0, result.stderr)
    checker.check("the files, and those of others left alone", {file.name for file in out.iterdir()}
                  == FILES | {"notes.txt"})
    for picture in ("speedup.png", "cycles.png"):
        checker.check(f"{picture} is a picture", (out / picture).read_bytes()[:4] == b"\x89PNG")
    with (out / "compare.csv").open() as file:
        rows = list(csv.DictReader(file))
    checker.check("columns", list(rows[0]) == COLUMNS)
    engines = {(name, str(banks)): engine for name, banks, engine in designs()}
    combinations = {tuple(row[key] for key in COLUMNS[:6]) for row in rows}
    expected = {(name, banks, limited, "hbm3-5200", str(tokens), str(heads)) for name, banks in engines
                for limited in "01" for tokens in (1024, 2048, 4096, 8192, 16384, 32768)
                for heads in (1, 2, 4, 8, 16, 32, 64)}
    checker.check("a row for each combination", combinations == expected and len(rows) == len(expected),
                  expected ^ combinations)
    for row in rows:
        check_row(checker, row, engines[row["config"], row["banks_per_engine"]])
    check_longer(checker, rows)
    with (out / "energy.csv").open() as file:
        energy = list(csv.DictReader(file))
    for row in energy:
        checker.check("parts of the energy", math.isclose(float(row["total_nj"]), sum(
            float(row[key]) for key in ("activation_nj", "columns_nj", "arithmetic_nj")), abs_tol=0.01), row)
    with (out / "charged.csv").open() as file:
        charged = list(csv.DictReader(file))
    checker.check("charged rows", len(charged) == len(engines) * 2 * 6)
    for row in charged:
        checker.check("charges are added", float(row["activate_cycles"]) > 0 and float(row["append_cycles"]) > 0, row)
    text = page.read_text()
    checker.check("tables are put into a page", "old" not in text and (out / "compare.md").read_text() in text
                  and text.startswith("before\n") and text.endswith("after\n"))
    return rows


def check_scale(checker, rows):
    """The same numbers, one by one."""
    for row in rows:
        if row["L"] != "4096" or row["heads"] != "64":
            continue
        options = [] if row["power_limited"] == "1" else ["--no-power-limit"]
        result = checker.run("scale", "--config", row["config"], "--banks-per-engine", row["banks_per_engine"],
                             "--tokens", 4096, "--heads", 64, *options)
        names, values = (line.split() for line in result.stdout.splitlines()[1:3])
        found = dict(zip(names, values))
        checker.check(f"scale of {row['config']}", (found["cycles"], found["latency"], found["AttAcc"])
                      == (row["cycles"], row["latency_cycles"], row["attacc_cycles"]), result.stdout + result.stderr)
    result = checker.run("scale", "--config", "pq8", "--tokens", "4096,8192", "--heads", "32,64", "--group", "8")
    checker.check("a line for each context and number of heads", len(result.stdout.splitlines()) == 6, result.stderr)


def check_bad_input(checker, folder):
    page = folder / "empty.md"
    page.write_text("nothing\n")
    broken = folder / "areas"
    broken.mkdir()
    (broken / "pq8.json").write_text("{}")
    for arguments, part in (
            (["compare", "--config", "pq9"], "pq9"),
            (["compare", "--memory", "hbm9"], "hbm9"),
            (["compare", "--config", "pq8-d64"], "no configuration fits next to the banks"),
            (["compare", "--page", page, "--out", folder / "none"], "has no pair of lines"),
            (["scale", "--config", "pq4", "--banks-per-engine", 2], "need words of 256 bits, not 128"),
            (["scale", "--config", "pq8-d64"], "must fill one or two beats of 256 bits, not 128 bits"),
            (["scale", "--config", "pq8", "--window", 256], "has one codebook for all tokens"),
            (["scale", "--heads", 6, "--group", 4], "6 query heads cannot be groups of 4"),
            (["compare", "--measure", "few"], "few"),
            (["compare", "--area", broken], "is no area of a pseudo-channel"),
            (["compare", "--area", "none"], "none has no areas as make area TOP=pq_channel writes them"),
            (["scale", "--config", "pq4", "--window", 48], "must fill whole rows of 32 tokens, not 48 tokens"),
            (["scale", "--config", "pq4", "--window", 100000], "a tile must hold at least 100000 tokens"),
            (["scale", "--tokens", 16777216, "--heads", 4096], "takes 4194560 rows of a bank, which has 16384"),
            (["channel", "--workload", "none", "--tile", 0], "--tile: Value 0 not in range"),
            (["scale", "--tokens", 0], "0")):
        result = checker.run(*arguments)
        checker.check(f"{' '.join(map(str, arguments))}: one sentence, exit code 2",
                      result.returncode == 2 and len(result.stderr.splitlines()) == 1 and part in result.stderr
                      and result.stdout == "", f"{result.returncode} {result.stdout} {result.stderr}")
    checker.check("nothing was written", not (folder / "none").exists())


def main():
    checker = Checker(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_scale(checker, check_files(checker, folder))
        check_bad_input(checker, folder)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return int(checker.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
