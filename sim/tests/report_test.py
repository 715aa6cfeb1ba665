#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The package python/aqpim_report: the JSON that `aqpim` writes keeps its schema, and becomes CSV, tables, pictures and a
page; what there is without matplotlib, Jinja2 or Python.

    report_test.py RELEASE_TREE SANITIZE_TREE
"""
import copy
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib
from html.parser import HTMLParser
from pathlib import Path

import jsonschema

sys.dont_write_bytecode = True
from recompute_test import ROOT, unseen_workload  # noqa: E402

sys.path.insert(0, str(ROOT / "python"))
from aqpim_report import accuracy, channel, compare, page, pictures, runs, sim, system, text  # noqa: E402

SCHEMA = json.loads((ROOT / "python/aqpim_report/schema.json").read_text())
PAGES = {"sim": "report.json", "channel": "report.json", "accuracy": "accuracy.json", "compare": "compare.json",
         "system": "system.json"}
VOID = {"meta", "img", "br", "link"}


class Checker:
    def __init__(self, program):
        self.program = program
        self.passed = self.failed = 0

    def check(self, what, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"{what}: does not hold {detail}")

    def run(self, *arguments, code=0, program=None, **variables):
        result = subprocess.run([program or self.program, *map(str, arguments)], capture_output=True, text=True,
                                timeout=400, env=os.environ | {"AQPIM_PYTHON": ""} | variables)
        self.check(f"exit code {code} of {' '.join(map(str, arguments))}", result.returncode == code,
                   f"but {result.returncode}: {result.stderr[-2000:]}")
        return result


def problems(command, data):
    """What is not as the schema of this command has it."""
    name = {"accuracy": "accuracy_study"}.get(command, command)
    validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(data)]


def is_picture(data):
    """A whole PNG with more than one colour."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return False
    position, pixels, last = 8, b"", b""
    while position < len(data):
        size, last = struct.unpack(">I4s", data[position:position + 8])
        chunk = data[position + 4:position + 8 + size]
        if zlib.crc32(chunk) != struct.unpack(">I", data[position + 8 + size:position + 12 + size])[0]:
            return False
        pixels += chunk[4:] * (last == b"IDAT")
        position += 12 + size
    return last == b"IEND" and len(set(zlib.decompress(pixels))) > 8


class Page(HTMLParser):
    """What a page consists of, and what is wrong with it."""

    def __init__(self, html):
        super().__init__()
        self.open, self.problems, self.images, self.headings, self.commands, self.heading = [], [], [], [], [], ""
        self.feed(html)
        self.problems += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("script", "link", "iframe", "object", "base"):
            self.problems.append(f"<{tag}>")
        for name, value in attributes:
            if name == "src" and value.startswith("data:image/png;base64,"):
                self.images.append(value)
            elif name in ("src", "href", "srcset", "data", "action", "style") or "url(" in (value or ""):
                self.problems.append(f"{name}={value}")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}>")

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3", "h4"):
            self.headings.append(data)
        if self.open and self.open[-1] == "pre":
            self.commands.append(data)
        if self.open and self.open[-1] == "style" and ("url(" in data or "@import" in data):
            self.problems.append(data)


def make_runs(checker, folder):
    """A small run of each command: the folder of its results."""
    narrow, wide = folder / "narrow $x^2$.safetensors", folder / "wide.safetensors"
    unseen_workload(narrow, 64, 300, 2, 60, "F16")
    unseen_workload(wide, 128, 300, 1, 60, "F16")
    options = {
        "sim": ["--workload", narrow, "--config", "pq4-d64", "--queries", 2, "--software-prefill"],
        "channel": ["--workload", wide, "--config", "pq4", "--queries", 1, "--golden", "--prefill-by", "software"],
        "accuracy": ["--workload", narrow, "--config", "pq4-d64", "--queries", 2],
        "compare": ["--config", "pq4-w256", "--measure", "none"],
        "system": ["--model", "llama-3-8b", "--batch", "1,64", "--context", "4096,32768"]}
    for command, given in options.items():
        result = checker.run(command, *given, "--out", folder / command)
        checker.check(f"{command}: nothing is left out", result.stderr == "" and "no tables" not in result.stdout
                      and "so there is no" not in result.stdout, result.stdout)
    return options


def check_schema(checker, folder):
    for command, name in PAGES.items():
        data = json.loads((folder / command / name).read_text())
        checker.check(f"{command}: the JSON is as its schema says", not problems(command, data),
                      str(problems(command, data)[:3]))
        # It must not be as the schema says without a key, with another type, or with one more key.
        objects = data if isinstance(data, list) else data["heads"] if "heads" in data else data["rows"]
        for change in (lambda one: one.popitem(), lambda one: one.update(extra=1),
                       lambda one: one.update({next(iter(one)): []})):
            broken = copy.deepcopy(objects)
            change(broken[-1])
            spoiled = broken if isinstance(data, list) else data | {"heads" if "heads" in data else "rows": broken}
            checker.check(f"{command}: a spoiled JSON is noticed", problems(command, spoiled))
        loaded = runs.load(folder / command / name)
        checker.check(f"{command}: the package knows what it is", loaded.command == command)


def check_page(checker, folder):
    for command in PAGES:
        html = (folder / command / "report.html").read_text()
        found = Page(html)
        checker.check(f"{command}: the page is HTML that needs no other file", not found.problems, str(found.problems[:3]))
        checker.check(f"{command}: no reference to a network", "http" not in html and "//" not in html.replace(
            "data:image/png;base64", "").split("<body>")[0])
        drawn = sorted((folder / command).glob("*.png"))
        checker.check(f"{command}: all pictures are in the page", len(found.images) == len(drawn))
        checker.check(f"{command}: pictures are pictures", all(is_picture(path.read_bytes()) for path in drawn))
        checker.check(f"{command}: the page says how to get it", "How to reproduce" in found.headings
                      and found.commands[0].startswith(f"aqpim {command} --"), str(found.commands))
    found = Page((folder / "sim" / "report.html").read_text())
    for heading in ("Equality", "Accuracy", "Cycles", "Configuration"):
        checker.check(f"sim: {heading} is in the page", heading in found.headings, str(found.headings))


def check_reproducible(checker, folder):
    """The command of a page gives the same page."""
    line = json.loads((folder / "sim" / "report.json").read_text())["run"]["command"]
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True).stdout.splitlines()
    before = {path.name: path.read_bytes() for path in (folder / "sim").iterdir() if path.suffix in (".csv", ".png")}
    checker.run(*words[1:])
    checker.check("what the page says to type gives the same files", all(
        (folder / "sim" / name).read_bytes() == content for name, content in before.items()), line)


def check_wants(checker, folder, options):
    """Without matplotlib, Jinja2, the package, or Python; and from another folder."""
    def files(*arguments, **variables):
        out = folder / "less"
        result = checker.run(*arguments, "--out", out, **variables)
        found = {path.name for path in out.iterdir()}
        shutil.rmtree(out)
        return found, result.stdout

    for lacking, sentence, missing in (
            ("matplotlib", "matplotlib cannot be imported (gone), so there is no error_bits.png and no error_queries.png\n",
             {"error_bits.png", "error_queries.png"}),
            ("jinja2", "Jinja2 cannot be imported (gone), so there is no report.html\n", {"report.html"})):
        stub = folder / f"without_{lacking}"
        stub.mkdir()
        (stub / f"{lacking}.py").write_text("raise ImportError('gone')\n")
        found, said = files("accuracy", *options["accuracy"], "--variants", "standard", PYTHONPATH=str(stub))
        all_files = {path.name for path in (folder / "accuracy").iterdir()}
        checker.check(f"without {lacking}", found == all_files - missing and said.startswith(sentence), said[:300])

    json_alone = {"report.json", "outputs.safetensors"}
    for variables, sentence in (({"PATH": "/nowhere"}, "python3 is not installed"),
                                ({"AQPIM_PYTHON": "/no/python"}, "/no/python is not installed"),
                                ({"AQPIM_REPORT": "/nowhere"}, "the Python package aqpim_report is not found")):
        found, said = files("sim", *options["sim"], **variables)
        checker.check(f"with {variables} there is JSON, and one line", found == json_alone
                      and said.count("so there are no tables, pictures and pages, only JSON\n") == 1 and sentence in said,
                      f"{found} {said}")
    # A copy finds the package of its checkout; one that was moved away with it, beside itself.
    moved = folder / "moved"
    shutil.copytree(ROOT / "python", moved / "share/aqpim")
    (moved / "bin").mkdir()
    shutil.copy2(checker.program, moved / "bin/aqpim")
    result = subprocess.run([moved / "bin/aqpim", "compare", *options["compare"], "--out", "here"], cwd=folder,
                            capture_output=True, text=True, env=os.environ | {"AQPIM_PYTHON": ""})
    checker.check("a copy of the program from elsewhere", result.returncode == 0
                  and (folder / "here/compare.md").read_bytes() == (folder / "compare/compare.md").read_bytes(),
                  result.stderr)
    # A file of the user is not taken for a module.
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for name in ("json", "csv", "aqpim_report", "matplotlibrc"):
        (elsewhere / f"{name}.py").write_text("raise SystemExit('a module of the user')\n")
    result = subprocess.run([checker.program, "compare", *map(str, options["compare"])], cwd=elsewhere,
                            capture_output=True, text=True, env=os.environ | {"AQPIM_PYTHON": ""})
    checker.check("modules of the folder it is called in do no harm", result.returncode == 0, result.stderr)


def check_bad_input(checker, folder):
    """The package by itself."""
    program = ROOT / "python/aqpim_report/__main__.py"

    def refused(sentence, *arguments):
        result = checker.run(program, *arguments, program=sys.executable, code=2)
        checker.check(f"one sentence: {sentence}", result.stderr == f"{sentence}\n" and not result.stdout, result.stderr)

    for name, content in (("empty", ""), ("list", "[]"), ("number", "7"), ("other", '{"run": {"command": 3}}'),
                          ("short", '{"run": {"command": "aqpim"}}'), ("binary", "\x00\xff")):
        path = folder / f"{name}.json"
        path.write_text(content, encoding="latin-1")
        refused(f"{path} is no report that aqpim has written", "--print", path)
    path = folder / "nan.json"
    path.write_text('{"run": {"command": "aqpim sim"}, "heads": NaN}')
    refused(f"{path}: NaN is no finite number", "--print", path)
    refused(f"{folder}/none.json cannot be read: No such file or directory", "--print", folder / "none.json")
    marker = "<!-- tables of aqpim compare: {} -->"
    for content in ("", f"{marker.format('end')}\n{marker.format('begin')}\n", f"{marker.format('begin')}\n" * 2
                    + f"{marker.format('end')}\n"):
        path.write_text(content)
        refused(f'{path} has no pair of lines "{marker.format("begin")}" and "{marker.format("end")}" to put tables '
                "between", "--tables", "/dev/null", "--command", "compare", path)
    path.write_bytes(b"a\r\n\xff" + f"\n{marker.format('begin')}\nold\n{marker.format('end')}\nb".encode())
    tables = folder / "tables.md"
    tables.write_text("new\n")
    result = subprocess.run([sys.executable, program, "--tables", tables, "--command", "compare", path],
                            capture_output=True)
    checker.check("bytes around the tables stay", result.stdout == b"a\r\n\xff" + (
        f"\n{marker.format('begin')}\n\nnew\n\n{marker.format('end')}\nb").encode(), str(result))


def head(name="l0.h0", **changes):
    """Figures of a head of `aqpim sim`."""
    phases = {phase: {"cycles": 500 * (i + 1), "words": 100, "utilization": 0.25} for i, phase in enumerate(sim.PHASES)}
    accuracy_of = dict(zip(sim.ACCURACY, (0.11, 0.5, 0.1, 0.25, 0.1, 0.125)))
    return {"name": name, "tokens": 100, "head_dim": 64, "query_heads": 2, "prefill": 80, "encoded": 48, "windows": 1,
            "queries": 2, "flags": 0, "equality": {"compared": 268, "mismatches": 0},
            "engine": {"cycles": 1000, "words": 1000, "utilization": dict.fromkeys(sim.OPERATIONS, 1.0)}, "phases": phases,
            "cache": {"bytes": 100, "ratio": 8.0, "bits_per_element": 2.5}, "accuracy": accuracy_of, **accuracy_of,
            "attention_mass": {"position": [25.0, 75.0], "exact": [0.5, 0.5], "computed": [0.25, 0.75]},
            "query_errors": {"token": [90, 99], "relative_error": [0.1, 0.2], "pq_relative_error": [0.1, 0.2]}} | changes


def run_of(command, data):
    return runs.Run(command, Path("/nowhere/report.json"), data)


def sim_run(*heads):
    total = head() | {"equality": {"compared": 268 * len(heads), "mismatches": 0}}
    return run_of("sim", total | {"heads": list(heads), "config": {"name": "pq8"}, "workload": {"file": "a/b.safetensors"}})


def check_text(checker):
    checker.check("cells", [text.cell(value) for value in (None, True, 3, 1.0, 0.1, 1e-07, 1e22, "x")]
                  == ["", "1", "3", "1", "0.1", "1e-07", "1e+22", "x"])
    checker.check("CSV has quotation marks where it must", text.to_csv(["a", text.formatted("b", ".1f")], [
        {"a": 'x, "y"', "b": 0.25}]) == 'a,b\n"x, ""y""",0.2\n')
    lines = text.wrapped("ab " * 60 + "c" * 130 + " d").splitlines()
    checker.check("lines are filled", [len(line) for line in lines] == [119, 59, 130, 1], str(list(map(len, lines))))
    checker.check("a table of Markdown", text.Table(["a", "b"], [["1", "2"]]).markdown() == "| a | b |\n|---|---|\n| 1 | 2 |\n")
    html = page.to_html("<t>", [text.Paragraph("`<a>` **b** & c"), text.Table(["<i>"], [["**x**"]])])
    checker.check("text of the user is text in the page", "<h1>&lt;t&gt;</h1>" in html and "<th>&lt;i&gt;</th>" in html
                  and "<code>&lt;a&gt;</code> <strong>b</strong> &amp; c" in html, html)


def check_tables(checker, folder):
    """Rows of tables, from figures whose answer is known."""
    one, two = sim_run(head()), sim_run(head(), head("l0.h1"))
    checker.check("sim: a row per head, and one for all if there are several",
                  [len(sim.terminal([run]).splitlines()) for run in (one, two)] == [5, 7])
    row = sim.terminal([two]).splitlines()[-1]
    checker.check("sim: sums and means of all", row.split()[:8] == ["pq8", "all", "200", "8", "536", "0", "1500", "1000"]
                  and row.endswith(" +10.00 %") and len(row) == len(sim.terminal([two]).splitlines()[2]), row)
    software = head()
    software["phases"]["cluster"] = software["phases"]["cluster"] | {"utilization": None}
    checker.check("sim: a phase that was not played has no utilization", "    - 0.25 0.25" in sim.terminal([sim_run(software)])
                  and ",1500,,0.25," in sim.files(sim_run(software))["report.csv"])

    played = json.loads((folder / "channel/report.json").read_text())
    golden = channel.terminal([run_of("channel", played)])
    phase = played["heads"][0]["phases"]["attend"]
    phase["cycles"] = 701
    checker.check("channel: commands where there is no time", f" {phase['commands']:>9}" in golden and "delivered" not in golden)
    figures = {"columns": 64, "memory_cycles": 400, "refreshes": 1, "least_memory_cycles": 300, "delivered": 0.75,
               "delivered_refresh_aside": 0.975}
    played["channel"]["played_on"] = "RTL"
    played["columns"] = [{"score": figures, "write": figures | {"least_memory_cycles": None}, "none": figures | {"columns": 0}}]
    rtl = channel.terminal([run_of("channel", played)]).splitlines()
    checker.check("channel: cycles, and what was delivered", "       701" in rtl[1] and rtl[-2].endswith(" 75.0 %          97.5 %")
                  and rtl[-1].split() == ["0", "write", "64", "400", "1"], "\n".join(rtl))

    study = json.loads((folder / "accuracy/accuracy.json").read_text())
    tables = text.markdown(accuracy.tables(run_of("accuracy", study)))
    bits = [float(line.split("|")[2]) for line in tables.splitlines() if line.startswith(("| fp16", "| int", "| **"))]
    checker.check("accuracy: caches by falling bits", bits == sorted(bits, reverse=True) and len(bits) == 8, str(bits))
    checker.check("accuracy: the option that is standard is bold", "| pq4-d64 | weights | **on** |" in tables
                  and "| pq4-d64 | weights | off |" in tables)
    study["summaries"] = [summary for summary in study["summaries"] if summary["standard"]]
    checker.check("accuracy: standard variants alone have no table of options",
                  "| option |" not in text.markdown(accuracy.tables(run_of("accuracy", study))))

    data = json.loads((folder / "compare/compare.json").read_text())
    run = run_of("compare", data)
    without = compare.files(run)
    checker.check("compare: no RTL runs, no area", "measured.csv" not in without and "RTL runs" not in without["compare.md"]
                  and "FP16 unit" not in without["compare.md"])
    data["areas"] = [{"name": "pq4-w256-2banks", "library": "lib", "unit": "GE", "target_met": False, "engines": 100.0,
                      "all": 120.0, "fp16_unit": 40.0}]
    row = next(row for row in data["rows"] if row["design"] == "pq4-w256, pairs")
    data["measured"] = [{key: row[key] for key in ("design", "config", "banks_per_engine", "memory", "group")} | {
        "power_limited": True, "L": length, "heads": 64, "cycles": 100.0, "latency_cycles": 90, "speedup": 2.0, "model_cycles": 100.0 + error,
        "error_percent": error, "model_latency_cycles": 90, "latency_error_percent": 0.0, "attends": 12,
        "refresh_intervals": 10.5, "score_delivered": 0.991, "accumulate_delivered": 0.987, "compared": 77}
        for length, error in ((1024, 10.0), (4096, -5.0))]
    found = compare.files(run)
    speedup = next(row["speedup"] for row in compare.Rows(data).most_heads(4096) if row["design"] == "pq4-w256, pairs")
    checker.check("compare: speed-up over the ratio of areas", "`make area TOP=pq_channel`, GE per bank\n" in found["compare.md"]
                  and f"| pq4-w256, pairs (misses the clock) | 100 | 120 | 40 | 3.00 | {speedup / 3:.2f} |" in found["compare.md"]
                  and "\n| pq4-w256 | 1" not in found["compare.md"])
    checker.check("compare: RTL runs beside the model", found["compare.md"].endswith(
        " | +0.00 | 99.1 | 98.7 |\n\nLimit: with the power limit. Errors, SCORE and ACC. are in %; SCORE and ACC. are beats of "
        "SCORE and\nACCUMULATE delivered / beats that timing and power allow, refresh aside. ATTENDs are those of a rank.\n"
        "\nLargest error of the model in these 2 runs: 10.00 % of the cycles, 0.00 % of the latency;\nfrom 4096 tokens on, "
        "5.00 % and 0.00 %.\n") and found["measured.csv"].endswith(
            ",4096,64,100.0,90,2.000,95.0,-5.00,90,0.00,12,10.5,0.9910,0.9870,77\n"), found["compare.md"][-700:])

    points = json.loads((folder / "system/system.json").read_text())
    tables = text.markdown(system.tables(run_of("system", points)))
    outside = sum(row["design"] in ("gpu", "attacc") and row["fits"] != "memory" for row in points)
    checker.check("system: what is said of the paper's claim", outside > 0
                  and f"Of {outside} points at which an FP16 cache does not fit" in tables, tables[:500])


def check_pictures(checker):
    """Data that have driven plotters mad: zeros, a single one, nothing, very much, names of all kinds."""
    def drawn(what, figure):
        checker.check(f"a picture of {what}", is_picture(pictures.png(figure)))

    def mass(exact, computed):
        return {"position": [float(i) for i in range(len(exact))], "exact": exact, "computed": computed}

    zeros, one_hot = [0.0] * 64, [1.0] + [0.0] * 63
    no_errors = {"token": [5], "relative_error": [0.0], "pq_relative_error": [0.0]}
    for what, exact, computed in (("attention that is zero", zeros, zeros), ("attention to one token", one_hot, one_hot),
                                  ("attention of which nothing was computed", one_hot, zeros)):
        drawn(what, pictures.attention(what, [head(attention_mass=mass(exact, computed), query_errors=no_errors)]))
    drawn("odd names", pictures.attention("$x^ 'a' \"b\" \\ {c} %", [head(name="$\\frac{_^ é 中")]))
    drawn("errors within a decade", pictures.attention("a", [head(query_errors={
        "token": [1, 2], "relative_error": [0.21, 0.24], "pq_relative_error": [0.2, 0.26]})]))
    many = [head(name=str(i)) for i in range(40)]
    checker.check("not more panels than can be read",
                  len(pictures.attention("many", many).axes) == 2 * pictures.MOST_PANELS)
    drawn("no head", pictures.attention("none", []))
    drawn("an empty stretch of time", pictures.timeline("t", ["a"], [], 5, 5))
    drawn("a stretch of time", pictures.timeline("t", ["a", "b"], [{"name": "x", "colour": "#ff0000", "bars": [[1, 2, 9]]}],
                                                 0, 10))
    drawn("no curve", pictures.curves([], "x", "y"))
    drawn("no error", pictures.error_bits([("t", {"i": [(3.0, 0.0, "i")]}, {"c": [(2.0, 0.0, "c")]}, {"c": []})]))
    drawn("no query", pictures.error_queries([("t", {}, {})]))
    drawn("no bar", pictures.stacked([("t", {})], ["a"], "y"))
    checker.check("no picture where there is one colour", not is_picture(b"\x89PNG\r\n\x1a\n"))


def main():
    warnings.simplefilter("ignore")
    checker = Checker(Path(sys.argv[1]).resolve() / "aqpim")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = make_runs(checker, folder)
        check_schema(checker, folder)
        check_page(checker, folder)
        check_reproducible(checker, folder)
        check_wants(checker, folder, options)
        check_bad_input(checker, folder)
        check_text(checker)
        check_tables(checker, folder)
        check_pictures(checker)
    print(f"{checker.passed} passed, {checker.failed} failed")
    return int(checker.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
