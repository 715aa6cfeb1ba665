#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Proves with Yosys and z3 what the harnesses in formal/ say of the RTL: prove.py [OPTION]... [NAME]...

A harness NAME.sv numbers what it proves in its header, and asserts it under the labels rule_1, rule_2, ...; a rule that
ends with (a_NAME) is that assertion of the RTL. proofs.json says how each is proved:
  name        as on the command line
  harness     the module in formal/ (default: the name)
  parameters  of the harness
  steps       from reset; with them, induction proves it for all time
  cover       steps in which all its cover statements are reached, if it has any
  twin        file of the RTL, a text that is there once, and what breaks it: the broken twin must fail at a rule, or
              at an assertion of the RTL; the harness's invariants, which have no label, are taken out
All modules of rtl/ can be used, with formal/pq_memory.sv in the place of the memory.

A line per proof, `proved` or `NOT PROVED` with what fails; a trace of the failure lies beside the log in build/formal.
The exit code is 0 if all are proved and no twin is, 1 if not, 2 if a tool fails or proofs.json is wrong.
The variable YOSYS names another Yosys; yosys-smtbmc and z3 are those of the PATH.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "sim"))
import interrupt  # noqa: E402
import tools  # noqa: E402

FORMAL = Path("formal")        # from the root of the repository, where all tools run
BUILD = Path("build/formal")
PATIENCE_SECONDS = 600        # for one question to the solver
PAGE_BEGIN, PAGE_END = "<!-- proofs: begin -->", "<!-- proofs: end -->"


class ToolError(Exception):
    pass


def run(command, log):
    """The exit code and the output, which goes to the log, too."""
    try:
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=ROOT, timeout=PATIENCE_SECONDS)
    except FileNotFoundError:
        raise ToolError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"{command[0]} has no answer after {PATIENCE_SECONDS} s, see {log}") from None
    (ROOT / log).write_text(done.stdout)
    return done.returncode, done.stdout


class Proof:
    def __init__(self, name, steps, twin, harness=None, parameters=None, cover=0):
        self.name, self.steps, self.twin, self.cover = name, steps, twin, cover
        self.harness, self.parameters = harness or name, parameters or {}
        self.stem = re.sub(r"\W+", "_", name)

    def rules(self):
        """What the header of the harness numbers: [(number, sentence)]."""
        header = (ROOT / FORMAL / f"{self.harness}.sv").read_text().split("\nmodule ")[0]
        rules = re.findall(r"^//   (\d+)\. (.*(?:\n//      \S.*)*)", header, re.M)
        return [(int(number), re.sub(r"\n//\s+", " ", text)) for number, text in rules]

    def translate(self, rtl, stem, twin):
        """The harness and what it instantiates, in SMT-LIB."""
        modules = sorted(path for path in rtl.glob("*/*.sv") if path.name != "pq_memory.sv")
        package = [path for path in modules if path.stem == "pq_pkg"]
        files = " ".join(str(path) for path in [*package, *(path for path in modules if path not in package),
                                                FORMAL / "pq_memory.sv"])
        chparam = "".join(f"chparam -set {key} {value} {self.harness}; " for key, value in self.parameters.items())
        unlabelled = "delete c:$assert$*; " if twin else ""
        smt = BUILD / f"{stem}.smt2"
        script = (f"read_verilog -formal -sv -mem2reg -defer -I{rtl}/common {files}; "
                  f"read_verilog -formal -sv {FORMAL}/{self.harness}.sv; {chparam}"
                  f"prep -top {self.harness} -flatten; {unlabelled}async2sync; dffunmap; write_smt2 -wires {smt}")
        code, text = run([*tools.command("yosys"), "-Q", "-p", script], BUILD / f"{stem}.yosys.log")
        if code:
            raise ToolError(f"yosys failed: {(re.findall('ERROR: .*', text) or ['no message'])[0]}")
        return smt

    def failure(self, rtl, stem, twin=False):
        """What does not hold, or nothing. A twin has to fail in cycles from reset."""
        smt = self.translate(rtl, stem, twin)
        modes = [("base", max(self.steps, self.cover) if twin else self.steps, [])]
        if not twin:
            modes.append(("induction", self.steps, ["-i"]))
        if self.cover and not twin:
            modes.append(("cover", self.cover, ["-c"]))
        for mode, steps, option in modes:
            name = f"{stem}-{mode}"
            # z3 needs a thousand times as long without --unroll, where memories are registers.
            code, text = run(["yosys-smtbmc", "-s", "z3", "--unroll", "--noprogress", "-t", steps, *option, "--dump-vcd",
                              BUILD / f"{name}.vcd", smt], BUILD / f"{name}.log")
            if "Status: PASSED" not in text:
                failed = re.findall(r"(?:Assert failed in|Unreached cover statement at) (.*)", text)
                if not failed and "Status: FAILED" not in text:
                    raise ToolError(f"yosys-smtbmc failed with exit code {code}, see {BUILD}/{name}.log")
                return f"{mode}: {failed[0]}" if failed else mode
        return ""

    def broken(self, rtl):
        """The twin's folder of RTL."""
        file, old, new = self.twin
        twin = BUILD / f"{self.stem}-twin.rtl"
        shutil.rmtree(ROOT / twin, ignore_errors=True)
        shutil.copytree(ROOT / rtl, ROOT / twin)
        text = (rtl / file).read_text()
        if text.count(old) != 1:
            raise ToolError(f"proofs.json: {self.name}: the twin's text is in {file} {text.count(old)} times: {old}")
        (ROOT / twin / file).write_text(text.replace(old, new))
        return twin


def page(results):
    """The proofs as Markdown: a table, and what each one says."""
    lines = ["", "| proof | rules | seconds |", "|---|---:|---:|"]
    lines += [f"| {proof.name} | {len(proof.rules())} | {seconds:.0f} |" for proof, seconds in results]
    said = set()
    for proof, _ in results:
        if proof.harness not in said:
            said.add(proof.harness)
            lines += ["", f"[{proof.harness}](../{FORMAL}/{proof.harness}.sv)", ""]
            for number, sentence in proof.rules():
                lines += textwrap.wrap(f"{number}. {sentence}", 120, subsequent_indent="   ")
    return [*lines, ""]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rtl", default="rtl", type=Path, help="folder of the RTL (default: rtl)")
    parser.add_argument("--page", type=Path, help="page whose table of proofs is written anew")
    parser.add_argument("names", nargs="*", metavar="NAME", help="proofs (default: all)")
    arguments = parser.parse_args()
    proofs = [Proof(**entry) for entry in json.loads((ROOT / FORMAL / "proofs.json").read_text())]
    unknown = [name for name in arguments.names if name not in [proof.name for proof in proofs]]
    if unknown:
        print(f"prove: there is no proof {unknown[0]} (there are: {', '.join(proof.name for proof in proofs)})", file=sys.stderr)
        return 2
    (ROOT / BUILD).mkdir(parents=True, exist_ok=True)
    good, results = True, []
    try:
        for proof in proofs:
            if arguments.names and proof.name not in arguments.names:
                continue
            start = time.monotonic()
            failed = proof.failure(arguments.rtl, proof.stem)
            twin = failed or proof.failure(proof.broken(arguments.rtl), f"{proof.stem}-twin", twin=True)
            seconds = time.monotonic() - start
            good = good and bool(twin) and not failed
            results.append((proof, seconds))
            print(f"{'NOT PROVED' if failed else 'proved' if twin else 'TWIN PROVED'}  {proof.name}, {len(proof.rules())} rules "
                  f"({seconds:.0f} s): {failed or f'twin fails, {twin}'}", flush=True)
    except ToolError as error:
        print(f"prove: {error}", file=sys.stderr)
        return 2
    if arguments.page and good:
        text = arguments.page.read_text()
        head, rest = text.split(PAGE_BEGIN)
        tail = rest.split(PAGE_END)[1]
        arguments.page.write_text("\n".join([head + PAGE_BEGIN, *page(results), PAGE_END + tail]))
    return int(not good)


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
