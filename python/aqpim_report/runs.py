# SPDX-License-Identifier: Apache-2.0
"""Loads the JSON of a run."""
import json
import math
from dataclasses import dataclass
from pathlib import Path


class ReportError(Exception):
    """A sentence for the user: what, where, what is allowed."""


@dataclass(frozen=True)
class Run:
    """What a command has found. `data` is the JSON; docs/reports.md names its keys."""
    command: str  # sim, channel, accuracy, compare, system
    path: Path
    data: dict | list

    def beside(self, name):
        """The path of another file of this run."""
        return self.path.parent / name


def _finite(text):
    raise ReportError(f"{text} is no finite number")


def load(path):
    """The run whose JSON is `path`; a ReportError if there is none, or one that `aqpim` did not write."""
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_finite)
        # The rows of a system are a list; each says what it comes from.
        command = (data[0] if isinstance(data, list) else data["run"])["command"].split()[1]
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}") from error
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ReportError(f"{path} is no report that aqpim has written") from error
    return Run(command, path, data)


def areas(top, name, folder=Path("build/area")):
    """What `make area` has left there of a module in a configuration: its JSON, a library each."""
    found = []
    for path in sorted(folder.glob(f"*/{top}/{name}.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    return [area for area in found if math.isfinite(area.get("area", math.nan))]
