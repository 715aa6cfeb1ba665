# SPDX-License-Identifier: Apache-2.0
"""How the tools of this repository end when somebody interrupts them: with one line, and with their children and temporary
folders."""
import atexit
import os
import signal
import sys
import time
from pathlib import Path

# What children have to end by themselves.
GRACE_SECONDS = 2


def descendants(process):
    """Numbers of the processes that this one has started, and they, that have not ended."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold anything.
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(path.parent.name)] = int(parent)
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def end(processes, number):
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            pass


def catch():
    """From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored already, end this process as they do by default,
    but first its children and its temporary folders, and with a line on standard error."""
    def stop(number, _frame):
        for other in caught:
            signal.signal(other, signal.SIG_IGN)
        name = Path(sys.argv[0]).name
        print(f"{name}: interrupted by {signal.Signals(number).name}", file=sys.stderr, flush=True)
        end(descendants(os.getpid()), signal.SIGTERM)
        limit = time.monotonic() + GRACE_SECONDS
        while (left := descendants(os.getpid())) and time.monotonic() < limit:
            time.sleep(0.05)
        end(left, signal.SIGKILL)
        atexit._run_exitfuncs()     # removes each TemporaryDirectory  # pylint: disable=protected-access
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    # SIGINT has a handler of Python's own unless it is ignored.
    caught = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
              if signal.getsignal(number) != signal.SIG_IGN]
    for number in caught:
        signal.signal(number, stop)
