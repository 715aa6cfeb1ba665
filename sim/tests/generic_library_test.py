#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The generic library: areas by counting columns, functions by their truth tables, what the flow's reader sees, and delays of
OpenSTA against sums of resistance times capacitance made by hand.
"""
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = ["syn", "sim"]
import generic_library  # noqa: E402
import liberty  # noqa: E402
import tools  # noqa: E402
from library import Library  # noqa: E402

R = 22.1 / 4.5 / 0.75       # ps/fF: FO4 is the mean of R * 4.5 fF (up) and of R / 2 * 4.5 fF (down)
passed = failed = 0


def check(name, good, text=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{name}: failed\n{text}")


# Columns of transistors by hand, without the gap.
COLUMNS = {"INV_X1": 1, "INV_X4": 4, "BUF_X1": 1 + 1, "BUF_X8": 4 + 8, "NAND2_X1": 2, "NOR4_X2": 8, "AOI221_X1": 5,
           "AND3_X2": 3 + 2, "XOR2_X1": 2 + 3, "XNOR2_X2": 2 + 6, "MUX2_X1": 1 + 4 + 1, "HA_X1": 2 + 1 + 2 + 3,
           "FA_X1": 5 + 1 + 7 + 1, "DFF_X1": 2 + 3 + 1 + 3 + 3 + 1 + 3, "DFFR_X1": 2 + 3 + 1 + 4 + 3 + 1 + 4,
           "LATCH_X1": 2 + 3 + 3 + 1, "TIE1": 1}
FUNCTIONS = {
    "INV": lambda a: not a, "BUF": lambda a: a, "NAND3": lambda a, b, c: not (a and b and c),
    "NOR4": lambda a, b, c, d: not (a or b or c or d), "AND2": lambda a, b: a and b, "OR3": lambda a, b, c: a or b or c,
    "AOI21": lambda a, b, c: not (a or b and c), "OAI22": lambda a, b, c, d: not ((a or b) and (c or d)),
    "AOI211": lambda a, b, c, d: not (a or b or c and d), "OAI221": lambda a, b, c, d, e: not (a and (b or c) and (d or e)),
    "AOI222": lambda a, b, c, d, e, f: not (a and b or c and d or e and f), "XOR2": lambda a, b: a != b,
    "XNOR2": lambda a, b: a == b, "MUX2": lambda a, b, s: b if s else a}


def truth_table(function, pins):
    """Its values over all inputs, the last pin changing fastest."""
    bits = function.value(*liberty.columns(tuple(pins)))
    return tuple(bool(bits >> row & 1) for row in range(1 << len(pins)))


def cells(path):
    library = Library([path])
    areas = {cell.name: float(cell.get("area")) for cell in liberty.parse(liberty.Source(path)).first("library").all("cell")}
    for name, columns in COLUMNS.items():
        check(f"{name} has {columns} columns and a gap, in units of NAND2's three", abs(areas[name] - (columns + 1) / 3) < 1e-6,
              areas[name])
    for name, function in FUNCTIONS.items():
        pins = "ABS" if name == "MUX2" else "ABCDEF"[:function.__code__.co_argcount]
        expected = tuple(bool(function(*row)) for row in itertools.product((False, True), repeat=len(pins)))
        found = library.cells[f"{name}_X1"]
        check(f"{name} is what its name says", sorted(found.inputs) == sorted(pins)
              and truth_table(found.outputs["Y"], pins) == expected, found.outputs)
    adder = library.cells["FA_X1"].outputs
    for output, function in (("S", lambda a, b, c: (a + b + c) % 2), ("CO", lambda a, b, c: (a + b + c) // 2)):
        expected = tuple(bool(function(*row)) for row in itertools.product((0, 1), repeat=3))
        check(f"a full adder's {output}", truth_table(adder[output], ["A", "B", "CI"]) == expected, adder[output])
    check("a NAND2 is one gate equivalent, FO4 is 22.1 ps, a unit inverter takes 1 fF",
          library.nand2.area == 1 and abs(library.fo4 - 0.0221) < 1e-6 and library.inverter.load == 1
          and library.inverter.name == "INV_X1", f"{library.nand2.area} {library.fo4} {library.inverter.name}")


NETLIST = """module top (clk_i, a_i, b_i, q_o, y_o);
  input clk_i, a_i, b_i; output q_o, y_o; wire n, x;
  INV_X1 first (.A(a_i), .Y(n));
  INV_X2 second (.A(n)); NAND3_X2 third (.A(n), .B(b_i), .C(b_i), .Y(y_o));
  XOR2_X1 fourth (.A(b_i), .B(n), .Y(x));
  DFF_X1 state (.D(x), .CK(clk_i), .Q(q_o));
endmodule
"""
# Pins of a path and the delay between them: resistance in R times fF, gate by gate.
DELAYS = (
    # 2 + 2 + 1.5 of inputs, 0.5 of its own drains.
    ("rise_from a_i", "first/A", "first/Y", "v", 0.5 * 6.0),
    ("fall_from a_i", "first/A", "first/Y", "^", 1.0 * 6.0),
    # A stack of three, twice as wide: R / 2 * 3 / 2 down, R / 2 up; 4 drains twice as wide and 10 fF.
    ("rise_from a_i -through third/A", "third/A", "third/Y", "^", 0.5 * 12.0),
    ("fall_from a_i -through third/A", "third/A", "third/Y", "v", 0.75 * 12.0),
    # Its NOR, half as wide, falls: R, with 1 fF of the last gate and 3 half drains; then the last gate rises: 2 R, with
    # D's half fF and 3 drains.
    ("rise_from b_i -rise_through fourth/Y", "fourth/A", "fourth/Y", "^", 1.0 * 1.375 + 2.0 * 1.25),
    # Two inverters of the clock, down with 1.5 fF (the other one and the clocks of two gates) and half drains, up with the
    # clocks of two gates; the clocked gate, R / 2 * 2 * 2 down or twice that up, with the output's 1 fF, the keeper's
    # and its own drains; the output, with 10 fF, the keeper's half fF and its drains.
    ("from state/CK -fall_through state/Q", "state/CK", "state/Q", "v", 1.0 * 1.75 + 2.0 * 1.25 + 4.0 * 1.5 + 0.5 * 11.0),
    ("from state/CK -rise_through state/Q", "state/CK", "state/Q", "^", 1.0 * 1.75 + 2.0 * 1.25 + 2.0 * 1.5 + 1.0 * 11.0),
)


def timing(folder):
    (folder / "generic.lib").write_text(generic_library.liberty())
    (folder / "top.v").write_text(NETLIST)
    lines = [f"read_liberty {folder}/generic.lib", f"read_verilog {folder}/top.v", "link_design top",
             "create_clock -name clk -period 1 clk_i", "set_input_delay 0 -clock clk {a_i b_i}",
             "set_output_delay 0 -clock clk [all_outputs]", "set_load -pin_load 10 [all_outputs]"]
    for path, *_ in DELAYS:
        lines += [f"report_checks -{path} -path_delay max -fields input_pin -digits 6", "puts ====="]
    (folder / "top.tcl").write_text("\n".join(lines) + "\n")
    done = subprocess.run([*tools.command("sta"), "-exit", "-no_splash", str(folder / "top.tcl")], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    check("OpenSTA reads the library without a word", not re.search("warning|error", done.stdout, re.I), done.stdout)
    for (path, _, end, edge, expected), report in zip(DELAYS, done.stdout.split("=====")):
        found = re.search(rf"^ +([\d.]+) +[\d.]+ {re.escape(edge)} {end} ", report, re.M)
        check(f"{path}: {end} {edge} after {expected} R", found and abs(1000 * float(found[1]) / R - expected) < 2e-3,
              f"{found and 1000 * float(found[1]) / R}\n{report}")


def main():
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "generic.lib"
        generic_library.write(path)
        cells(path)
        timing(Path(name))
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
