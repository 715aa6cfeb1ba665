# SPDX-License-Identifier: Apache-2.0
"""Mapped netlists: buffer trees, drive strengths, Verilog for OpenSTA, areas.

ABC sizes and buffers inside a block and knows nothing of what its inputs and outputs are wired to, nor of flip-flops
and memories. So its buffers are taken out again, and then, in the whole hierarchy:

  load      every driver gets the smallest cell of its kind that keeps resistance * load below LOAD_EFFORT units and the
            load below 0.9 of what the library allows; what no cell can drive gets a balanced tree of buffers. The unit
            is that of an inverter driving an inverter.
  timing    on violating paths of OpenSTA, drivers get the next stronger cell, and the sinks of a net that are on no
            violating path move behind a buffer, where a linear delay model says that it pays.

Blocks stay blocks: all instances of one block get the same cells.
"""

import copy
import json
import re

LOAD_EFFORT = 16.0       # units of resistance * load that a driver may have
PORT_LOAD = 8.0          # ... and of a block's input, driven by the average buffer
WIRE = 0.3               # of an inverter's input, for the wire to each sink
MIN_GAIN = 0.1           # of an FO4 delay: smaller gains are not worth a cell


class Net:
    __slots__ = ('driver', 'sinks', 'ports')

    def __init__(self):
        self.driver = None     # (instance, pin, index), instance '' for an input port of the block
        self.sinks = []        # (instance, pin, index)
        self.ports = []        # (output port, index)


class Module:
    """One block: ports {name: (direction, bits)} and cells {name: [type, {pin: bits}]}; a bit is a number or '0' '1' 'x'."""

    def __init__(self, name, data):
        self.name = name
        self.ports = {port: (item['direction'], list(item['bits'])) for port, item in data['ports'].items()}
        bits = [bit for _, port in self.ports.values() for bit in port]
        self.labels = {}
        for label, net in data['netnames'].items():
            bits += net['bits']
            if net['hide_name']:
                continue
            for i, bit in enumerate(net['bits']):
                text = label if len(net['bits']) == 1 else f'{label}_{i}'
                if bit not in self.labels or (text.count('.'), len(text)) < self.labels[bit]:
                    self.labels[bit] = text.count('.'), len(text)
                    self.labels[bit, 'text'] = text
        self.labels = {key[0]: text for key, text in self.labels.items() if isinstance(key, tuple)}
        self.cells = {}
        for label, cell in data['cells'].items():
            pins = {pin: list(connected) for pin, connected in cell['connections'].items() if connected}
            bits += [bit for connected in pins.values() for bit in connected]
            self._add(self._cell_name(label, pins), cell['type'], pins)
        self.last = max((bit for bit in bits if isinstance(bit, int)), default=0)

    def _cell_name(self, label, pins):
        """Instances keep their names; flip-flops are named after what they hold; gates have numbers."""
        if not label.startswith('$'):
            return re.sub(r'\W+_?', '_', label).strip('_')
        for pin in ('Q', 'QN'):
            bit = pins.get(pin, [None])[0]
            if bit in self.labels:
                return re.sub(r'\W+', '_', self.labels[bit]).strip('_') + '_reg'
        return f'g{len(self.cells)}'

    def _add(self, name, kind, pins):
        base, i = name, 1
        while name in self.cells:
            i += 1
            name = f'{base}_{i}'
        self.cells[name] = [kind, pins]

    def new_bit(self):
        self.last += 1
        return self.last


class Design:
    """A hierarchy of mapped blocks under `top`; `memories` are the macros by name."""

    def __init__(self, modules, library, memories, top):
        self.library, self.memories, self.top = library, memories, top
        self.modules = {name: Module(name, data) for name, data in modules.items()}
        self.order = []        # children before parents
        self._visit(top)
        self.modules = {name: self.modules[name] for name in self.order}
        self.limit = LOAD_EFFORT * library.unit
        self.wire = WIRE * library.inverter.load
        self.buffers = [cell for cell in library.buffers
                        if not any(other.area < cell.area and other.resistance <= cell.resistance
                                   for other in library.buffers)]
        self.outside = {}      # load of the top's outputs
        for module in self.modules.values():
            self._strip_buffers(module)

    def copy(self):
        """The same design with blocks of its own."""
        twin = copy.copy(self)
        twin.modules = {name: copy.deepcopy(module) for name, module in self.modules.items()}
        return twin

    def _visit(self, name):
        for kind, _ in self.modules[name].cells.values():
            if kind in self.modules and kind not in self.order:
                self._visit(kind)
        self.order.append(name)

    def instances(self):
        """How often each block and macro occurs in the whole design."""
        count = {self.top: 1}
        for name in reversed(self.order):
            for kind, number in self.children(name).items():
                count[kind] = count.get(kind, 0) + number * count[name]
        return count

    def children(self, name):
        """{block or macro: instances} directly in a block."""
        count = {}
        for kind, _ in self.modules[name].cells.values():
            if kind in self.modules or kind in self.memories:
                count[kind] = count.get(kind, 0) + 1
        return count

    def cell_area(self, name):
        """Area of a block's own standard cells."""
        cells = self.library.cells
        return sum(cells[kind].area for kind, _ in self.modules[name].cells.values() if kind in cells)

    def cell_count(self, name):
        """Number of a block's own standard cells."""
        return sum(kind in self.library.cells for kind, _ in self.modules[name].cells.values())

    def ports(self, name):
        """{port: (direction, width)} of a block."""
        return {port: (direction, len(bits)) for port, (direction, bits) in self.modules[name].ports.items()}

    # ---- Nets and loads ------------------------------------------------------------------------------

    def _is_output(self, kind, pin):
        if kind in self.modules:
            return self.modules[kind].ports[pin][0] == 'output'
        if kind in self.memories:
            return pin == 'read_data_o'
        return pin in self.library.cells[kind].outputs

    def nets(self, module):
        nets = {}
        for port, (direction, bits) in module.ports.items():
            for i, bit in enumerate(bits):
                if not isinstance(bit, int):
                    continue
                net = nets.setdefault(bit, Net())
                if direction == 'input':
                    net.driver = ('', port, i)
                else:
                    net.ports.append((port, i))
        for name, (kind, pins) in module.cells.items():
            for pin, bits in pins.items():
                output = self._is_output(kind, pin)
                for i, bit in enumerate(bits):
                    if not isinstance(bit, int):
                        continue
                    net = nets.setdefault(bit, Net())
                    if output:
                        net.driver = (name, pin, i)
                    else:
                        net.sinks.append((name, pin, i))
        return nets

    def _pin_load(self, module, sink):
        name, pin, i = sink
        kind = module.cells[name][0]
        if kind in self.modules:
            return self.port_loads[kind].get((pin, i), 0.0)
        if kind in self.memories:
            return self.memory_loads[pin]
        return self.library.cells[kind].inputs[pin]

    def _sink_load(self, module, sink):
        return self._pin_load(module, sink) + self.wire

    def _strip_buffers(self, module):
        """Takes out ABC's buffers; an output port may be left with the net of another one."""
        names = {cell.name for cell in self.library.buffers}
        replaced = {}
        for name, (kind, pins) in list(module.cells.items()):
            if kind in names:
                cell = self.library.cells[kind]
                replaced[pins[next(iter(cell.outputs))][0]] = pins[next(iter(cell.inputs))][0]
                del module.cells[name]
        for bit in replaced:
            root = replaced[bit]
            while root in replaced:
                root = replaced[root]
            replaced[bit] = root
        for group in [bits for _, bits in module.ports.values()] + \
                     [bits for _, pins in module.cells.values() for bits in pins.values()]:
            group[:] = [replaced.get(bit, bit) for bit in group]

    # ---- Loads: no driver above its limit --------------------------------------------------------------

    def fix_loads(self, ideal, output_load, memory_loads, memory_resistance):
        """`ideal`: ports whose nets are left alone (the clock); `memory_loads`: {input pin: capacitance}."""
        self.ideal, self.memory_loads, self.memory_resistance = ideal, memory_loads, memory_resistance
        self.port_loads = {name: {} for name in self.modules}
        self.port_drives = {}      # (block, port, index): resistance and load inside
        top = self.modules[self.top]
        self.outside = {(port, i): output_load for port, (direction, bits) in top.ports.items()
                        if direction == 'output' for i in range(len(bits))}
        above = {name: {} for name in self.modules}
        for final in (False, True):
            above[self.top] = self.outside
            for name in self.order:
                self._fix_module(self.modules[name], above[name], final)
            above = self._loads_above()

    def _loads_above(self):
        """The largest load that any instance of a block has at each of its outputs."""
        above = {name: {} for name in self.modules}
        above[self.top] = self.outside
        for name in reversed(self.order):
            module = self.modules[name]
            for net in self.nets(module).values():
                if net.driver and net.driver[0] and module.cells[net.driver[0]][0] in self.modules:
                    loads = above[module.cells[net.driver[0]][0]]
                    total = sum(self._sink_load(module, sink) for sink in net.sinks)
                    total += sum(above[name].get(port, 0.0) for port in net.ports)
                    loads[net.driver[1:]] = max(loads.get(net.driver[1:], 0.0), total)
        return above

    def _resistance(self, module, driver):
        """(resistance, load that it has already elsewhere)"""
        name, pin, i = driver
        if not name:
            if module.name == self.top:
                return self.library.driving.resistance, 0.0
            return self.library.driving.resistance * LOAD_EFFORT / PORT_LOAD, 0.0
        kind = module.cells[name][0]
        if kind in self.modules:
            # An output that is constant in its block has no driver there; it counts as a driven input would.
            return self.port_drives.get((kind, pin, i), (self.library.driving.resistance, 0.0))
        if kind in self.memories:
            return self.memory_resistance, 0.0
        return self._effective(self.library.cells[kind], pin), 0.0

    def _effective(self, cell, pin):
        """The resistance of an output, taken as so high that `limit` keeps 0.9 of its largest load."""
        return max(cell.drive[pin], self.limit / (0.9 * cell.max_load.get(pin, float('inf'))))

    def _fix_module(self, module, above, final):
        nets = self.nets(module)
        for bit, net in list(nets.items()):
            if net.driver is None:
                continue
            name, pin, i = net.driver
            if not name and pin in self.ideal:
                continue
            kind = module.cells[name][0] if name else None
            inside = sum(self._sink_load(module, sink) for sink in net.sinks)
            load = inside + sum(above.get(port, 0.0) for port in net.ports)
            resistance, elsewhere = self._resistance(module, net.driver)
            if kind in self.library.cells and resistance * load > self.limit:
                cell = self._strong_enough(self.library.cells[kind], pin, load)
                module.cells[name][0] = cell.name
                resistance = self._effective(cell, pin)
            if kind not in self.modules or final:
                # What other blocks add to an output port is for the block above to split up.
                allowed = self.limit / resistance - elsewhere
                ports = {port: min(above.get(port, 0.0), 0.5 * allowed) for port in net.ports}
                if inside + sum(ports.values()) > allowed:
                    inside = self._grow_tree(module, bit, net, ports, allowed)
            if not name:
                self.port_loads[module.name][pin, i] = inside
            for port in net.ports:
                self.port_drives[(module.name,) + port] = (resistance, inside + elsewhere)

    def _strong_enough(self, cell, pin, load):
        """The smallest cell of the kind that can drive the load, or else the strongest one."""
        for other in cell.family:
            if self._effective(other, pin) * load <= self.limit:
                return other
        return min(cell.family, key=lambda other: self._effective(other, pin))

    def _grow_tree(self, module, bit, net, ports, allowed):
        """Puts buffers, as many levels as it takes, between a driver and its sinks; returns the driver's load."""
        items = [(self._sink_load(module, sink), sink) for sink in net.sinks]
        items += [(load, ('',) + port) for port, load in ports.items()]
        total = sum(load for load, _ in items)
        while total > allowed and len(items) > 1:
            groups = self._groups(items, allowed)
            # Heavy sinks may need a buffer each.
            lighter = sum(cell.load + self.wire for cell, _ in groups)
            if lighter >= total:
                break
            items, total = [self._buffer(module, bit, cell, group) for cell, group in groups], lighter
        net.sinks = [sink for _, sink in items if sink[0]]
        net.ports = [sink[1:] for _, sink in items if not sink[0]]
        return sum(load for load, sink in items if sink[0])

    def _groups(self, items, allowed):
        """Splits sinks among equal buffers: those of least area of which `allowed` can drive all, or else the
        most effective ones."""
        total = sum(load for load, _ in items)
        best = None
        for cell in self.buffers:
            room = self.limit / self._effective(cell, next(iter(cell.outputs)))
            count = -(-total // room)
            seen = count * (cell.load + self.wire)
            cost = (seen > allowed, seen if seen > allowed else count * cell.area)
            if best is None or cost < best[0]:
                best = cost, cell, max(total / count, 1.0)
        _, cell, room = best
        groups, filled = [[]], 0.0
        for load, sink in items:
            if groups[-1] and filled + load > room * 1.02:
                groups.append([])
                filled = 0.0
            groups[-1].append((load, sink))
            filled += load
        return [(cell, group) for group in groups]

    def _buffer(self, module, bit, cell, group):
        """A buffer from `bit` to the sinks of the group; returns it as a sink of `bit`."""
        new = module.new_bit()
        name = f'buffer_{new}'
        pin = next(iter(cell.inputs))
        module.cells[name] = [cell.name, {pin: [bit], next(iter(cell.outputs)): [new]}]
        inside = sum(load for load, sink in group if sink[0])
        for _, (instance, port, i) in group:
            if not instance:
                self.port_drives[module.name, port, i] = (self._effective(cell, next(iter(cell.outputs))), inside)
            if instance:
                module.cells[instance][1][port][i] = new
            else:
                module.ports[port][1][i] = new
        return cell.load + self.wire, (name, pin, 0)

    def overloads(self):
        """Drivers above the largest load that the library allows them: ['block/cell/pin load limit']."""
        found = []
        above = self._loads_above()
        for name, module in self.modules.items():
            for net in self.nets(module).values():
                if net.driver is None or module.cells.get(net.driver[0], ('',))[0] not in self.library.cells:
                    continue
                instance, pin, _ = net.driver
                limit = self.library.cells[module.cells[instance][0]].max_load.get(pin)
                load = sum(self._sink_load(module, sink) for sink in net.sinks)
                load += sum(above[name].get(port, 0.0) for port in net.ports)
                if limit is not None and load > limit:
                    found.append(f'{name}/{instance}/{pin} {load:.1f} {limit:.1f}')
        return found

    # ---- Timing: moves on violating paths --------------------------------------------------------------

    def block_of(self, path):
        """The block under an instance path."""
        module = self.modules[self.top]
        for name in path:
            module = self.modules[module.cells[name][0]]
        return module

    @staticmethod
    def _split_pin(text):
        found = re.fullmatch(r'(\w+)\[(\d+)\]', text)
        return (found[1], int(found[2])) if found else (text, 0)

    @staticmethod
    def _ports_of(module, bit, wanted):
        return [(port, i) for port, (direction, bits) in module.ports.items() if direction == wanted
                for i, other in enumerate(bits) if other == bit]

    def _levels(self, driver, sink):
        """The nets between two pins, block by block, as [(block, bit, what the path takes there, counts)]: up from the
        driver to the block that holds both, and down again to the sink. The nets that count add up to the load."""
        *above, name, pin = driver.split('/')
        *below, other, other_pin = sink.split('/')
        common = 0
        while common < min(len(above), len(below)) and above[common] == below[common]:
            common += 1
        levels = []
        pin, i = self._split_pin(pin)
        for depth in range(len(above), common, -1):
            module = self.block_of(above[:depth])
            bit = module.cells[name][1][pin][i]
            ports = self._ports_of(module, bit, 'output')
            levels.append((module, bit, {('',) + port for port in ports}, True))
            name, (pin, i) = above[depth - 1], ports[0]
        pin, i = self._split_pin(other_pin)
        for depth in range(len(below), common - 1, -1):
            module = self.block_of(below[:depth])
            bit = module.cells[other][1][pin][i]
            levels.append((module, bit, {(other, pin, i)}, depth == common))
            if depth > common:
                ports = self._ports_of(module, bit, 'input')
                other, (pin, i) = below[depth - 1], ports[0]
        return levels

    def improve(self, paths):
        """One round of moves. `paths`: lists of pins, a driver and the sink that it drives in turn. Returns the number
        of changes."""
        nets = {name: self.nets(module) for name, module in self.modules.items()}
        for name in self.order:
            module = self.modules[name]
            for port, i in self.port_loads[name]:
                sinks = nets[name][module.ports[port][1][i]].sinks
                self.port_loads[name][port, i] = sum(self._sink_load(module, sink) for sink in sinks)
        stages = {}       # (block, cell, pin): [resistance before it, levels of one of its instances]
        critical = {}     # (block, bit): sinks and ports on violating paths
        for path in paths:
            before = self.library.driving.resistance
            for driver, sink in zip(path[0::2], path[1::2]):
                *above, name, pin = driver.split('/')
                module = self.block_of(above)
                levels = self._levels(driver, sink)
                for level, bit, taken, _ in levels:
                    critical.setdefault((level.name, bit), set()).update(taken)
                kind = module.cells[name][0]
                if kind in self.memories:
                    before = self.memory_resistance
                    continue
                stage = stages.setdefault((module.name, name, pin), [before, levels])
                stage[0] = max(stage[0], before)
                before = self.library.cells[kind].drive[pin]
        split = set()
        return sum(self._isolate(resistance, levels, nets, critical, split)
                   or self._strengthen(stage, before, levels, nets)
                   for stage, (before, levels) in stages.items()
                   for resistance in [self._drive(stage)])

    def _drive(self, stage):
        block, name, pin = stage
        return self.library.cells[self.modules[block].cells[name][0]].drive[pin]

    def _isolate(self, resistance, levels, nets, critical, split):
        """Puts the sinks that are on no violating path behind buffers."""
        changes = 0
        for module, bit, _, _ in levels:
            if (module.name, bit) in split:
                continue
            idle = [(self._sink_load(module, sink), sink) for sink in nets[module.name][bit].sinks
                    if sink not in critical[module.name, bit]]
            if not idle:
                continue
            groups = self._groups(idle, 4 * self.library.inverter.load)
            after = len(groups) * (groups[0][0].load + self.wire)
            gain = resistance * (sum(load for load, _ in idle) - after)
            if gain > MIN_GAIN * self.library.fo4 and len(groups) < len(idle):
                for cell, group in groups:
                    self._buffer(module, bit, cell, group)
                split.add((module.name, bit))
                changes += 1
        return changes

    def _strengthen(self, stage, before, levels, nets):
        """Takes the stronger cell that gains most, if one gains."""
        block, name, pin = stage
        cell = self.library.cells[self.modules[block].cells[name][0]]
        load = sum(self._sink_load(module, sink) for module, bit, _, counts in levels if counts
                   for sink in nets[module.name][bit].sinks)
        best = None
        for other in cell.family[cell.family.index(cell) + 1:]:
            gain = (cell.drive[pin] - other.drive[pin]) * load - before * (other.load - cell.load)
            if gain > MIN_GAIN * self.library.fo4 and (best is None or gain > 1.3 * best[0]):
                best = gain, other
        if best:
            self.modules[block].cells[name][0] = best[1].name
        return 1 if best else 0

    # ---- Verilog ---------------------------------------------------------------------------------------

    def write(self, path):
        with open(path, 'w') as file:
            for name in self.order:
                file.write(self._verilog(self.modules[name]))

    @staticmethod
    def _verilog(module):
        names = {}
        for port, (direction, bits) in module.ports.items():
            if direction == 'input':
                names.update({bit: port if len(bits) == 1 else f'{port}[{i}]' for i, bit in enumerate(bits)})
        wires = set()

        def net(bit):
            if not isinstance(bit, int):
                return "1'b1" if bit == '1' else "1'b0"
            if bit not in names:
                names[bit] = f'n{bit}'
                wires.add(bit)
            return names[bit]

        def group(bits):
            return net(bits[0]) if len(bits) == 1 else '{' + ', '.join(net(bit) for bit in reversed(bits)) + '}'

        body = [f'  {kind} {name} (' + ', '.join(f'.{pin}({group(bits)})' for pin, bits in pins.items()) + ');'
                for name, (kind, pins) in module.cells.items()]
        head = [f'module {module.name} (' + ', '.join(module.ports) + ');']
        for port, (direction, bits) in module.ports.items():
            size = '' if len(bits) == 1 else f'[{len(bits) - 1}:0] '
            head.append(f'  {direction} {size}{port};')
            if direction == 'output':
                body.append(f'  assign {port} = {group(bits)};')
        head += [f'  wire n{bit};' for bit in sorted(wires)]
        return '\n'.join(head + body) + '\nendmodule\n\n'


def read(path):
    return json.loads(path.read_text())['modules']
