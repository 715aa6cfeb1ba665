#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Area: maps the engine, or other modules, with Yosys, sizes it for the target clock, prints area per block.

What a parameter costs is shown side by side: --versus Quantize=0 maps each configuration once more, with that value. It
is the default for modules that have this parameter, outside a channel; --versus none leaves it out.

--top pq_channel adds up a pseudo-channel from its modules, engines and what a channel adds to them, per pseudo-channel,
engine and bank, and sets it beside pq_fp16_unit at each bank.

Exit codes: 0, or 2 for bad input (library, configuration, module) and failing tools.
"""

import sys

import flow
import report

VERSUS = {'Quantize': 0}
RIVAL = 'pq_fp16_unit'
ENGINE_PARTS = (('engine', flow.ENGINE), ('adapter', None))
SEQUENCER_PARTS = (('host commands', 'pq_host_commands'), ('control', 'pq_rank_control'), ('stream', 'pq_rank_stream'),
                   ('transfer', 'pq_transfer'), ('bus', 'pq_bus'), ('reducer', 'pq_centroid_buffer'), ('sequencer itself', None))


def compare(top, arguments):
    if arguments.versus == ['none']:
        return {}
    values = report.parameters(arguments.versus)
    known = flow.parameters_of(top)
    for key in values:
        if key not in known:
            raise flow.FlowError(f'{top} has no parameter {key} (it has: {", ".join(known) or "none"})')
    in_channel = 'BanksPerEngine' in known
    return values or {key: value for key, value in VERSUS.items() if key in known and not in_channel}


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


def totals(result):
    rows = blocks(result)
    cells, macros = (sum(row[key] for row in rows) for key in ('cells', 'macros'))
    return {'blocks': rows, 'cells': round(cells, 1), 'macros': round(macros, 1), 'area': round(cells + macros, 1),
            'memory_bits': sum(values['bits'] * values['instances'] for values in result['memories'].values())}


def added(area, before):
    return {'area': round(area - before, 1), 'percent': round(100 * (area / before - 1), 2) if before else None}


def versus(data, result, other):
    """What `result` has more than `other`, in total and per block of the same name."""
    names = [key for key in result['parameters'] | other['parameters']
             if result['parameters'].get(key) != other['parameters'].get(key)]
    before = totals(other)
    areas = [{row['block']: row['area'] for row in rows} for rows in (data['blocks'], before['blocks'])]
    return {'parameters': {key: other['parameters'].get(key) for key in names}, **before,
            'target_met': other['slack_ns'] >= 0,
            'added': added(data['area'], before['area']),
            'added_per_block': {block: added(areas[0].get(block, 0.0), areas[1].get(block, 0.0))
                                for block in areas[0] | areas[1]}}


def percent(change):
    return 'new' if change['percent'] is None else f'{change["percent"]:+.1f}'


def show_versus(data):
    other = data['versus']
    name = ', '.join(f'{key}={value}' for key, value in other['parameters'].items())
    before = {row['block']: row['area'] for row in other['blocks']}
    after = {row['block']: row['area'] for row in data['blocks']}
    return report.table(
        ['block', 'total', f'with {name}', 'added', 'added %'],
        [[block, f'{after.get(block, 0.0):.0f}', f'{before.get(block, 0.0):.0f}', f'{change["area"]:+.0f}', percent(change)]
         for block, change in other['added_per_block'].items()]
        + [['total', f'{data["area"]:.0f}', f'{other["area"]:.0f}', f'{other["added"]["area"]:+.0f}',
            percent(other['added'])]])


def show(result, other, _):
    nand2 = result['nand2_area']
    memories = [dict(values, memory=name) for name, values in result['memories'].items()]
    data = {
        'top': result['top'], 'configuration': result['configuration'], 'library': result['library'],
        'parameters': result['parameters'],
        'nand2_area': nand2, 'area_unit': report.area_unit(nand2), 'target_mhz': round(1000 / result['target_ns'], 1),
        'target_met': result['slack_ns'] >= 0, 'memories': memories, **totals(result), 'seconds': result['seconds'],
    }
    for row in data['blocks']:
        row['module'] = result['modules'].get(row['block'], {}).get('module')
    data['kilogates'] = round(data['area'] / nand2 / 1000, 1)
    cells, macros = data['cells'], data['macros']
    lines = [f'{data["top"]}, {data["configuration"]}, in {data["library"]}, {data["area_unit"]} (NAND2 {nand2:g}), sized for '
             f'{report.target(result)}{"" if data["target_met"] else ", WHICH IT MISSES"}', '']
    lines += report.table(
        ['block', 'instances', 'cells', 'macros', 'total', '%'],
        [[row['block'], row['instances'], f'{row["cells"]:.0f}', f'{row["macros"]:.0f}', f'{row["area"]:.0f}',
          f'{row["percent"]:.1f}'] for row in data['blocks']]
        + [['total', '', f'{cells:.0f}', f'{macros:.0f}', f'{cells + macros:.0f}', '100.0']])
    if other:
        data['versus'] = versus(data, result, other)
        lines += [''] + show_versus(data)
    inner = [[f'of it {name}', module['instances'], f'{module["cells"] * module["instances"]:.0f}']
             for name, module in result['modules'].items()
             if name not in (row['block'] for row in data['blocks']) and name != next(reversed(result['modules']))]
    lines += [''] + report.table(['blocks within blocks', 'instances', 'cells'], inner) if inner else []
    lines += [''] + report.table(
        ['memory', 'words', 'bits', 'ports', 'instances', 'area of one', 'in latches'],
        [[values['memory'], values['depth'], values['width'], values['ports'], values['instances'],
          f'{values["area"]:.0f}', f'{values["area_in_latches"]:.0f}'] for values in memories]) if memories else []
    lines.append(f'{data["kilogates"]:.0f} kGE (NAND2 equivalents), {data["memory_bits"]} bits of memory; '
                 f'{data["seconds"]:.0f} s')
    return lines, data


def parts(data, table):
    """{part: area} of a module: the blocks of each part's module, memories apart, and all others."""
    found = {part: sum(row['cells'] for row in data['blocks'] if row['module'] == module) for part, module in table if module}
    macros = {f'{part}: memories': sum(row['macros'] for row in data['blocks'] if row['module'] == module)
              for part, module in table if module}
    found |= {part: area for part, area in macros.items() if area}
    rest = next(part for part, module in table if not module)
    return found | {rest: data['area'] - sum(found.values())}


def channel(engine, sequencer, read_bus, rival):
    """A pseudo-channel's parts, per pseudo-channel, engine and bank, and what the rival needs at a bank."""
    values = sequencer['parameters']
    banks = values['Ranks'] * values['BankGroups'] * values['BanksPerGroup']
    engines = banks // values['BanksPerEngine']
    areas = {part: engines * area for part, area in parts(engine, ENGINE_PARTS).items()}
    areas |= parts(sequencer, SEQUENCER_PARTS) | {'read bus': read_bus['area']}

    def row(area):
        return {'per_channel': round(area, 1), 'per_engine': round(area / engines, 1), 'per_bank': round(area / banks, 1),
                'of_rival': round(area / banks / rival['area'], 4)}
    engine_area = sum(area for part, area in areas.items() if part.split(':')[0] == ENGINE_PARTS[0][0])
    total = sum(areas.values())
    return {'top': flow.CHANNEL, 'configuration': sequencer['configuration'], 'library': sequencer['library'],
            'area_unit': sequencer['area_unit'], 'parameters': engine['parameters'] | values, 'banks': banks, 'engines': engines,
            'target_met': all(data['target_met'] for data in (engine, sequencer, read_bus)),
            'parts': {part: row(area) for part, area in areas.items()}, 'total': row(total),
            'added_to_engines': row(total - engine_area), 'added_percent': round(100 * (total / engine_area - 1), 2),
            'rival': {'module': RIVAL, 'per_bank': rival['area'], 'target_met': rival['target_met']}}


def show_channel(data):
    rows = data['parts'] | {'total': data['total'], 'of it beside the engines': data['added_to_engines']}
    missed = '' if data['target_met'] else ', WHICH MISSES ITS CLOCK'
    return [f'{data["top"]}, {data["configuration"]}, in {data["library"]}{missed}: {data["engines"]} engines, '
            f'{data["banks"]} banks, {data["area_unit"]}; a channel adds {data["added_percent"]:.1f} % to its engines; {RIVAL}: '
            f'{data["rival"]["per_bank"]:.0f} at each bank', ''] + report.table(
        ['part', 'pseudo-channel', 'per engine', 'per bank', f'of {RIVAL}'],
        [[part, f'{row["per_channel"]:.0f}', f'{row["per_engine"]:.0f}', f'{row["per_bank"]:.0f}', f'{row["of_rival"]:.3f}']
         for part, row in rows.items()]) + ['']


def summary(shown, asked, write):
    head = ['module', 'configuration', 'cells', 'macros', f'total {shown[0]["area_unit"]}', 'kGE', 'memory Kbit', 'seconds']
    rows = [[data['top'], data['configuration'], f'{data["cells"]:.0f}', f'{data["macros"]:.0f}', f'{data["area"]:.0f}',
             f'{data["kilogates"]:.0f}', f'{data["memory_bits"] / 1024:.1f}', f'{data["seconds"]:.0f}'] for data in shown]
    if any('versus' in data for data in shown):
        head += ['without', 'added %']
        for row, data in zip(rows, shown):
            other = data.get('versus')
            row += [f'{other["area"]:.0f}', percent(other['added'])] if other else ['', '']
    lines = []
    if flow.CHANNEL in asked:
        found = {(data['top'], data['configuration']): data for data in shown}
        for (top, config), sequencer in found.items():
            if top == 'pq_sequencer':
                data = channel(found['pq_bank_engine', config], sequencer, found['pq_read_bus', config], found[RIVAL, RIVAL])
                lines += show_channel(data)
                write(flow.CHANNEL, config, data)
    return lines + report.table(head, rows, 2), 0


def tops(asked):
    return [RIVAL] if flow.CHANNEL in asked else []


if __name__ == '__main__':
    sys.exit(report.main(__doc__, 'area', show, summary, compare, more_tops=tops, extra={
        '--versus': {'action': 'append', 'default': [], 'metavar': 'KEY=VALUE',
                     'help': 'map once more with this value and compare; none: do not'}}))
