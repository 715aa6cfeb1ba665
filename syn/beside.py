# SPDX-License-Identifier: Apache-2.0
"""Plays a netlist beside the RTL, block by block, on the same random inputs, and compares all outputs in all cycles.

Every block of a module, and the module around RTL blocks, is played beside the RTL of the same parameters. Verilator reads
the RTL, so that a mistake of Yosys is noticed, be it in reading, mapping or sizing. The cells are modelled after the
functions in the Liberty file.

All registers and memories start as 0 (states of flip-flops that hold the inverse as 1), and a reset comes before the first
edge, so outputs must be equal from the first cycle on, valid or not.
"""

import re
import shutil
from pathlib import Path

import flow
import tools

HERE = Path(__file__).resolve().parent
SOURCES = [HERE / name for name in ('beside.py', 'lockstep.sv', 'lockstep.cpp')]
PREFIX = 'netlist_'         # of the netlist's modules
# The same for RTL and netlist. Verilator optimizes netlists wrongly without -fno-const-bit-op-tree (upstream #4059).
VERILATOR = ['--cc', '-O3', '-fno-const-bit-op-tree', '--no-assert', '--x-assign', '0', '--x-initial', '0', '-Wno-fatal',
             '-Wno-lint', '-Wno-style', '-Wno-UNOPTFLAT', '--prefix', 'Vlockstep', '--top-module', 'lockstep']


def beside_rtl(result, text):
    """The netlist with PREFIX before the names of its blocks. What a block instantiates is the RTL's, memories too: it is
    compared by itself, and nothing is simulated more often than needed."""
    rtl = {name: (module['module'], module['parameters']) for name, module in result['modules'].items()}
    for name, macro in result['memories'].items():
        rtl[name] = 'pq_memory', {'Depth': macro['depth'], 'Width': macro['width'], 'SinglePort': int(macro['ports'] == '1rw')}

    def line(match):
        indent, name = match[1], match[2]
        if name not in rtl:
            return match[0]
        return f'{indent}{PREFIX}{name} ' if indent == 'module ' else f'{indent}{instance_of(*rtl[name])} '
    return re.sub(r'^(module |  )(\w+) ', line, text, flags=re.M)


def instance_of(module, parameters):
    values = ', '.join(f'.{key}({value})' for key, value in parameters.items())
    return f'{module} #({values})' if values else module


def pair(name, module):
    """A block of the RTL and its netlist, driven alike and compared."""
    wires, pins = [], {'rtl': [], 'netlist': []}
    for port, (direction, width) in module['ports'].items():
        if port in ('clk_i', 'rst_ni'):
            wire = {side: port for side in pins}
        elif direction == 'input':
            wire = {side: port for side in pins}
            wires.append(f'  logic [{width - 1}:0] {port};')
            wires.append(f'  lockstep_source #(.Width({width})) {port}_source (.clk_i, .value_o({port}));')
        else:
            wire = {side: f'{side}_{port}' for side in pins}
            wires += [f'  logic [{width - 1}:0] {wire[side]};' for side in pins]
            wires.append(f'  lockstep_compare #(.Width({width}), .Name("{name}.{port}")) {port}_compare '
                         f'(.clk_i, .cycle_i, .rtl_i({wire["rtl"]}), .netlist_i({wire["netlist"]}));')
        for side, connected in wire.items():
            pins[side].append(f'.{port}({connected})')
    return '\n'.join([f'module lockstep_{name} (input clk_i, input rst_ni, input [63:0] cycle_i);', *wires,
                      f'  {instance_of(module["module"], module["parameters"])} rtl ({", ".join(pins["rtl"])});',
                      f'  {PREFIX}{name} netlist ({", ".join(pins["netlist"])});', 'endmodule', ''])


def bench(result, cycles, resets):
    pairs = '\n'.join(pair(name, module) for name, module in result['modules'].items())
    instances = '\n'.join(f'  lockstep_{name} {name} (.*);' for name in result['modules'])
    return f'''{pairs}
module lockstep (input clk_i);
  logic        rst_ni = 1;
  logic [63:0] cycle_i;
  always @(negedge clk_i) begin
    // In reset at first, and for single cycles now and then.
    rst_ni <= cycle_i > 3 && $urandom_range({resets - 1}) != 0;
    cycle_i <= cycle_i + 1;
    if (cycle_i == {cycles}) $finish;
  end
{instances}
endmodule
'''


def play(result, folder, cells, netlist, cycles, seed, resets=4096):
    """Plays so many cycles, with a reset in one of `resets` cycles. `cells`: the Liberty file; `netlist`: of the module of
    `result`. Returns [(block, port, width, bits that were 0 and 1, cycles in which they differed)], and the first differences."""
    folder.mkdir(parents=True, exist_ok=True)
    text = netlist.read_text()
    used = sorted(set(re.findall(r'^  (\w+) \w+ \(', text, flags=re.M)) - result['modules'].keys() - result['memories'].keys())
    # pylint: disable=protected-access
    flow._yosys([f'read_liberty -ignore_miss_func {cells}', 'select -set used ' + ' '.join(used), 'delete @used %n',
                 *(f"setattr -set init 1'1 {cell}/w:{state}" for cell, state in result['inverted_states'].items()
                   if cell in used),
                 'proc', 'opt_clean', f'write_verilog -noattr {folder}/cells.v'], folder, 'cells')
    (folder / 'netlist.v').write_text(beside_rtl(result, text))
    (folder / 'lockstep.sv').write_text(bench(result, cycles, resets))
    files = flow.sources(result['top'])
    model = folder / 'model'
    shutil.rmtree(model, ignore_errors=True)       # Verilator does not know of another version's files.
    flow._run([*tools.command('verilator'), *VERILATOR, '--Mdir', str(model),
               *(f'-I{path}' for path in sorted({path.parent for path in files})),
               *(str(path) for path in files if path.suffix == '.sv'),
               *(str(path.resolve()) for path in (folder / 'cells.v', folder / 'netlist.v', folder / 'lockstep.sv',
                                                  HERE / 'lockstep.sv'))], folder / 'verilate.log', 'verilator')
    flow._run(tools.compilation(model, 'Vlockstep', [HERE / 'lockstep.cpp'], '-O1'), folder / 'build.log', 'make')
    text = flow._run([str(model / 'Vlockstep'), f'+verilator+seed+{seed}'], folder / 'run.log', 'Vlockstep')
    compared = [(block, port, int(width), int(seen), int(differing)) for block, port, width, seen, differing
                in re.findall(r'^compared (\w+)\.(\w+) (\d+) (\d+) (\d+)$', text, flags=re.M)]
    if len(compared) != sum(direction == 'output' for module in result['modules'].values()
                            for direction, _ in module['ports'].values()):
        raise flow.FlowError(f'not all outputs were compared, see {folder}/run.log')
    return compared, re.findall(r'^.*: cycle .*$', text, flags=re.M)
