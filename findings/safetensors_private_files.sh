#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    A file that save_file writes has the permissions that the umask gives every new file, 644 as a rule; and a file that is written
#          again keeps those that it has.
# Reality  safetensors 0.8 writes a temporary file and renames it, and what it leaves can be read by its owner alone, whatever the umask, even
#          in the place of a file that everybody could read. 0.7 still gave 644.
# Matters  A capture that one account makes and another plays (a container, a CI job, a shared machine) fails with "permission denied" after
#          an upgrade of a library. os.chmod after save_file, or a writer of one's own.
# Seen     safetensors 0.8.0 and 0.7.0 (PyPI), numpy 2.4.6
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
cd "$work"
umask 022
"$work/venv/bin/pip" -q install numpy==2.4.6
for version in 0.7.0 0.8.0; do
  "$work/venv/bin/pip" -q install "safetensors==$version"
  "$work/venv/bin/python" - <<'PYTHON'
import os

import numpy
import safetensors
from safetensors.numpy import save_file

tensors = {'x': numpy.zeros(3, 'float32')}
save_file(tensors, f'{safetensors.__version__}.safetensors')
open('again', 'w').close()
os.chmod('again', 0o644)
save_file(tensors, 'again')
modes = [oct(os.stat(name).st_mode & 0o777) for name in (f'{safetensors.__version__}.safetensors', 'again')]
print('safetensors', safetensors.__version__, 'new file', modes[0], 'in the place of another', modes[1])
assert modes == (['0o600', '0o600'] if safetensors.__version__ == '0.8.0' else ['0o644', '0o644']), 'changed'
PYTHON
done
