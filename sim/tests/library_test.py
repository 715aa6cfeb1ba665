#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the synthesis flow makes of Liberty libraries as they come, and of the messages of failing tools."""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, "syn")
import flow  # noqa: E402

passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


def said(folder, output, code=1):
    """What the flow says of a tool that prints `output` and exits with `code`, without the file at its end."""
    log = Path(folder) / "tool.log"
    source = Path(folder) / "output.txt"
    source.write_text(output)
    try:
        # pylint: disable=protected-access
        flow._run(["sh", "-c", f"cat {source}; {'kill -9 $$' if code < 0 else f'exit {code}'}"], log, "tool")
    except flow.FlowError as error:
        return str(error).removesuffix(f", see {log}")
    return None


def messages(folder):
    for name, expected, output, *code in (
            ("Yosys", "tool failed: ERROR: no such cell", "1. Reading\nERROR: no such cell\nbye\n"),
            ("an error behind file and line", "tool failed: a.lib:7: ERROR: syntax error, unexpected TOK",
             "Warning: x\na.lib:7: ERROR: syntax error, unexpected TOK\nlast line\n"),
            ("an error behind a file's name with blanks", "tool failed: my cells.lib:7: ERROR: bad", "my cells.lib:7: ERROR: bad\n"),
            ("Verilator", "tool failed: %Error: top.v:3:9: Cannot find include file", "%Error: top.v:3:9: Cannot find include file\n"
             "%Error: Exiting due to 1 error(s)\n"),
            ("Verilator's warnings as errors", "tool failed: %Error-WIDTH: top.v:3: too wide", "%Error-WIDTH: top.v:3: too wide\n"),
            ("the compiler before make", "tool failed: m.cpp:3:5: fatal error: lz4.h: No such file",
             "g++ -c m.cpp\nm.cpp:3:5: fatal error: lz4.h: No such file\nmake: *** [x.o] Error 1\n"),
            ("OpenSTA, which exits with 0", "tool failed: Error: run.tcl line 3, no cell", "Error: run.tcl line 3, no cell\n", 0),
            ("no word of an error", "tool failed: Killed by the scheduler", "reading\nKilled by the scheduler\n\n"),
            ("no word at all", "tool failed: no message, exit code 3", "", 3),
            ("a signal", "tool failed: it was ended by signal 9", "reading\n", -9),
            ("success that mentions errors", None, "Found and reported 0 problems. errors: none\nno Error here\n", 0)):
        found = said(folder, output, *code)
        check(f"the message of a failing tool: {name}", found == expected, str(found))


def main():
    with tempfile.TemporaryDirectory() as folder:
        messages(folder)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
