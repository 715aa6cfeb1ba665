#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    pybind11's numpy.h asks numpy for its C interface, so a module compiled with pybind11 2.10 (Debian 12's) either works with
#          numpy 2 or fails when it is imported.
# Reality  It imports, and lies: pybind11 declares the layout of numpy 1's array descriptor itself, and under numpy 2 reads an element
#          size of 0 from it. array.itemsize() and array.nbytes() are 0, shape and dtype().kind() are right. There is no error.
# Matters  Caches and workloads cross between C++ and Python as arrays; one that counts nbytes() copies nothing. Debian 12 has this pybind11,
#          and every virtual environment has numpy 2. The buffer protocol (py::buffer) has no such problem.
# Seen     pybind11 2.10.3 (PyPI, and Debian 12's python3-pybind11), numpy 2.4.6; right with numpy 1.26.4, and with pybind11 2.12.0.
#          Needs g++ and the headers of Python.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >sizes.cpp <<'CPP'
#include <pybind11/numpy.h>
PYBIND11_MODULE(NAME, module) {
  module.def("array", [](pybind11::array x) { return pybind11::make_tuple(x.shape(0), std::string(1, x.dtype().kind()), x.itemsize(), x.nbytes()); });
  module.def("buffer", [](pybind11::buffer x) { return x.request().itemsize; });
}
CPP
python3 -m venv venv
for version in 2.10.3 2.12.0; do
  venv/bin/pip -q install "pybind11==$version"
  name=sizes_$(echo $version | tr . _)
  # shellcheck disable=SC2046
  g++ -std=c++17 -shared -fPIC "-DNAME=$name" $(venv/bin/python -m pybind11 --includes) sizes.cpp -o "$name.so"
done
for version in 1.26.4 2.4.6; do
  venv/bin/pip -q install "numpy==$version"
  venv/bin/python -W ignore - $version <<'PYTHON'
import sys
import numpy
import sizes_2_10_3 as old
import sizes_2_12_0 as new
x = numpy.zeros(5, 'float32')
print('numpy', numpy.__version__, 'length, kind, itemsize, nbytes: pybind11 2.10.3', old.array(x), '2.12.0', new.array(x), 'buffer', old.buffer(x))
right = (5, 'f', 4, 20)
assert new.array(x) == right and old.buffer(x) == 4
assert old.array(x) == (right if sys.argv[1][0] == '1' else (5, 'f', 0, 0)), 'mended'
PYTHON
done
