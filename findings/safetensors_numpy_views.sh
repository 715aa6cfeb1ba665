#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    safetensors.numpy.save_file writes the values of the array that it is given, or refuses one that it cannot write.
# Reality  It writes the buffer behind a view under the view's shape: a transposed array, or every second column of one, comes back with
#          other values at other places. There is no error.
# Matters  Captures hold [token, channel] arrays that frameworks hand over as transposed views ([head, channel, token]). The file has the
#          right shape and statistics; only the attention is wrong. Call numpy.ascontiguousarray first.
# Seen     safetensors 0.8.0 (PyPI), numpy 2.4.6
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install safetensors==0.8.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

print('safetensors', safetensors.__version__)
array = np.arange(6, dtype='float32').reshape(2, 3)
save_file({'transposed': array.T, 'sliced': array[:, ::2], 'copied': np.ascontiguousarray(array.T)}, 'x.safetensors')
read = load_file('x.safetensors')
print('given  ', array.T.tolist())
print('read   ', read['transposed'].tolist())
print('given  ', array[:, ::2].tolist())
print('read   ', read['sliced'].tolist())
assert read['transposed'].shape == (3, 2) and not np.array_equal(read['transposed'], array.T), 'mended'
assert not np.array_equal(read['sliced'], array[:, ::2]), 'mended'
assert np.array_equal(read['copied'], array.T)
PYTHON
