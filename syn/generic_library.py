#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The default library of the flow: generic cells of no real process, by the textbook's linear models. Prints a Liberty file.

A cell is a few CMOS gates, each a series-parallel network of transistor pairs; all else follows from the networks.

Area     in gate equivalents. A pair of transistors, one gate over both, is a column. A cell is as wide as its columns and
         one for the gap to its neighbour: NAND2 has 2 + 1, which is 1.0. So INV is 2/3, XOR2 2.0. A clocked gate takes one
         column more, as the clocks of its two transistors differ.
Drive    Xk has k columns side by side for each one of X1; gates in front of a cell's last one have half as many.
Input    a column's gate is 1 fF.
Delay    resistance * (load + own drains), nothing for the slope of the input. The resistance is R times the height of the
         stack towards the supply (output rises), R / 2 times that towards ground (output falls): transistors of equal size,
         electrons twice as fast as holes. A drain is 0.25 fF, as neighbours share it. R makes FO4 22.1 ps, about that of a
         45 nm process, so that the target clock is 650 MHz.
Slope    20 to 80 %, of a resistor and a capacitor: twice the last gate's delay. Loads are allowed up to 16 FO4 delays of it.

No wires, no leakage, no power. docs/area.md sets it beside real libraries.
"""

import math
import os
import sys

NAME = 'generic'
FO4 = 22.1                        # ps: an inverter that drives four like it, mean of both edges
GATE, DRAIN = 1.0, 0.25           # fF, of a column's input and of each transistor at an output
RISE, FALL = 1.0, 0.5             # resistance of one transistor, in R
R = FO4 / ((4 * GATE + 2 * DRAIN) * (RISE + FALL) / 2)     # ps/fF
GAP, NAND2_COLUMNS = 1, 2
SLOPE = 2.0                       # slope over delay
MAX_SLOPE = 16 * FO4
# Points of the tables, ps and fF. They are straight lines, of which ABC needs three points.
SLOPES, LOADS = (0.0, 2 * FO4, MAX_SLOPE), (0.0, 10.0, 1000.0)
OTHER = {'rise': 'fall', 'fall': 'rise'}


class Gate:
    """The node `output` is not `network`: a pin or node, or ('and' | 'or' | 'clocked', networks). A clocked gate holds while
    its last network, the clock, is off. A keeper only holds what another gate drives: no path goes through it."""

    def __init__(self, output, network, keeper=False):
        self.output, self.network, self.keeper = output, network, keeper
        self.inputs = self._inputs(network)
        self.clocked = network[0] == 'clocked'
        # Transistors in series towards ground and supply, and drains at the output.
        self.heights = {'fall': self._height(network, 'and'), 'rise': self._height(network, 'or')}
        self.drains = self._drains(network, 'and') + self._drains(network, 'or')

    def _inputs(self, network):
        return [network] if isinstance(network, str) else [pin for part in network[1:] for pin in self._inputs(part)]

    def _height(self, network, series):
        if isinstance(network, str):
            return 1
        return (sum if network[0] in (series, 'clocked') else max)(self._height(part, series) for part in network[1:])

    def _drains(self, network, series):
        if isinstance(network, str):
            return 1
        return (min if network[0] in (series, 'clocked') else sum)(self._drains(part, series) for part in network[1:])


class Cell:
    """Gates that drive one another; the last gate of each output has `drive` times the columns of X1."""

    def __init__(self, kind, drive, gates, outputs=('Y',)):
        self.name, self.drive, self.gates, self.outputs = f'{kind}_X{drive}', drive, gates, outputs
        nodes = {gate.output for gate in gates}
        self.pins = list(dict.fromkeys(pin for gate in gates for pin in sorted(gate.inputs) if pin not in nodes))

    def size(self, gate):
        return self.drive if gate.output in self.outputs else self.drive / 2

    def area(self):
        columns = sum(len(gate.inputs) * math.ceil(self.size(gate)) + gate.clocked for gate in self.gates)
        return (columns + GAP) / (NAND2_COLUMNS + GAP)

    def load(self, node):
        """What a pin or node has to drive inside the cell: fF."""
        return sum(GATE * self.size(gate) * gate.inputs.count(node) for gate in self.gates)

    def own(self, node):
        """Drains at a node: fF."""
        return sum(DRAIN * self.size(gate) * gate.drains for gate in self.gates if gate.output == node)

    def resistance(self, gate, edge):
        return R * {'rise': RISE, 'fall': FALL}[edge] * gate.heights[edge] / self.size(gate)

    def driver(self, node):
        return next(gate for gate in self.gates if gate.output == node and not gate.keeper)

    def max_load(self, node):
        worst = max(self.resistance(self.driver(node), edge) for edge in OTHER)
        return MAX_SLOPE / SLOPE / worst - self.own(node) - self.load(node)

    def paths(self, pin, pin_edge, node):
        """{edge of the node: the longest delay from that edge of the pin, ps, without load}."""
        if node == pin:
            return {pin_edge: 0.0}
        gate = next((gate for gate in self.gates if gate.output == node and not gate.keeper), None)
        found = {}
        for before in gate.inputs if gate else ():
            for edge, delay in self.paths(pin, pin_edge, before).items():
                for after in self._answers(gate, before, edge):
                    own = self.resistance(gate, after) * (self.own(node) + self.load(node))
                    found[after] = max(found.get(after, 0.0), delay + own)
        return found

    @staticmethod
    def _answers(gate, node, edge):
        """Edges of a gate's output that an edge of an input may cause: its clock lets both pass, when it comes."""
        if gate.clocked and node == gate.inputs[-1]:
            return tuple(OTHER) if edge == 'rise' else ()
        return (OTHER[edge],)

    def function(self, node):
        """The node over the pins, as Liberty writes it."""
        gate = next((gate for gate in self.gates if gate.output == node), None)
        return f'!{self._text(gate.network)}' if gate else node

    def _text(self, network):
        if isinstance(network, str):
            return self.function(network) if network in self.pins else f'({self.function(network)})'
        return '(' + {'and': ' & ', 'or': ' | '}[network[0]].join(map(self._text, network[1:])) + ')'


# One gate: the network that is inverted.
SIMPLE = {
    'INV': 'A',
    **{f'{kind}{n}': (way, *'ABCD'[:n]) for kind, way in (('NAND', 'and'), ('NOR', 'or')) for n in (2, 3, 4)},
    **{f'{kind}{shape}': (outer, *(group if len(group) == 1 else (inner, *group) for group in groups))
       for kind, outer, inner in (('AOI', 'or', 'and'), ('OAI', 'and', 'or'))
       for shape, groups in (('21', ('A', 'BC')), ('22', ('AB', 'CD')), ('211', ('A', 'B', 'CD')),
                             ('221', ('A', 'BC', 'DE')), ('222', ('AB', 'CD', 'EF')))},
}
# Several gates, in the order of their nodes.
COMPOSED = {
    'BUF': {'y': 'A', 'Y': 'y'},
    **{f'{kind}{n}': {'y': (way, *'ABCD'[:n]), 'Y': 'y'}
       for kind, way in (('AND', 'and'), ('OR', 'or')) for n in (2, 3, 4)},
    'XOR2': {'y': ('or', 'A', 'B'), 'Y': ('or', ('and', 'A', 'B'), 'y')},
    'XNOR2': {'y': ('and', 'A', 'B'), 'Y': ('and', ('or', 'A', 'B'), 'y')},
    'MUX2': {'s': 'S', 'y': ('or', ('and', 'A', 's'), ('and', 'B', 'S')), 'Y': 'y'},
    'HA': {'c': ('and', 'A', 'B'), 'CO': 'c', 's': ('or', 'A', 'B'), 'S': ('or', ('and', 'A', 'B'), 's')},
    'FA': {'c': ('or', ('and', 'A', 'B'), ('and', 'CI', ('or', 'A', 'B'))), 'CO': 'c',
           's': ('or', ('and', 'A', 'B', 'CI'), ('and', 'c', ('or', 'A', 'B', 'CI'))), 'S': 's'},
}
DRIVES = {'INV': (1, 2, 4, 8, 16, 32), 'BUF': (1, 2, 4, 8, 16, 32), 'HA': (1,), 'FA': (1,)}
OUTPUTS = {'HA': ('CO', 'S'), 'FA': ('CO', 'S')}


def flip_flop(kind, drive):
    """Two latches of clocked gates. DFFR: RN low makes both keepers, and with them both latches, 0; DFFS: SN low 1."""
    held = {'m': 'n', 's': 'Q'}
    kept = {node: ('and', pin, 'RN') if kind == 'DFFR' else pin for node, pin in held.items()}
    inner, output = (('and', node, 'SN') if kind == 'DFFS' else node for node in ('m', 's'))
    return Cell(kind, drive, [
        Gate('c', 'CK'), Gate('p', 'c'),
        Gate('m', ('clocked', 'D', 'c')), Gate('n', inner), Gate('m', ('clocked', kept['m'], 'p'), keeper=True),
        Gate('s', ('clocked', 'n', 'p')), Gate('Q', output), Gate('s', ('clocked', kept['s'], 'c'), keeper=True)], ('Q',))


def latch(drive):
    return Cell('LATCH', drive, [
        Gate('c', 'G'), Gate('p', 'c'), Gate('m', ('clocked', 'D', 'p')), Gate('Q', 'm'),
        Gate('m', ('clocked', 'Q', 'c'), keeper=True)], ('Q',))


# ---- Liberty -------------------------------------------------------------------------------------------------------------

def _timing(related, kind, values):
    """A timing group; `values`: {table: (intrinsic, slope over load)}, or {constraint: value}. ps."""
    lines = [f'      timing () {{ related_pin : "{related}"; {kind}']
    for name, value in values.items():
        if isinstance(value, tuple):
            row = '"' + ', '.join(f'{(value[0] + value[1] * load) / 1000:.6f}' for load in LOADS) + '"'
            lines.append(f'        {name} (line) {{ values ({", ".join([row] * len(SLOPES))}); }}')
        else:
            lines.append(f'        {name} (scalar) {{ values ("{value / 1000:.6f}"); }}')
    return lines + ['      }']


def _arc(cell, pin, pin_edges, node, kind=None):
    """The delays from edges of a pin to an output."""
    gate = cell.driver(node)
    found = {edge: cell.paths(pin, edge, node) for edge in pin_edges}
    if kind is None:
        senses = {'positive_unate' if edge == after else 'negative_unate' for edge in found for after in found[edge]}
        kind = f'timing_sense : {senses.pop() if len(senses) == 1 else "non_unate"};'
    values = {}
    for edge in OTHER:
        delays = [paths[edge] for paths in found.values() if edge in paths]
        slope = cell.resistance(gate, edge)
        values[f'cell_{edge}'] = (max(delays), slope)
        values[f'{edge}_transition'] = (SLOPE * slope * (cell.own(node) + cell.load(node)), SLOPE * slope)
    return _timing(pin, kind, values)


def _pin(name, direction, capacitance=None, body=(), extra=''):
    size = '' if capacitance is None else f' capacitance : {capacitance:.3f};'
    head = f'    pin ({name}) {{ direction : {direction};{size}{extra}'
    return [head, *body, '    }'] if body else [head + ' }']


def _output(cell, name, function, arcs):
    return _pin(name, 'output', None, arcs, f' function : "{function}"; max_capacitance : {cell.max_load(name):.3f};')


def _group(cell, lines):
    return [f'  cell ({cell.name}) {{ area : {cell.area():.6f};', *lines, '  }']


def gate_text(cell):
    lines = [line for pin in cell.pins for line in _pin(pin, 'input', cell.load(pin))]
    for output in cell.outputs:
        lines += _output(cell, output, cell.function(output),
                         [line for pin in cell.pins for line in _arc(cell, pin, OTHER, output)])
    return _group(cell, lines)


def _check(pin, clock, edge, kinds, delay):
    """Set-up or recovery of a pin: `delay` before the edge of the clock; hold or removal: none."""
    edges = [name for name in OTHER if pin == 'D' or name == 'rise']
    return [line for kind, value in zip(kinds, (delay, 0.0))
            for line in _timing(clock, f'timing_type : {kind}_{edge};', {f'{name}_constraint': value for name in edges})]


def _longest(cell, pin, node):
    return max(delay for edge in OTHER for delay in cell.paths(pin, edge, node).values())


def flip_flop_text(cell):
    """Data must have passed the first latch; set and reset are released by then, too."""
    setup = _longest(cell, 'D', 'n')
    state = ['      clocked_on : "CK"; next_state : "D";']
    lines = []
    for pin in cell.pins:
        if pin == 'CK':
            lines += _pin(pin, 'input', cell.load(pin), extra=' clock : true;')
            continue
        kinds = ('setup', 'hold') if pin == 'D' else ('recovery', 'removal')
        lines += _pin(pin, 'input', cell.load(pin), _check(pin, 'CK', 'rising', kinds, setup))
        if pin != 'D':
            state.append(f'      {"clear" if pin == "RN" else "preset"} : "!{pin}";')
    lines = ['    ff (IQ, IQN) {', *state, '    }', *lines]
    return _group(cell, lines + _output(cell, 'Q', 'IQ', _arc(cell, 'CK', ('rise',), 'Q', 'timing_type : rising_edge;')))


def latch_text(cell):
    lines = ['    latch (IQ, IQN) { enable : "G"; data_in : "D"; }', *_pin('G', 'input', cell.load('G'), extra=' clock : true;'),
             *_pin('D', 'input', cell.load('D'), _check('D', 'G', 'falling', ('setup', 'hold'), _longest(cell, 'D', 'Q')))]
    return _group(cell, lines + _output(cell, 'Q', 'IQ', _arc(cell, 'D', OTHER, 'Q')
                                        + _arc(cell, 'G', ('rise',), 'Q', 'timing_type : rising_edge;')))


def tie_text(value):
    """A constant: a cell of one column."""
    area = (1 + GAP) / (NAND2_COLUMNS + GAP)
    return [f'  cell (TIE{value}) {{ area : {area:.6f};', f'    pin (Y) {{ direction : output; function : "{value}"; }}', '  }']


def liberty():
    """The text of the library."""
    lines = ['/* Made by syn/generic_library.py, which says what it is. */', f'library ({NAME}) {{',
             '  delay_model : table_lookup;', '  time_unit : "1ns";', '  voltage_unit : "1V";', '  current_unit : "1mA";',
             '  pulling_resistance_unit : "1kohm";', '  leakage_power_unit : "1nW";', '  capacitive_load_unit (1, ff);',
             '  nom_voltage : 1.0;', '  nom_temperature : 25.0;', '  nom_process : 1.0;',
             f'  default_max_transition : {MAX_SLOPE / 1000:.6f};']
    for edge in OTHER:
        lines += [f'  input_threshold_pct_{edge} : 50;', f'  output_threshold_pct_{edge} : 50;',
                  f'  slew_lower_threshold_pct_{edge} : 20;', f'  slew_upper_threshold_pct_{edge} : 80;']
    lines += ['  lu_table_template (line) {', '    variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;',
              f'    index_1 ("{", ".join(f"{slope / 1000:.6f}" for slope in SLOPES)}");',
              f'    index_2 ("{", ".join(map(str, LOADS))}");', '  }']
    for kind, network in SIMPLE.items():
        for drive in DRIVES.get(kind, (1, 2, 4)):
            lines += gate_text(Cell(kind, drive, [Gate('Y', network)]))
    for kind, gates in COMPOSED.items():
        for drive in DRIVES.get(kind, (1, 2, 4)):
            lines += gate_text(Cell(kind, drive, [Gate(*gate) for gate in gates.items()], OUTPUTS.get(kind, ('Y',))))
    for drive in (1, 2):
        for kind in ('DFF', 'DFFR', 'DFFS'):
            lines += flip_flop_text(flip_flop(kind, drive))
        lines += latch_text(latch(drive))
    return '\n'.join([*lines, *tie_text(0), *tie_text(1), '}', ''])


def write(path):
    """Writes the library as a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f'{path.name}.{os.getpid()}')
    new.write_text(liberty())
    new.replace(path)


if __name__ == '__main__':
    sys.stdout.write(liberty())
