# SPDX-License-Identifier: Apache-2.0
"""What lint, tests and the synthesis flow know of configurations and memories: what sim/shapes.cpp prints, and describes."""

import json
import re
import subprocess
from pathlib import Path

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
PACKAGE = CONFIGS.parent / "rtl/common/pq_pkg.sv"


class ShapeError(Exception):
    """A configuration or memory cannot be used; the text is one sentence for the user."""


def load(configs=CONFIGS, memories=CONFIGS / "memory"):
    """{configurations, memories, channels} of the files in two folders."""
    done = subprocess.run([Path(__file__).with_suffix(".sh"), "write", configs, memories], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise ShapeError(done.stderr.strip())
    return json.loads(done.stdout)


def memory_members():
    """The members of pq_pkg::memory_t, in order."""
    record = re.search(r"typedef struct packed \{([^{}]*)\} memory_t;", PACKAGE.read_text())
    return re.findall(r"^ *logic \[31:0\] (\w+);", record[1], re.M)


def packed(parameters):
    """Parameters as a module has them: if all members of a memory's table are among them, the parameter Memory instead."""
    members = memory_members()
    if not set(members) <= set(parameters):
        return parameters
    rest = {key: value for key, value in parameters.items() if key not in members}
    return rest | {"Memory": f"{32 * len(members)}'h" + "".join(f"{parameters[key]:08x}" for key in members)}


def legal(shapes, kind, name):
    """The entry of a configuration or memory ("configurations", "memories")."""
    found = shapes[kind].get(name)
    if found is None:
        what = {"configurations": "configuration", "memories": "memory"}[kind]
        raise ShapeError(f"there is no {what} {name} (there are: {', '.join(shapes[kind])})")
    if "refused" in found:
        raise ShapeError(found["refused"])
    return found


def all_legal(shapes):
    """Raises the sentence of the first file that cannot be used."""
    for kind in ("configurations", "memories"):
        for name in shapes[kind]:
            legal(shapes, kind, name)
