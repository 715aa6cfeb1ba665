// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/workload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <tuple>

#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/workload/safetensors.h"

namespace aqpim::workload {

namespace {

struct HeadName {
  unsigned layer = 0;
  unsigned kv_head = 0;
  std::string text;

  auto operator<=>(const HeadName&) const = default;
};

// Takes `prefix` and a decimal number off the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, char prefix) {
  if (text.empty() || text.front() != prefix) return std::nullopt;
  unsigned number = 0;
  const char* const begin = text.data() + 1;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(begin, end, number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return number;
}

// The head that a tensor of this name belongs to.
std::optional<HeadName> head_of_tensor(std::string_view tensor) {
  std::string_view rest = tensor;
  const auto layer = take_number(rest, 'l');
  if (!layer || rest.empty() || rest.front() != '.') return std::nullopt;
  rest.remove_prefix(1);
  const auto kv_head = take_number(rest, 'h');
  if (!kv_head || (rest != ".q" && rest != ".k" && rest != ".v")) return std::nullopt;
  return HeadName{*layer, *kv_head, std::string(tensor.substr(0, tensor.size() - rest.size()))};
}

std::set<HeadName> heads_in(const Reader& reader) {
  std::set<HeadName> heads;
  for (const auto& [name, info] : reader.header().tensors) {
    if (auto head = head_of_tensor(name)) heads.insert(std::move(*head));
  }
  if (heads.empty()) {
    throw InputError(fmt::format(
        "{} holds no attention head: it has no tensors l{{layer}}.h{{kvhead}}.q, .k and .v",
        reader.path()));
  }
  return heads;
}

std::set<HeadName> select(const Reader& reader, const std::vector<std::string>& wanted) {
  const std::set<HeadName> present = heads_in(reader);
  if (wanted.empty()) return present;
  std::set<HeadName> selected;
  for (const std::string& name : wanted) {
    const auto found = std::ranges::find(present, name, &HeadName::text);
    if (found == present.end()) {
      std::vector<std::string> names;
      for (const HeadName& head : present) names.push_back(head.text);
      throw InputError(fmt::format("{} has no head {}, it has {}", reader.path(), in_quotes(name),
                                   fmt::join(names, ", ")));
    }
    selected.insert(*found);
  }
  return selected;
}

const TensorInfo& find_tensor(const Reader& reader, const HeadName& head, char letter,
                              std::size_t rank, const char* dimensions) {
  const std::string name = fmt::format("{}.{}", head.text, letter);
  const auto& tensors = reader.header().tensors;
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw InputError(fmt::format("{}: head {} has no tensor {}", reader.path(), head.text, name));
  }
  const TensorInfo& info = found->second;
  if (info.dtype != Dtype::kF16 && info.dtype != Dtype::kBf16 && info.dtype != Dtype::kF32) {
    throw InputError(fmt::format("{}: {} has dtype {}, allowed are F16, BF16 and F32",
                                 reader.path(), name, dtype_name(info.dtype)));
  }
  if (info.shape.size() != rank || std::ranges::find(info.shape, 0u) != info.shape.end()) {
    throw InputError(fmt::format("{}: {} has shape [{}], it must be {} with nothing empty",
                                 reader.path(), name, fmt::join(info.shape, ", "), dimensions));
  }
  return info;
}

// Index of the first element that is NaN or infinite.
std::optional<std::size_t> first_non_finite(const std::vector<float>& values) {
  const auto found = std::ranges::find_if_not(values, [](float x) { return std::isfinite(x); });
  if (found == values.end()) return std::nullopt;
  return static_cast<std::size_t>(found - values.begin());
}

const char* non_finite_name(float value) { return std::isnan(value) ? "NaN" : "an infinite value"; }

void check_finite(const std::string& path, const Head& head) {
  for (const auto& [letter, values] : {std::pair('k', &head.k), std::pair('v', &head.v)}) {
    if (const auto index = first_non_finite(*values)) {
      throw InputError(fmt::format("{}: {}.{} has {} at token {}, channel {}", path, head.name,
                                   letter, non_finite_name((*values)[*index]),
                                   *index / head.head_dim, *index % head.head_dim));
    }
  }
  if (const auto index = first_non_finite(head.q)) {
    const std::size_t row = *index / head.head_dim;
    throw InputError(fmt::format(
        "{}: {}.q has {} at query head {}, token {}, channel {}", path, head.name,
        non_finite_name(head.q[*index]), row / head.query_tokens,
        head.tokens - head.query_tokens + row % head.query_tokens, *index % head.head_dim));
  }
}

float largest_finite(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF16:
      return 65504.0f;
    case Dtype::kBf16:
      return 0x1.FEp127f;
    default:
      return std::numeric_limits<float>::max();
  }
}

void saturate(std::vector<float>& values, Dtype dtype) {
  for (float& value : values) {
    if (std::isnan(value)) value = 0.0f;
    if (std::isinf(value)) value = std::copysign(largest_finite(dtype), value);
  }
}

Head load_head(Reader& reader, const HeadName& name, Nonfinite nonfinite) {
  const TensorInfo& q = find_tensor(reader, name, 'q', 3, "[G, Tq, D]");
  const TensorInfo& k = find_tensor(reader, name, 'k', 2, "[T, D]");
  const TensorInfo& v = find_tensor(reader, name, 'v', 2, "[T, D]");
  if (k.shape != v.shape) {
    throw InputError(fmt::format("{}: {}.k has shape [{}], but .v has [{}]", reader.path(),
                                 name.text, fmt::join(k.shape, ", "), fmt::join(v.shape, ", ")));
  }
  if (q.shape[2] != k.shape[1]) {
    throw InputError(fmt::format("{}: {}.q has {} channels, but .k has {}", reader.path(),
                                 name.text, q.shape[2], k.shape[1]));
  }
  if (q.shape[1] > k.shape[0]) {
    throw InputError(fmt::format("{}: {}.q has {} tokens, more than the {} of .k", reader.path(),
                                 name.text, q.shape[1], k.shape[0]));
  }

  Head head{.name = name.text,
            .layer = name.layer,
            .kv_head = name.kv_head,
            .tokens = k.shape[0],
            .head_dim = k.shape[1],
            .groups = q.shape[0],
            .query_tokens = q.shape[1],
            .q_dtype = q.dtype,
            .k_dtype = k.dtype,
            .v_dtype = v.dtype,
            .q = to_floats(reader.tensor(name.text + ".q")),
            .k = to_floats(reader.tensor(name.text + ".k")),
            .v = to_floats(reader.tensor(name.text + ".v"))};
  if (nonfinite == Nonfinite::kSaturate) {
    saturate(head.k, head.k_dtype);
    saturate(head.v, head.v_dtype);
  }
  check_finite(reader.path(), head);
  return head;
}

}  // namespace

Workload load(const std::filesystem::path& path, const std::vector<std::string>& heads,
              Nonfinite nonfinite) {
  Reader reader(path);
  Workload workload{
      .path = reader.path(), .sha256 = {}, .metadata = reader.header().metadata, .heads = {}};
  for (const HeadName& name : select(reader, heads)) {
    workload.heads.push_back(load_head(reader, name, nonfinite));
  }
  workload.sha256 = reader.sha256();
  return workload;
}

}  // namespace aqpim::workload
