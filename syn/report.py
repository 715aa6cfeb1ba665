# SPDX-License-Identifier: Apache-2.0
"""What area.py, timing.py and lockstep.py share: options, the run over modules and configurations, tables, JSON."""

import argparse
import fcntl
import hashlib
import json
import re
import sys
import time
from pathlib import Path

import beside
import flow
from liberty import LibraryError

sys.path.append(str(Path(__file__).resolve().parent.parent / 'sim'))
import interrupt  # noqa: E402

FLOP_CYCLES, FLOP_RESETS = 4000, 16     # of the block with every kind of register: cycles, and how many for each reset


def options(description, folder, extra):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--config', action='append', default=[], metavar='NAMES',
                        help='configurations, by commas or blanks (default: all of configs/)')
    parser.add_argument('--lib', metavar='FILES',
                        help='Liberty library, .lib or .lib.gz, several files by commas (default: the generic one of '
                             'generic_library.py)')
    parser.add_argument('--top', action='append', default=[], metavar='NAMES',
                        help=f'modules, by commas or blanks (default: {flow.ENGINE}); they take what they know of the '
                             f'parameters of a configuration and of the memory; {flow.CHANNEL}: its parts, one by one')
    parser.add_argument('--memory', default=flow.DEFAULT_MEMORY, metavar='NAME',
                        help='the memory of a channel (default: %(default)s)')
    parser.add_argument('--banks-per-engine', action='append', default=[], metavar='NUMBERS',
                        help='in a channel, by commas or blanks: 1 or 2 banks for each engine (default: 1)')
    parser.add_argument('--set', action='append', default=[], metavar='KEY=VALUE', dest='values',
                        help='a parameter of the modules, instead of what the configuration says')
    parser.add_argument('--out', default=str(flow.ROOT / 'build' / folder), metavar='FOLDER',
                        help='where the JSON files go (default: build/' + folder + ')')
    for name, arguments in extra.items():
        parser.add_argument(name, **arguments)
    return parser.parse_args()


def parameters(texts):
    """{key: value} of texts KEY=VALUE"""
    found = {}
    for text in texts:
        match = re.fullmatch(r'(\w+)=(\d+)', text)
        if not match:
            raise flow.FlowError(f'{text} is not KEY=VALUE with a whole number')
        found[match[1]] = int(match[2])
    return found


def table(head, rows, text_columns=1):
    """Lines of a table; the first columns are text, the others numbers."""
    rows = [[str(item) for item in row] for row in [head] + rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ['  '.join(item.ljust(width) if i < text_columns else item.rjust(width)
                       for i, (item, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return [lines[0], '-' * max(map(len, lines))] + lines[1:]


def write(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'{name}.json').write_text(json.dumps(data, indent=1) + '\n')


def area_unit(nand2_area):
    """Of a library's areas: a NAND2 of 1 is a gate equivalent."""
    return 'GE' if nand2_area == 1 else 'um2'


def target(result):
    """The target clock in words."""
    text = f'{1000 / result["target_ns"]:.0f} MHz'
    if abs(result['target_ns'] / flow.TARGET_45 - 1) > 1e-3:
        text += f' (650 MHz in NanGate45, by FO4 delays: {1000 * result["fo4_ns"]:.1f} against ' \
                f'{1000 * flow.memory.FO4:.1f} ps)'
    return text


def check_flip_flops(library, progress):
    """Plays a block with every kind of register, mapped in the library, beside its RTL (pq_flops.sv). Raises FlowError if
    they differ: no figure may come from a netlist that is not the RTL."""
    result, = flow.synthesize([(flow.FLOPS, flow.FLOPS, {})], library, progress)
    folder = flow.folder_of(library.path, flow.FLOPS, flow.FLOPS)
    with open(folder / 'played.lock', 'w') as lock:        # make -j2 area timing
        fcntl.flock(lock, fcntl.LOCK_EX)
        _play_flip_flops(library, result, folder, progress)


def _play_flip_flops(library, result, folder, progress):
    netlist, kept = folder / 'netlist.v', folder / 'played.sha256'
    digest = hashlib.sha256(netlist.read_bytes() + (folder / 'cells.lib').read_bytes())
    for path in beside.SOURCES + flow.sources(flow.FLOPS):
        digest.update(path.read_bytes())
    for use in library.flops.values():
        if not any(f' {cell.name} ' in netlist.read_text() for cell in use.cell.family):
            raise flow.FlowError(f'{use.cell.where}: {use.cell.name} was chosen, but is not in {netlist}')
    if not kept.exists() or kept.read_text() != digest.hexdigest():
        compared, differences = beside.play(result, folder / 'lockstep', folder / 'cells.lib', netlist, FLOP_CYCLES, seed=1,
                                            resets=FLOP_RESETS)
        seen = min(seen / width for _, _, width, seen, _ in compared)
        if differences or seen < 1:
            cells = ', '.join(result['flip_flops'].values())
            raise flow.FlowError(f'flip-flops of library {library.path} ({cells}) do not do what the RTL does, so there are no '
                                 f'figures: {(differences or ["an output is constant"])[0]}')
        kept.write_text(digest.hexdigest())
        progress('the flip-flops do what the RTL does: ' + ', '.join(
            f'{kind}: {cell}' for kind, cell in result['flip_flops'].items()))


def main(description, folder, show, summary, compare=None, more_tops=None, extra=None, figures=True):
    """Runs the flow. `show(result, other, arguments)` gives the lines and the JSON of one module in one configuration,
    `summary(shown, asked, write)` those of all and the exit code: `asked` are the modules of --top, `write(folder, name, data)`
    writes more JSON. `compare(top, arguments)` gives the parameters of a second run of the module, `other`, or nothing.
    `more_tops(asked)` gives modules that are done as well, `extra` are more options. `figures`: the flip-flops are
    checked first."""
    interrupt.catch()
    arguments = options(description, folder, extra or {})
    start = time.monotonic()
    name = Path(sys.argv[0]).name
    try:
        flow.check_path()
        jobs = []
        asked = flow.words(arguments.top) or [flow.ENGINE]
        tops = [part for top in asked for part in flow.PARTS.get(top, (top,))] + (more_tops(asked) if more_tops else [])
        banks = [int(word) if word.isdigit() else word for word in flow.words(arguments.banks_per_engine)]
        for top in dict.fromkeys(tops):
            second = compare(top, arguments) if compare else {}
            values = parameters(arguments.values)
            for config, table_ in flow.configurations(arguments.config, top, values, arguments.memory, banks).items():
                jobs.append((top, config, table_))
                if second:
                    text = ','.join(f'{key}={value}' for key, value in second.items())
                    jobs.append((top, f'{config},{text}', table_ | second))
        arguments.lib = arguments.lib or str(flow.default_library())
        library = flow.read_library(arguments.lib)

        def progress(text):
            print(f'{name}: {text}', file=sys.stderr, flush=True)
        if figures:
            check_flip_flops(library, progress)
        results = flow.synthesize(jobs, library, progress)
        results = {(result['top'], result['configuration']): result for result in results}
        out = Path(arguments.out) / flow.library_name(arguments.lib)
        shown = []
        for (top, config), result in results.items():
            if ',' in config:
                continue
            others = [other for (other_top, other_config), other in results.items()
                      if other_top == top and other_config.startswith(config + ',')]
            lines, data = show(result, others[0] if others else None, arguments)
            print('\n'.join(lines) + '\n', flush=True)
            write(out / top, config, data)
            shown.append(data)
        lines, code = summary(shown, asked, lambda *item: write(out / item[0], *item[1:]))
        print('\n'.join(lines))
        write(out, folder, shown)
        print(f'\n{time.monotonic() - start:.0f} s; JSON in {out}')
        return code
    except (flow.FlowError, flow.shapes.ShapeError, LibraryError) as error:
        print(f'{name}: {error}', file=sys.stderr)
    except OSError as error:
        print(f'{name}: {error.filename or arguments.out}: {error.strerror}', file=sys.stderr)
    return 2
