#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Is the netlist the RTL? Plays the sized netlist of every block of a module, and of the module around RTL blocks, beside
the RTL of the same parameters (beside.py).

Exit codes: 0; 1 if an output differs; 2 for bad input (library, configuration, module) and failing tools.
"""

import sys
import time
from pathlib import Path

import flow
import report
from beside import play


def show(result, _, arguments):
    start = time.monotonic()
    folder = flow.folder_of(arguments.lib, result['top'], result['configuration'])
    netlist = Path(arguments.netlist) if arguments.netlist else folder / 'netlist.v'
    compared, differences = play(result, folder / 'lockstep', folder / 'cells.lib', netlist, arguments.cycles, arguments.seed)
    rows = []
    for name, module in result['modules'].items():
        outputs = [output for output in compared if output[0] == name]
        rows.append({'block': name, 'cells': module['gates'], 'output_bits': sum(width for _, _, width, _, _ in outputs),
                     'bits_seen_0_and_1': sum(seen for _, _, _, seen, _ in outputs),
                     'outputs_differing': [port for _, port, _, _, differing in outputs if differing]})
    data = {'top': result['top'], 'configuration': result['configuration'], 'library': result['library'],
            'cycles': arguments.cycles, 'seed': arguments.seed, 'blocks': rows,
            'equal': not any(row['outputs_differing'] for row in rows), 'differences': differences,
            'seconds': round(time.monotonic() - start, 1)}
    lines = [f'{result["top"]}, {result["configuration"]}, in {result["library"]}: netlist beside RTL, '
             f'{arguments.cycles} cycles, seed {arguments.seed}', '']
    lines += report.table(['block', 'cells', 'output bits', 'seen 0 and 1', 'equal'],
                          [[row['block'], row['cells'], row['output_bits'], row['bits_seen_0_and_1'],
                            'NO: ' + ' '.join(row['outputs_differing']) if row['outputs_differing'] else 'yes']
                           for row in rows])
    return lines + differences, data


def summary(shown, *_):
    rows = [[data['top'], data['configuration'], len(data['blocks']), sum(row['cells'] for row in data['blocks']),
             data['cycles'], data['cycles'] * sum(row['output_bits'] for row in data['blocks']),
             f'{data["seconds"]:.0f}', 'yes' if data['equal'] else 'NO'] for data in shown]
    lines = report.table(['module', 'configuration', 'blocks', 'cells in them', 'cycles', 'bits compared', 'seconds',
                          'netlist equals RTL'], rows, 2)
    return lines, int(not all(data['equal'] for data in shown))


if __name__ == '__main__':
    sys.exit(report.main(__doc__, 'netlist', show, summary, figures=False, extra={
        '--cycles': {'type': int, 'default': 20000, 'help': 'length of the simulation (default: %(default)s)'},
        '--seed': {'type': int, 'default': 1, 'help': 'of the random inputs (default: %(default)s)'},
        '--netlist': {'metavar': 'FILE', 'help': 'this netlist instead of the one of the flow'}}))
