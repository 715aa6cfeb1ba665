# SPDX-License-Identifier: Apache-2.0
"""Which flip-flops of a library the flow uses, by what their Liberty functions say, and how they are told to Yosys.

The RTL has flip-flops of one clock's rising edge, without reset, or with an asynchronous reset to 0 or to 1 by a low
level. A cell can be one of them if, with its other inputs tied to constants, it takes its data at the rising edge and
one level of one input clears or sets it. The state may be the inverse of the data, and the output may be inverted: what
a reset does to the output counts. Enables are gates in front of the data.

Yosys' dfflibmap knows cells by the letters of their functions, and 0.23 resets cells with an inverted state to the wrong
value. So it gets only the cells that are chosen here. A cell that is not plain (ties, an inverted state or output) is
shown to it as a plain one of another name, which is then replaced.
"""

import itertools

from liberty import LibraryError, columns

RESETS = (None, 0, 1)       # none, or the value after a reset
WHAT = {None: 'without reset', 0: 'reset to 0', 1: 'reset to 1'}
_VALUES, _EVERYTHING = columns(('clock', 'data', 'state', 'reset'))


class Use:
    """A way to use a cell as a flip-flop."""

    def __init__(self, cell, reset, low, pins, ties, outputs, inverted, inverter):
        self.cell = cell
        self.reset, self.low = reset, low       # value after a reset; whether a low level resets
        self.pins = pins                        # pins of C, D and R
        self.ties = ties                        # {pin: 0 or 1}
        self.outputs = outputs                  # pins of Q and QN, at least one of them
        self.inverted = inverted                # whether the cell's state is the inverse of the data
        self.area = cell.area + (0.0 if 'Q' in outputs else inverter.area)

    @property
    def direct(self):
        return not self.ties and not self.inverted and 'Q' in self.outputs

    @property
    def name(self):
        """Of what dfflibmap sees."""
        return self.cell.name if self.direct else f'pq_flop_{"plain" if self.reset is None else f"reset{self.reset}"}'

    def liberty(self):
        """A plain flip-flop for dfflibmap."""
        pins = self.pins if self.direct else {letter: letter for letter in self.pins}
        outputs = self.outputs if self.direct else {'Q': 'Q', 'QN': 'QN'} if 'QN' in self.outputs else {'Q': 'Q'}
        lines = [f'  cell ({self.name}) {{', f'    area : {self.area};', '    ff (IQ, IQN) {',
                 f'      clocked_on : "{pins["C"]}";', f'      next_state : "{pins["D"]}";']
        if self.reset is not None:
            lines.append(f'      {"preset" if self.reset else "clear"} : "{"!" * self.low}{pins["R"]}";')
        lines.append('    }')
        lines += [f'    pin ({pin}) {{ direction : input; }}' for pin in pins.values()]
        lines += [f'    pin ({pin}) {{ direction : output; function : "{"IQ" if letter == "Q" else "IQN"}"; }}'
                  for letter, pin in outputs.items()]
        return '\n'.join(lines + ['  }', ''])

    def verilog(self):
        """The cell in the place of the plain flip-flop, for techmap."""
        ports = [*self.pins, 'Q'] + ['QN'] * ('QN' in self.outputs)
        wired = [f'.{pin}({letter})' for letter, pin in self.pins.items()]
        wired += [f".{pin}(1'b{value})" for pin, value in self.ties.items()]
        wired += [f'.{pin}({letter})' for letter, pin in self.outputs.items()]
        lines = [f'module {self.name} ({", ".join(ports)});', f'  input {", ".join(self.pins)};',
                 f'  output {", ".join(ports[len(self.pins):])};', f'  {self.cell.name} _TECHMAP_REPLACE_ ({", ".join(wired)});']
        lines += ['  \\$_NOT_ inverter (.A(QN), .Y(Q));'] * ('Q' not in self.outputs)
        return '\n'.join(lines + ['endmodule', ''])


def uses(cell, inverter):
    """All ways to use a cell as one of the RTL's flip-flops."""
    functions = cell.flop.functions
    states = {cell.flop.state: _VALUES['state'], cell.flop.inverse: _EVERYTHING & ~_VALUES['state']}
    if not all(function.names() <= cell.inputs.keys() | states.keys() for function in functions.values()):
        return
    data_pins = [pin for pin in cell.inputs if _is_data(functions['next_state'], pin) and not cell.pins[pin].scans]
    clock_pins = [pin for pin in cell.inputs if pin in functions['clocked_on'].names()]
    reset_pins = [pin for pin in cell.inputs for kind in ('clear', 'preset')
                  if kind in functions and pin in functions[kind].names()]
    for clock, data, reset in itertools.product(clock_pins, data_pins, [None] + reset_pins):
        if len({clock, data, reset}) < 3:
            continue
        tied = [pin for pin in cell.inputs if pin not in (clock, data, reset)]
        for constants in itertools.product((0, 1), repeat=len(tied)):
            values = states | {clock: _VALUES['clock'], data: _VALUES['data'], reset: _VALUES['reset']} \
                | {pin: _EVERYTHING * value for pin, value in zip(tied, constants)}
            found = _use(cell, values, {'C': clock, 'D': data} | ({'R': reset} if reset else {}),
                         dict(zip(tied, constants)), inverter)
            if found:
                yield found


def _is_data(next_state, pin):
    """Whether a pin moves the next state in one direction only: selects of multiplexers, for scan or enable, do not."""
    others = tuple(next_state.names() - {pin})
    values, everything = columns(others)
    low, high = (next_state.value(values | {pin: everything * bit}, everything) for bit in (0, 1))
    return low != high and (low | high in (low, high))


def _use(cell, values, pins, ties, inverter):
    """The use with these pins and constants, if it is one; `values`: the bits of each name."""
    def bits(function):
        return function.value(values, _EVERYTHING) if function else 0
    functions = cell.flop.functions
    state, data, level = (_VALUES[name] for name in ('state', 'data', 'reset'))
    if bits(functions['clocked_on']) != _VALUES['clock']:
        return None
    step = bits(functions['next_state'])
    if step not in (data, _EVERYTHING & ~data):
        return None
    inverted = step != data
    clear, preset = bits(functions.get('clear')), bits(functions.get('preset'))
    reset, low = None, True
    if 'R' in pins:
        if (clear == 0) == (preset == 0) or clear | preset not in (level, _EVERYTHING & ~level):
            return None
        low = clear | preset != level
        reset = int((preset != 0) != inverted)
    elif clear or preset:
        return None
    outputs = {}
    for pin, function in cell.outputs.items():
        shown = bits(function)
        if shown in (state, _EVERYTHING & ~state):
            outputs.setdefault('QN' if (shown == state) == inverted else 'Q', pin)
    return Use(cell, reset, low, pins, ties, outputs, inverted, inverter) if outputs else None


def choose(library):
    """{reset: Use}: the smallest of each kind. One with a reset is left out if inverters around the other one are smaller."""
    flops = [cell for cell in library.cells.values() if cell.flop]
    found = {}
    for use in (use for cell in flops for use in uses(cell, library.inverter)):
        best = found.get(use.reset)
        key = use.area, len(use.ties), not use.low
        if best is None or key < (best.area, len(best.ties), not best.low):
            found[use.reset] = use
    for missing, there in ((None in found, 'a D flip-flop'), (0 in found or 1 in found, 'one with an asynchronous reset')):
        if not missing:
            raise LibraryError(f'library {library.path} has no flip-flop that this flow can use as {there}, with a rising '
                               f'clock edge{library.example(True) or _example(flops)}')
    for reset, other in ((0, 1), (1, 0)):
        if reset in found and other in found and found[reset].area > found[other].area + 2 * library.inverter.area:
            del found[reset]
    return dict(sorted(found.items(), key=lambda item: RESETS.index(item[0])))


def _example(flops):
    if not flops:
        return ''
    cell = min(flops, key=lambda cell: cell.area)
    return f' ({cell.where}: {cell.name} has ' + ', '.join(f'{name} {item}' for name, item in cell.flop.functions.items()) + ')'


def liberty(chosen):
    """The text for dfflibmap."""
    return 'library (flops) {\n' + ''.join(use.liberty() for use in chosen.values()) + '}\n'


def verilog(chosen):
    """The text for techmap, or nothing if all chosen cells are plain."""
    return '\n'.join(use.verilog() for use in chosen.values() if not use.direct)
