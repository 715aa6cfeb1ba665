#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lives of heads that `aqpim channel` plays: in RTL, whose trace is judged again, and on the golden model; both must
agree. What its options change, where its results go, and which input it refuses.

    channel_test.py RELEASE_TREE SANITIZE_TREE
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from recompute_test import ROOT, unseen_workload  # noqa: E402

CAPTURE = ROOT / "workloads" / "gqa128_prose_2k.safetensors"
GOLDEN_FILES = {"report.json", "report.csv", "report.html"}
RTL_FILES = GOLDEN_FILES | {"timeline.png"}
# Where the JSON is all that is looked at.
NO_PAGES = os.environ | {"AQPIM_PYTHON": "/no/python"}


class Checker:
    def __init__(self, program):
        self.program = program
        self.passed = self.failed = 0

    def check(self, what, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"{what}: does not hold {detail}")

    def run(self, *arguments, code=0, env=None):
        """Standard output and error of a run that must end with this code."""
        result = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=480, env=env)
        self.check(f"exit code {code} of {' '.join(map(str, arguments))}", result.returncode == code,
                   f"but {result.returncode}: {result.stderr[-2000:]}")
        return result


def report_of(folder):
    return json.loads((folder / "report.json").read_text())


def files_in(folder):
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def fitting_configurations():
    """Those of the capture's channels whose codes fill beats."""
    engines = {path.stem: json.loads(path.read_text())["engine"] for path in (ROOT / "configs").glob("*.json")}
    return {name for name, engine in engines.items()
            if engine["HeadDim"] == 128 and 128 // engine["SubDim"] * engine["CodeBits"] % 256 == 0}


def check_rtl(checker, folder, workload):
    """Two heads at once, clustered, encoded and attended to in RTL."""
    out = folder / "rtl"
    options = ("--workload", workload, "--config", "pq4", "--queries", 2)
    checker.run("channel", *options, "--threads", 1, "--trace", "--out", out)
    report = report_of(out)
    checker.check("all results", files_in(out) == RTL_FILES | {"commands.trace"}, str(files_in(out)))
    checker.check("two heads, one on each rank",
                  [(head["name"], head["rank"]) for head in report["heads"]] == [("l3.h0", 0), ("l12.h7", 1)])
    checker.check("no violation", report["violations"] == {})
    checker.check("refreshes", report["dram_commands"]["REF"] > 0)
    checker.check("compared with the golden channel", report["compared_with_golden"] > 10000)
    for head in report["heads"]:
        checker.check("codebooks and codes are those of software",
                      head["equality_with_software"]["mismatches"] == 0 < head["equality_with_software"]["compared"])
        checker.check("all phases took time", all(phase["cycles"] > 0 for phase in head["phases"].values()))
        checker.check("fixed point adds at most 4 %", abs(head["accuracy"]["fixed_point_added"]) <= 0.04)
    for rank in report["columns"]:
        for phase in ("score", "accumulate"):
            checker.check(f"{phase} delivers what is allowed beside refreshes",
                          0 < rank[phase]["delivered"] <= rank[phase]["delivered_refresh_aside"]
                          and 0.98 <= rank[phase]["delivered_refresh_aside"] <= 1, str(rank[phase]))
    trace = checker.run("trace", out / "commands.trace", "--print", 1)
    total = sum(report["dram_commands"].values())
    checker.check("the trace is legal and complete",
                  f"{total} commands" in trace.stdout and "no violation" in trace.stdout, trace.stdout)

    golden = folder / "golden"
    checker.run("channel", *options, "--golden", "--out", golden)
    checker.check("the golden model has no time and no picture", files_in(golden) == GOLDEN_FILES)
    checker.check("RTL and golden model have the same outputs",
                  [head["accuracy"] for head in report_of(golden)["heads"]]
                  == [head["accuracy"] for head in report["heads"]])
    checker.run("channel", *options, "--golden", "--out", out)
    checker.check("a later run takes the older files away", files_in(out) == GOLDEN_FILES)


def check_ends(checker, folder):
    """The shortest and the longest context of an engine, in RTL."""
    def play(name, *options):
        checker.run("channel", "--workload", CAPTURE, "--config", "pq4", "--ranks", 1, "--queries", 1, "--threads", 1,
                    "--out", folder / name, *options, env=NO_PAGES)
        report = report_of(folder / name)
        checker.check(f"{name}: no violation", report["violations"] == {})
        checker.check(f"{name}: compared with the golden channel", report["compared_with_golden"] > 1000)
        head = report["heads"][0]
        checker.check(f"{name}: codes are those of software",
                      head["equality_with_software"]["mismatches"] == 0 < head["equality_with_software"]["compared"])
        return head

    one = play("one token", "--tokens", 64, "--append-block", 16, "--no-centring")
    checker.check("a token of each engine in RTL", one["encoded"] == 16)
    tiles = play("eight tiles", "--tokens", 4200, "--window", 32, "--tile", 32, "--prefill-by", "software")
    checker.check("eight tiles of each engine in RTL", tiles["attends"] == 8 * 2, str(tiles))


def check_options(checker, folder):
    """Configurations, ranks, contexts and tiles, on the golden model."""
    out = folder / "options"

    def golden(*options):
        checker.run("channel", "--workload", CAPTURE, "--golden", "--queries", 1, "--out", out, *options,
                    env=NO_PAGES)
        return report_of(out)

    pair = golden("--config", "pq8", "--banks-per-engine", 2)
    checker.check("two banks per engine", pair["channel"]["engines_per_rank"] == 8)
    checker.check("one head, two ranks: other data of the same attention",
                  [head["channels_reversed"] for head in pair["heads"]] == [False, True])
    one = golden("--config", "pq4", "--ranks", 1)
    checker.check("one rank", [head["rank"] for head in one["heads"]] == [0])
    checker.check("clustered by the channel", one["heads"][0]["phases"]["cluster"]["commands"] > 0)
    software = golden("--config", "pq4", "--ranks", 1, "--prefill-by", "software")
    checker.check("clustered by software", software["heads"][0]["phases"]["cluster"]["commands"] == 0)
    checker.check("whoever clusters, the outputs are the same",
                  software["heads"][0]["accuracy"] == one["heads"][0]["accuracy"])
    long = golden("--config", "pq8", "--ranks", 1, "--tokens", 4200, "--tile", 32, "--prefill-by", "software")
    checker.check("eight tiles of each engine", long["heads"][0]["attends"] == 8 * 2, str(long["heads"][0]))
    short = golden("--config", "pq8", "--ranks", 1, "--tokens", 64, "--append-block", 16, "--no-centring")
    checker.check("a token of each engine", short["heads"][0]["encoded"] == 16)

    checker.run("channel", "--workload", CAPTURE, "--golden", "--queries", 1, "--ranks", 1, "--prefill-by", "software",
                "--out", folder / "all")
    checker.check("every configuration that fits", files_in(folder / "all") == fitting_configurations() | {"report.html"},
                  str(files_in(folder / "all")))
    with (folder / "all" / "pq8" / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    head = report_of(folder / "all" / "pq8")["heads"][0]
    checker.check("report.csv agrees with report.json",
                  [float(row["relative_error"]) for row in rows] == [head["accuracy"]["relative_error"]])


def check_saturation(checker, folder):
    """Queries beyond what the engines hold."""
    def heat(queries, _keys, _values):
        queries *= 1000

    for name, change in (("cold", lambda *_: None), ("hot", heat)):
        workload = folder / f"{name}.safetensors"
        unseen_workload(workload, 128, 600, 2, 256, "F16", change)
        result = checker.run("channel", "--workload", workload, "--config", "pq4", "--queries", 2, "--prefill", 400,
                             "--prefill-by", "software", "--golden", "--out", folder / "saturation", env=NO_PAGES)
        for head in report_of(folder / "saturation")["heads"]:
            counts = head["saturation"]
            checker.check("every result counts", counts["results"] > 0 and counts["appended"] > 0, str(counts))
            told = f"{head['name']} saturated in {counts['flagged']} of {counts['results']} results"
            checker.check("saturation is counted and told", (counts["flagged"] > 0) == (told in result.stdout) == (name == "hot"),
                          result.stdout)


def check_bad_input(checker, folder):
    def refused(sentence, *options):
        result = checker.run("channel", *options, "--out", folder / "refused", code=2)
        checker.check(f"one sentence: {sentence}", result.stderr == f"aqpim: {sentence}\n", result.stderr)
        checker.check("nothing was written", not (folder / "refused").exists())

    capture = ("--workload", CAPTURE)
    refused("configuration pq4: two banks per engine need words of 256 bits, not 128",
            *capture, "--config", "pq4", "--banks-per-engine", 2)
    refused("configuration pq8-d64: in a pseudo-channel a token's codes must fill one or two beats of 256 bits, not 128 "
            "bits",
            *capture, "--config", "pq8-d64")
    small = ROOT / "workloads" / "smollm2_prose_2k.safetensors"
    refused(f"configuration pq8 is for heads of 128 channels, {small} has heads of 64",
            "--workload", small, "--config", "pq8")
    refused(f"no pseudo-channel is for the heads of 64 channels in {small}", "--workload", small)
    refused("in a pseudo-channel a codebook window must fill whole rows of 32 tokens, not 48 tokens",
            *capture, "--config", "pq4", "--window", 48, "--golden")
    refused("a pseudo-channel clusters and encodes in fixed point",
            *capture, "--config", "pq4", "--clustering", "float", "--golden")
    refused("a tile must hold at least 32 tokens of an engine, not 31",
            *capture, "--config", "pq8", "--tile", 31, "--golden")
    refused("the golden model has no time: --golden goes without --trace and --waves",
            *capture, "--golden", "--trace")


def main():
    checker = Checker(Path(sys.argv[1]) / "aqpim")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workload = folder / "unseen.safetensors"
        unseen_workload(workload, 128, 600, 2, 64, "F16")
        check_rtl(checker, folder, workload)
        check_ends(checker, folder)
        check_options(checker, folder)
        check_saturation(checker, folder)
        check_bad_input(checker, folder)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return 1 if checker.failed else 0


if __name__ == "__main__":
    sys.exit(main())
