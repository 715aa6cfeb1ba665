# SPDX-License-Identifier: Apache-2.0
"""The commands of outside tools. The variables VERILATOR, YOSYS and STA, of make or of the environment, name others than
verilator, yosys and sta: a command of the PATH, or a file, from the root of the repository if it is no absolute path;
arguments may follow, separated by blanks.
"""
import functools
import os
import shlex
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def rtl_files(root=ROOT):
    """The RTL's sources in the order in which tools read them: the package first."""
    return sorted(root.glob("rtl/*/*.sv"), key=lambda path: (path.stem != "pq_pkg", path))


def command(tool):
    """The words of a tool's command."""
    words = shlex.split(os.environ.get(tool.upper(), "")) or [tool]
    # A word that is a file of the repository, e.g. the script of an interpreter.
    return [str(ROOT / word) if "/" in word and (ROOT / word).exists() else word for word in words]


@functools.cache
def version(tool):
    """What a tool says of its version, in one line."""
    try:
        done = subprocess.run([*command(tool), "-version" if tool == "sta" else "-V"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, cwd=ROOT, check=False)
    except OSError:
        return f"{tool} cannot be run"
    return (done.stdout.strip().splitlines() or [f"{tool} of unknown version"])[0]


def compilation(folder, prefix, sources, optimization):
    """The command that makes the program `folder`/`prefix` of `sources` and of the model that Verilator has written there."""
    root = subprocess.run([*command("verilator"), "--getenv", "VERILATOR_ROOT"], check=True, capture_output=True, text=True,
                          cwd=ROOT).stdout.strip()
    return ["make", "-s", "-j", "2", "-C", str(folder), "-f", str(ROOT / "sim/verilated.mk"), f"PREFIX={prefix}",
            f"ROOT={root}", f"SOURCES={' '.join(map(str, sources))}", f"OPTIMIZATION={optimization}",
            f"OBJCACHE={shutil.which('ccache') or ''}", prefix]
