#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sim/install_dependencies.sh on machines that are made up: a folder of the commands they have."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path("sim/install_dependencies.sh").resolve()
# What it may take for granted.
SYSTEM = ("sh", "cat", "dirname", "env", "grep", "head", "id", "mkdir", "sort", "tail")
# Everything for `make sim`, in versions that do; g++ knows all headers.
COMMANDS = {"make": "4.3", "g++": "12.2.0", "cmake": "3.25.1", "ninja": "1.11.1", "ccache": "4.8", "verilator": "5.006",
            "python3": "3.11.2"}
passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += good
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


class Machine:
    def __init__(self, folder, **versions):
        self.folder, self.bin = Path(folder), Path(folder) / "bin"
        self.bin.mkdir()
        for name in SYSTEM:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, version in (COMMANDS | versions).items():
            if version is not None:
                self.add(name, f"echo '{name} {version}'")

    def add(self, name, text):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def with_apt(self):
        """No package is installed; apt-get notes what it is asked for."""
        self.add("dpkg-query", "exit 1")
        self.add("apt-get", f"echo $* >> {self.folder}/asked")
        self.add("sudo", 'exec "$@"')

    def asked(self):
        path = self.folder / "asked"
        return path.read_text() if path.exists() else ""

    def make(self, target, **variables):
        done = subprocess.run([SCRIPT, target], cwd=self.folder, env={"PATH": str(self.bin)} | variables,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stderr


def machine(test):
    with tempfile.TemporaryDirectory() as folder:
        test(folder)


@machine
def without_apt(folder):
    here = Machine(folder)
    code, text = here.make("sim")
    check("whoever has all tools needs no package", code == 0 and not text, text)
    for name in COMMANDS:
        here.bin.joinpath(name).unlink()
    code, text = here.make("sim")
    check("without apt-get, what is missing is listed with what it is for, and nothing is written",
          code == 2 and "no apt-get" in text and "  cmake, 3.25 or newer (Debian: cmake): the build\n" in text
          and "  lz4.h (Debian: liblz4-dev): FST" in text and len(text.splitlines()) == 16 and os.listdir(folder) == ["bin"], text)
    check("what other targets need is not", "yosys" not in text and "doctest" not in text, text)


@machine
def versions_and_headers(folder):
    here = Machine(folder, cmake="3.9.6", verilator="5.048", ccache=None)
    here.add("g++", 'case "$*" in --version) echo 13.1 ;; *) ! grep -q lz4 ;; esac')
    code, text = here.make("sim")
    lines = text.splitlines()[1:]
    check("an old command, a missing command and a missing header are found, and only they",
          code == 2 and [line.split()[0].rstrip(",") for line in lines] == ["cmake", "ccache", "lz4.h"], text)


@machine
def with_apt(folder):
    here = Machine(folder, ninja=None)
    here.add("python3", "[ $1 = --version ] && echo Python 3.11.2")
    here.with_apt()
    code, text = here.make("sim", AUTO_DEPS="0")
    check("AUTO_DEPS=0 says what is missing and installs nothing",
          code == 2 and "ninja-build" in text and not here.asked(), text + here.asked())
    code, text = here.make("sim")
    check("apt-get is asked for what is missing", code == 0 and here.asked().endswith(" ninja-build python3-matplotlib python3-jinja2\n"),
          text + here.asked())
    here.add("apt-get", "exit 100")
    code, text = here.make("sim")
    check("packages that apt-get does not have are named", code == 2 and "python3-jinja2" in text and "pictures" in text, text)


@machine
def named_tools(folder):
    here = Machine(folder, verilator=None)
    here.with_apt()
    here.add("mine", 'echo "Verilator 5.${1#v}"')
    check("a command with arguments is taken", here.make("sim", VERILATOR="mine v048")[0] == 0 and not here.asked())
    here.add("silent", "true")
    check("so is one with a path, and one that does not tell its version", here.make("sim", VERILATOR=f"{here.bin}/silent")[0] == 0)
    code, text = here.make("sim", VERILATOR="mine v002")
    check("one that is too old is refused, and nothing installed", code == 2 and "VERILATOR=mine v002, 5.006 or newer" in text
          and not here.asked(), text)
    code, text = here.make("sim", VERILATOR="none")
    check("so is one that is not there", code == 2 and "VERILATOR=none" in text and not here.asked(), text)


print(f"{passed} passed, {failed} failed")
sys.exit(int(failed > 0))
