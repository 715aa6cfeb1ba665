#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of sim/lint.py that need no tool: each must refuse what it is for, and nothing else.

    lint_test.py RELEASE_TREE SANITIZE_TREE
"""
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "sim"))
import lint  # noqa: E402
import package_header  # noqa: E402
import package_names  # noqa: E402
import tools  # noqa: E402


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


def package_header_stale():
    package, exported = ((ROOT / package_header.PACKAGE).read_text(), package_header.exported())
    kept = (ROOT / package_header.HEADER).read_text()
    assert package_header.stale() == "" and package_header.header(exported, package) == kept
    # A name, the order of names, a constant, a member of a record.
    for old, new, what in (("RegShift", "RegMove", exported), ("RegQuery = 1U,\n", "", exported),
                           ("BeatBits = 0x", "BeatBits = 0x1", exported), ("logic [4:0] index;", "logic [4:0] place;", package)):
        assert old in what, old
        spoiled = what.replace(old, new)
        try:
            text = package_header.header(spoiled, package) if what is exported else package_header.header(exported, spoiled)
        except AssertionError:
            continue   # it does not count from 0
        assert text != kept, old
    try:
        package_header.header(exported, package.replace("logic [12:0] tokens;", "logic [11:0] tokens;"))
    except AssertionError as error:
        assert str(error) == "EngineCommandBits is 30, not 29", error
    else:
        raise AssertionError("a record whose width is not the sum of its members'")


# A line that names a value of the package, and what the rule takes for it: a literal in each base, with and without a size.
LITERALS = (
    ("rtl/engine/pq_control.sv", "operation_q != pq_pkg::OpCluster",
     ("3'd6", "3'h6", "3'b110", "3'o6", "'h6", "6", "3'sd6", "3'D6", "3'H6")),
    ("rtl/engine/pq_control.sv", "operation_q     <= pq_pkg::OpTable;", ("3'd0;", "'0;", "0;", "3'b0_00;")),
    ("rtl/engine/pq_control.sv", "pq_pkg::OpUnload: clustered_q",
     ("3'd7: clustered_q", "3'b111: clustered_q", "7: clustered_q")),
    ("rtl/channel/pq_rank_stream.sv", "source_q < pq_pkg::FromRecords", ("source_q < 3'd5", "3'h5 > source_q", "5 > source_q")),
    ("rtl/channel/pq_host_commands.sv", "cmd_q.opcode > pq_pkg::CmdCluster", ("cmd_q.opcode > 4'd8", "cmd_q.opcode > 4'h8")),
    ("rtl/channel/pq_bank_engine.sv", "? pq_pkg::RegQuery : pq_pkg::RegBias;",
     ("? 2'd1 : pq_pkg::RegBias;", "? pq_pkg::RegQuery : 2'b11;")),
    ("rtl/channel/pq_rank.sv", "(transfer_i.kind)", ("(2'd1)", "(2'h1)", "(1)", "('0)")),
)
# The same numbers where no enum is meant.
INNOCENT = (
    ("rtl/engine/pq_control.sv", "wait_q == '0", "wait_q == 3'd6"),
    ("rtl/engine/pq_control.sv", "left_q == LeftWidth'(1)", "left_q == 6"),
    ("rtl/channel/pq_rank.sv", "(transfer_i.each)", "(1'b1)"),
    ("rtl/engine/pq_control.sv", "operation_q     <= pq_pkg::OpTable;", "operation_q <= pq_pkg::OpTable; // operation_q == 3'd6"),
)
# Copies of enums, and what is none.
COPIES = (
    ("enum class Register : std::uint8_t { kControl, kQuery, kShift, kBias };", "register_select_e"),
    ("enum { kControl = 0, kQuery, kShift /* x */, kBias, };", "register_select_e"),
    ("typedef enum logic [1:0] {RegControl, RegQuery, RegShift, RegBias} other_e;", "register_select_e"),
    ("  localparam logic [1:0] Query = 2'd1;", "Query of register_select_e"),
    ("  localparam logic [2:0] OpLoad = 3'd5;", "OpLoad of operation_e"),
    ("enum class Other { kControl, kQuery, kShift };", ""),
    ("enum class Other { kQuery, kControl, kShift, kBias };", ""),
    ("  localparam logic [2:0] Query = 3'd1;", ""),
    ("// enum { kControl, kQuery, kShift, kBias };", ""),
)
# Localparams that count, and some that do not.
NUMBERED = (
    ("localparam logic [1:0] A = 2'd0;\n  localparam logic [1:0] B = 2'd1;", True),
    ("localparam logic A = 'd0;  // x\n\n  localparam logic B = 'd1;", True),
    ("localparam int unsigned A = 0;\n  localparam int unsigned B = 1;", True),
    ("localparam logic [1:0] A = 2'd0;\n  localparam logic [2:0] B = 3'd1;", False),
    ("localparam logic [4:0] A = 5'd8;\n  localparam logic [4:0] B = 5'd9;", False),
)


def names():
    package = (ROOT / package_header.PACKAGE).read_text()
    files = {str(path.relative_to(ROOT)): path.read_text() for path in tools.rtl_files()}
    assert lint.literals() == "" and lint.copies() == "", lint.literals() + lint.copies()

    def spoilt(path, old, new):
        assert files[path].count(old) == 1, (path, old)
        return package_names.literals(files | {path: files[path].replace(old, new)}, package)
    for path, old, news in LITERALS:
        for new in news:
            if re.match(r"\d*'|\d", new) and "<=" not in old and re.search(r"[!=]=", old):
                new = re.sub(r"pq_pkg::\w+", new, old)
            elif "<=" in old:
                new = re.sub(r"pq_pkg::\w+;", new, old)
            line = files[path][:files[path].index(old)].count("\n") + 1
            said = spoilt(path, old, new)
            where, _, complaint = said.partition(": ")
            assert complaint == "a literal instead of a name of pq_pkg\n", (path, new, said)
            assert abs(int(where.rpartition(":")[2]) - line) <= 60, (said, line)
    for path, old, new in INNOCENT:
        text = files[path].replace(old, new, 1)
        assert text != files[path] and package_names.literals(files | {path: text}, package) == "", (path, new)
    for line, enum in COPIES:
        said = package_names.copies({"some/file": "\n" + line + "\n"}, package)
        assert said == (f"some/file:2: {enum} of pq_pkg once more\n" if enum else ""), (line, said)
    for lines, complains in NUMBERED:
        said = package_names.numbered({"some/file": "\n" + lines + "\n"})
        assert said == ("some/file:2: localparams that count 0, 1: an enum\n" if complains else ""), (lines, said)


def main():
    os.chdir(ROOT)
    markdown()
    catalogue()
    packages()
    includes()
    package_header_stale()
    names()


if __name__ == "__main__":
    main()
