# SPDX-License-Identifier: Apache-2.0
"""What lint, tests and the synthesis flow know of configurations and memories: what sim/shapes.cpp prints, and describes."""

import json
import subprocess
from pathlib import Path

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


class ShapeError(Exception):
    """A configuration or memory cannot be used; the text is one sentence for the user."""


def load(configs=CONFIGS, memories=CONFIGS / "memory"):
    """{configurations, memories, channels} of the files in two folders."""
    done = subprocess.run([Path(__file__).with_suffix(".sh"), "write", configs, memories], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise ShapeError(done.stderr.strip())
    return json.loads(done.stdout)


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
