#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the virtual environment build/models: torch, transformers, and the package aqpim. PYTHON names the interpreter.
# torch, and accelerate, which wants torch, come without the GPU libraries that it depends on (cpu_torch.py): 0.6 GB instead of
# several. What is there already is left as it is.
set -eu
cd "$(dirname "$0")/.."
folder=build/models
pip="$folder/bin/pip -q --disable-pip-version-check install"
[ -x $folder/bin/python ] || ${PYTHON:-python3} -m venv $folder
$pip --no-deps torch==2.15.0 nvidia-cuda-runtime==13.2.86 accelerate==1.15.0
$pip -r python/models_requirements.txt
$folder/bin/python python/cpu_torch.py "$($folder/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
$pip --no-build-isolation --no-deps ./python
echo "$folder/bin/aqpim-capture writes the heads of a model"
