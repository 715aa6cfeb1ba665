#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes sw/config/pq_pkg.h: what Verilator exports of rtl/common/pq_pkg.sv, its constants and its enums, which are marked
/*verilator public*/, as plain C++, so that nothing but this script needs Verilator for them; and where the members of its
records are, which Verilator does not export.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import interrupt
import tools

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("rtl/common/pq_pkg.sv")
HEADER = Path("sw/config/pq_pkg.h")
TOP = """// SPDX-License-Identifier: Apache-2.0
//
// Made by sim/package_header.py of rtl/common/pq_pkg.sv, which says what each name means: change it
// there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aqpim::pq_pkg {
"""
ENUM = re.compile(r"^ *enum (\w+)_e \{\n(.*?)^ *\};", re.M | re.S)
MEMBER = re.compile(r"(\w+) = (\d+)U")
CONSTANT = re.compile(r"^ *static constexpr IData/\*31:0\*/ (\w+) = (0x[0-9a-f]+|\d+)U;", re.M)
RECORD = re.compile(r"typedef struct packed \{([^{}]*)\} (\w+)_t;")
RECORD_MEMBERS = re.compile(r"(?:logic(?: *\[(\d+):0\])?|(\w+)_e)\s+([\w,\s]+?);")
ENUM_WIDTH = re.compile(r"typedef enum logic \[(\d+):0\] \{[^{}]*\} (\w+)_e")
RECORD_BITS = re.compile(r"localparam int unsigned (\w+)Bits = (\d+);")
INNER = ("_fields", "memory")   # records that are no ports
WORD = re.compile(r"[A-Z][a-z0-9]*")


def exported():
    """The header of the package that Verilator writes. Constants come of --public: marked ones would stay in every model."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*tools.command("verilator"), "--cc", "--public", "-Wno-fatal", "--prefix", "V", "--Mdir",
                        folder, ROOT / PACKAGE], check=True, capture_output=True)
        return (Path(folder) / "V_pq_pkg.h").read_text()


def enums(text):
    """{type: its names}, in order, of Verilator's header."""
    found = {}
    for name, body in ENUM.findall(text):
        members = MEMBER.findall(body)
        assert [int(value) for _, value in members] == list(range(len(members))), f"{name} does not count from 0"
        found[name] = [member for member, _ in members]
    return found


def plain(members):
    """Names of an enum without the words that all of them begin with."""
    common = "".join(os.path.commonprefix([WORD.findall(member) for member in members]))
    return [member.removeprefix(common) for member in members]


def pascal(name):
    return name.title().replace("_", "")


def records(package):
    """{name: {member: its bits}}, the highest member first, of the package's text."""
    package = re.sub(r"//.*", "", package)
    of_enum = {name: int(high) + 1 for high, name in ENUM_WIDTH.findall(package)}
    found = {name: {member.strip(): of_enum[enum] if enum else int(high or 0) + 1
                    for high, enum, members in RECORD_MEMBERS.findall(body) for member in members.split(",")}
             for body, name in RECORD.findall(package)}
    for name, bits in RECORD_BITS.findall(package):
        record = next((members for known, members in found.items() if pascal(known) == name), None)
        assert record is None or sum(record.values()) == int(bits), f"{name}Bits is {bits}, not {sum(record.values())}"
    return found


def fields(members):
    """The C++ constants of a record's members."""
    low = sum(members.values())
    for member, bits in members.items():
        low -= bits
        yield f"inline constexpr Field {member} = {{{low}, {bits}}};\n"


def header(text, package):
    """The C++ header of what Verilator's says, and of the records of the package's text."""
    parts = ["".join(f"inline constexpr unsigned k{name} = {int(value, 0)};\n" for name, value in CONSTANT.findall(text))]
    for name, members in enums(text).items():
        name = pascal(name)
        lines = "".join(f"  k{member},\n" for member in plain(members))
        parts.append(f"enum class {name} : std::uint8_t {{\n{lines}}};\n"
                     f"inline constexpr std::size_t k{name}s = {len(members)};\n")
    parts.append("// Bits of a record's member: low and above.\nstruct Field {\n  unsigned low;\n  unsigned width;\n};\n")
    parts += [f"namespace {name} {{\n{''.join(fields(members))}}}  // namespace {name}\n"
              for name, members in records(package).items() if not name.endswith(INNER)]
    return TOP + "\n" + "\n".join(parts) + "\n}  // namespace aqpim::pq_pkg\n"


def made():
    return header(exported(), (ROOT / PACKAGE).read_text())


def stale():
    """What to do if the header is not that of the package."""
    if (ROOT / HEADER).is_file() and (ROOT / HEADER).read_text() == made():
        return ""
    return f"{HEADER} is not what sim/package_header.py makes of {PACKAGE}: run it\n"


def main():
    (ROOT / HEADER).write_text(made())


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
