#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of sim/lint.py that need no tool: each must refuse what it is for, and nothing else.

    lint_test.py RELEASE_TREE SANITIZE_TREE
"""
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "sim"))
import lint  # noqa: E402


def markdown():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for place in ("docs/figures", "build/docs"):
            Path(place).mkdir(parents=True)
        Path("README.md").write_text("µ" * 120 + "\n")
        Path("build/docs/other.md").write_text("x" * 500)
        assert lint.markdown_columns() == "", lint.markdown_columns()
        Path("docs/figures/page.md").write_text("fine\n| " + "µ" * 117 + " |\n")
        assert lint.markdown_columns() == "docs/figures/page.md:2: 121 columns, at most 120\n", lint.markdown_columns()
        os.chdir(ROOT)


def catalogue():
    text = (ROOT / "rtl/README.md").read_text()
    assert lint.catalogue() == "", lint.catalogue()
    row = next(line for line in text.splitlines() if line.startswith("| [pq_slice]"))
    purpose = row.split("|")[2]
    for spoiled, complaint in (
            (text.replace(row + "\n", ""), "needs one row | [pq_slice] | purpose | share | [slice_test] |"),
            (text.replace(row, row + "\n" + row), "needs one row | [pq_slice] |"),
            (text.replace(purpose, "  "), "needs one row | [pq_slice] |"),
            (text.replace("[slice_test] |", "[score_test] |"), "needs one row | [pq_slice] |"),
            (text.replace("[pq_slice]: engine/", "[pq_slice]: channel/"), "needs the line [pq_slice]: engine/pq_slice.sv"),
            (text.replace("[slice_test]: ", "[slices_test]: "), "needs the line [slice_test]: ../tb/unit/slice_test.cpp"),
            (text.replace(row, row + "\n| [pq_gone] | x | y | [gone_test] |"), "there is no module [pq_gone]")):
        assert spoiled != text
        complaints = lint.catalogue(spoiled)
        assert complaints.startswith(f"rtl/README.md: {complaint}") and complaints.count("\n") == 1, complaints


def packages():
    core, bender = ((ROOT / name).read_text() for name in ("aqpim.core", "Bender.yml"))
    assert lint.packages() == "", lint.packages()
    line, header = "      - rtl/engine/pq_slice.sv\n", "      - sw/golden/bias.h: {is_include_file: true, include_path: .}\n"
    for texts, complaint in (
            ((core.replace(line, ""), bender), "aqpim.core: lacks rtl/engine/pq_slice.sv"),
            ((core, bender.replace(line, "")), "Bender.yml: lacks rtl/engine/pq_slice.sv"),
            ((core.replace(line, 2 * line), bender), "aqpim.core: has pq_slice.sv twice"),
            ((core.replace(header, ""), bender), "aqpim.core: lacks sw/golden/bias.h"),
            ((core.replace("      - sw/golden/bias.cpp\n", ""), bender), "aqpim.core: lacks sw/golden/bias.cpp"),
            ((core, bender.replace(line, line + "      - rtl/engine/pq_gone.sv\n")),
             "Bender.yml: has rtl/engine/pq_gone.sv, which is not there or not needed")):
        assert texts != (core, bender)
        assert lint.packages(*texts) == complaint + "\n", lint.packages(*texts)


def includes():
    assert lint.includes() == "", lint.includes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.cpp"
        for line, fine in (("sw/golden/engine.h", True), ("Vpq_engine.h", True), ("../golden/engine.h", False),
                           ("/sw/golden/engine.h", False), ("golden/engine.h", False)):
            path.write_text(f'#include <vector>\n#include "{line}"\n')
            assert (lint.includes([path]) == "") == fine, line


def main():
    os.chdir(ROOT)
    markdown()
    catalogue()
    packages()
    includes()


if __name__ == "__main__":
    main()
