#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    Casting a number that is too large to a small float saturates at its largest value, as accelerators do, or at least does the same
#          for all of them.
# Reality  Three behaviours. float8_e3m4, e4m3, e5m2: infinity (e3m4 has one, so its largest number is 15.5 and not 31). float8_e4m3fn: NaN.
#          float4_e2m1fn and float6: saturates, also infinity, and NaN becomes -0. float8_e8m0fnu: 0 becomes NaN, and 3 becomes 4.
# Matters  Value centroids here are E3M4 without infinities, largest 31 * 2^k: a reference written with ml_dtypes.float8_e3m4 differs for the
#          uppermost binade, and one written with e4m3fn turns an outlier into NaN instead of the largest value. Clip first.
# Seen     ml_dtypes 0.6.0 (PyPI), numpy 2.4.6
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install ml_dtypes==0.6.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np

print('ml_dtypes', ml_dtypes.__version__)
values = np.array([1e6, np.inf, np.nan, 0.0, 3.0], 'float32')
seen = {}
for name in ('float8_e3m4', 'float8_e4m3', 'float8_e5m2', 'float8_e4m3fn', 'float6_e2m3fn', 'float4_e2m1fn', 'float8_e8m0fnu'):
    kind = getattr(ml_dtypes, name)
    seen[name] = values.astype(kind).astype('float32')
    print(f'{name:15} largest {float(ml_dtypes.finfo(kind).max):g}: 1e6 inf nan 0 3 ->', *seen[name])
assert all(np.isposinf(seen[name][0]) for name in ('float8_e3m4', 'float8_e4m3', 'float8_e5m2'))
assert float(ml_dtypes.finfo(ml_dtypes.float8_e3m4).max) == 15.5
assert np.isnan(seen['float8_e4m3fn'][0])
for name in ('float6_e2m3fn', 'float4_e2m1fn'):
    assert seen[name][0] == seen[name][1] == float(ml_dtypes.finfo(getattr(ml_dtypes, name)).max)
    assert seen[name][2] == 0 and np.signbit(seen[name][2])
assert np.isnan(seen['float8_e8m0fnu'][3]) and seen['float8_e8m0fnu'][4] == 4
PYTHON
