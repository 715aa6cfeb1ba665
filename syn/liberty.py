# SPDX-License-Identifier: Apache-2.0
"""Reads a Liberty library: what the flow has to know of its cells.

Every figure that leaves this file has these units: area as the library has it (um2 in all we know), capacitance fF,
time ns, resistance ns/fF.
"""

import gzip
import itertools
import re

# Cells that no synthesis should pick although their libraries do not say dont_use: power switching, probes, fill.
NOT_FOR_LOGIC = re.compile(r'lpflow|probe|macro_sparecell|dly|delay|fill|tap_|antenna', re.I)


class LibraryError(Exception):
    """The library cannot be used; the text is one sentence for the user."""


class Group:
    """A Liberty group, name(arguments) { attributes groups }, with its place in the text."""

    def __init__(self, kind, arguments, start):
        self.kind = kind
        self.arguments = arguments
        self.start = start
        self.end = None
        self.attributes = {}
        self.groups = []

    def all(self, kind):
        return [group for group in self.groups if group.kind == kind]

    def first(self, kind):
        return next((group for group in self.groups if group.kind == kind), None)

    def get(self, name, default=None):
        return self.attributes.get(name, default)


_TOKEN = re.compile(
    r'(?P<group>\w+)\s*\((?P<group_arguments>[^(){}]*)\)\s*\{'
    r'|(?P<complex>\w+)\s*\((?P<complex_arguments>[^()]*)\)\s*;?'
    r'|(?P<simple>\w+)\s*:\s*(?P<value>"[^"]*"|[^;\n{}]*)\s*;?'
    r'|(?P<close>\})')


def parse(text):
    """The groups of a Liberty text without comments, under a root group."""
    root = Group('root', '', 0)
    stack = [root]
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == 'group_arguments':
            group = Group(token['group'], token['group_arguments'].strip().strip('"'), token.start())
            stack[-1].groups.append(group)
            stack.append(group)
        elif kind == 'complex_arguments':
            stack[-1].attributes[token['complex']] = token['complex_arguments']
        elif kind == 'value':
            stack[-1].attributes[token['simple']] = token['value'].strip().strip('"')
        elif len(stack) > 1:
            stack.pop().end = token.end()
    return root


def _numbers(text):
    return [float(number) for number in re.findall(r'[-+0-9.eE]+', text)]


class _Function:
    """Evaluates a Liberty function: ! ' & * ^ | + ( ) and juxtaposition, in falling order of binding."""

    def __init__(self, text, pins):
        self.tokens = re.findall(r"[A-Za-z_]\w*|[01]|[!'()&*|+^]", text)
        self.pins = pins

    def table(self):
        """The values over all inputs, the last pin changing fastest; None if other names occur."""
        rows = itertools.product((False, True), repeat=len(self.pins))
        try:
            return tuple(self._evaluate(dict(zip(self.pins, row))) for row in rows)
        except (KeyError, IndexError):
            return None

    def _evaluate(self, values):
        self.position = 0
        self.values = values
        return self._sum()

    def _peek(self):
        return self.tokens[self.position] if self.position < len(self.tokens) else ''

    def _take(self):
        self.position += 1
        return self.tokens[self.position - 1]

    def _sum(self):
        value = self._product()
        while self._peek() in ('|', '+'):
            self._take()
            value = self._product() or value
        return value

    def _product(self):
        value = self._exclusive()
        while self._peek() not in ('', ')', '|', '+'):
            if self._peek() in ('&', '*'):
                self._take()
            value = self._exclusive() and value
        return value

    def _exclusive(self):
        value = self._atom()
        while self._peek() == '^':
            self._take()
            value = self._atom() != value
        return value

    def _atom(self):
        token = self._take()
        if token == '!':
            return not self._atom()
        if token == '(':
            value = self._sum()
            self._take()
        else:
            value = token == '1' if token in ('0', '1') else self.values[token]
        while self._peek() == "'":
            self._take()
            value = not value
        return value


def truth_table(function, pins):
    return _Function(function, pins).table()


class Table:
    """A look-up table over input slew and output load, in the library's own units."""

    def __init__(self, group, template):
        text = group.get('values', '')
        rows = [_numbers(row) for row in re.findall(r'"([^"]*)"', text)] or [_numbers(text)]
        self.slews, self.loads = [0.0], [0.0]
        first = None
        for i in (1, 2):
            variable = template.get(f'variable_{i}') if template else None
            index = group.get(f'index_{i}') or (template.get(f'index_{i}') if template else None)
            first = first or variable
            if variable in ('input_net_transition', 'input_transition_time'):
                self.slews = _numbers(index)
            elif variable == 'total_output_net_capacitance':
                self.loads = _numbers(index)
        flat = [value for row in rows for value in row]
        outer, inner = self.slews, self.loads
        if first == 'total_output_net_capacitance':
            outer, inner = inner, outer
        rows = [flat[i * len(inner):(i + 1) * len(inner)] for i in range(len(outer))]
        self.rows = rows if outer is self.slews else [list(column) for column in zip(*rows)]

    @staticmethod
    def _place(axis, value):
        if len(axis) == 1:
            return 0, 0, 0.0
        i = 0
        while i < len(axis) - 2 and value > axis[i + 1]:
            i += 1
        return i, i + 1, (value - axis[i]) / (axis[i + 1] - axis[i])

    def at(self, slew, load):
        a, b, s = self._place(self.slews, slew)
        c, d, t = self._place(self.loads, load)
        low = self.rows[a][c] * (1 - t) + self.rows[a][d] * t
        high = self.rows[b][c] * (1 - t) + self.rows[b][d] * t
        return low * (1 - s) + high * s


class Cell:
    """A standard cell: what the flow needs of it."""

    def __init__(self, group):
        self.group = group
        self.name = group.arguments
        self.area = float(group.get('area', '0'))
        self.inputs = {}       # pin: capacitance
        self.outputs = {}      # pin: function
        self.max_load = {}     # output pin: capacitance, where the library states one
        self.drive = {}        # output pin: resistance
        self.flop = group.first('ff')
        self.other = any(group.first(kind) for kind in ('latch', 'statetable', 'memory', 'ff_bank', 'latch_bank'))
        self.family = []       # the cells that may take its place, weakest first

    @property
    def resistance(self):
        return max(self.drive.values())

    @property
    def load(self):
        return max(self.inputs.values())

    def kind(self):
        """Equal for cells of one function and one set of pins."""
        state = tuple(self.flop.get(name) for name in ('clocked_on', 'next_state', 'clear', 'preset')) if self.flop else ()
        return tuple(sorted(self.inputs)), tuple(sorted(self.outputs.items())), state, self.other


class Library:
    """The cells of a library, and the few of them that the flow asks for by their function."""

    def __init__(self, path):
        self.path = str(path)
        self.text = re.sub(r'/\*.*?\*/', ' ', self._read(), flags=re.S)
        root = parse(self.text).first('library')
        if root is None or root.end is None:
            raise LibraryError(f'{self.path} is not a complete Liberty file')
        self.name = root.arguments
        try:
            self._units(root)
            templates = {group.arguments: group for group in root.groups if group.kind.endswith('template')}
            self.cells, self.dropped = {}, []
            for group in root.all('cell'):
                cell = self._cell(group, templates)
                if cell is None:
                    self.dropped.append(group)
                else:
                    self.cells[cell.name] = cell
        except (ValueError, KeyError, TypeError, IndexError, ZeroDivisionError) as error:
            raise LibraryError(f'{self.path} is a Liberty file that this flow cannot read ({error!r})') from None
        self._choose()

    def _read(self):
        try:
            opener = gzip.open if self.path.endswith('.gz') else open
            with opener(self.path, 'rt', encoding='latin-1') as file:
                return file.read()
        except FileNotFoundError:
            raise LibraryError(f'library {self.path} does not exist') from None
        except (OSError, EOFError) as error:
            reason = getattr(error, 'strerror', None) or str(error)
            raise LibraryError(f'library {self.path} cannot be read: {reason}') from None

    def _units(self, root):
        load = re.match(r'\s*([-+0-9.eE]+)\s*,\s*"?(\w+)', root.get('capacitive_load_unit', '1,pf'))
        time = re.match(r'\s*([-+0-9.eE]+)\s*(\w+)', root.get('time_unit', '1ns'))
        self.load_unit = float(load[1]) * {'ff': 1.0, 'pf': 1e3}[load[2].lower()]           # fF
        self.time_unit = float(time[1]) * {'ps': 1e-3, 'ns': 1.0, 'us': 1e3}[time[2].lower()]   # ns

    def _cell(self, group, templates):
        if group.get('dont_use') == 'true' or NOT_FOR_LOGIC.search(group.arguments):
            return None
        cell = Cell(group)
        cell.templates = templates
        for pin in group.all('pin'):
            name = pin.arguments
            if pin.get('direction') == 'input':
                cell.inputs[name] = float(pin.get('capacitance', '0')) * self.load_unit
            elif pin.get('direction') == 'output':
                cell.outputs[name] = pin.get('function', '')
                cell.other |= pin.get('three_state') is not None
                cell.drive[name] = self._resistance(pin, templates)
                if pin.get('max_capacitance'):
                    cell.max_load[name] = float(pin.get('max_capacitance')) * self.load_unit
            elif pin.get('direction') == 'inout':
                return None
        return cell if cell.outputs else None

    @staticmethod
    def _tables(pin, templates, kinds):
        for timing in pin.all('timing'):
            if timing.get('timing_type', 'combinational') in ('combinational', 'rising_edge', 'falling_edge'):
                for kind in kinds:
                    table = timing.first(kind)
                    if table is not None:
                        yield Table(table, templates.get(table.arguments))

    def _resistance(self, pin, templates):
        """The steepest delay over load, at a middle slew."""
        worst = 0.0
        for table in self._tables(pin, templates, ('cell_rise', 'cell_fall')):
            if len(table.loads) > 1:
                slew = table.slews[len(table.slews) // 2]
                low, high = table.loads[0], table.loads[-1]
                worst = max(worst, (table.at(slew, high) - table.at(slew, low)) / (high - low))
        return worst * self.time_unit / self.load_unit

    def _gates(self, table, inputs):
        found = [cell for cell in self.cells.values()
                 if not cell.flop and not cell.other and len(cell.inputs) == inputs and len(cell.outputs) == 1
                 and truth_table(next(iter(cell.outputs.values())), list(cell.inputs)) == table]
        return sorted(found, key=lambda cell: (cell.area, cell.resistance))

    def _choose(self):
        nand2 = self._gates((True, True, True, False), 2)
        inverters = self._gates((True, False), 1)
        self.buffers = self._gates((False, True), 1)
        flops = [cell for cell in self.cells.values() if cell.flop]
        for found, what in ((nand2, 'two-input NAND gate'), (inverters, 'inverter'), (self.buffers, 'buffer'),
                            ([c for c in flops if not c.flop.get('clear') and not c.flop.get('preset')],
                             'D flip-flop'),
                            ([c for c in flops if c.flop.get('clear')], 'D flip-flop with an asynchronous reset')):
            if not found:
                raise LibraryError(f'library {self.path} has no {what}')
        families = {}
        for cell in self.cells.values():
            families.setdefault(cell.kind(), []).append(cell)
        for family in families.values():
            family.sort(key=lambda cell: (cell.area, -cell.resistance))
            for cell in family:
                cell.family = family
        self.nand2 = nand2[0]
        self.inverter = min(inverters, key=lambda cell: (cell.area, -cell.resistance))
        self.multiplexer = min((cell.area for cell in self.cells.values() if self._selects(cell)),
                               default=3 * self.nand2.area)
        self.fo4 = self._fo4()
        # The delay of a unit inverter that drives one unit inverter, without its own: the unit of efforts.
        self.unit = self.inverter.resistance * self.inverter.load
        # The buffer that drives inputs of the design and stands for an average driver.
        wanted = self.inverter.resistance / 4
        self.driving = min(self.buffers, key=lambda cell: (abs(cell.resistance - wanted), cell.area))

    @staticmethod
    def _selects(cell):
        if len(cell.inputs) != 3 or len(cell.outputs) != 1 or cell.flop or cell.other:
            return False
        table = truth_table(next(iter(cell.outputs.values())), list(cell.inputs))
        rows = list(itertools.product((False, True), repeat=3))
        orders = itertools.permutations(range(3))
        return any(table == tuple(row[a] if row[s] else row[b] for row in rows) for a, b, s in orders)

    def _fo4(self):
        """Delay of an inverter that drives four like it, with the slew that such stages settle at: ns."""
        cell = self.inverter
        pin = next(pin for pin in cell.group.all('pin') if pin.get('direction') == 'output')
        load = 4 * cell.load / self.load_unit
        delays = list(self._tables(pin, cell.templates, ('cell_rise', 'cell_fall')))
        slews = list(self._tables(pin, cell.templates, ('rise_transition', 'fall_transition')))
        slew = slews[0].slews[0]
        for _ in range(20):
            slew = sum(table.at(slew, load) for table in slews) / len(slews)
        return sum(table.at(slew, load) for table in delays) / len(delays) * self.time_unit

    def write(self, path):
        """The library as plain text, without the cells that the flow must not use."""
        place, parts = 0, []
        for group in sorted(self.dropped, key=lambda group: group.start):
            parts.append(self.text[place:group.start])
            place = group.end
        parts.append(self.text[place:])
        path.write_text(''.join(parts), encoding='latin-1')
