#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Timing of the engine, or of other modules: OpenSTA on the sized netlist, worst slack at the target clock, highest
clock, worst paths.

Exit codes: 0; 1 if a configuration misses the target clock; 2 for bad input (library, configuration, module) and failing tools.
"""

import sys

import report

SHOWN = 3


def show(result, *_):
    data = {
        'top': result['top'], 'configuration': result['configuration'], 'library': result['library'],
        'target_ns': result['target_ns'], 'target_mhz': round(1000 / result['target_ns'], 1),
        'uncertainty': result['uncertainty'], 'worst_slack_ns': result['slack_ns'],
        'highest_mhz': round(1000 / result['period_ns'], 1), 'paths': result['paths'],
        'max_transition_violated': result['max_transition_violated'],
        'max_capacitance_violated': result['max_capacitance_violated'], 'seconds': result['seconds'],
    }
    lines = [f'{data["top"]}, {data["configuration"]}, in {data["library"]}: worst slack {data["worst_slack_ns"]:+.3f} ns at '
             f'{report.target(result)}, {100 * data["uncertainty"]:.0f} % of the period kept back; '
             f'highest clock {data["highest_mhz"]:.0f} MHz', '']
    lines += report.table(
        ['slack', 'from', 'to', 'blocks and the time in them'],
        [[f'{path["slack_ns"]:+.3f}', path['start'], path['end'] + (' (recovery)' if path['recovery'] else ''),
          ', '.join(f'{block} {delay:.2f}' for block, delay in path['blocks'].items())]
         for path in data['paths'][:SHOWN]], 4)
    for name in ('max_transition', 'max_capacitance'):
        violated = data[f'{name}_violated']
        lines.append(f'{name}: {len(violated)} violated' + (f', first {violated[0]}' if violated else ''))
    return lines, data


def summary(shown, *_):
    rows = [[data['top'], data['configuration'], f'{data["target_mhz"]:.0f}', f'{data["worst_slack_ns"]:+.3f}',
             f'{data["highest_mhz"]:.0f}', 'yes' if data['worst_slack_ns'] >= 0 else 'NO'] for data in shown]
    lines = report.table(['module', 'configuration', 'target MHz', 'worst slack ns', 'highest MHz', 'met'], rows, 2)
    return lines, int(any(data['worst_slack_ns'] < 0 for data in shown))


if __name__ == '__main__':
    sys.exit(report.main(__doc__, 'timing', show, summary))
