// SPDX-License-Identifier: Apache-2.0
// Reading workloads, configurations, and whole safetensors files.
#include "sw/workload/workload.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/core/convert.h"
#include "python/core/module.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/workload/safetensors.h"

namespace aqpim::python {

namespace {

using workload::Head;
using workload::HeadFacts;
using workload::Workload;

Workload open_workload(const std::string& path, std::vector<std::string> heads, bool queries_first,
                       bool allow_nonfinite) {
  return workload::open(path, {.heads = std::move(heads),
                               .nonfinite = allow_nonfinite ? workload::Nonfinite::kSaturate
                                                            : workload::Nonfinite::kRefuse,
                               .queries_first = queries_first});
}

const HeadFacts& head_of(const Workload& workload, const std::string& name) {
  const auto found = std::ranges::find(workload.heads, name, &HeadFacts::name);
  if (found == workload.heads.end()) throw py::key_error(name);
  return *found;
}

Head make_head(std::string name, std::size_t groups, std::size_t query_tokens, std::size_t tokens,
               std::size_t head_dim, const py::buffer& q, const py::buffer& k,
               const py::buffer& v) {
  Head head;
  head.name = std::move(name);
  head.tokens = tokens;
  head.head_dim = head_dim;
  head.groups = groups;
  head.query_tokens = query_tokens;
  head.q = elements<float>(q);
  head.k = elements<float>(k);
  head.v = elements<float>(v);
  return head;
}

std::vector<std::string> names_of(const Workload& workload) {
  std::vector<std::string> names;
  for (const HeadFacts& head : workload.heads) names.push_back(head.name);
  return names;
}

py::dict configuration(const std::string& name) {
  const config::Configuration& found = config::find_configuration(name);
  py::dict engine;
  for (const auto& [key, value] : config::rtl_parameters(found.engine)) engine[key.c_str()] = value;
  py::dict result;
  result["name"] = found.name;
  result["description"] = found.description;
  result["engine"] = engine;
  result["window"] = found.window;
  result["append_block"] = found.append_block;
  result["subspaces"] = found.engine.subspaces();
  result["centroids"] = found.engine.centroids();
  return result;
}

std::vector<std::string> configuration_names() {
  const std::vector<std::string_view> names = config::configuration_names();
  return {names.begin(), names.end()};
}

// Metadata, and tensors as tuples of their format in the file, shape and bytes.
py::tuple read_file(const std::string& path) {
  const workload::File file = workload::read(path);
  py::dict tensors;
  for (const auto& [name, tensor] : file.tensors) {
    tensors[name.c_str()] = py::make_tuple(
        std::string(workload::dtype_name(tensor.dtype)), py::tuple(py::cast(tensor.shape)),
        py::bytes(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()));
  }
  return py::make_tuple(file.metadata, tensors);
}

py::tuple facts(const Head& h) {
  return py::make_tuple(h.name, h.groups, h.query_tokens, h.tokens, h.head_dim);
}

py::tuple queries(const Head& h) { return array({h.groups, h.query_tokens, h.head_dim}, h.q); }
py::tuple keys(const Head& h) { return array({h.tokens, h.head_dim}, h.k); }
py::tuple values(const Head& h) { return array({h.tokens, h.head_dim}, h.v); }

}  // namespace

void bind_workload(py::module_& module) {
  py::class_<Head, std::shared_ptr<Head>>(module, "Head")
      .def(py::init(&make_head))
      .def_property_readonly("facts", &facts)
      .def_property_readonly("q", &queries)
      .def_property_readonly("k", &keys)
      .def_property_readonly("v", &values);
  py::class_<Workload, std::shared_ptr<Workload>>(module, "Workload")
      .def(py::init(&open_workload))
      .def_readonly("path", &Workload::path)
      .def_readonly("metadata", &Workload::metadata)
      .def_property_readonly("names", &names_of)
      .def("read", [](const Workload& workload,
                      const std::string& name) { return workload.read(head_of(workload, name)); })
      .def("sha256", [](const Workload& workload) { return workload.digest(); });
  module.def("configuration", &configuration);
  module.def("configuration_names", &configuration_names);
  module.def("read_file", &read_file);
}

}  // namespace aqpim::python
