#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One set of rules for configurations and memories: what sim/shapes.cpp refuses, the RTL refuses where it has a check, and
what the one takes, the other takes; each value of another kind is refused with a sentence that names it; and every tool
says this sentence, ends with exit code 2 and builds nothing.

    shapes_test.py RELEASE_TREE SANITIZE_TREE
"""
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, "sim")
import shapes  # noqa: E402
import tools  # noqa: E402

ENGINE = json.loads(Path("configs/pq8.json").read_text())
MEMORY = json.loads(Path("configs/memory/hbm3-5200.json").read_text())
RTL_NAMES = {"ranks": "Ranks", "bank_groups": "BankGroups", "banks_per_group": "BanksPerGroup", "rows": "Rows",
             "columns": "Columns", "postponed": "Postponed"}
LIMIT_NAMES = {"nCCDAB": "LimitedCCDAB", "columns": "LimitedColumns", "window": "LimitedWindow"}
passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


# Parameters of pq8 that change, what the program says and what the RTL says; nothing where they take it.
ENGINES = (
    ("HeadDim=96", "HeadDim is 96, allowed", "HeadDim must be"),
    ("HeadDim=512", "HeadDim is 512, allowed", "HeadDim must be"),
    ("SubDim=3", "SubDim is 3, allowed", "SubDim must be"),
    ("SubDim=16", "SubDim is 16, allowed", "SubDim must be"),
    ("CodeBits=6", "CodeBits is 6, allowed", "CodeBits must be"),
    ("WordBits=32", "WordBits is 32, allowed", "WordBits must be"),
    ("WordBits=512", "WordBits is 512, allowed", "WordBits must be"),
    ("SubDim=8", "must fill 1, 2, 4", "HeadDim / SubDim codes of CodeBits must fill"),
    ("QueryWidth=7", "QueryWidth is 7, allowed", "QueryWidth must be"),
    ("QueryWidth=13", "QueryWidth is 13, allowed", "QueryWidth must be"),
    ("EntryWidth=11", "EntryWidth is 11, allowed", "EntryWidth must be"),
    ("EntryWidth=17", "EntryWidth is 17, allowed", "EntryWidth must be"),
    ("ScoreWidth=11", "ScoreWidth is 11, allowed", "ScoreWidth must be"),
    ("ScoreWidth=17", "ScoreWidth is 17, allowed", "ScoreWidth must be"),
    ("ScoreWidth=12", "ScoreWidth is 12, but must be at least ScoreFraction + 5 = 13", "with at least 6 integer bits"),
    ("ScoreFraction=3", "ScoreFraction is 3, allowed", "ScoreFraction must be"),
    ("ScoreFraction=9", "ScoreFraction is 9, allowed", "ScoreFraction must be"),
    ("ScoreDepth=1000", "ScoreDepth is 1000, allowed are powers of two", "ScoreDepth must be"),
    ("ScoreDepth=8", "ScoreDepth is 8, allowed", "ScoreDepth must be"),
    ("ScoreDepth=8192", "ScoreDepth is 8192, allowed", "ScoreDepth must be"),
    ("BiasDepth=16", "BiasDepth is 16, allowed are powers of two from 32", "BiasDepth must be"),
    ("BiasDepth=2048", "BiasDepth is 2048, allowed", "BiasDepth must be"),
    ("WeightWidth=7", "WeightWidth is 7, allowed", "WeightWidth must be"),
    ("WeightWidth=15", "WeightWidth is 15, allowed", "WeightWidth must be"),
    ("Quantize=2", "Quantize is 2, allowed", "Quantize must be"),
    ("QueryWidth=11", "Quantize needs QueryWidth 12", "Quantize needs"),
    ("HeadDim=64 SubDim=1 WordBits=64", "Quantize needs QueryWidth 12, SubDim at least 2", "Quantize needs"),
    ("HeadDim=64 SubDim=8 WordBits=64", "at least 2 * SubDim lanes", "Quantize needs"),
    ("EntryWidth=12 ScoreWidth=12 ScoreFraction=4 ScoreDepth=16 BiasDepth=32 WeightWidth=8", "", ""),
    ("ScoreWidth=13 ScoreDepth=4096 BiasDepth=1024", "", ""),
    ("HeadDim=256 SubDim=8", "", ""),
    ("HeadDim=256 SubDim=4", "", ""),
    ("HeadDim=64 SubDim=4 WordBits=64", "", ""),
    ("HeadDim=256 SubDim=8 CodeBits=4 WordBits=64", "", ""),
    ("Quantize=0 QueryWidth=8 EntryWidth=12 ScoreWidth=12 ScoreFraction=4 ScoreDepth=16 BiasDepth=32 WeightWidth=8", "", ""),
    ("Quantize=0 HeadDim=64 SubDim=8 WordBits=64", "", ""),
    ("Quantize=0 HeadDim=64 SubDim=1 WordBits=64", "", ""),
    ("Quantize=0 HeadDim=256 SubDim=1 CodeBits=4", "", ""),
)
# The same of engines next to banks: what the program says of one and two banks, and pq_bank_engine and pq_sequencer. They
# do not know of each other, and so each checks its own part.
CHANNELS = (
    ("HeadDim=64 SubDim=4 WordBits=64", 1, "need words of 128 or 256 bits", "WordBits must be 128 or 256", None),
    ("HeadDim=64 WordBits=128", 1, "must fill one or two beats", "must fill one or more beats", "must fill one or two beats"),
    ("HeadDim=256 SubDim=2", 1, "must fill one or two beats", None, "must fill one or two beats"),
    ("BiasDepth=1024", 1, "at most 512 biases", "BiasDepth must be at most 512", "BiasDepth must be at most 512"),
    ("Quantize=0", 1, "must be able to quantize", "Quantize must be 1", None),
    ("WordBits=128", 2, "two banks per engine need words of 256 bits", "BanksPerEngine must be", "BanksPerEngine must be"),
    ("HeadDim=128", 2, "", "", ""),
    ("WordBits=128 BiasDepth=512", 1, "", "", ""),
    ("SubDim=2 CodeBits=4 WordBits=128", 1, "", "", ""),
    ("HeadDim=256", 1, "", "", ""),
)
# Entries of the memory that change, what the program says, and what pq_sequencer says: None, if it does not look.
MEMORIES = (
    ("rows=4096", "rows is 4096, allowed are powers of two from 8192 to 65536", "Rows 8192 to 65536"),
    ("rows=12288", "rows is 12288, allowed are powers of two", "must be powers of two"),
    ("rows=131072", "rows is 131072, allowed", "Rows 8192 to 65536"),
    ("columns=48", "columns is 48, allowed are powers of two", "must be powers of two"),
    ("columns=1", "columns is 1, allowed", "Warning"),
    ("columns=2048", "columns is 2048, allowed", None),
    ("bank_groups=8 banks_per_group=8 columns=1024", "but must be at most 32768", "must be powers of two"),
    ("bank_groups=1", "bank_groups is 1, allowed are powers of two from 2 to 8", "two bank groups at least"),
    ("bank_groups=3", "bank_groups is 3, allowed", "must be powers of two"),
    ("banks_per_group=6", "banks_per_group is 6, allowed", "must be powers of two"),
    ("ranks=3", "ranks is 3, allowed are 1 to 2", "Ranks must be 1 or 2"),
    ("nCWL=5", "nCWL is 5, allowed", "nCWL must be at least 6"),
    ("nCL=15", "nCL is 15, but must be at least nCWL + 10", "at least 10 less than nCL"),
    ("nCCDL=63 nCCDAB=63", "nCCDL is 63, allowed", "less than 63"),
    ("nRTW=48", "but must be at least nCL + nBL + nRTW", "less than 63"),
    ("nRAS=450", "nRC is 63, but must be at least nRAS = 450", "nRC must be at least nRAS"),
    ("nRC=62", "nRC is 62, but must be at least nRAS + nRP - 1 = 63", "nRAS + nRP - 1"),
    ("postponed=0", "postponed is 0, allowed", "Postponed must be at least 1"),
    ("power_limit.columns=1", "columns is 1, allowed are 2 to 1024", "Columns must be at least 2"),
    ("power_limit.window=4", "window is 4, allowed are 5 to 16384", "Window at least 5"),
    ("power_limit.window=20000", "window is 20000, allowed are 5 to 16384", "WIDTHCONCAT"),
    ("nREFI=500", "nREFI is 500, but must be at least nRFC + nRC = 519", None),
    ("rows=8192 columns=2", "", ""),
    ("rows=65536 columns=1024", "", ""),
    ("bank_groups=2 banks_per_group=2 ranks=1", "", ""),
    ("bank_groups=8 banks_per_group=8 columns=512", "", "at most 16 engines"),
    ("nRTW=47 nCCDL=33 nCCDAB=33 power_limit.nCCDAB=33 power_limit.window=4096", "nCL + 12 is 31, but must be at least nCCDL", None),
    ("nRTW=46 nCCDL=31 nCCDAB=31 power_limit.nCCDAB=31 power_limit.window=4096", "", ""),
    ("nBL=1 nCCDS=1 nCCDL=2 power_limit.columns=2 power_limit.window=5", "", ""),
    ("power_limit.columns=1024 power_limit.window=16384", "", ""),
    ("postponed=64 nREFI=1048576 nRFC=500000", "", ""),
)
# The same of the engines next to a memory's banks: entries of the memory, banks of an engine.
PLACES = (
    ("bank_groups=8 banks_per_group=8 columns=512", 2, "has at most 16 engines, not 32", "at most 16 engines"),
    ("bank_groups=8 banks_per_group=4", 1, "has at most 16 engines, not 32", "at most 16 engines"),
    ("bank_groups=8 banks_per_group=4", 2, "", ""),
    ("bank_groups=8 banks_per_group=2", 1, "", ""),
)
# pq_reducer of a channel has parameters that no configuration decides.
REDUCERS = (
    ("WordBits=32", "WordBits must be"), ("WordBits=512", "WordBits must be"), ("CodeBits=6", "CodeBits must be"),
    ("SubDim=1", "SubDim must be 2"), ("SubDim=3", "SubDim must be 2"), ("SubDim=16", "SubDim must be 2"),
    ("WordBits=64 SubDim=8", "SubDim must be at most"), ("ScoreDepth=1000", "ScoreDepth must be"),
    ("ScoreDepth=8", "ScoreDepth must be"), ("ScoreDepth=8192", "ScoreDepth must be"),
    ("PartsWidth=0", "PartsWidth must be"), ("PartsWidth=9", "PartsWidth must be"),
    ("SubDim=4", ""), ("WordBits=64 SubDim=4 ScoreDepth=16 PartsWidth=1", ""), ("WordBits=64 CodeBits=4 SubDim=8", ""),
    ("WordBits=128 CodeBits=4 SubDim=2 ScoreDepth=4096", ""),
)


def values(text):
    return {key: int(value) for key, value in (word.split("=") for word in text.split())}


def file_of(name):
    """The name of a case as that of a file."""
    return re.sub(r"[^\w.-]", "_", name)


def memory_with(changes):
    """A memory's table with entries replaced, and the same as parameters of the RTL."""
    table, parameters = copy.deepcopy(MEMORY), {}
    for key, value in changes.items():
        where, _, name = key.rpartition(".")
        where = where or next(part for part in ("organization", "timing", "refresh") if name in table[part])
        table[where][name] = value
        parameters[LIMIT_NAMES[name] if where == "power_limit" else RTL_NAMES.get(name, name)] = value
    return table, parameters


def lint(job):
    module, parameters = job
    done = subprocess.run(
        [*tools.command("verilator"), "--lint-only", "-Wall", "--top-module", module, "-Irtl/common", "-Irtl/engine", "-Irtl/channel",
         *(f"-G{key}={value}" for key, value in parameters.items()), "pq_pkg.sv", f"{module}.sv"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def rules(folder):
    """Table by table: the program's answers, all at once, and the RTL's."""
    configs, memories = folder / "rules", folder / "rules" / "memory"
    memories.mkdir(parents=True)
    for name, *_ in ENGINES + CHANNELS:
        (configs / f"{file_of(name)}.json").write_text(json.dumps(ENGINE | {"engine": ENGINE["engine"] | values(name)}))
    for name, *_ in MEMORIES + PLACES:
        (memories / f"{file_of(name)}.json").write_text(json.dumps(memory_with(values(name))[0]))
    (memories / "hbm3-5200.json").write_text(json.dumps(MEMORY))
    known = shapes.load(configs, memories)
    jobs = []

    def program(name, said, sentence):
        check(f"program, {name}", sentence in said if sentence else not said, said)

    def rtl(module, name, sentence, parameters):
        if sentence is not None:
            jobs.append((f"{module}, {name}", sentence, (module, parameters)))

    def sequencer_of(name):
        return shapes.packed(known["memories"]["hbm3-5200"]["parameters"] | memory_with(values(name))[1])

    for name, sentence, of_rtl in ENGINES:
        program(name, known["configurations"][file_of(name)].get("refused", ""), sentence)
        rtl("pq_engine", name, of_rtl, values(name))
    for name, banks, sentence, of_engine, of_sequencer in CHANNELS:
        program(f"{name}, {banks}", known["channels"]["hbm3-5200"][file_of(name)][str(banks)].get("refused", ""), sentence)
        changes = values(name) | {"BanksPerEngine": banks}
        rtl("pq_bank_engine", name, of_engine, changes)
        rtl("pq_sequencer", name, of_sequencer, {key: value for key, value in changes.items() if key != "Quantize"})
    for name, sentence, of_rtl in MEMORIES:
        program(name, known["memories"][file_of(name)].get("refused", ""), sentence)
        rtl("pq_sequencer", name, of_rtl, sequencer_of(name))
    for name, banks, sentence, of_rtl in PLACES:
        place = known["channels"][file_of(name)][file_of("HeadDim=128")][str(banks)]
        program(f"{name}, {banks}", place.get("refused", ""), sentence)
        rtl("pq_sequencer", f"{name}, {banks}", of_rtl, sequencer_of(name) | {"BanksPerEngine": banks})
    for name, of_rtl in REDUCERS:
        rtl("pq_reducer", name, of_rtl, values(name))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, sentence, _), (code, text) in zip(jobs, pool.map(lint, (job for _, _, job in jobs))):
            check(f"RTL, {name}", code and sentence in text if sentence else not code, text[:500])


def texts():
    """Files that are no table of whole numbers: name, text and a part of the sentence."""
    for kind, table, parts in (("configuration", ENGINE, ("engine", "cache")),
                               ("memory", MEMORY, ("organization", "timing", "refresh", "power_limit"))):
        for part in parts:
            for key, value in table[part].items():
                def changed(change, part=part, table=table):
                    changed_table = copy.deepcopy(table)
                    change(changed_table[part])
                    return json.dumps(changed_table)

                def with_value(bad, key=key):
                    return changed(lambda entries: entries.update({key: bad}))
                name, where = f"{kind} {part} {key}", f", {part}: {key} is "
                yield f"{name} missing", changed(lambda entries, key=key: entries.pop(key)), f'{part} lacks the key "{key}"'
                yield f"{name} misspelt", changed(lambda entries, key=key: entries.update({key + "s": entries.pop(key)})), \
                    f'{part} lacks the key "{key}"'
                yield f"{name} beside another", changed(lambda entries, key=key: entries.update({key + "s": 1})), \
                    f'has the unknown key "{key}s"'
                for what, bad in (("negative", -value - 1), ("fraction", value + 0.9), ("whole fraction", float(value)),
                                  ("text", f" {value}"), ("boolean", True), ("null", None), ("list", [value]),
                                  ("large", 1 << 40), ("larger", 1 << 70)):
                    yield f"{name} {what}", with_value(bad), where
                if key not in ("window", "Quantize"):
                    yield f"{name} zero", with_value(0), where
        text = json.dumps(table)
        yield f"{kind} empty", "", "is not valid JSON"
        yield f"{kind} cut", text[:-1], "is not valid JSON"
        yield f"{kind} with more text", text + " {}", "is not valid JSON"
        yield f"{kind} number", "1", "must be a JSON object"
        yield f"{kind} list", f"[{text}]", "must be a JSON object"
        yield f"{kind} twice", text[:-1] + ', "description": "again"}', 'has the key "description" twice'
        yield f"{kind} deep", "[" * 1000, "nests JSON values"
        yield f"{kind} part", json.dumps(table | {parts[0]: 1}), f"{parts[0]} must be a JSON object"


def values_of_other_kinds(folder):
    configs, memories = folder / "texts", folder / "texts" / "memory"
    memories.mkdir(parents=True)
    files = list(texts())
    for name, text, _ in files:
        ((memories if name.startswith("memory") else configs) / f"{file_of(name)}.json").write_text(text)
    known = shapes.load(configs, memories)
    said = known["configurations"] | known["memories"]
    said = {name: said[file_of(name)].get("refused", "") for name, *_ in files}
    wrong = [f"{name}: {said[name]}" for name, _, sentence in files if sentence not in said[name] or "\n" in said[name]]
    check(f"{len(files)} files are refused with a sentence that says what and where", not wrong, "\n".join(wrong))


def every_tool(folder):
    """Every tool, in a checkout whose configs have a mistake."""
    root = folder / "checkout"
    for name in ("sim", "syn", "rtl", "sw/config", "configs", "constraints", "build/shapes"):
        shutil.copytree(name, root / name)
    shutil.copy2("Makefile", root)

    def spoil(kind, change):
        path = root / "configs" / kind
        table = json.loads(path.read_text())
        change(table)
        path.with_name("spoilt.json").write_text(json.dumps(table))

    def run(*command):
        return subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={key: value for key, value in os.environ.items()
                                   if not key.startswith(("MAKE", "MFLAGS"))})

    def refused(sentence, *command):
        done = run(*command)
        said = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
        # A target's own packages are installed first, where they are missing.
        printed = [line for line in done.stdout.splitlines() if not line.startswith("Installing ")]
        built = {path.name for path in (root / "build").iterdir()} - {"shapes", "shapes.log", "install_dependencies.log"}
        check(" ".join(command), done.returncode == 2 and not built and
              (sentence in done.stdout if "test" in command else len(said) == 1 and sentence in said[0] and not printed),
              f"{done.returncode} {built}\n{done.stdout}{done.stderr}")

    spoil("pq4-d64.json", lambda table: table["engine"].update(ScoreWidth=15.9))
    sentence = "configuration spoilt, engine: ScoreWidth is 15.9, allowed are 12 to 16"
    for target in ("sim", "accuracy", "prefill", "compare", "lint", "test", "area", "timing", "netlist"):
        refused(sentence, "make", target)
    refused(sentence, "make", "sim", "CONFIG=pq4-d64 spoilt")
    refused(sentence, "make", "channel", "CONFIG=spoilt")
    refused(sentence, "make", "timing", "CONFIG=spoilt", "TOP=pq_score")
    check("other configurations can be used", not run("sim/shapes.sh", "check", "--config", "pq4,pq8").returncode
          and "pq4" in run(sys.executable, "-c", "import sys; sys.path.insert(0, 'syn'); import flow; "
                           "print(flow.configurations(['pq4'], 'pq_engine', {}))").stdout)
    (root / "configs" / "spoilt.json").rename(root / "configs" / "pq4 copy.json")
    refused("configuration \"pq4 copy\": a name has letters, digits, '-', '_' and '.' only", "make", "sim")
    (root / "configs" / "pq4 copy.json").unlink()

    spoil("memory/hbm3-5200.json", lambda table: table["refresh"].update(REFI=table["refresh"].pop("nREFI")))
    sentence = 'memory spoilt, refresh lacks the key "nREFI"'
    for target in ("channel", "compare"):
        refused(sentence, "make", target, "MEMORY=spoilt")
    for target in ("area", "timing", "netlist"):
        refused(sentence, "make", target, "MEMORY=spoilt", "TOP=pq_sequencer")
    for target in ("lint", "test"):
        refused(sentence, "make", target)
    check("what needs no memory does not ask for it", not run("sim/shapes.sh", "check").returncode)
    refused('there is no memory "ddr9", there are hbm3-5200, spoilt', "make", "channel", "MEMORY=ddr9")
    refused("there is no memory ddr9 (there are: hbm3-5200, spoilt)", "make", "area", "MEMORY=ddr9", "TOP=pq_score")
    refused("an engine has 1 or 2 banks, not 3", "make", "timing", "BANKS_PER_ENGINE=1,3", "TOP=pq_score")
    refused('there is no configuration "pq9", there are pq4, ', "make", "sim", "CONFIG=pq9")


def main():
    with tempfile.TemporaryDirectory() as name:
        rules(Path(name))
        values_of_other_kinds(Path(name))
        every_tool(Path(name))
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
