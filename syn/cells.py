# SPDX-License-Identifier: Apache-2.0
"""The cells of Liberty groups, in one unit for all libraries: times ns, capacitances fF, resistances kOhm, areas as the
library has them (um2 in all we know)."""

import functools
import math
import re
from decimal import Decimal, InvalidOperation

from liberty import Function, LibraryError

DELAYS = ('cell_rise', 'cell_fall')
OVER_SLEW_AND_LOAD = DELAYS + ('rise_transition', 'fall_transition')
TABLES = OVER_SLEW_AND_LOAD + ('rise_constraint', 'fall_constraint')
SLEWS = ('input_net_transition', 'input_transition_time')
LOADS = ('total_output_net_capacitance',)
_TIME_AXES = SLEWS + ('constrained_pin_transition', 'related_pin_transition', 'output_transition')
_LOAD_AXES = LOADS + ('related_out_total_output_net_capacitance', 'equal_or_opposite_output_net_capacitance')
_PREFIXES = {'f': -15, 'p': -12, 'n': -9, 'u': -6, 'm': -3, '': 0, 'k': 3}
ARC_TEXTS = ('related_pin', 'timing_type', 'timing_sense', 'when', 'sdf_cond')
FLOP_FUNCTIONS = ('clocked_on', 'next_state', 'clear', 'preset')
# Cells that no synthesis should pick although their libraries do not say dont_use: power switching, probes, fill.
_NOT_FOR_LOGIC = re.compile(r'lpflow|probe|macro_sparecell|dly|delay|fill|tap_|antenna', re.I)
# A cell that has one of these groups or attributes is none of logic and flip-flops alone.
_OTHER_GROUPS = ('latch', 'statetable', 'ff_bank', 'latch_bank', 'memory', 'bus', 'bundle')
_OTHER_MARKS = ('is_level_shifter', 'is_isolation_cell', 'is_macro_cell', 'pad_cell', 'always_on', 'retention_cell',
                'switch_cell_type', 'clock_gating_integrated_cell')
LACKS = 'lacks '             # starts what why_not_logic says of a cell that should have more


class Unit:
    """Turns the numbers of a library into ours, exactly: equal libraries in other units give the same numbers."""

    def __init__(self, factor):
        self._factor = factor
        power = factor.adjusted()
        self._power = power if factor == Decimal(1).scaleb(power) else None

    def __call__(self, text):
        """Raises ValueError if the text is no number."""
        try:
            if '_' in text:             # Python's way to write numbers
                raise ValueError
            if self._power is not None and 'e' not in text and 'E' not in text:
                value = float(f'{text}e{self._power}')
            else:
                value = float(Decimal(text) * self._factor)
        except (ValueError, InvalidOperation):
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(f'{text!r} is no number')
        return value


PLAIN = Unit(Decimal(1))


def numbers(text, unit=PLAIN):
    """The numbers of a list, a table's values or an index."""
    return [unit(word) for word in re.sub(r'[",\\]', ' ', text).split()]


def number(group, name, unit=PLAIN):
    """An attribute, or None."""
    text = group.get(name)
    if text is None:
        return None
    try:
        value, = numbers(text, unit)
    except ValueError:
        group.fail(f'{name} is {text.strip()!r}, not a number', name)
    return value


class Units:
    """The units of a library group."""

    def __init__(self, library):
        self.time = self._read(library, 'time_unit', '1ns', 's', -9)
        self.load = self._read(library, 'capacitive_load_unit', '1,pf', 'f', -15)
        self.resistance = self._read(library, 'pulling_resistance_unit', '1kohm', 'ohm', 3)

    @staticmethod
    def _read(library, name, default, symbol, ours):
        text = re.sub(r'[\s,"]', '', library.get(name, default)).lower()
        found = re.fullmatch(rf'(\d+\.?\d*(?:e[-+]?\d+)?)({"|".join(filter(None, _PREFIXES))}|){symbol}', text)
        if not found or not numbers(found[1])[0]:
            library.fail(f'{name} is {library.get(name)}, not a number and a unit like {default}', name)
        return Unit(Decimal(found[1]).scaleb(_PREFIXES[found[2]] - ours))


class Table:
    """A look-up table: variables, the values of each, and a row for each value of all but the last."""

    def __init__(self, group, templates, units):
        self.variables, self.axes = [], []
        template = templates.get(group.name)
        if template is None and group.name not in ('', 'scalar'):
            group.fail(f'there is no template {group.name}')
        while template and f'variable_{len(self.axes) + 1}' in template.attributes:
            self._add_axis(group, template, len(self.axes) + 1, units)
        lengths = [len(axis) for axis in self.axes]
        try:
            values = numbers(group.get('values', ''), units.time)
        except ValueError as error:
            group.fail(f'values of {group.kind}: {error}', 'values')
        if len(values) != math.prod(lengths):
            group.fail(f'{group.kind} has {len(values)} values, not {" x ".join(map(str, lengths)) or 1}', 'values')
        row = lengths[-1] if lengths else 1
        self.rows = [values[i:i + row] for i in range(0, len(values), row)]
        self.where = group.where()

    def _add_axis(self, group, template, i, units):
        variable = template.get(f'variable_{i}')
        if variable not in _TIME_AXES + _LOAD_AXES:
            template.fail(f'variable {variable} is not one that this flow knows', f'variable_{i}')
        holder = group if f'index_{i}' in group.attributes else template
        try:
            axis = numbers(holder.get(f'index_{i}', ''), units.time if variable in _TIME_AXES else units.load)
        except ValueError as error:
            holder.fail(f'index_{i}: {error}', f'index_{i}')
        if not axis or any(low >= high for low, high in zip(axis, axis[1:])):
            holder.fail(f'index_{i} is no list of rising numbers', f'index_{i}')
        self.variables.append(variable)
        self.axes.append(axis)

    @functools.cached_property
    def over(self):
        """Of delays and slews: (slews, loads, rows for each slew), whatever the order in the library and if one is missing."""
        kinds = tuple('slew' if variable in SLEWS else 'load' if variable in LOADS else variable for variable in self.variables)
        flat = [value for row in self.rows for value in row]
        if kinds == ('slew', 'load'):
            return (*self.axes, self.rows)
        if kinds == ('load', 'slew'):
            return self.axes[1], self.axes[0], [list(column) for column in zip(*self.rows)]
        if kinds == ('slew',):
            return self.axes[0], [0.0], [[value] for value in flat]
        if kinds == ('load',):
            return [0.0], self.axes[0], [flat]
        if kinds:
            raise LibraryError(f'{self.where}: this flow reads tables over input slew and output load, not {" and ".join(kinds)}')
        return [0.0], [0.0], [flat]

    @property
    def slews(self):
        return self.over[0]

    @property
    def loads(self):
        return self.over[1]

    @staticmethod
    def _place(axis, value):
        if len(axis) == 1:
            return 0, 0, 0.0
        i = 0
        while i < len(axis) - 2 and value > axis[i + 1]:
            i += 1
        return i, i + 1, (value - axis[i]) / (axis[i + 1] - axis[i])

    def at(self, slew, load):
        slews, loads, rows = self.over
        a, b, s = self._place(slews, slew)
        c, d, t = self._place(loads, load)
        low = rows[a][c] * (1 - t) + rows[a][d] * t
        high = rows[b][c] * (1 - t) + rows[b][d] * t
        return low * (1 - s) + high * s


class Arc:
    """A timing group of a pin."""

    def __init__(self, group, templates, units):
        self.texts = {name: group.get(name) for name in ARC_TEXTS if name in group.attributes}
        self.tables = {table.kind: Table(table, templates, units) for table in group.groups if table.kind in TABLES}

    def is_delay(self):
        return self.texts.get('timing_type', 'combinational') in ('combinational', 'rising_edge', 'falling_edge')


class Pin:
    """An input or output."""

    def __init__(self, group, templates, units, defaults):
        """`defaults`: the library group."""
        self.direction = group.get('direction')
        self.clock = group.true('clock')
        self.scans = group.get('nextstate_type', 'data').startswith('scan')
        self.function = function(group, 'function')
        self.loads = {}            # attribute: capacitance
        for name in ('capacitance', 'rise_capacitance', 'fall_capacitance', 'max_capacitance'):
            self.loads[name] = number(group, name, units.load)
        self.ranges = {}           # attribute: least and largest capacitance
        for name in ('rise_capacitance_range', 'fall_capacitance_range'):
            if name in group.attributes:
                try:
                    self.ranges[name] = numbers(group.get(name), units.load)
                except ValueError as error:
                    group.fail(f'{name}: {error}', name)
        if self.loads['capacitance'] is None:
            edges = [load for load in (self.loads['rise_capacitance'], self.loads['fall_capacitance']) if load is not None]
            self.loads['capacitance'] = max(edges) if edges else number(defaults, f'default_{self.direction}_pin_cap', units.load)
        if self.loads['max_capacitance'] is None and self.direction == 'output':
            self.loads['max_capacitance'] = number(defaults, 'default_max_capacitance', units.load)
        self.loads = {name: load for name, load in self.loads.items() if load is not None}
        slew = number(group, 'max_transition', units.time)
        self.max_slew = number(defaults, 'default_max_transition', units.time) if slew is None else slew
        self.arcs = [Arc(arc, templates, units) for arc in group.all('timing')]


def function(group, name):
    """The function that an attribute states, or None."""
    if name not in group.attributes:
        return None
    try:
        return Function(group.get(name))
    except ValueError as error:
        group.fail(f'{name}: {error}', name)
    return None


class Flop:
    """An ff group: the names of the state and of its inverse, and functions, where the group states them."""

    def __init__(self, group):
        self.state, self.inverse = (group.names + [''])[:2]
        self.functions = {name: function(group, name) for name in FLOP_FUNCTIONS if name in group.attributes}
        # What both clear and preset at a time do to state and inverse: no use of the flow has both.
        self.both = {name: group.get(name) for name in ('clear_preset_var1', 'clear_preset_var2') if name in group.attributes}


class Cell:
    """A standard cell: gate or flip-flop."""

    def __init__(self, group, templates, units, defaults):
        self.where = group.where()
        self.name = group.name
        self.area = number(group, 'area') or 0.0
        self.flop = Flop(group.first('ff')) if group.first('ff') else None
        self.pins = {name: Pin(pin, templates, units, defaults) for pin in group.all('pin') for name in pin.names
                     if pin.get('direction') in ('input', 'output')}
        self.inputs = {name: pin.loads.get('capacitance', 0.0) for name, pin in self.pins.items() if pin.direction == 'input'}
        self.outputs = {name: pin.function for name, pin in self.pins.items() if pin.direction == 'output'}
        self.max_load = {name: self.pins[name].loads['max_capacitance'] for name in self.outputs
                         if 'max_capacitance' in self.pins[name].loads}
        self.drive = {name: self._resistance(self.pins[name]) for name in self.outputs}
        self.family = []       # the cells that may take its place, weakest first

    @property
    def resistance(self):
        return max(self.drive.values())

    @property
    def load(self):
        return max(self.inputs.values())

    @property
    def output(self):
        """The only one."""
        name, = self.outputs
        return name

    def tables(self, output, kinds):
        return [arc.tables[kind] for arc in self.pins[output].arcs if arc.is_delay() for kind in kinds if kind in arc.tables]

    @staticmethod
    def _resistance(pin):
        """The steepest delay over load, at a middle slew."""
        worst = 0.0
        for arc in pin.arcs:
            for kind in DELAYS:
                table = arc.tables.get(kind)
                if table is not None and arc.is_delay() and len(table.loads) > 1:
                    slew = table.slews[len(table.slews) // 2]
                    low, high = table.loads[0], table.loads[-1]
                    worst = max(worst, (table.at(slew, high) - table.at(slew, low)) / (high - low))
        return worst

    def kind(self):
        """Equal for cells of one function and one set of pins."""
        state = (self.flop.state, tuple((name, str(item)) for name, item in sorted(self.flop.functions.items())),
                 tuple(sorted(self.flop.both.items()))) if self.flop else ()
        return tuple(sorted(self.inputs)), tuple(sorted((name, str(item)) for name, item in self.outputs.items())), state


def why_not_logic(group):
    """Why a cell group is no gate or flip-flop that synthesis may use, or nothing."""
    if not is_box(group) or any(group.first(kind) for kind in _OTHER_GROUPS) \
            or any(group.get(mark, 'false').lower() != 'false' for mark in _OTHER_MARKS):
        return 'is not for logic'
    pins, flops = group.all('pin'), group.all('ff')
    inputs = {name for pin in pins if pin.get('direction') == 'input' for name in pin.names}
    outputs = [pin for pin in pins if pin.get('direction') == 'output']
    known = inputs.union(*(flop.names for flop in flops))
    if not all('function' in pin.attributes and 'three_state' not in pin.attributes
               and function(pin, 'function').names() <= known for pin in outputs):
        return 'has outputs without a function of its inputs'
    if len(flops) > 1 or not all({'clocked_on', 'next_state'} <= flop.attributes.keys() for flop in flops) \
            or any('clocked_on_also' in flop.attributes for flop in flops):
        return 'has more than one clocked state'
    if not number(group, 'area') or number(group, 'area') < 0:
        return LACKS + 'an area'
    if not all(_has_table(pin, DELAYS) for pin in outputs if function(pin, 'function').names()):
        return LACKS + 'delays to its output'
    if flops and not any(_has_table(pin, ('rise_constraint', 'fall_constraint')) for pin in pins):
        return LACKS + 'set-up times'
    return None


def _has_table(pin, kinds):
    return any(timing.first(kind) for timing in pin.all('timing') for kind in kinds)


def is_box(group):
    """Whether a cell group is one that synthesis may at least know of: with outputs, in plain names, and allowed."""
    pins = group.all('pin')
    directions = [pin.get('direction') for pin in pins]
    words = group.names + [name for pin in pins for name in pin.names]
    return ('output' in directions and set(directions) <= {'input', 'output', 'internal'} and not group.true('dont_use')
            and not _NOT_FOR_LOGIC.search(group.name) and all(re.fullmatch(r'[A-Za-z_]\w*', word) for word in words))
