#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    What safetensors.numpy.save_file has written, safetensors.numpy.load_file reads.
# Reality  With ml_dtypes arrays of bfloat16 make the round trip. Those of float8_* are written without complaint and cannot be read by the
#          same module, not even beside ml_dtypes: AttributeError: module 'numpy' has no attribute 'float8_e4m3fn'. One such tensor makes load_file
#          fail for all others of the file; safe_open with get_tensor reads the others.
# Matters  Captures of quantized models keep an FP8 scale or weight beside float keys and values. A reader must take single tensors by name.
# Seen     safetensors 0.8.0, ml_dtypes 0.6.0 (PyPI), numpy 2.4.6
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import ml_dtypes
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

print('safetensors', safetensors.__version__, 'ml_dtypes', ml_dtypes.__version__)
values = np.arange(8, dtype='float32')
save_file({'a': values.astype(ml_dtypes.bfloat16)}, 'bf16.safetensors')
assert np.array_equal(load_file('bf16.safetensors')['a'].astype('float32'), values)
save_file({'a': values.astype(ml_dtypes.float8_e4m3fn), 'k': values}, 'f8.safetensors')
try:
    load_file('f8.safetensors')
except AttributeError as error:
    print('load_file:', error)
else:
    raise SystemExit('float8 is read now')
with safetensors.safe_open('f8.safetensors', 'np') as file:
    assert np.array_equal(file.get_tensor('k'), values)
    print('safe_open reads k:', file.get_tensor('k'))
PYTHON
