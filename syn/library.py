# SPDX-License-Identifier: Apache-2.0
"""A library of Liberty files: its cells (cells.py), the few of them that the flow asks for by their function, and its text
for the tools.

Yosys, ABC and OpenSTA read one text that is written here, in ns and fF, with the cells that the flow may use and what
function, area and delay need. So neither the library's units nor its way of writing matter.
"""

import itertools

import flops
import liberty
from cells import LACKS, LOADS, OVER_SLEW_AND_LOAD, SLEWS, Cell, Units, is_box, number, why_not_logic
from liberty import LibraryError, Source

# What all files of a library must agree on, and what holds if they do not say.
THRESHOLDS = {f'{name}_{edge}': value for name, value in (
    ('input_threshold_pct', 50.0), ('output_threshold_pct', 50.0), ('slew_lower_threshold_pct', 20.0),
    ('slew_upper_threshold_pct', 80.0)) for edge in ('rise', 'fall')} | {'slew_derate_from_library': 1.0}


class Library:
    """The cells of one or more Liberty files, by name."""

    def __init__(self, paths):
        self.path = str(paths[0])
        groups = []
        for path in paths:
            found = liberty.parse(Source(path)).all('library')
            if not found:
                raise LibraryError(f'{path} has no library group')
            groups += found
        self._agree(groups)
        self.cells, self._listed, self.incomplete = {}, [], []
        for group in groups:
            self._add(group)
        self._choose()
        self.text = self._text(groups)

    def _agree(self, groups):
        """Reads what holds for all cells."""
        self.thresholds = None
        for group in groups:
            model = group.get('delay_model', 'table_lookup')
            if model != 'table_lookup':
                group.fail(f'delay_model is {model}: this flow reads look-up tables', 'delay_model')
            values = {name: default if name not in group.attributes else number(group, name)
                      for name, default in THRESHOLDS.items()}
            for name, value in values.items():
                if self.thresholds and value != self.thresholds[name]:
                    group.fail(f'{name} is {value:g} here and {self.thresholds[name]:g} in {self.path}: these files are not one '
                               'library', name)
            self.thresholds = values

    def _add(self, library):
        units = Units(library)
        templates = {group.name: group for group in library.groups if group.kind.endswith('template')}
        for group in library.all('cell'):
            reason = why_not_logic(group)
            if reason is None:
                cell = Cell(group, templates, units, library)
                if cell.name in self.cells:
                    group.fail(f'cell {cell.name} is also at {self.cells[cell.name].where}')
                self.cells[cell.name] = cell
                self._listed.append(cell)
                continue
            if reason.startswith(LACKS):
                self.incomplete.append((group.first('ff') is not None, f'{group.where()}: {group.name} {reason}'))
            if is_box(group):
                self._listed.append(group)

    def _gates(self, rows, inputs):
        """The gates with so many inputs and one output whose truth table has these bits."""
        found = []
        for cell in self.cells.values():
            if not cell.flop and len(cell.inputs) == inputs and len(cell.outputs) == 1 \
                    and cell.outputs[cell.output].value(*liberty.columns(tuple(cell.inputs))) == rows:
                found.append(cell)
        return sorted(found, key=lambda cell: (cell.area, cell.resistance))

    def _choose(self):
        nand2 = self._gates(0b0111, 2)
        inverters = self._gates(0b01, 1)
        self.buffers = self._gates(0b10, 1)
        for found, what in ((nand2, 'two-input NAND gate'), (inverters, 'inverter'), (self.buffers, 'buffer')):
            if not found:
                raise LibraryError(f'library {self.path} has no {what} that synthesis may use{self.example(False)}')
        families = {}
        for cell in self.cells.values():
            families.setdefault(cell.kind(), []).append(cell)
        for family in families.values():
            family.sort(key=lambda cell: (cell.area, -cell.resistance))
            for cell in family:
                cell.family = family
        self.nand2 = nand2[0]
        self.multiplexer = min((cell.area for cell in self.cells.values() if self._selects(cell)), default=3 * self.nand2.area)
        for cell in (self.nand2, *inverters):
            if not cell.resistance or not cell.load:
                raise LibraryError(f'{cell.where}: cell {cell.name} lacks a capacitance or delays that rise with the load')
        # Of the smallest ones, the fastest: weaker ones in the same area are made to be slow.
        self.fo4, self.inverter = min(((self._fo4(cell), cell) for cell in inverters if cell.area == inverters[0].area),
                                      key=lambda found: found[0])
        # The delay of a unit inverter that drives one unit inverter, without its own: the unit of efforts.
        self.unit = self.inverter.resistance * self.inverter.load
        # The buffer that drives inputs of the design and stands for an average driver.
        wanted = self.inverter.resistance / 4
        self.driving = min(self.buffers, key=lambda cell: (abs(cell.resistance - wanted), cell.area))
        self.flops = flops.choose(self)

    def example(self, flop):
        """A gate or a flip-flop that would be of use if it were complete, in brackets, or nothing."""
        return next((f' ({text})' for is_flop, text in self.incomplete if is_flop == flop), '')

    @staticmethod
    def _selects(cell):
        if len(cell.inputs) != 3 or len(cell.outputs) != 1 or cell.flop:
            return False
        values, everything = liberty.columns(tuple(cell.inputs))
        bits = cell.outputs[cell.output].value(values, everything)
        return any(bits == (values[select] & values[a]) | (everything & ~values[select] & values[b])
                   for a, b, select in itertools.permutations(values))

    @staticmethod
    def _fo4(cell):
        """Delay of an inverter that drives four like it, with the slew that such stages settle at: ns."""
        load = 4 * cell.load
        delays = cell.tables(cell.output, ('cell_rise', 'cell_fall'))
        slews = cell.tables(cell.output, ('rise_transition', 'fall_transition'))
        if not slews:
            raise LibraryError(f'{cell.where}: cell {cell.name} lacks transition times')
        slew = slews[0].slews[0]
        for _ in range(20):
            slew = sum(table.at(slew, load) for table in slews) / len(slews)
        return sum(table.at(slew, load) for table in delays) / len(delays)

    # ---- The text for the tools ------------------------------------------------------------------------

    def write(self, path):
        path.write_text(self.text)

    def _header(self, groups):
        lines = ['  delay_model : table_lookup;', '  time_unit : "1ns";', '  capacitive_load_unit (1,ff);',
                 '  pulling_resistance_unit : "1kohm";', '  voltage_unit : "1V";', '  current_unit : "1mA";']
        lines += [f'  {name} : {_figure(value)};' for name, value in self.thresholds.items()]
        lines += [f'  {name} : {_figure(number(groups[0], name))};' for name in ('nom_process', 'nom_voltage', 'nom_temperature')
                  if name in groups[0].attributes]
        return lines + _wires(groups)

    def _text(self, groups):
        templates, cells = {}, []
        for cell in self._listed:
            cells += _cell(cell, templates) if isinstance(cell, Cell) else _box(cell)
        lines = ['library (cells) {', *self._header(groups)]
        for (variables, lengths), name in templates.items():
            lines.append(f'  lu_table_template ({name}) {{')
            lines += [f'    variable_{i} : {variable};' for i, variable in enumerate(variables, 1)]
            lines += [f'    index_{i} ("{", ".join(map(str, range(length)))}");' for i, length in enumerate(lengths, 1)]
            lines.append('  }')
        return '\n'.join(lines + cells + ['}', ''])


def _figure(value):
    text = repr(value)
    return f'{value:.20f}'.rstrip('0') if 'e' in text else text


def _figures(values):
    return '"' + ', '.join(map(_figure, values)) + '"'


def _wires(groups):
    """The wire load that a library states as its default: OpenSTA takes it without being asked."""
    for group in groups:
        name = group.get('default_wire_load')
        if name is None:
            continue
        wires = next((wires for wires in group.all('wire_load') if wires.name == name), None)
        if wires is None:
            group.fail(f'there is no wire_load {name}', 'default_wire_load')
        units = Units(group)
        lines = [f'  wire_load ("{name}") {{']
        for attribute, unit in (('capacitance', units.load), ('resistance', units.resistance)):
            if attribute in wires.attributes:
                lines.append(f'    {attribute} : {_figure(number(wires, attribute, unit))};')
        if 'slope' in wires.attributes:
            lines.append(f'    slope : {_figure(number(wires, "slope"))};')
        lines += [f'    fanout_length ({length});' for length in wires.repeated.get('fanout_length', [])]
        return lines + ['  }', f'  default_wire_load : "{name}";']
    return []


def _cell(cell, templates):
    lines = [f'  cell ({cell.name}) {{', f'    area : {_figure(cell.area)};']
    if cell.flop:
        lines.append(f'    ff ({cell.flop.state}, {cell.flop.inverse}) {{')
        lines += [f'      {name} : "{item}";' for name, item in cell.flop.functions.items()]
        lines += [f'      {name} : {value};' for name, value in cell.flop.both.items()] + ['    }']
    for name, pin in cell.pins.items():
        lines += [f'    pin ({name}) {{', f'      direction : {pin.direction};']
        lines += ['      clock : true;'] * pin.clock
        lines += [f'      function : "{pin.function}";'] * (pin.function is not None)
        lines += [f'      {attribute} : {_figure(load)};' for attribute, load in pin.loads.items()]
        lines += [f'      {attribute} ({", ".join(map(_figure, loads))});' for attribute, loads in pin.ranges.items()]
        lines += [f'      max_transition : {_figure(pin.max_slew)};'] if pin.max_slew is not None else []
        for arc in pin.arcs:
            lines.append('      timing () {')
            lines += [f'        {attribute} : "{text}";' for attribute, text in arc.texts.items()]
            for kind, table in arc.tables.items():
                lines += _table(kind, table, templates)
            lines.append('      }')
        lines.append('    }')
    return lines + ['  }']


def _box(group):
    """A cell that is neither gate nor flip-flop, with its pins alone. The flow has no use for it, but Yosys maps in an order
    that depends on all names that it has read: without these cells it would find other netlists, no better ones."""
    lines = [f'  cell ({group.name}) {{']
    lines += [f'    pin ({name}) {{ direction : {pin.get("direction")}; }}' for pin in group.all('pin') for name in pin.names]
    return lines + ['  }']


def _table(kind, table, templates):
    variables, axes, rows = table.variables, table.axes, table.rows
    if kind in OVER_SLEW_AND_LOAD:
        # ABC knows no other order and needs two points of each.
        (slews, loads, rows), variables = table.over, (SLEWS[0], LOADS[0])
        if len(loads) == 1:
            loads, rows = [loads[0], loads[0] + 1], [2 * row for row in rows]
        if len(slews) == 1:
            slews, rows = [slews[0], slews[0] + 1], 2 * rows
        axes = slews, loads
    name = templates.setdefault((tuple(variables), tuple(map(len, axes))), f't{len(templates)}') if axes else 'scalar'
    lines = [f'        {kind} ({name}) {{']
    lines += [f'          index_{i} ({_figures(axis)});' for i, axis in enumerate(axes, 1)]
    return lines + [f'          values ({", ".join(map(_figures, rows))});', '        }']
