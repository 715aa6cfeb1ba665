#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Python package: the tests of python/tests. The compiled module is built, in build/python-VERSION, where pybind11,
numpy and the headers of Python are there (`make python` installs them); captures of tiny random models run where
torch and transformers are (`make models-environment`). What is not there is left out.

    python_test.py RELEASE_TREE SANITIZE_TREE
"""
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

MODELS = Path("build/models/bin/python")
RAN = re.compile(r"^Ran (\d+) tests? in", re.M)
FAILED = re.compile(r"^FAILED \((?:failures=(\d+))?(?:, )?(?:errors=(\d+))?\)", re.M)
passed = failed = 0


def run(name, *command, **environment):
    """Counts the tests that a program of unittest says it ran."""
    global passed, failed
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    ran = RAN.search(done.stderr)
    bad = FAILED.search(done.stderr)
    count = sum(int(number or 0) for number in bad.groups()) if bad else int(done.returncode != 0)
    failed += count
    passed += max(int(ran[1]) - count, 0) if ran else 0
    if count:
        print(f"{name}:\n{done.stdout}{done.stderr}")


def missing():
    """What the compiled module needs and is not there."""
    needs = [name for name in ("pybind11", "numpy") if importlib.util.find_spec(name) is None]
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        needs.append("Python.h")
    return needs


def main():
    tests = Path("python/tests")
    if importlib.util.find_spec("numpy") is not None:
        run("workload_file_test", sys.executable, tests / "workload_file_test.py")
    if needs := missing():
        print(f"tests of the compiled module are left out without {', '.join(needs)}")
    else:
        tree = f"python-{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run(["sim/build.sh", tree, "-DAQPIM_PYTHON=ON", f"-DPython_EXECUTABLE={sys.executable}", "_core"],
                       check=True)
        run("core_test", sys.executable, tests / "core_test.py", Path(sys.argv[1]) / "aqpim", f"build/{tree}")
    if MODELS.exists():
        run("capture_test", MODELS, tests / "capture_test.py", OMP_NUM_THREADS="1")
    else:
        print(f"captures are left out without {MODELS}")
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
