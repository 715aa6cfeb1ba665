#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The model of memory macros (memory.py) beside the public single-port fakeram45 macros that it has to meet, and what the
same words cost with two ports and in latches: NanGate45, um2 and ns.

Exit codes: 0; 1 if an area is more than 12 % off or an access time more than 1 %.
"""

import sys
from types import SimpleNamespace

import memory
import report

# Words, bits: area, access time (where published), of fakeram45 in the OpenROAD flow.
PUBLISHED = {(64, 32): (1240.6, 0.207), (256, 16): (3155.0, None), (256, 32): (5065.7, 0.235), (1024, 32): (16406.1, 0.309)}
AREA_LIMIT, ACCESS_LIMIT = 0.12, 0.01
# The technology of the model, without the multiplexers in front of a single port, which are no part of a macro.
NANGATE45 = SimpleNamespace(nand2=SimpleNamespace(area=memory.NAND2_AREA), fo4=memory.FO4, multiplexer=0.0)


def main():
    rows, good = [], True
    for (depth, width), (area, access) in PUBLISHED.items():
        one, two = (memory.Macro(depth, width, single_port) for single_port in (True, False))
        error = one.macro_area(NANGATE45) / area - 1
        good &= abs(error) <= AREA_LIMIT
        good &= access is None or abs(one.access(NANGATE45) / access - 1) <= ACCESS_LIMIT
        rows.append([f'{depth} x {width}', f'{area:.0f}', f'{one.macro_area(NANGATE45):.0f}', f'{100 * error:+.1f}',
                     access or '', f'{one.access(NANGATE45):.3f}', f'{two.macro_area(NANGATE45):.0f}',
                     f'{two.access(NANGATE45):.3f}', f'{one.latch_area(NANGATE45):.0f}'])
    print('\n'.join(report.table(['words x bits', 'published', 'model', 'error %', 'published ns', 'model ns', '1r1w', '1r1w ns',
                                  'latches'], rows)))
    return int(not good)


if __name__ == '__main__':
    report.interrupt.catch()
    sys.exit(main())
