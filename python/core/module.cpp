// SPDX-License-Identifier: Apache-2.0
#include "python/core/module.h"

#include <exception>

#include "sw/config/error.h"

PYBIND11_MODULE(_core, module) {
  namespace py = pybind11;
  module.doc() = "Quantizer, golden engine and references of aqpim in C++.";
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const aqpim::InputError& error) {
      const py::object kind = py::module_::import("aqpim.errors").attr("InputError");
      PyErr_SetString(kind.ptr(), error.what());
    }
  });
  aqpim::python::bind_workload(module);
  aqpim::python::bind_quantize(module);
  aqpim::python::bind_attention(module);
}
