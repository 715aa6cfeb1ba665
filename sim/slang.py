#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""slang as a command, from the PyPI package pyslang: slang.py OPTION... FILE... reads SystemVerilog as slang's own command
does. The exit code is 0 without errors, 1 with errors, 3 without pyslang.
"""
import shlex
import sys


def main():
    try:
        from pyslang import driver
    except ImportError:
        print("slang.py: there is no pyslang (a PyPI package)", file=sys.stderr)
        return 3
    slang = driver.Driver()
    slang.addStandardArgs()
    read = slang.parseCommandLine(shlex.join(["slang", *sys.argv[1:]])) and slang.processOptions()
    if not read or not slang.parseAllSources():
        return 1
    slang.reportCompilation(slang.createCompilation(), True)
    return 0 if slang.reportDiagnostics(True) else 1


if __name__ == "__main__":
    sys.exit(main())
