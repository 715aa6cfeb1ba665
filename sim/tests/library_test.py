#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the synthesis flow makes of Liberty libraries as they come, and of the messages of failing tools."""
import gzip
import re
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, "syn")
import flops  # noqa: E402
import flow  # noqa: E402
import generic_library  # noqa: E402
import report  # noqa: E402
from liberty import LibraryError  # noqa: E402
from library import Library  # noqa: E402

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


# ---- Units: a library says the same in any of them -----------------------------------------------------

def scaled(text, factor):
    """All numbers of a text, multiplied."""
    return re.sub(r"-?\d+\.?\d*", lambda number: str(Decimal(number[0]) * factor), text)


def in_units(text, time_unit, time, load_unit, load):
    """The generic library in other units, `time` ns and `load` fF large."""
    time, load = 1 / Decimal(time), 1 / Decimal(load)
    text = text.replace('time_unit : "1ns"', f"time_unit : {time_unit}").replace("(1, ff)", load_unit)
    for pattern, factor in ((r"(?<=values \()[^)]*", time), (r"(?<=index_1 \()[^)]*", time), (r"(?<=index_2 \()[^)]*", load),
                            (r"(?<=max_transition : )[\d.]+", time), (r"(?<=capacitance : )[\d.]+", load)):
        text = re.sub(pattern, lambda found, factor=factor: scaled(found[0], factor), text)
    return text


def units(folder, generic):
    expected = Library([generic]).text
    path = folder / "relative.lib"
    for time_unit, time, load_unit, load in (
            ('"1ps"', "0.001", "(1,ff)", "1"), ("10ps", "0.01", '(0.1, "pf")', "100"), ('"100ps"', "0.1", "(10,ff)", "10"),
            ('"1ns"', "1", "(0.001,pF)", "1"), ('"1ns"', "1", '("1", "pf")', "1000"), ('"1us"', "1000", "(2.5,ff)", "2.5")):
        path.write_text(in_units(generic.read_text(), time_unit, time, load_unit, load))
        check(f"a library in {time_unit} and {load_unit} is the same library",
              path.read_text() != generic.read_text() and Library([path]).text == expected)
    path.write_text(generic.read_text().replace('time_unit : "1ns"', 'time_unit : "1ps"'))
    check("the same numbers in another unit are another library",
          abs(Library([path]).fo4 / Library([generic]).fo4 - 0.001) < 1e-9)


# ---- Flip-flops ------------------------------------------------------------------------------------------

CONSTRAINT = 'timing () { related_pin : "CK"; timing_type : setup_rising; rise_constraint (scalar) { values ("1"); } } '
DELAY = 'timing () { related_pin : "CK"; timing_type : rising_edge; cell_rise (scalar) { values ("1"); } } '
SCAN = "nextstate_type : scan_in; "


def flop(name, state, output, pins="CK D RN", area=5, constraint=CONSTRAINT, delay=DELAY, **attributes):
    """A cell: `state` are the statements of its ff group, `output` is (pin, function)."""
    inputs = "".join(f"pin ({pin}) {{ direction : input; capacitance : 1; {SCAN if pin in ('SI', 'SE') else ''}{constraint}}} "
                     for pin in pins.split())
    more = "".join(f"{key} : {value}; " for key, value in attributes.items())
    return (f"  cell ({name}) {{ area : {area}; {more}ff (S, SN_) {{ {state} }} {inputs}"
            f'pin ({output[0]}) {{ direction : output; function : "{output[1]}"; {delay}}} }}\n')


def with_flops(generic, *cells):
    """The generic library's gates, and these flip-flops."""
    text = re.sub(r"\n  cell \((S?DFF|LATCH).*?\n  \}(?=\n)", "", generic.read_text(), flags=re.S)
    return text[:text.rindex("}")] + "".join(cells) + "}\n"


CLOCK, DATA = 'clocked_on : "CK";', 'next_state : "D";'
PLAIN = flop("PLAIN", CLOCK + DATA, ("Q", "S"), "CK D", 4)
RESET = flop("RESET", CLOCK + DATA + 'clear : "!RN";', ("Q", "S"))
TWO_WAYS = 'clear : "!SN"; preset : "!RN"; clear_preset_var1 : L;'
# Cells; then cell, ties and pin of Q or QN of the flip-flop without reset, reset to 0, reset to 1 (None: not used).
CHOICES = (
    ("plain cells", (PLAIN, RESET, flop("SET", CLOCK + DATA + 'preset : "!RN";', ("Q", "S"))),
     ("PLAIN", {}, "Q"), ("RESET", {}, "Q"), ("SET", {}, "Q")),
    ("only cells with a reset: it is tied off", (RESET,), ("RESET", {"RN": 1}, "Q"), ("RESET", {}, "Q"), None),
    ("a reset that is high", (flop("HIGH", CLOCK + DATA + 'clear : "R";', ("Q", "S"), "CK D R"),),
     ("HIGH", {"R": 0}, "Q"), ("HIGH", {}, "Q"), None),
    ("expressions without quotes, and another way of writing NOT",
     (PLAIN, flop("BARE", "clocked_on : CK ; next_state : D ; clear : !RN ;", ("Q", "S")),
      flop("TICK", CLOCK + DATA + "preset : \"RN'\";", ("Q", "S"))), ("PLAIN", {}, "Q"), ("BARE", {}, "Q"), ("TICK", {}, "Q")),
    ("a state that is the inverted output: clearing it sets the output",
     (flop("INV", CLOCK + 'next_state : "!D";' + TWO_WAYS, ("QN", "S"), "CK D RN SN"),),
     ("INV", {"RN": 1, "SN": 1}, "QN"), ("INV", {"SN": 1}, "QN"), ("INV", {"RN": 1}, "QN")),
    ("an inverted state with an output that is not",
     (flop("INV", CLOCK + 'next_state : "!D";' + TWO_WAYS, ("Q", "SN_"), "CK D RN SN"),),
     ("INV", {"RN": 1, "SN": 1}, "Q"), ("INV", {"SN": 1}, "Q"), ("INV", {"RN": 1}, "Q")),
    ("a state that is not inverted behind an inverted output", (flop("OUT", CLOCK + DATA + 'clear : "!RN";', ("QN", "!S")),),
     ("OUT", {"RN": 1}, "QN"), ("OUT", {}, "QN"), None),
    ("scan, enable, synchronous reset and clock gate are tied off",
     (flop("SCAN", CLOCK + 'next_state : "(SE * SI) + (D * !SE)"; clear : "!RN";', ("Q", "S"), "CK RN SE SI D"),
      flop("ENABLE", 'clocked_on : "CK & G"; next_state : "(E & D & R) | (S & E\')";', ("Q", "S"), "CK G D E R", 4)),
     ("ENABLE", {"G": 1, "E": 1, "R": 1}, "Q"), ("SCAN", {"SE": 0, "SI": 0}, "Q"), None),
    ("falling edges and cells that must not be used are left alone",
     (flop("FALL", 'clocked_on : "!CK";' + DATA, ("Q", "S"), "CK D", 1), PLAIN, RESET,
      flop("LATER", CLOCK + 'clocked_on_also : "!CK";' + DATA, ("Q", "S"), "CK D", 1),
      flop("NOT", CLOCK + DATA, ("Q", "S"), "CK D", 1, dont_use="true"),
      flop("QUOTED", CLOCK + DATA, ("Q", "S"), "CK D", 1, dont_use='"TRUE"')), ("PLAIN", {}, "Q"), ("RESET", {}, "Q"), None),
    ("inverters around a reset are taken where a set is larger",
     (PLAIN, RESET, flop("LARGE", CLOCK + DATA + 'preset : "!RN";', ("Q", "S"), area=6.5)),
     ("PLAIN", {}, "Q"), ("RESET", {}, "Q"), None),
)
REFUSED = (
    ("no flip-flop at all", (), "no flip-flop that this flow can use as a D flip-flop"),
    ("falling edges only", (flop("FALL", 'clocked_on : "!CK";' + DATA + 'clear : "!RN";', ("Q", "S")),),
     "FALL has clocked_on !CK"),
    ("no asynchronous reset", (PLAIN,), "as one with an asynchronous reset"),
    ("a toggle flip-flop", (flop("T", CLOCK + 'next_state : "D ^ S"; clear : "!RN";', ("Q", "S")),),
     "T has clocked_on CK, next_state (D ^ S)"),
    ("no delays", (PLAIN, flop("NO", CLOCK + DATA + 'clear : "!RN";', ("Q", "S"), delay="")), "NO lacks delays to its output"),
    ("no set-up times", (PLAIN, flop("NO", CLOCK + DATA + 'clear : "!RN";', ("Q", "S"), constraint="")), "NO lacks set-up times"),
    ("no area", (flop("NO", CLOCK + DATA + 'clear : "!RN";', ("Q", "S"), area=0),), "NO lacks an area"),
    ("a reset that needs two inputs", (PLAIN, flop("TWO", CLOCK + DATA + 'clear : "CK & !RN";', ("Q", "S"))),
     "as one with an asynchronous"),
)


def choices(folder, generic):
    path = folder / "flops.lib"
    for name, cells, *expected in CHOICES:
        path.write_text(with_flops(generic, *cells))
        chosen = [Library([path]).flops.get(reset) for reset in flops.RESETS]
        found = [use and (use.cell.name, use.ties, use.outputs.get("Q") or use.outputs["QN"]) for use in chosen]
        check(f"flip-flops are chosen by their functions: {name}", found == expected, f"{found}\n{expected}")
    for name, cells, sentence in REFUSED:
        path.write_text(with_flops(generic, *cells))
        refused(f"flip-flops that are no use: {name}", [path], sentence)


# ---- Ways of writing, and mistakes -----------------------------------------------------------------------

def refused(name, paths, *sentences):
    try:
        Library(paths)
        found = "not refused"
    except LibraryError as error:
        found = str(error)
    check(f"refused: {name}", all(sentence in found for sentence in sentences) and "\n" not in found, found)


def writing(folder, generic):
    text, expected = generic.read_text(), Library([generic]).text
    first, second, whole = folder / "part one.lib", folder / "part two.lib", folder / "whole.lib"
    cut = text.index("  cell (DFF_X1)")
    head = text[:text.index("  cell (INV_X1)")]
    first.write_text(text[:cut] + "}\n")
    # Units, templates and default limits are each file's own.
    second.write_text(in_units(head + text[cut:], '"1ps"', "0.001", "(1,pf)", "1000").replace("line", "of_this_file"))
    check("cells in two files, in other units, are one library", Library([first, second]).text == expected)
    whole.write_text(first.read_text() + second.read_text())
    check("two library groups in one file are one library", Library([whole]).text == expected)
    check("files are named by commas, blanks in names are kept",
          flow.library_files(f"{first}, {second}") == [str(first), str(second)]
          and flow.library_name(f"{first},{second}") == "part_one")
    whole.write_text("\xef\xbb\xbf" + re.sub(r'clear : "(!\w+)"', r"clear : \1 ", text).replace("area :", "area:")
                     .replace(";\n", " ; /* } */ // {\n").replace('values ("', 'values ( \\\n  "')
                     .replace("index_1 (", 'index_1 ( /* a list ("{ */ ').replace("capacitance : ", "capacitance : \\\n  ")
                     .replace("cell_rise (line)", 'cell_rise ("line")').replace("direction : input", 'direction : "input"'),
                     encoding="latin-1", newline="\r\n")
    check("quotes, comments and broken lines do not matter", Library([whole]).text == expected)
    for name, change in (
            ("load before slew", lambda: text.replace("variable_1 : input_net_transition; variable_2", "variable_1")
             .replace("total_output_net_capacitance;", "total_output_net_capacitance; variable_2 : input_net_transition;")
             .replace("index_2", "index_x").replace("index_1", "index_2").replace("index_x", "index_1")),
            ("no slews, which delays do not depend on", lambda: re.sub(r" index_1 .*\n *index_2", " index_1", text)
             .replace("variable_1 : input_net_transition; variable_2", "variable_1"))):
        columns = r'values \("([^,"]*), ([^,"]*), ([^,"]*)", "[^"]*", "[^"]*"\)'
        new = r'values ("\1, \1, \1", "\2, \2, \2", "\3, \3, \3")' if name.startswith("load") else r'values ("\1, \2, \3")'
        whole.write_text(re.sub(columns, new, change()))
        found = Library([whole])
        check(f"tables with {name}", whole.read_text() != text and found.fo4 == Library([generic]).fo4
              and (found.text == expected) == name.startswith("load"), found.fo4)
    second.write_text(text.replace("slew_lower_threshold_pct_rise : 20", "slew_lower_threshold_pct_rise : 30"))
    refused("files of two libraries", [first, second],
            f"{second}:16: slew_lower_threshold_pct_rise is 30 here and 20 in {first}")
    second.write_text(text)
    line = head.count("\n") + 1
    refused("a cell twice", [first, second], f"{second}:{line}: cell INV_X1 is also at {first}:{line}")

    line = text[:text.index("  cell (NAND2_X1)")].count("\n") + 1
    for name, old, new, sentence in (
            ("no Liberty at all", text, "<html>no</html>\n", f"{whole}:1: '<html>no</html>' is not Liberty"),
            ("an empty file", text, "\n", f"{whole} has no library group"),
            ("half a file", text[text.index("  cell (NAND2_X1)"):], "  cell (NAND2_X1) {\n",
             f"{whole}:{line}: cell (NAND2_X1) does not end"),
            ("a bracket that does not end", "cell (NAND2_X1) {", "cell (NAND2_X1 {", f"{whole}:{line}: cell (... does not end"),
            ("a bracket too many", text[text.rindex("}"):], "}\n}\n", ": '}' is not Liberty"),
            ("a strange unit", '"1ns"', '"1 fortnight"',
             f"{whole}:4: time_unit is 1 fortnight, not a number and a unit like 1ns"),
            ("a unit with two points", '"1ns"', '"1.0.0ns"', f"{whole}:4: time_unit is 1.0.0ns, not a number and a unit"),
            ("a text elsewhere", '  time_unit : "1ns";', '  include_file ("units.lib");', f"{whole}:4: include_file is not followed"),
            ("areas below zero", "area : ", "area : -", "INV_X1 lacks an area"),
            ("a number as Python has it", "area : 1.000000", "area : 1_0", "area is '1_0', not a number"),
            ("a strange load unit", "(1, ff)", "(1, bananas)", f"{whole}:9: capacitive_load_unit is 1, bananas"),
            ("delays of another kind", "delay_model : table_lookup", "delay_model : polynomial",
             f"{whole}:3: delay_model is polynomial"),
            ("a template that is not there", "cell_rise (line)", "cell_rise (curve)", "there is no template curve"),
            ("a variable that is not known", "variable_1 : input_net_transition", "variable_1 : weather",
             f"{whole}:23: variable weather"),
            ("a value that is no number", "area : 1.000000", "area : large", "area is 'large', not a number"),
            ("a table with a value too few", '"0.003274, 0.068756, 6.551422"', '"0.003274, 0.068756"',
             "cell_rise has 6 values, not 3 x 3"),
            ("a table with a word in it", '"0.003274, 0.068756, 6.551422"', '"0.003274, nan, 6.551422"', "'nan' is no number"),
            ("an axis that falls", '"0.0, 10.0, 1000.0"', '"0.0, 1000.0, 10.0"',
             f"{whole}:25: index_2 is no list of rising numbers"),
            ("a function that is none", 'function : "!A"', 'function : "!(A"', "function: a bracket does not end"),
            ("no NAND gate", "  cell (NAND2", "  cell (dlyNAND2", "has no two-input NAND gate")):
        whole.write_text(text.replace(old, new))
        refused(name, [whole], sentence)
    packed = gzip.compress(text.encode())
    half = len(packed) // 2
    for name, content, sentence in (
            ("no gzip file", text.encode(), "Not a gzipped file"),
            ("half a gzip file", packed[:half], "ended before the end-of-stream marker"),
            ("a damaged gzip file", packed[:10] + b"\xff" + packed[11:], "invalid block type")):
        file = folder / "packed.lib.gz"
        file.write_bytes(content)
        refused(name, [file], f"library {file} cannot be read: ", sentence)


# ---- What is chosen does what the RTL does ---------------------------------------------------------------

def played(folder, generic):
    """Resets to 0 and to 1 by one cell whose state is the inverse, in a file with a blank in its name."""
    path = folder / "my flops.lib"
    cell = re.search(r"  cell \(DFFR_X1\).*?\n  \}\n", generic.read_text(), re.S)[0]
    set_pin = re.search(r"    pin \(RN\).*?\n    \}\n", cell, re.S)[0].replace("(RN)", "(SN)")
    for old, new in (("DFFR_X1", "DFFRS_X1"), ("pin (Q)", "pin (QN)"), ("    pin (RN)", set_pin + "    pin (RN)"),
                     ('next_state : "D"', 'next_state : "!D"'), ('clear : "!RN";', TWO_WAYS)):
        cell = cell.replace(old, new)
    path.write_text(in_units(with_flops(generic, cell), '"1ps"', "0.001", "(1,pf)", "1000"))
    done = subprocess.run([sys.executable, "syn/lockstep.py", "--top", flow.FLOPS, "--cycles", "2000", "--lib", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    netlist = Path("build/syn/my_flops/pq_flops/pq_flops/netlist.v")
    check("flip-flops with an inverted state make a netlist that is the RTL",
          done.returncode == 0 and "DFFRS_X1" in netlist.read_text(), done.stdout)

    library = Library([path])
    zero, one = library.flops[0], library.flops[1]
    zero.pins, one.pins, zero.ties, one.ties = one.pins, zero.pins, one.ties, zero.ties
    try:
        # The netlist that is there is kept as long as the library's text stays the same.
        library.text += "/* with set and reset swapped */\n"
        report.check_flip_flops(library, lambda text: None)
        found = "nothing"
    except flow.FlowError as error:
        found = str(error)
    check("no figures from flip-flops with set and reset swapped",
          "do not do what the RTL does, so there are no figures: pq_flops." in found, found)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generic = folder / "generic.lib"
        generic_library.write(generic)
        messages(folder)
        units(folder, generic)
        choices(folder, generic)
        writing(folder, generic)
        played(folder, generic)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
