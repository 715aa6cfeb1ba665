#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where `aqpim sim` puts its results, what they hold, and what its options change; what `aqpim prefill` counts.

    sim_test.py RELEASE_TREE SANITIZE_TREE
"""
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from recompute import read_safetensors  # noqa: E402
from recompute_test import ROOT, unseen_workload, verdict, write_safetensors  # noqa: E402

FILES = {"report.json", "report.csv", "outputs.safetensors", "attention.png"}
PAGE = "report.html"
# Where the JSON and the outputs are all that is looked at.
NO_PAGES = {"env": os.environ | {"AQPIM_PYTHON": "/no/python"}}
OPERATIONS = ("table", "score", "accumulate", "combine")
PHASES = ("cluster", "encode", *OPERATIONS)
# Engine cycles for the codebooks and codes of the keys of 32,768 tokens on 16 engines, at most.
CLUSTER_CYCLES = {"pq8": 11.5e6, "pq4": 2e6}


class Checker:
    def __init__(self, program):
        self.program = program
        self.passed = self.failed = 0

    def check(self, what, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"{what}: does not hold {detail}")

    def sim(self, *arguments, code=0, env=None):
        return self.run("sim", *arguments, code=code, env=env)

    def run(self, *arguments, code=0, env=None):
        """Standard output and error of a run that must end with this code."""
        result = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=480,
                                env=env)
        self.check(f"exit code {code} of {' '.join(map(str, arguments))}", result.returncode == code,
                   f"but {result.returncode}: {result.stderr[-2000:]}")
        return result


def files_in(folder):
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def folders_in(folder):
    return sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("report.json"))


def head_dims(workloads):
    """The channels of the heads in these files."""
    return {tensor.shape[-1] for path in workloads for name, tensor in read_safetensors(path).items()
            if name.endswith(".k")}


def configurations_for(dims):
    engines = {path.stem: json.loads(path.read_text())["engine"] for path in (ROOT / "configs").glob("*.json")}
    return sorted(name for name, engine in engines.items() if engine["HeadDim"] in dims)


def quantizes(report):
    return report["config"]["engine"]["Quantize"] == 1


def report_of(folder):
    return json.loads((folder / "report.json").read_text())


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_committed_workloads(checker, folder):
    """The bars of the project on its own workloads, and the table."""
    workloads = sorted((ROOT / "workloads").glob("*.safetensors"))
    options = [part for path in workloads for part in ("--workload", path)]
    out = folder / "committed"
    result = checker.sim(*options, "--out", out)
    names = configurations_for(head_dims(workloads))
    checker.check("a report for every configuration that fits a committed workload", folders_in(out) == names,
                  str(folders_in(out)))
    of_dim = {dim: path for path in workloads for dim in head_dims([path])}
    added = []
    for name in names:
        report = report_of(out / name)
        problem = verdict(out / name, of_dim[report["config"]["engine"]["HeadDim"]])
        checker.check(f"{name}: numpy alone comes to the same outputs", problem is None, str(problem))
        checker.check(f"{name}: equal", report["equality"]["mismatches"] == 0)
        outputs = sum(head["query_heads"] * head["queries"] * head["head_dim"] for head in report["heads"])
        checker.check(f"{name}: every output was compared", report["equality"]["compared"] >= outputs > 0)
        for operation in OPERATIONS:
            checker.check(f"{name}: a word per cycle in {operation}", report["engine"]["utilization"][operation] == 1)
        if quantizes(report):
            check_life(checker, name, report)
            checker.check(f"{name}: the last pass still changes codes", report["codes_changed_between_passes"][2] > 0)
        else:
            check_software_prefill(checker, name, report, result.stdout)
        added += [head["fixed_point_added"] for head in report["heads"]]
        checker.check(f"{name}: no flag", all(head["flags"] == 0 for head in report["heads"]))
        for head in report["heads"]:
            checker.check(f"{name}: a line for {head['name']}",
                          any(line.split()[:2] == [name, head["name"]] for line in result.stdout.splitlines()))
        with (out / name / "report.csv").open() as file:
            rows = list(csv.DictReader(file))
        checker.check(f"{name}: report.csv agrees with report.json",
                      [(row["head"], float(row["relative_error"])) for row in rows]
                      == [(head["name"], head["relative_error"]) for head in report["heads"]])
    checker.check("fixed point adds at most 1 % on average", sum(added) / len(added) <= 0.01, str(added))
    checker.check("fixed point adds at most 4 % to any head", max(added) <= 0.04, str(added))
    checker.check("no progress lines without a terminal", result.stderr == "", result.stderr)
    checker.check("the last line says where the page is, which has every configuration",
                  result.stdout.endswith(f"\nreport: {out / PAGE}\n")
                  and all(f"<h2>{name} on " in (out / PAGE).read_text() for name in names), result.stdout[-200:])
    checker.check("all files of each", all(files_in(out / name) == FILES for name in names))


def values_of_a_life(report):
    """Values that a run with a prefill in RTL has to compare, if no engine has more tokens of a codebook than
    ScoreDepth."""
    engine = report["config"]["engine"]
    dim, sub_dim, depth = engine["HeadDim"], engine["SubDim"], engine["ScoreDepth"]
    engines = report["options"]["engines"]
    centroids = 2 ** engine["CodeBits"]
    channels = engine["WordBits"] // engine["CodeBits"] // 2  # of a slice
    slots = engine["WordBits"] // 8 // channels
    record = 8 // slots * engine["WordBits"] // 8  # bytes: 4 for a sum of values or weights, 2 for a centroid
    unload = centroids * ((record - 2 * channels) // 4 + channels)
    reduction = centroids * 2 * channels  # a centroid's and a stored element
    passes = 4 * dim // channels
    values = 0
    for head in report["heads"]:
        assert -(-head["prefill"] // engines) <= depth
        codebooks = 2 * head["windows"]
        codes = 2 * head["encoded"] * dim // sub_dim
        # Codes and codebooks are compared with plain software, too.
        values += codebooks * (passes * (engines * unload + reduction) + centroids * dim) + 2 * codes
        # Outputs, weight sum, maximum and flags.
        values += head["engine"]["tiles"] * (dim + 3)
    return values


def check_software_prefill(checker, name, report, output):
    """A report and the terminal of a run whose codebooks and codes are software's."""
    phases = report["phases"]
    checker.check(f"{name}: software takes no cycles",
                  phases["cluster"]["cycles"] == phases["encode"]["cycles"] == 0
                  and phases["cluster"]["utilization"] is None and phases["cluster"]["projection"] is None
                  and report["codes_changed_between_passes"] == [])
    checker.check(f"{name}: only outputs were compared", report["equality"]["compared"] == sum(
        head["engine"]["tiles"] * (head["head_dim"] + 3) for head in report["heads"]))
    checker.check(f"{name}: the report and the terminal name software", report["options"]["software_prefill"]
                  and any(line.startswith(f"{name} on ") and "equal, codebooks and codes by software;" in line
                          for line in output.splitlines()), output)


def check_life(checker, name, report):
    """A report of a run with a prefill in RTL."""
    for phase in PHASES:
        figures = report["phases"][phase]
        checker.check(f"{name}: {phase} was played", figures["cycles"] > figures["words"] > 0, str(figures))
        checker.check(f"{name}: the multipliers or the stream do not wait in {phase}", figures["utilization"] >= 0.95,
                      str(figures))
    for phase in ("cluster", "encode"):
        checker.check(f"{name}: no raw element of {phase} is out of range", report["phases"][phase]["flags"] == 0)
    cluster = report["phases"]["cluster"]
    changed = report["codes_changed_between_passes"]
    checker.check(f"{name}: codes settle from pass to pass",
                  cluster["codes_per_pass"] > changed[0] >= changed[1] >= changed[2] >= 0, str(changed))
    checker.check(f"{name}: every partial sum, centroid, code and output was compared",
                  report["equality"]["compared"] == values_of_a_life(report),
                  f"{report['equality']['compared']} instead of {values_of_a_life(report)}")
    checker.check(f"{name}: a head of 32,768 tokens is clustered and encoded in time",
                  cluster["projection"]["cycles"] <= CLUSTER_CYCLES.get(name, 20e6), str(cluster["projection"]))


def check_folders(checker, folder, small, other, wide):
    """OUT/<configuration>, OUT itself for one, and a folder per workload where they would meet."""
    checker.sim("--workload", small, "--queries", 1, "--out", folder / "all", **NO_PAGES)
    checker.check("a folder per configuration that fits", folders_in(folder / "all") == configurations_for({64}),
                  str(folders_in(folder / "all")))
    one = folder / "one"
    one.mkdir()
    (one / "notes.txt").write_text("mine")
    (one / "report.json").write_text("older")
    (one / "waves.fst").write_text("older")
    checker.sim("--workload", small, "--config", "pq4-d64", "--queries", 1, "--out", one)
    checker.check("OUT itself for one configuration, files of others left alone",
                  files_in(one) == FILES | {PAGE, "notes.txt"}, str(files_in(one)))
    checker.check("older results are replaced", report_of(one)["config"]["name"] == "pq4-d64")

    checker.sim("--workload", small, "--workload", wide, "--config", "pq4-d64,pq8,pq8", "--queries", 1,
                "--software-prefill", "--out", folder / "two", **NO_PAGES)
    checker.check("a folder per named configuration", folders_in(folder / "two") == ["pq4-d64", "pq8"],
                  str(folders_in(folder / "two")))
    checker.sim("--workload", small, "--workload", other, "--config", "pq4-d64", "--queries", 1,
                "--out", folder / "shared", **NO_PAGES)
    checker.check("a folder per workload where two share a configuration",
                  folders_in(folder / "shared") == [other.stem, small.stem], str(folders_in(folder / "shared")))

    checker.sim("--workload", small, "--workload", wide, "--heads", "l3.h0", "--queries", 1, "--software-prefill",
                "--out", folder / "heads", **NO_PAGES)
    report = report_of(folder / "heads" / "pq8")
    checker.check("only the named heads", [head["name"] for head in report["heads"]] == ["l3.h0"])
    before = folders_in(folder)
    checker.sim("--workload", small, "--workload", wide, "--heads", "l9.h9", "--out", folder / "none", code=2)
    checker.sim("--workload", small, "--workload", other, "--config", "pq8", "--out", folder / "none", code=2)
    checker.sim("--workload", small, "--workload", small, "--config", "pq8-d64", "--out", folder / "none", code=2)
    checker.check("bad input makes no folder", folders_in(folder) == before and not (folder / "none").exists())


def check_options(checker, folder, small):
    def run(name, *options, **pages):
        checker.sim("--workload", small, "--config", "pq8-d64", "--queries", 3, "--software-prefill",
                    "--out", folder / name, *options, **(pages or NO_PAGES))
        return report_of(folder / name)

    first = run("first", env=None)
    again = run("again", env=None)
    for report in (first, again):
        checker.check("the command is in the report", report["run"]["command"].startswith(
            f"aqpim sim --workload {small} --config pq8-d64 --queries 3 --out {folder}/"), report["run"]["command"])
        del report["run"]
    for report in (first, again):
        del report["simulation"]
    checker.check("the same run twice gives the same report", first == again)
    same = {name: digest(folder / "first" / name) for name in ("outputs.safetensors", "report.csv", "attention.png")}
    checker.check("and the same files", all(digest(folder / "again" / name) == value for name, value in same.items()))

    gaps = run("gaps", "--spacing", "random", "--seed", 7)
    third = run("third", "--spacing", 3)
    checker.check("gaps between words change cycles, not results",
                  all(digest(folder / name / "outputs.safetensors") == same["outputs.safetensors"]
                      for name in ("gaps", "third"))
                  and gaps["engine"]["cycles"] > first["engine"]["cycles"])
    words = first["engine"]["words"]
    checker.check("a word every third cycle takes three times the cycles",
                  words == third["engine"]["words"] and third["engine"]["cycles"] > 2.9 * words)
    checker.check("words per available cycle are 1 at any spacing",
                  all(report["engine"]["utilization"][operation] == 1
                      for report in (gaps, third) for operation in OPERATIONS))
    checker.check("the seed is in the report", gaps["seed"] == 7 and gaps["options"]["spacing"] == "random")

    plain = run("plain", "--no-weights", "--no-centring", "--transform", "none", "--sinks", 4, "--append-block", 64,
                "--prefill", 300)
    checker.check("switches of the cache are in the report",
                  plain["options"] | {"spacing": 1} == {
                      "weights": False, "centring": False, "transform": "none", "clustering": "fixed", "window": 0, "sinks": 4,
                      "append_block": 64, "prefill": 300, "spacing": 1, "software_prefill": True, "engines": 1},
                  str(plain["options"]))
    checker.check("and change the outputs", digest(folder / "plain" / "outputs.safetensors")
                  != same["outputs.safetensors"])
    windows = run("windows", "--window", 128)
    checker.check("codebooks per window", all(head["windows"] > 1 for head in windows["heads"]))
    for name in ("plain", "windows"):
        checker.check(f"{name}: equal", report_of(folder / name)["equality"]["mismatches"] == 0)

    run("waves", "--waves", env=None)
    checker.check("waves beside the other results", files_in(folder / "waves") == FILES | {PAGE, "waves.fst"}
                  and (folder / "waves" / "waves.fst").stat().st_size > 1000)
    run("waves")
    checker.check("which the next run without waves removes, and so those that it cannot make",
                  files_in(folder / "waves") == {"report.json", "outputs.safetensors"})


def check_prefill(checker, folder, small):
    """The cache is the same whoever makes it, on however many engines, and whatever runs beside it."""
    def run(name, *options):
        checker.sim("--workload", small, "--queries", 3, "--out", folder / name, *options, **NO_PAGES)
        return {part: (report_of(folder / name / part), digest(folder / name / part / "outputs.safetensors"))
                for part in ("pq4-d64", "pq8-d64")}

    rtl = run("rtl")
    software = run("software", "--software-prefill")
    engines = run("engines", "--engines", 3, "--jobs", 1)
    for part in rtl:
        report, outputs = rtl[part]
        checker.check(f"{part}: software makes the same codes, codebooks and outputs", software[part][1] == outputs)
        checker.check(f"{part}: so do three engines", engines[part][1] == outputs)
        check_life(checker, part, report)
        check_life(checker, part, engines[part][0])
        phases = software[part][0]["phases"]
        checker.check(f"{part}: software takes no cycles", phases["cluster"]["cycles"] == phases["encode"]["cycles"] == 0
                      and phases["cluster"]["utilization"] is None and phases["cluster"]["projection"] is None
                      and software[part][0]["codes_changed_between_passes"] == [])
        checker.check(f"{part}: the same figures of attention", all(
            run[part][0]["engine"] == report["engine"] and run[part][0]["accuracy"] == report["accuracy"]
            for run in (software, engines)))
        checker.check(f"{part}: the same passes on three engines",
                      engines[part][0]["codes_changed_between_passes"] == report["codes_changed_between_passes"])
        checker.check(f"{part}: options in the report", engines[part][0]["options"]["engines"] == 3
                      and not report["options"]["software_prefill"])
    checker.sim("--workload", small, "--config", "pq4-d64", "--queries", 3, "--spacing", "random", "--out",
                folder / "gaps", **NO_PAGES)
    checker.check("gaps between words change no code and no codebook",
                  digest(folder / "gaps" / "outputs.safetensors") == rtl["pq4-d64"][1])
    checker.check("with gaps nothing is projected",
                  report_of(folder / "gaps")["phases"]["cluster"]["projection"] is None)
    checker.sim("--workload", small, "--config", "pq4-d64", "--queries", 1, "--clustering", "float", "--out",
                folder / "float", **NO_PAGES)
    checker.check("floating-point clustering is software's",
                  report_of(folder / "float")["options"]["software_prefill"])


def check_late_outliers(checker, folder, brief):
    """Tokens after the prefill that are far larger than those that scales come from."""
    tensors = read_safetensors(brief)
    for name, values in tensors.items():
        if name[-2:] in (".k", ".v"):
            tensors[name] = values.copy()
            tensors[name][-50:] *= 50
    outliers = folder / "outliers.safetensors"
    write_safetensors(outliers, {name: ("F16", values) for name, values in tensors.items()})
    out = folder / "outliers"
    checker.sim("--workload", outliers, "--config", "pq4-d64", "--queries", 1, "--append-block", 16, "--out", out,
                **NO_PAGES)
    checker.check("outliers after the prefill are held at the ends of the range",
                  report_of(out)["phases"]["encode"]["flags"] == 0)


def check_long_prefill(checker):
    """Clustering and encoding of 4,096 tokens in RTL, against the formula of docs/performance.md."""
    tokens, engines, window, passes_of_a_head = 4096, 2, 256, 4 * 128 // 16
    result = checker.run("prefill", "--config", "pq4", "--tokens", tokens, "--engines", engines)
    row = result.stdout.splitlines()[-1].split()
    checker.check("prefill: what was asked for", row[:4] == ["pq4", str(tokens), str(engines), str(window)], str(row))
    utilization, loops, load, reduction, other, encode, cycles = map(float, row[4:11])
    checker.check("prefill: all multipliers work in the token loops", utilization == 1 and loops == window * (16 + 1),
                  str(row))
    checker.check("prefill: a vector takes a word per cycle and register writes", 16 * 8 < encode < 16 * 8 + 50,
                  str(row))
    # Two engines do not wait for the reducer. The parts are printed without fractions.
    windows = tokens // window // engines
    expected = windows * passes_of_a_head * (loops + load + reduction + other) + tokens // engines * encode
    checker.check("prefill: cycles as the parts say", abs(cycles / expected - 1) < 0.002, f"{cycles}, not {expected}")


def main():
    release, _ = sys.argv[1:]
    checker = Checker(Path(release).resolve() / "aqpim")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, other, wide, brief = (folder / f"{stem}.safetensors" for stem in ("small", "other", "wide", "brief"))
        unseen_workload(small, 64, 400, 1, 80, "F16")
        unseen_workload(other, 64, 300, 2, 60, "F32")
        unseen_workload(wide, 128, 300, 1, 60, "F16")
        unseen_workload(brief, 64, 260, 1, 100, "F16")
        check_committed_workloads(checker, folder)
        check_folders(checker, folder / "folders", small, other, wide)
        check_options(checker, folder / "options", small)
        check_prefill(checker, folder / "prefill", brief)
        check_late_outliers(checker, folder, brief)
        check_long_prefill(checker)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return int(checker.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
