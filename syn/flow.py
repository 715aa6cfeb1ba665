# SPDX-License-Identifier: Apache-2.0
"""The synthesis flow behind area.py and timing.py: RTL -> Yosys -> sized netlist -> OpenSTA.

  elaborate   parameters of configs/NAME.json; every derived module once; pq_memory becomes a macro cell
  generic     arithmetic, full adders, flip-flops of the library; small leaves flattened into their blocks
  map         ABC, block by block, with the recipe of each block: `area` for all at first
  size        netlist.py: loads, then moves on the violating paths that OpenSTA finds
  escalate    while the target clock is missed, the blocks that miss it are mapped again, for speed

All results of a configuration lie in build/syn/LIBRARY/NAME and are kept until its inputs change.
"""

import concurrent.futures
import fcntl
import hashlib
import json
import re
import subprocess
import time
from pathlib import Path

import memory
import netlist
from liberty import Library

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / 'configs'
CONSTRAINTS = ROOT / 'constraints' / 'engine.sdc'
BUILD = ROOT / 'build' / 'syn'
DEFAULT_LIBRARY = Path('/usr/share/qflow/tech/osu018/osu018_stdcells.lib')
TOP = 'pq_engine'
LEAVES = ('pq_round_saturate', 'pq_multiplier', 'pq_exp2')      # flattened into the blocks that use them

# The target: 650 MHz in NanGate45; in other technologies the same number of FO4 delays.
TARGET_45 = 1 / 0.650
UNCERTAINTY = 0.05
IO_SHARE = 0.30
OUTPUT_LOAD = 12.0          # inverter inputs
ABC_SHARE = 0.65            # of the period, for the logic of one block
ROUNDS = 8                  # of sizing
ESCALATIONS = 3
PATHS = 1500                # worst end points looked at
KEPT_PATHS = 12             # in the result
SLOW_SHARE = 0.25           # of a late path, spent in a block that is then mapped for speed
WORKERS = 2                 # configurations at a time

RECIPES = {
    'area': 'strash; &get -n; &fraig -x; &put; scorr; dc2; dc2; strash; &get -n; &dch -f; &nf -R 10 {D}; '
            '&put; buffer; upsize {D}; dnsize {D}; stime -p',
    'speed': 'strash; &get -n; &fraig -x; &put; scorr; dc2; strash; dch -f; map -B 0.9 {D}; topo; '
             'buffer -c -N 12; topo; upsize {D}; dnsize {D}; stime -p',
}


class FlowError(Exception):
    """A tool failed, or the input is bad; the text is one sentence for the user."""


def engine_sources():
    return sorted(ROOT.glob('rtl/common/*.sv')) + sorted(ROOT.glob('rtl/engine/*.sv'))


def configurations(names):
    """{name: engine parameters} of the named configurations, or of all."""
    known = {path.stem: path for path in sorted(CONFIGS.glob('*.json'))}
    wanted = [name for text in names for name in re.split(r'[\s,]+', text) if name] or list(known)
    for name in wanted:
        if name not in known:
            raise FlowError(f'there is no configuration {name} (there are: {", ".join(known)})')
    found = {}
    for name in wanted:
        try:
            engine = json.loads(known[name].read_text())['engine']
            found[name] = {key: int(value) for key, value in engine.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FlowError(f'configuration {known[name]} has no table "engine" of integers ({error})') from None
    return found


def library_name(path):
    return re.sub(r'\.lib(\.gz)?$', '', Path(path).name)


def _run(command, log, tool):
    with open(log, 'w') as file:
        try:
            done = subprocess.run(['nice'] + command, stdout=file, stderr=subprocess.STDOUT, check=False)
        except FileNotFoundError:
            raise FlowError(f'{tool} is not installed') from None
    text = Path(log).read_text(errors='replace')
    errors = re.findall(r'^(?:ERROR|Error).*', text, flags=re.M)
    if done.returncode or errors:
        raise FlowError(f'{tool} failed: {errors[0] if errors else "no message"}, see {log}')
    return text


def _yosys(lines, folder, step):
    script = folder / f'{step}.ys'
    script.write_text('\n'.join(lines) + '\n')
    return _run(['yosys', '-e', 'implicitly declared', '-s', str(script)], folder / f'{step}.log', 'yosys')


class Synthesis:
    """One configuration in one library."""

    def __init__(self, name, parameters, library, liberty_file, folder):
        folder = folder.resolve()
        self.name, self.parameters, self.library = name, parameters, library
        self.liberty_file, self.folder = liberty_file, folder
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
        recipes = dict.fromkeys(self.blocks, 'area')
        mapped = {}            # block: (recipe, netlist)
        best = None
        for _ in range(ESCALATIONS + 1):
            for recipe in RECIPES:
                blocks = [block for block in self.blocks
                          if recipes[block] == recipe and mapped.get(block, ('',))[0] != recipe]
                if blocks:
                    mapped.update((block, (recipe, data)) for block, data in self._map(blocks, recipe).items())
            design, timing = self._size({block: data for block, (_, data) in mapped.items()})
            if best is None or timing['slack'] > best[1]['slack']:
                best = design, timing, dict(recipes)
            slow = [] if timing['slack'] >= 0 else [block for block in self._slow_blocks(design, timing['paths'])
                                                    if recipes[block] == 'area']
            if not slow:
                break
            recipes.update(dict.fromkeys(slow, 'speed'))
        design, timing, recipes = best
        design.write(self.folder / 'engine.v')
        return self._result(design, timing, recipes)

    def _result(self, design, timing, recipes):
        count = design.instances()
        return {
            'configuration': self.name,
            'library': library_name(self.library.path),
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
                               'children': design.children(name)} for name in design.order},
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

    def _elaborate(self):
        sets = ' '.join(f'-set {name} {value}' for name, value in self.parameters.items())
        files = ' '.join(map(str, engine_sources()))
        _yosys([f'read_verilog -sv -noassert -I {ROOT / "rtl/common"} {files}', f'chparam {sets} {TOP}',
                f'hierarchy -check -top {TOP}', 'chformal -remove', f'write_rtlil {self.folder}/elaborated.il',
                'proc', f'write_json {self.folder}/elaborated.json'], self.folder, 'elaborate')
        self.memories, names, used = {}, {}, {}
        for derived, module in sorted(netlist.read(self.folder / 'elaborated.json').items()):
            base = module['attributes'].get('hdlname', derived).lstrip('\\')
            if base == 'pq_memory':
                values = {key: int(value, 2) for key, value in module['parameter_default_values'].items()}
                macro = memory.Macro(values['Depth'], values['Width'], bool(values['SinglePort']))
                self.memories[macro.name] = macro
                names[derived] = macro.name
            else:
                used[base] = used.get(base, 0) + 1
                names[derived] = base if used[base] == 1 else f'{base}_{used[base]}'
        text = (self.folder / 'elaborated.il').read_text()
        for derived in sorted((name for name in names if name.startswith('$')), key=len, reverse=True):
            text = text.replace(derived, '\\' + names[derived])
        (self.folder / 'named.il').write_text(text)
        self.blocks = [name for name in names.values()
                       if name not in self.memories and re.sub(r'_\d+$', '', name) not in LEAVES]

    def _generic(self):
        lines = [f'read_liberty -lib -ignore_miss_func {self.liberty_file}', f'read_rtlil {self.folder}/named.il']
        lines += [f'blackbox {name}' for name in self.memories]
        lines += [f'hierarchy -check -top {TOP}', 'proc',
                  'setattr -mod -set keep_hierarchy 1 ' + ' '.join(self.blocks), 'flatten',
                  'opt -full', 'wreduce', 'peepopt', 'alumacc', 'share', 'opt', 'fsm', 'opt -fast',
                  'memory -nomap', 'memory_map', 'opt -full', 'techmap', 'opt -fast']
        if self.library.full_adder:
            cell, (a, b, c), carry, total = self.library.full_adder
            (self.folder / 'full_adder.v').write_text(
                '(* techmap_celltype = "$fa" *)\nmodule \\$fa (A, B, C, X, Y);\n  parameter WIDTH = 1;\n'
                '  (* force_downto *) input [WIDTH-1:0] A, B, C;\n  (* force_downto *) output [WIDTH-1:0] X, Y;\n'
                '  genvar i;\n  generate for (i = 0; i < WIDTH; i = i + 1) begin : g\n'
                f'    {cell.name} adder (.{a}(A[i]), .{b}(B[i]), .{c}(C[i]), .{carry}(X[i]), '
                f'.{total}(Y[i]));\n  end endgenerate\nendmodule\n')
            lines += ['extract_fa -fa', f'techmap -map {self.folder}/full_adder.v', 'techmap', 'opt -fast']
        lines += [f'dfflibmap -liberty {self.liberty_file}', 'opt -fast', f'write_rtlil {self.folder}/generic.il']
        _yosys(lines, self.folder, 'generic')
        self._note('generic')

    def _map(self, blocks, recipe):
        """ABC on some blocks; returns {block: netlist}."""
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
        self._note(f'mapped for {recipe}: {" ".join(blocks)}')
        return {block: modules[block] for block in blocks}

    def _size(self, modules):
        """Sizes the netlist until the target is met or nothing helps; returns (design, timing) of the best round."""
        design = netlist.Design(modules, self.library, self.memories, TOP)
        design.fix_loads(('clk_i',), self.output_load,
                         {pin: memory.load(pin, self.library) for pin in memory.INPUTS}, memory.resistance(self.library))
        best = None
        idle = 0
        for number in range(ROUNDS):
            design.write(self.folder / 'engine.v')
            timing = self.timing()
            late = [path['pins'] for path in timing['paths'] if path['slack'] < 0]
            self._note(f'sizing {number}: slack {timing["slack"]:.3f}, {len(late)} late end points')
            if best is None or timing['slack'] > best[1]['slack'] + 0.1 * self.library.fo4:
                best, idle = (design.copy() if late else design, timing), 0
            else:
                idle += 1
            if not late or idle == 2 or not design.improve(late):
                break
        return best

    @staticmethod
    def _slow_blocks(design, paths):
        """Blocks in which late paths spend a good part of their time."""
        slow = []
        for path in paths:
            if path['slack'] < 0:
                spent = _spent(design, path)
                slow += [block for block, delay in spent.items()
                         if delay > SLOW_SHARE * sum(spent.values()) and block not in slow]
        return slow

    def timing(self):
        """OpenSTA on engine.v: {slack, paths}; a path has slack, start, end, kind, pins, delays, period."""
        folder = self.folder
        report = folder / 'paths.txt'
        (folder / 'timing.tcl').write_text('\n'.join([
            f'read_liberty {self.liberty_file}', f'read_liberty {folder}/memories.lib',
            f'read_verilog {folder}/engine.v', f'link_design {TOP}',
            f'set clock_period {self.target:.5f}', f'set uncertainty {UNCERTAINTY}', f'set io_share {IO_SHARE}',
            f'set driving_cell {self.library.driving.name}',
            f'set output_load {self.output_load / self.library.load_unit:.6f}',
            f'source {CONSTRAINTS}',
            f'report_checks -path_delay max -format full -fields {{input_pin}} -digits 4 -group_count {PATHS} '
            f'-endpoint_count 1 > {report}',
            f'report_check_types -all_violators -max_transition > {folder}/violators.txt', '']))
        _run(['sta', '-exit', '-no_splash', str(folder / 'timing.tcl')], folder / 'timing.log', 'sta')
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
        if not from_input:
            pins = pins[1:]                      # the clock pin
        pins = pins[len(pins) % 2:] if from_input else pins[:len(pins) - len(pins) % 2]
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


def _key(parameters, library):
    """Changes when anything changes that a result depends on."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    for path in engine_sources() + sorted(ROOT.glob('rtl/common/*.svh')) + [CONSTRAINTS] + \
            [Path(__file__).with_name(name) for name in ('flow.py', 'liberty.py', 'memory.py', 'netlist.py')]:
        digest.update(path.name.encode() + b'\0' + path.read_bytes() + b'\0')
    digest.update(library.text.encode('latin-1'))
    return digest.hexdigest()


def _one(name, parameters, library, folder, progress):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'lock', 'w') as lock:           # make -j2 area timing: the second one takes the first's result
        fcntl.flock(lock, fcntl.LOCK_EX)
        key, kept = _key(parameters, library), folder / 'result.json'
        try:
            result = json.loads(kept.read_text())
        except (OSError, ValueError):
            result = {}
        if result.get('key') == key and (folder / 'engine.v').exists():
            progress(f'{name}: unchanged')
            return result
        library.write(folder / 'cells.lib')
        result = Synthesis(name, parameters, library, folder / 'cells.lib', folder).run()
        result['key'] = key
        kept.write_text(json.dumps(result, indent=1) + '\n')
        progress(f'{name}: {result["seconds"]:.0f} s')
        return result


def synthesize(configs, library_path, progress):
    """Results of `configs` ({name: parameters}), in that order."""
    library = Library(library_path)
    build = BUILD / library_name(library_path)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(_one, name, parameters, library, build / name, progress)
                for name, parameters in configs.items()]
        try:
            return [job.result() for job in jobs]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
