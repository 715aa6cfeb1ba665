#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is left when a run is interrupted: nothing but older results, and by a run that was killed, nothing after the next.

    interrupt_test.py RELEASE_TREE SANITIZE_TREE
"""
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORKLOAD = ROOT / "workloads" / "gqa128_prose_2k.safetensors"


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        if not holds:
            print(f"{what}: does not hold {detail}")


def wait_until(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    return condition()


def temporaries(folder):
    return sorted(path.name for path in folder.rglob(".aqpim-*"))


def start(program, out, env=None):
    """A run that takes long, once it has begun to write."""
    process = subprocess.Popen([program, "sim", "--workload", WORKLOAD, "--config", "pq8", "--out", out],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)
    wait_until(lambda: temporaries(out) or process.poll() is not None)
    return process


def check_program(tally, program, folder):
    out = folder / "out"
    out.mkdir()
    (out / "report.json").write_text("older")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for target in (out, folder / "new" / "folder"):
            process = start(program, target)
            tally.check(f"{number.name}: the run is at work", temporaries(target))
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
            tally.check(f"{number.name}: the exit code is that of the signal", process.returncode == -number,
                        str(process.returncode))
            tally.check(f"{number.name}: nothing is said", errors == "", errors)
        tally.check(f"{number.name}: older results alone are left",
                    sorted(path.name for path in folder.rglob("*")) == ["out", "report.json"],
                    str(sorted(folder.rglob("*"))))

    process = start(program, out)
    process.kill()
    process.communicate()
    left = temporaries(out)
    tally.check("SIGKILL leaves a temporary folder", len(left) == 1, str(left))
    alive = start(program, out)
    tally.check("the next run removes it", wait_until(lambda: len(temporaries(out)) == 1 and temporaries(out) != left),
                str(temporaries(out)))
    theirs = temporaries(out)
    cache = out / "cache.safetensors"
    done = subprocess.run([program, "quantize", WORKLOAD, "-o", cache, "--config", "pq4", "--transform", "none"],
                          stdout=subprocess.DEVNULL, timeout=120)
    tally.check("a run that is alive keeps its own", done.returncode == 0 and temporaries(out) == theirs
                and alive.poll() is None)
    alive.terminate()
    alive.communicate()
    tally.check("and none is left in the end", not temporaries(out))


def check_pages(tally, program, folder):
    """A Python that never ends is ended, too."""
    tools, out = folder / "tools", folder / "pages"
    tools.mkdir()
    out.mkdir()
    (tools / "python3").write_text(f"#!/bin/sh\necho $$ > {tools}/pid\nexec sleep 1000\n")
    (tools / "python3").chmod(0o755)
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "AQPIM_PYTHON": ""}
    process = subprocess.Popen([program, "accuracy", "--workload", WORKLOAD, "--config", "pq4", "--variants", "standard",
                                "--queries", "1", "--out", out], stdout=subprocess.DEVNULL, env=environment)
    pid = tools / "pid"
    tally.check("Python was started", wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), 120))
    process.terminate()
    tally.check("the run ends in the middle of its pages", process.wait(60) == -signal.SIGTERM)
    tally.check("Python ends with it", wait_until(lambda: not Path("/proc", pid.read_text().strip()).exists(), 5))
    tally.check("nothing is left of it", not list(out.iterdir()))


def check_tools(tally):
    """A tool ends with one line, and its children with it."""
    program = ("import subprocess, sys\n"
               f"sys.path.insert(0, {str(ROOT / 'sim')!r})\n"
               "import interrupt, tempfile\n"
               "interrupt.catch()\n"
               "from concurrent.futures import ThreadPoolExecutor\n"
               "kept = tempfile.TemporaryDirectory()\n"
               "print(kept.name, flush=True)\n"
               "def work(_):\n"
               # Says its number when it has a child of its own.
               "    return subprocess.Popen(['sh', '-c', 'sleep 1000 & echo $$; wait']).wait()\n"
               "with ThreadPoolExecutor(2) as pool:\n"
               "    list(pool.map(work, range(2)))\n")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        temporary = Path(process.stdout.readline().strip())
        children = [int(process.stdout.readline()) for _ in range(2)]
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        tally.check(f"a tool says one line at {number.name}", errors == f"-c: interrupted by {number.name}\n", errors)
        tally.check(f"a tool ends by {number.name}", process.returncode == -number, str(process.returncode))
        tally.check(f"its children end at {number.name}",
                    wait_until(lambda: not any(Path("/proc", str(child)).exists() for child in children), 5))
        tally.check(f"its temporary folder is gone after {number.name}", not temporary.exists())
    for tool in (*(ROOT / "sim").glob("*.py"), *(ROOT / "syn").glob("*.py")):
        text = tool.read_text()
        children = ("run_pyosys.py", "slang.py")  # of others
        if "sys.exit(" in text and "__main__" in text and tool.name not in children:
            tally.check(f"{tool.name} ends so", "interrupt.catch()" in text or "report.main(" in text)


def main():
    program = Path(sys.argv[1]).resolve() / "aqpim"
    tally = Tally()
    # Who starts the tests in the background may have them ignored, and children would go on ignoring them.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for check in (check_program, check_pages):
        with tempfile.TemporaryDirectory() as name:
            check(tally, program, Path(name))
    check_tools(tally)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return int(tally.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
