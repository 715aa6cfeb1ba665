#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Area of the engine: maps it with Yosys, sizes it for the target clock, prints area per block and configuration.

Exit codes: 0, or 2 for bad input (library, configuration) and failing tools.
"""

import sys

import report



def blocks(result):
    """Rows of the table: the blocks of the top, with all that is in them, and the top's own cells."""
    modules, memories = result['modules'], result['memories']

    def inside(name, count):
        """(cells, macros) of `count` instances"""
        if name in memories:
            return 0.0, count * memories[name]['area']
        parts = [inside(child, count * number) for child, number in modules[name]['children'].items()]
        return (count * modules[name]['cells'] + sum(cells for cells, _ in parts), sum(macros for _, macros in parts))

    top = next(reversed(modules))
    rows = [(name, count) + inside(name, count) for name, count in modules[top]['children'].items()]
    rows.append((f'{top} itself', 1, modules[top]['cells'], 0.0))
    total = sum(cells + macros for _, _, cells, macros in rows)
    return [{'block': name, 'instances': count, 'cells': round(cells, 1), 'macros': round(macros, 1),
             'area': round(cells + macros, 1), 'percent': round(100 * (cells + macros) / total, 2)}
            for name, count, cells, macros in sorted(rows, key=lambda row: -row[2] - row[3])]


def show(result):
    rows = blocks(result)
    cells, macros = (sum(row[key] for row in rows) for key in ('cells', 'macros'))
    nand2 = result['nand2_area']
    memories = [dict(values, memory=name) for name, values in result['memories'].items()]
    data = {
        'configuration': result['configuration'], 'library': result['library'], 'parameters': result['parameters'],
        'nand2_area': nand2, 'target_mhz': round(1000 / result['target_ns'], 1),
        'target_met': result['slack_ns'] >= 0,
        'blocks': rows, 'memories': memories,
        'cells': round(cells, 1), 'macros': round(macros, 1), 'area': round(cells + macros, 1),
        'kilogates': round((cells + macros) / nand2 / 1000, 1),
        'memory_bits': sum(values['bits'] * values['instances'] for values in memories),
        'seconds': result['seconds'],
    }
    lines = [f'{data["configuration"]} in {data["library"]}, um2 (NAND2 {nand2:g}), sized for '
             f'{report.target(result)}{"" if data["target_met"] else ", WHICH IT MISSES"}', '']
    lines += report.table(
        ['block', 'instances', 'cells', 'macros', 'total', '%'],
        [[row['block'], row['instances'], f'{row["cells"]:.0f}', f'{row["macros"]:.0f}', f'{row["area"]:.0f}',
          f'{row["percent"]:.1f}'] for row in rows]
        + [['total', '', f'{cells:.0f}', f'{macros:.0f}', f'{cells + macros:.0f}', '100.0']])
    inner = [[f'of it {name}', module['instances'], f'{module["cells"] * module["instances"]:.0f}']
             for name, module in result['modules'].items()
             if name not in (row['block'] for row in rows) and name != next(reversed(result['modules']))]
    lines += [''] + report.table(['blocks within blocks', 'instances', 'cells'], inner) if inner else []
    lines += [''] + report.table(
        ['memory', 'words', 'bits', 'ports', 'instances', 'area of one', 'in latches'],
        [[values['memory'], values['depth'], values['width'], values['ports'], values['instances'],
          f'{values["area"]:.0f}', f'{values["area_in_latches"]:.0f}'] for values in memories])
    lines.append(f'{data["kilogates"]:.0f} kGE (NAND2 equivalents), {data["memory_bits"]} bits of memory; '
                 f'{data["seconds"]:.0f} s')
    return lines, data


def summary(shown):
    rows = [[data['configuration'], f'{data["cells"]:.0f}', f'{data["macros"]:.0f}', f'{data["area"]:.0f}',
             f'{data["kilogates"]:.0f}', f'{data["memory_bits"] / 1024:.1f}', f'{data["seconds"]:.0f}'] for data in shown]
    return report.table(['configuration', 'cells', 'macros', 'total um2', 'kGE', 'memory Kbit', 'seconds'], rows), 0


if __name__ == '__main__':
    sys.exit(report.main(__doc__, 'area', show, summary))
