#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    gguf.GGUFReader's tensor.shape and tensor.data.shape say the same, and both are the shape that the writer was given.
# Reality  tensor.shape is in ggml's order, innermost first, so a [6, 32] matrix has shape [32, 6]. tensor.data is in numpy's order, and of a quantized
#          tensor it counts bytes: [6, 34] for Q8_0. Only a square matrix looks alike.
# Matters  A capture that takes the number of KV heads or the head dimension from tensor.shape gets them swapped; with square projections it finds
#          out nothing until another model comes.
# Seen     gguf 0.19.0 (PyPI)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install gguf==0.19.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import gguf
import numpy as np

matrix = np.arange(6 * 32, dtype='float32').reshape(6, 32)
writer = gguf.GGUFWriter('x.gguf', 'llama')
writer.add_tensor('plain', matrix)
kind = gguf.GGMLQuantizationType.Q8_0
writer.add_tensor('quantized', gguf.quants.quantize(matrix, kind), raw_dtype=kind)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
seen = {tensor.name: (tensor.shape.tolist(), tensor.data.shape) for tensor in gguf.GGUFReader('x.gguf').tensors}
print('written as', matrix.shape)
for name, (shape, data) in seen.items():
    print(f'{name:10} shape {shape}, data.shape {list(data)}')
assert seen == {'plain': ([32, 6], (6, 32)), 'quantized': ([32, 6], (6, 34))}
PYTHON
