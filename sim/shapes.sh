#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which configurations, memories and pseudo-channels there are (sim/shapes.cpp, which says more):
#
#   shapes.sh write [CONFIGS MEMORIES]                  prints them as JSON
#   shapes.sh check [--config NAMES] [--memory NAME]    a sentence and exit code 2, if one of these is not legal
#
# The program is built first where it is older than its sources; that takes g++, fmt and nlohmann-json, not CMake.
set -eu
cd "$(dirname "$0")/.."
folder=build/shapes
sources='sim/shapes.cpp sw/config/channel.cpp sw/config/config.cpp sw/config/json.cpp sw/config/json_object.cpp
  sw/config/memory.cpp'

build() {
  # `set -e` is off here.
  exec 8>$folder/lock && flock 8 || return 1
  # shellcheck disable=SC2086
  newer=$(find $sources sw/config/*.h sim/shapes.sh -newer $folder/shapes 2>/dev/null) || newer=all
  [ -n "$newer" ] || return 0
  compiler=${CXX:-g++}
  command -v ccache >/dev/null && compiler="ccache $compiler"
  objects=
  jobs=
  for source in $sources; do
    object=$folder/$(basename "$source" .cpp).o
    $compiler -std=c++20 -O0 -I. -c "$source" -o "$object" &
    objects="$objects $object"
    jobs="$jobs $!"
  done
  for job in $jobs; do wait "$job" || return 1; done
  # shellcheck disable=SC2086
  ${CXX:-g++} $objects -lfmt -o $folder/shapes.new && mv $folder/shapes.new $folder/shapes
}

mkdir -p $folder
build >$folder.log 2>&1 || { cat $folder.log >&2; echo "sim/shapes.cpp cannot be built" >&2; exit 1; }
command=$1
shift
if [ "$command" = write ] && [ $# = 2 ]; then
  exec $folder/shapes write "$@"
fi
exec $folder/shapes "$command" configs configs/memory "$@"
