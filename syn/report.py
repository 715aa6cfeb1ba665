# SPDX-License-Identifier: Apache-2.0
"""What area.py and timing.py share: options, the run over configurations, tables, JSON."""

import argparse
import json
import sys
import time
from pathlib import Path

import flow
from liberty import LibraryError


def options(description, folder):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--config', action='append', default=[], metavar='NAMES',
                        help='configurations, by commas or blanks (default: all of configs/)')
    parser.add_argument('--lib', default=str(flow.DEFAULT_LIBRARY), metavar='FILE',
                        help='Liberty library, .lib or .lib.gz (default: %(default)s)')
    parser.add_argument('--out', default=str(flow.ROOT / 'build' / folder), metavar='FOLDER',
                        help='where the JSON files go (default: build/' + folder + ')')
    return parser.parse_args()


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


def target(result):
    """The target clock in words."""
    text = f'{1000 / result["target_ns"]:.0f} MHz'
    if abs(result['target_ns'] / flow.TARGET_45 - 1) > 1e-3:
        text += f' (650 MHz in NanGate45, by FO4 delays: {1000 * result["fo4_ns"]:.1f} against ' \
                f'{1000 * flow.memory.FO4:.1f} ps)'
    return text


def main(description, folder, show, summary):
    """Runs the flow. `show(result)` gives the lines and the JSON of a configuration, `summary(shown)` those of all."""
    arguments = options(description, folder)
    start = time.monotonic()
    name = Path(sys.argv[0]).name
    try:
        configs = flow.configurations(arguments.config)
        results = flow.synthesize(configs, arguments.lib, lambda text: print(f'{name}: {text}', file=sys.stderr))
        shown = [show(result) for result in results]
        out = Path(arguments.out) / flow.library_name(arguments.lib)
        for lines, data in shown:
            print('\n'.join(lines) + '\n')
            write(out, data['configuration'], data)
        lines, code = summary([data for _, data in shown])
        print('\n'.join(lines))
        write(out, folder, [data for _, data in shown])
        print(f'\n{time.monotonic() - start:.0f} s; JSON in {out}')
        return code
    except (flow.FlowError, LibraryError) as error:
        print(f'{name}: {error}', file=sys.stderr)
    except OSError as error:
        print(f'{name}: {error.filename or arguments.out}: {error.strerror}', file=sys.stderr)
    return 2
