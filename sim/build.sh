#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configures build/$1 and builds targets in it: build.sh TREE [-D...]... TARGET...
# VERILATOR: the command of Verilator (default: verilator).
# One at a time per checkout, so that `make -j2 sim test` is safe.
set -eu
tree=build/$1
shift
options=
while [ $# -gt 0 ] && [ "${1#-D}" != "$1" ]; do
  options="$options $1"
  shift
done

mkdir -p "$tree"
exec 9>build/.lock
flock 9
# A cache names the folder it was made in; the checkout may have moved since.
home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$tree/CMakeCache.txt" 2>/dev/null) || home=
[ -z "$home" ] || [ "$home" = "$PWD" ] || rm -rf "$tree"

# What ccache asks for where headers are precompiled; and no run of the preprocessor alone before each compilation.
export CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1

# Configured every time: it takes a second, and packages may have come since the last time.
# shellcheck disable=SC2086
cmake -S . -B "$tree" -G Ninja "-DVERILATOR=${VERILATOR:-verilator}" $options >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
cmake --build "$tree" -j "${JOBS:-$(nproc)}" --target "$@"
