// SPDX-License-Identifier: Apache-2.0
//
// The parts of the module aqpim._core. The package's Python files document what users call.
#pragma once

#include <pybind11/pybind11.h>

namespace aqpim::python {

void bind_workload(pybind11::module_& module);
void bind_quantize(pybind11::module_& module);
void bind_attention(pybind11::module_& module);

}  // namespace aqpim::python
