#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers of docs/tutorial.md are those that `aqpim tutorial` prints, all of them and in this order.

    tutorial_test.py RELEASE_TREE SANITIZE_TREE
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main():
    page = (ROOT / "docs/tutorial.md").read_text()
    printed = subprocess.run([Path(sys.argv[1]) / "aqpim", "tutorial"], check=True, capture_output=True, text=True).stdout
    # The first block is the command.
    command, *blocks = re.findall(r"^```\n(.*?)^```$", page, re.M | re.S)
    assert command == "make tutorial\n", command
    assert blocks and "\n".join(blocks) == printed, "docs/tutorial.md differs from what is printed:\n" + printed


if __name__ == "__main__":
    main()
