# SPDX-License-Identifier: Apache-2.0
"""The synthesis flow behind area.py and timing.py: RTL -> Yosys -> sized netlist -> OpenSTA.

  elaborate   parameters of configs/NAME.json, in a channel those of configs/memory/NAME.json too; every derived module
              once; pq_memory becomes a macro cell
  generic     gates, flip-flops of the library; small leaves and mere wiring flattened into their blocks
  map         ABC, block by block, with two recipes; each block starts with the smaller netlist
  size        netlist.py: loads, then moves on the violating paths that OpenSTA finds
  escalate    while the target clock is missed, the blocks that miss it take their next faster recipe; if that does not
              do, once more from the best round in smaller steps

Full adders of the library are not used. extract_fa of Yosys 0.23 inverts sums (upstream #3879), and ABC cannot look
through adder cells: its gates are smaller. lockstep.py plays the netlist against the RTL.

All results lie in build/syn/LIBRARY/TOP/NAME and are kept until their inputs change.
"""

import concurrent.futures
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import flops
import generic_library
import memory
import netlist
from library import Library

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'sim'))
import shapes  # noqa: E402
import tools  # noqa: E402

CONSTRAINTS = ROOT / 'constraints' / 'engine.sdc'
BUILD = ROOT / 'build' / 'syn'
DEFAULT_LIBRARY = BUILD / f'{generic_library.NAME}.lib'
DEFAULT_MEMORY = 'hbm3-5200'
ENGINE = 'pq_engine'
CHANNEL = 'pq_channel'
FLOPS = 'pq_flops'          # not of the engine: every kind of register, see report.py
PARTS = {CHANNEL: ('pq_bank_engine', 'pq_sequencer', 'pq_read_bus')}   # mapped one by one: there are 32 engines in it
# Flattened into the blocks that use them: small leaves, and what blocks are cut into for their readers, mostly wires.
FLATTENED = ('pq_round_saturate', 'pq_multiplier', 'pq_exp2', 'pq_stored_element', 'pq_datapath', 'pq_stages', 'pq_lanes',
             'pq_encode_cluster', 'pq_attention_weights', 'pq_attend_lanes', 'pq_attend_combine', 'pq_queue', 'pq_rank',
             'pq_row_commands', 'pq_bus_arbiter', 'pq_bus_ask', 'pq_bus_data')

# The target: 650 MHz in NanGate45; in other technologies the same number of FO4 delays.
TARGET_45 = 1 / 0.650
UNCERTAINTY = 0.05
IO_SHARE = 0.30
OUTPUT_LOAD = 12.0          # inverter inputs
ABC_SHARE = 0.65            # of the period, for the logic of one block
ROUNDS = 8                  # of sizing
HOPELESS = 2.0              # FO4 delays late: sizing alone will not do
PATHS = 1500                # worst end points looked at
KEPT_PATHS = 12             # in the result
SLOW_SHARE = 0.25           # of a late path, spent in a block that is then mapped again
WORKERS = 2                 # configurations at a time

# ABC scripts. The first two compete for area: one counts area along the paths it maps, the other finds exclusive ORs.
_START = 'strash; &get -n; &fraig -x; &put; '
_SIZE = 'upsize {D}; dnsize {D}; stime -p'
RECIPES = {
    'gates': _START + 'dc2; strash; dch; amap -m; buffer; ' + _SIZE,
    'flow': _START + '&get -n; &dch -f; &nf -R 100 {D}; &put; buffer; ' + _SIZE,
    'speed': _START + 'dc2; strash; dch -f; map -B 0.9 {D}; topo; buffer -c -N 12; topo; ' + _SIZE,
}
SMALL = ('gates', 'flow')
FASTER = {'gates': 'flow', 'flow': 'speed'}


class FlowError(Exception):
    """A tool failed, or the input is bad; the text is one sentence for the user."""


def sources(top):
    """The files of a module and of all modules below it."""
    files = {path.stem: path for path in [*sorted(ROOT.glob('rtl/**/*.sv*')), Path(__file__).with_name(f'{FLOPS}.sv')]}
    if top not in files:
        raise FlowError(f'there is no module {top} under rtl')
    found, waiting = [], [top]
    while waiting:
        path = files[waiting.pop()]
        if path not in found:
            found.append(path)
            waiting += [name for name in sorted(set(re.findall(r'\bpq_\w+', path.read_text()))) if name in files]
    return sorted(found, key=lambda path: (path.stem != 'pq_pkg', path))


def parameters_of(top):
    """The names of a module's parameters; members of a memory's table instead of Memory."""
    path = next(path for path in sources(top) if path.stem == top)
    text = re.sub(r'//.*', '', path.read_text()).split(');')[0]
    names = re.findall(r'\bparameter\s+[\w\s:]*?(\w+)\s*=', text)
    return [part for name in names for part in (shapes.memory_members() if name == 'Memory' else [name])]


def words(texts):
    """Words of texts, by blanks or commas."""
    return [word for text in texts for word in re.split(r'[\s,]+', text) if word]


def configurations(names, top, values, memory=DEFAULT_MEMORY, banks=()):
    """{name: parameters of `top`} of the named configurations, or of all: what they have for it, for the modules of a
    channel what the memory has, too, and BanksPerEngine (for each of `banks`), and then `values`. Outside a channel, other
    modules than the engine may be the same in all: then there is one, of the module's name."""
    known = shapes.load()
    wanted = words(names) or list(known['configurations'])
    takes = parameters_of(top)
    for key in values:
        if key not in takes:
            raise FlowError(f'{top} has no parameter {key} (it has: {", ".join(takes) or "none"})')
    tables = {name: shapes.legal(known, 'configurations', name)['engine'] for name in wanted}
    in_channel = 'BanksPerEngine' in takes
    # A name that was given is right or wrong, whether the module takes anything of it or not.
    if in_channel or memory != DEFAULT_MEMORY:
        shapes.legal(known, 'memories', memory)
    for number in banks:
        if number not in (1, 2):
            raise FlowError(f'an engine has 1 or 2 banks, not {number}')
    if in_channel:
        tables = _in_channel(known, memory, wanted, banks or (1,), must=bool(words(names)))
    found = {name: {key: value for key, value in table.items() if key in takes} | values for name, table in tables.items()}
    first = next(iter(found.values()))
    if top != ENGINE and not in_channel and all(table == first for table in found.values()):
        return {top: first}
    return found


def _in_channel(known, memory, wanted, banks, must):
    """{name: parameters of a pseudo-channel} of the wanted configurations that fit, or of all, if they `must`."""
    found, misfits = {}, []
    for number in banks:
        for name in wanted:
            channel = known['channels'][memory][name][str(number)]
            if 'refused' in channel:
                misfits.append(f'{name} does not fit a channel: {channel["refused"]}')
            else:
                found[name if number == 1 else f'{name}-{number}banks'] = \
                    channel['modules'][CHANNEL] | known['memories'][memory]['parameters']
    if misfits and (must or not found):
        raise FlowError(misfits[0])
    return found


def default_library():
    """The file of the library that is taken where none is named: made anew, as its source may have changed."""
    generic_library.write(DEFAULT_LIBRARY)
    return DEFAULT_LIBRARY


def check_path():
    """The scripts for Yosys, ABC and OpenSTA name files in the checkout, and these tools agree on no way of quoting."""
    found = re.search(r'[^\w./+@=,~-]', str(ROOT))
    if found:
        raise FlowError(f'the path of this checkout, {ROOT}, has {found[0]!r} in it, which Yosys, ABC and OpenSTA do not all '
                        'take: move it to a path of letters, digits and ./+@=,~_-')


def library_files(text):
    """The files of --lib: one, or several by commas."""
    return [text] if Path(text).exists() else [part.strip() for part in text.split(',') if part.strip()] or [text]


def library_name(text):
    """What results in a library are filed under: the name of its first file."""
    return re.sub(r'[^\w.+-]', '_', re.sub(r'\.lib(\.gz)?$', '', Path(library_files(str(text))[0]).name))


# How tools say what went wrong, the clearest first: "ERROR: ...", "file:7: ERROR: ...", "%Error: ...", "%Error-WIDTH: ...",
# "file.cpp:7:5: fatal error: ...".
_COMPLAINTS = (r'^.*?(?<!\w)(?:ERROR|Error)(?:-\w+)?: .*', r'^.*?(?<!\w)(?:ERROR|[Ee]rror)(?!\w).*')


def complaint(text, code):
    """The line of a failed tool's output that says why, or what is known instead."""
    for pattern in _COMPLAINTS:
        found = re.search(pattern, text, flags=re.M)
        if found:
            return found[0].strip()
    if code < 0:
        return f'it was ended by signal {-code}'
    lines = text.split('\n')
    return next((line.strip() for line in reversed(lines) if line.strip()), f'no message, exit code {code}')


def _run(command, log, tool):
    with open(log, 'w') as file:
        try:
            done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False, cwd=ROOT)
        except OSError as error:
            raise FlowError(f'{tool}: the command {command[0]} cannot be run: {error.strerror}') from None
    text = Path(log).read_text(errors='replace')
    # OpenSTA returns 0 after errors.
    if done.returncode or re.search(r'^(?:ERROR|Error)\b', text, flags=re.M):
        raise FlowError(f'{tool} failed: {complaint(text, done.returncode)}, see {log}')
    return text


def _yosys(lines, folder, step):
    # Paths from the root of the repository: that of YoWASP sees no absolute path below /tmp.
    script = folder / f'{step}.ys'
    script.write_text('\n'.join(lines).replace(f'{ROOT}/', '') + '\n')
    return _run([*tools.command('yosys'), '-e', 'implicitly declared', '-s', os.path.relpath(script, ROOT)],
                folder / f'{step}.log', 'yosys')


class Synthesis:
    """One module with one set of parameters in one library."""

    def __init__(self, top, name, parameters, library, folder, progress):
        self.top, self.name, self.parameters, self.library = top, name, parameters, library
        self.folder = folder.resolve()
        self.liberty_file = self.folder / 'cells.lib'
        self.progress = progress
        self.target = TARGET_45 * library.fo4 / memory.FO4
        self.output_load = OUTPUT_LOAD * library.inverter.load
        self.start = time.monotonic()
        self.notes = []

    def run(self):
        """Synthesizes; returns the result as a table for JSON."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._elaborate()
        self._generic()
        (self.folder / 'memories.lib').write_text(memory.liberty(self.memories.values(), self.library))
        mapped = {recipe: self._map(self.blocks, recipe) if recipe in SMALL else {} for recipe in RECIPES}
        recipes = {block: min(SMALL, key=lambda recipe, block=block: self._cell_area(mapped[recipe][block]))
                   for block in self.blocks}
        best = self._escalate(mapped, recipes, gently=False)
        if best[1]['slack'] < 0:
            best = max(best, self._escalate(mapped, best[2], gently=True), key=lambda found: found[1]['slack'])
        design, timing, recipes = best
        design.write(self.folder / 'netlist.v')
        return self._result(design, timing, recipes)

    def _escalate(self, mapped, recipes, gently):
        """Sizes, and gives late blocks their next faster recipe until none is late or has one; gently: the last recipe
        only when no other block can take a step. Returns (design, timing, recipes) of the best round."""
        recipes = dict(recipes)
        best = None
        while True:
            for recipe in RECIPES:
                new = [block for block in self.blocks if recipes[block] == recipe and block not in mapped[recipe]]
                mapped[recipe].update(self._map(new, recipe))
            design, timing = self._size({block: mapped[recipes[block]][block] for block in self.blocks},
                                        patient=not any(recipe in FASTER for recipe in recipes.values()))
            if best is None or timing['slack'] > best[1]['slack']:
                best = design, timing, dict(recipes)
            # The worst first: the others may need sizing only.
            limit = -HOPELESS * self.library.fo4 if timing['slack'] < -HOPELESS * self.library.fo4 else 0.0
            slow = [block for block in self._slow_blocks(design, timing['paths'], limit) if recipes[block] in FASTER]
            if not slow:
                return best
            if gently:
                slow = [block for block in slow if FASTER[recipes[block]] in SMALL] or slow
            recipes.update((block, FASTER[recipes[block]]) for block in slow)

    def _result(self, design, timing, recipes):
        count = design.instances()
        return {
            'top': self.top,
            'configuration': self.name,
            'library': library_name(self.library.path),
            'flip_flops': {flops.WHAT[reset]: use.cell.name for reset, use in self.library.flops.items()},
            'inverted_states': {cell.name: cell.flop.state for use in self.library.flops.values() if use.inverted
                                for cell in use.cell.family},
            'parameters': self.parameters,
            'nand2_area': self.library.nand2.area,
            'fo4_ns': round(self.library.fo4, 6),
            'target_ns': round(self.target, 5),
            'uncertainty': UNCERTAINTY,
            'slack_ns': timing['slack'],
            'period_ns': round(timing['period'], 5),
            'max_transition_violated': timing['slow_slews'],
            'max_capacitance_violated': design.overloads(),
            'paths': _distinct(design, timing['paths']),
            'modules': {name: {'instances': count[name], 'cells': design.cell_area(name), 'recipe': recipes[name],
                               'gates': design.cell_count(name), 'children': design.children(name),
                               'module': self.modules[name][0], 'parameters': self.modules[name][1],
                               'ports': design.ports(name)} for name in design.order},
            'memories': {name: {'depth': macro.depth, 'width': macro.width, 'ports': name.split('_')[-1],
                                'instances': count[name], 'bits': macro.bits,
                                'area': round(macro.area(self.library), 3),
                                'area_in_latches': round(macro.latch_area(self.library), 3)}
                         for name, macro in sorted(self.memories.items())},
            'seconds': round(time.monotonic() - self.start, 1),
        }

    def _note(self, text):
        self.notes.append(f'{time.monotonic() - self.start:6.1f} s  {text}')
        (self.folder / 'notes.log').write_text('\n'.join(self.notes) + '\n')
        self.progress(f'{self.name}: {self.notes[-1]}')

    def _elaborate(self):
        sets = ' '.join(f'-set {name} {value}' for name, value in shapes.packed(self.parameters).items())
        files = [path for path in sources(self.top) if path.suffix == '.sv']
        folders = ' '.join(f'-I {folder}' for folder in sorted({path.parent for path in sources(self.top)}))
        _yosys([f'read_verilog -sv -noassert {folders} {" ".join(map(str, files))}'] +
               [f'chparam {sets} {self.top}'] * bool(sets) +
               [f'hierarchy -check -top {self.top}', 'chformal -remove', f'write_rtlil {self.folder}/elaborated.il',
                'proc', f'write_json {self.folder}/elaborated.json'], self.folder, 'elaborate')
        self.memories, self.modules, names, used = {}, {}, {}, {}
        for derived, module in sorted(netlist.read(self.folder / 'elaborated.json').items()):
            base = module['attributes'].get('hdlname', derived).lstrip('\\')
            values = {key: int(value, 2) if len(value) <= 32 else f"{len(value)}'b{value}"
                      for key, value in module.get('parameter_default_values', {}).items()}
            if base == 'pq_memory':
                macro = memory.Macro(values['Depth'], values['Width'], bool(values['SinglePort']))
                self.memories[macro.name] = macro
                names[derived] = macro.name
            else:
                used[base] = used.get(base, 0) + 1
                names[derived] = base if used[base] == 1 else f'{base}_{used[base]}'
                self.modules[names[derived]] = base, values
        text = (self.folder / 'elaborated.il').read_text()
        for derived in sorted((name for name in names if name.startswith('$')), key=len, reverse=True):
            text = text.replace(derived, '\\' + names[derived])
        (self.folder / 'named.il').write_text(text)
        self.blocks = [name for name in names.values()
                       if name in self.modules and (name == self.top or self.modules[name][0] not in FLATTENED)]

    def _generic(self):
        lines = [f'read_liberty -lib -ignore_miss_func {self.liberty_file}', f'read_rtlil {self.folder}/named.il']
        lines += [f'blackbox {name}' for name in self.memories]
        lines += [f'hierarchy -check -top {self.top}', 'proc',
                  'setattr -mod -set keep_hierarchy 1 ' + ' '.join(self.blocks), 'flatten',
                  'opt -full', 'wreduce', 'peepopt', 'alumacc', 'share', 'opt', 'fsm', 'opt -fast',
                  'memory -nomap', 'memory_map', 'opt -full', 'techmap', 'opt -fast']
        replacements = flops.verilog(self.library.flops)
        # Behind an inverter the flip-flop would lose its name: netlist.py names it after what it drives.
        lines += ['rename -wire -suffix _reg t:$_DFF*'] * bool(replacements)
        lines.append(f'dfflibmap -liberty {self.folder}/flops.lib')
        (self.folder / 'flops.lib').write_text(flops.liberty(self.library.flops))
        if replacements:
            (self.folder / 'flops.v').write_text(replacements)
            lines.append(f'techmap -map {self.folder}/flops.v')
        lines += ['opt -fast', f'write_rtlil {self.folder}/generic.il']
        _yosys(lines, self.folder, 'generic')
        self._note('elaborated, in generic gates')

    def _cell_area(self, module):
        return sum(self.library.cells[cell['type']].area for cell in module['cells'].values()
                   if cell['type'] in self.library.cells)

    def _map(self, blocks, recipe):
        """ABC on some blocks; returns {block: netlist}."""
        if not blocks:
            return {}
        folder = self.folder
        load = self.library.inverter.load * 4
        (folder / 'abc.constr').write_text(f'set_driving_cell {self.library.driving.name}\nset_load {load:.3f}\n')
        (folder / f'{recipe}.abc').write_text(RECIPES[recipe].replace('; ', '\n') + '\n')
        others = [block for block in self.blocks if block not in blocks]
        delay = round(ABC_SHARE * self.target * 1000)
        lines = [f'read_liberty -lib -ignore_miss_func {self.liberty_file}', f'read_rtlil {folder}/generic.il']
        lines += [f'blackbox {block}' for block in others]
        lines += [f'abc -liberty {self.liberty_file} -constr {folder}/abc.constr -D {delay} '
                  f'-script {folder}/{recipe}.abc ' + ' '.join(blocks),
                  'setundef -zero', 'opt_clean -purge', 'check -assert -mapped', f'write_json {folder}/{recipe}.json']
        _yosys(lines, folder, recipe)
        modules = netlist.read(folder / f'{recipe}.json')
        self._note(f'mapped with recipe {recipe}: ' +
                   ', '.join(f'{block} {self._cell_area(modules[block]):.0f}' for block in blocks))
        return {block: modules[block] for block in blocks}

    def _size(self, modules, patient):
        """Sizes the netlist until the target is met or nothing helps; returns (design, timing) of the best round.
        Unless it is patient, it gives up at once when the netlist is far too late."""
        design = netlist.Design(modules, self.library, self.memories, self.top)
        design.fix_loads(('clk_i',), self.output_load,
                         {pin: memory.load(pin, self.library) for pin in memory.INPUTS}, memory.resistance(self.library))
        best = None
        idle = 0
        for number in range(ROUNDS):
            design.write(self.folder / 'netlist.v')
            timing = self.timing()
            late = [path['pins'] for path in timing['paths'] if path['slack'] < 0]
            self._note(f'sizing {number}: slack {timing["slack"]:.3f}, {len(late)} late end points')
            if best is None or timing['slack'] > best[1]['slack'] + 0.1 * self.library.fo4:
                best, idle = (design.copy() if late else design, timing), 0
            else:
                idle += 1
            hopeless = not patient and timing['slack'] < -HOPELESS * self.library.fo4
            if not late or hopeless or idle == 2 or not design.improve(late):
                break
        return best

    @staticmethod
    def _slow_blocks(design, paths, limit):
        """Blocks in which paths with a slack below `limit` spend a good part of their time."""
        slow = []
        for path in paths:
            if path['slack'] < limit:
                spent = _spent(design, path)
                slow += [block for block, delay in spent.items()
                         if delay > SLOW_SHARE * sum(spent.values()) and block not in slow]
        return slow

    def timing(self):
        """OpenSTA on netlist.v: {slack, paths}; a path has slack, start, end, kind, pins, delays, period."""
        folder = self.folder
        report = folder / 'paths.txt'
        (folder / 'timing.tcl').write_text('\n'.join([
            f'read_liberty {self.liberty_file}', f'read_liberty {folder}/memories.lib',
            f'read_verilog {folder}/netlist.v', f'link_design {self.top}',
            f'set clock_period {self.target:.5f}', f'set uncertainty {UNCERTAINTY}', f'set io_share {IO_SHARE}',
            f'set driving_cell {self.library.driving.name}',
            f'set output_load {self.output_load:.6f}',
            f'source {CONSTRAINTS}',
            f'report_checks -path_delay max -format full -fields {{input_pin}} -digits 4 -group_count {PATHS} '
            f'-endpoint_count 1 > {report}',
            f'report_check_types -all_violators -max_transition > {folder}/violators.txt', '']))
        _run([*tools.command('sta'), '-exit', '-no_splash', str(folder / 'timing.tcl')], folder / 'timing.log', 'sta')
        paths = [self._path(text) for text in re.split(r'(?=^Startpoint: )', report.read_text(), flags=re.M)[1:]]
        if not paths:
            raise FlowError(f'sta found no path, see {folder}/timing.log')
        paths.sort(key=lambda path: path['slack'])
        return {'slack': paths[0]['slack'], 'period': max(path['period'] for path in paths), 'paths': paths,
                'slow_slews': [' '.join(line.split()[:4]) for line in (folder / 'violators.txt').read_text().splitlines()
                               if 'VIOLATED' in line]}

    _STEP = re.compile(r'^\s*(-?[\d.]+)\s+-?[\d.]+ [v^] (\S+) \((\w+)\)$', re.M)

    def _path(self, text):
        start, end = (re.search(rf'^{kind}point: (\S+)', text, re.M)[1] for kind in ('Start', 'End'))
        slack = float(re.search(r'(-?[\d.]+)\s+slack', text)[1])
        from_input = 'input port' in text.split('Endpoint:')[0]
        to_output = re.search(r'^Endpoint: \S+\s*\(output', text, re.M) is not None
        steps = [(pin, float(delay)) for delay, pin, _ in self._STEP.findall(text) if '/' in pin or not '(' in pin]
        pins = [(pin, delay) for pin, delay in steps if '/' in pin]
        pins = pins[1:]                          # the clock pin, or what the input drives
        pins = pins[:len(pins) - len(pins) % 2]
        share = 1 - UNCERTAINTY - IO_SHARE * (from_input + to_output)
        return {'slack': slack, 'start': start, 'end': end, 'recovery': 'recovery' in text,
                'pins': [pin for pin, _ in pins], 'delays': [delay for _, delay in pins],
                'period': (self.target * share - slack) / share, 'text': text}


def _spent(design, path):
    """{block: delay of the path in it}"""
    spent = {}
    for pin, delay in zip(path['pins'], path['delays']):
        block = design.block_of(pin.split('/')[:-2]).name
        spent[block] = spent.get(block, 0.0) + delay
    return spent


def _distinct(design, paths):
    """The worst paths, one per pair of start and end without their bits and instance numbers."""
    found = {}
    for path in paths:
        key = tuple(re.sub(r'\d+', '#', path[end]) for end in ('start', 'end'))
        if key not in found and len(found) < KEPT_PATHS:
            spent = {block: round(delay, 4) for block, delay in _spent(design, path).items()}
            found[key] = {'slack_ns': path['slack'], 'start': path['start'], 'end': path['end'],
                          'recovery': path['recovery'], 'blocks': spent, 'report': path['text'].rstrip()}
    return list(found.values())


def _key(top, parameters, library):
    """Changes when anything changes that a result depends on."""
    versions = [tools.version(tool) for tool in ('yosys', 'sta')]
    digest = hashlib.sha256(json.dumps([top, parameters, versions], sort_keys=True).encode())
    for path in sources(top) + [CONSTRAINTS] + [Path(__file__).with_name(f'{name}.py') for name in (
            'cells', 'flops', 'flow', 'liberty', 'library', 'memory', 'netlist')]:
        digest.update(path.name.encode() + b'\0' + path.read_bytes() + b'\0')
    digest.update(library.text.encode())
    return digest.hexdigest()


def _one(top, name, parameters, library, folder, progress):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'lock', 'w') as lock:           # make -j2 area timing: the second one takes the first's result
        fcntl.flock(lock, fcntl.LOCK_EX)
        key, kept = _key(top, parameters, library), folder / 'result.json'
        try:
            result = json.loads(kept.read_text())
        except (OSError, ValueError):
            result = {}
        if result.get('key') == key and (folder / 'netlist.v').exists():
            progress(f'{name}: unchanged')
            return result
        library.write(folder / 'cells.lib')
        result = Synthesis(top, name, parameters, library, folder, progress).run()
        result['key'] = key
        kept.write_text(json.dumps(result, indent=1) + '\n')
        progress(f'{name}: {result["seconds"]:.0f} s')
        return result


def folder_of(library, top, name):
    return BUILD / library_name(library) / top / name


def read_library(text):
    """The library of --lib."""
    return Library(library_files(text))


def synthesize(jobs, library, progress):
    """Results of `jobs`, a list of (top, name, parameters), in that order."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        started = [pool.submit(_one, top, name, parameters, library, folder_of(library.path, top, name), progress)
                   for top, name, parameters in jobs]
        try:
            return [job.result() for job in started]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
