#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command that the package pyosys (PyPI) lacks, with the options of yosys that this project uses:

  make area YOSYS='.../bin/python syn/run_pyosys.py'

with a python that finds pyosys.
"""

import argparse
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-V', action='store_true', help='print the version')
    parser.add_argument('-Q', action='store_true', help='no banner: there is none')
    parser.add_argument('-q', action='store_true', help='no effect: tee -q would hide errors, too')
    parser.add_argument('-e', metavar='REGEX', help='warnings that count as errors')
    script = parser.add_mutually_exclusive_group()
    script.add_argument('-s', metavar='FILE', help='a script to execute')
    script.add_argument('-p', metavar='COMMANDS', help='commands to execute')
    arguments = parser.parse_args()
    try:
        from pyosys import libyosys
    except ImportError as error:
        print(f'ERROR: {sys.executable} finds no pyosys: {error}', file=sys.stderr)
        return 2
    if arguments.V:
        print(libyosys.yosys_maybe_version())
        return 0
    if arguments.e:
        libyosys.run_pass(f'logger -werror "{arguments.e}"')
    if arguments.s:
        libyosys.run_pass(f'script {arguments.s}')
    for command in (arguments.p or '').split(';'):
        if command.strip():
            libyosys.run_pass(command.strip())
    return 0


if __name__ == '__main__':
    sys.exit(main())
