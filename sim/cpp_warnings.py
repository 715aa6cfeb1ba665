# SPDX-License-Identifier: Apache-2.0
"""What the C++ compiler at hand says to all of our sources, compiled as in the release build. Other builds go on after a
warning: a new compiler has new ones. ccache repeats what the compiler said before, and keeps what is compiled here for
builds: a source is compiled once.
"""
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "build/release"
SCRATCH = ROOT / "build/lint"
OURS = tuple(f"{folder}/" for folder in (ROOT / "sw", ROOT / "tb", ROOT / "app", ROOT / "sim", TREE / "generated"))


def build(*targets):
    """What is said if they cannot be built."""
    done = subprocess.run(["sim/build.sh", TREE.name, *targets], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.stdout if done.returncode else ""


def compile_again(numbered):
    """What the compiler says; the object is thrown away."""
    number, rule = numbered
    command = rule["command"].replace(f" -o {rule['output']} ", f" -o {SCRATCH}/{number}.o ")
    command = command.replace(f" -MF {rule['output']}.d ", f" -MF {SCRATCH}/{number}.d ")
    return subprocess.run(command, shell=True, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=os.environ | {"CCACHE_SLOPPINESS": "pch_defines,time_macros", "CCACHE_DEPEND": "1"}).stdout


def cpp_warnings():
    # The headers of models.
    failure = build("models_verilated")
    if failure:
        return failure
    rules = json.loads(subprocess.run(["ninja", "-C", TREE, "-t", "compdb"], check=True, capture_output=True, text=True).stdout)
    failure = build(*(rule["output"] for rule in rules if rule["output"].endswith("cmake_pch.hxx.gch")))
    if failure:
        return failure
    SCRATCH.mkdir(parents=True, exist_ok=True)
    compilations = [rule for rule in rules if rule["file"].startswith(OURS) and rule["output"].endswith(".o")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return "".join(dict.fromkeys(pool.map(compile_again, enumerate(compilations))))
