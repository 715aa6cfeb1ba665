#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes sw/config/pq_pkg.h: what Verilator exports of rtl/common/pq_pkg.sv, its enums and constants that are marked
/*verilator public*/, as plain C++, so that nothing but this script needs Verilator for them.
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
CONSTANT = re.compile(r"^ *static constexpr IData/\*31:0\*/ (\w+) = (0x[0-9a-f]+)U;", re.M)
WORD = re.compile(r"[A-Z][a-z0-9]*")


def exported():
    """The header of the package that Verilator writes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*tools.command("verilator"), "--cc", "-Wno-fatal", "--prefix", "V", "--Mdir", folder,
                        ROOT / PACKAGE], check=True, capture_output=True)
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


def header(text):
    """The C++ header of what Verilator's says."""
    parts = ["".join(f"inline constexpr unsigned k{name} = {int(value, 16)};\n" for name, value in CONSTANT.findall(text))]
    for name, members in enums(text).items():
        name = name.title().replace("_", "")
        lines = "".join(f"  k{member},\n" for member in plain(members))
        parts.append(f"enum class {name} : std::uint8_t {{\n{lines}}};\n"
                     f"inline constexpr std::size_t k{name}s = {len(members)};\n")
    return TOP + "\n" + "\n".join(parts) + "\n}  // namespace aqpim::pq_pkg\n"


def stale():
    """What to do if the header is not that of the package."""
    if (ROOT / HEADER).is_file() and (ROOT / HEADER).read_text() == header(exported()):
        return ""
    return f"{HEADER} is not what sim/package_header.py makes of {PACKAGE}: run it\n"


def main():
    (ROOT / HEADER).write_text(header(exported()))


if __name__ == "__main__":
    interrupt.catch()
    sys.exit(main())
