// SPDX-License-Identifier: Apache-2.0
#include "sw/workload/workload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "sw/config/error.h"
#include "sw/config/json.h"
#include "sw/workload/capture.h"
#include "sw/workload/safetensors.h"
#include "sw/workload/variant.h"

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

std::set<HeadName> heads_in(const Capture& capture) {
  std::set<HeadName> heads;
  for (const std::string_view name : capture.names()) {
    if (auto head = head_of_tensor(name)) heads.insert(std::move(*head));
  }
  if (heads.empty()) {
    throw InputError(fmt::format(
        "{} holds no attention head: it has no tensors l{{layer}}.h{{kvhead}}.q, .k and .v",
        capture.path()));
  }
  return heads;
}

// Some of the names, for a message.
std::string listed(const std::set<HeadName>& heads) {
  constexpr std::size_t kMost = 16;
  std::vector<std::string> names;
  for (const HeadName& head : heads) {
    if (names.size() == kMost) break;
    names.push_back(head.text);
  }
  const std::string more =
      heads.size() > kMost ? fmt::format(" and {} more", heads.size() - kMost) : "";
  return fmt::format("{}{}", fmt::join(names, ", "), more);
}

std::set<HeadName> select(const Capture& capture, const std::vector<std::string>& wanted) {
  const std::set<HeadName> present = heads_in(capture);
  if (wanted.empty()) return present;
  std::set<HeadName> selected;
  for (const std::string& name : wanted) {
    const auto found = std::ranges::find(present, name, &HeadName::text);
    if (found == present.end()) {
      throw InputError(fmt::format("{} has no head {}, it has {}", capture.path(), in_quotes(name),
                                   listed(present)));
    }
    selected.insert(*found);
  }
  return selected;
}

const TensorInfo& find_tensor(const Capture& capture, const HeadName& head, char letter,
                              std::size_t rank, const char* dimensions) {
  const std::string name = fmt::format("{}.{}", head.text, letter);
  const TensorInfo* const info = capture.find(name);
  if (info == nullptr) {
    throw InputError(fmt::format("{}: head {} has no tensor {}", capture.path(), head.text, name));
  }
  if (info->dtype != "F16" && info->dtype != "BF16" && info->dtype != "F32") {
    const bool known = dtype_bits(info->dtype).has_value();
    throw InputError(fmt::format("{}: {} has dtype {}, allowed are F16, BF16 and F32",
                                 capture.path(), name,
                                 known ? info->dtype : in_quotes(info->dtype)));
  }
  if (info->shape.size() != rank || std::ranges::find(info->shape, 0u) != info->shape.end()) {
    throw InputError(fmt::format("{}: {} has shape [{}], it must be {} with nothing empty",
                                 capture.path(), name, fmt::join(info->shape, ", "), dimensions));
  }
  return *info;
}

// Models share a KV head among at most 128 query heads. A file that holds the queries of several
// tokens holds more of them than there are query heads, unless these are few.
constexpr std::size_t kMostGroups = 128;
constexpr std::size_t kFewGroups = 16;

void check_groups(const std::string& path, const HeadFacts& head, const TensorInfo& q,
                  bool queries_first) {
  const bool few_tokens = !queries_first && head.groups > kFewGroups && head.query_tokens > 1 &&
                          head.query_tokens < head.groups;
  if (head.groups <= kMostGroups && !few_tokens) return;
  throw InputError(fmt::format(
      "{}: {}.q has shape [{}], read as [{}] that is {} query heads with {} queries each; {}", path,
      head.name, fmt::join(q.shape, ", "), queries_first ? "Tq, G, D" : "G, Tq, D", head.groups,
      head.query_tokens,
      queries_first ? "without --queries-first it is [G, Tq, D]"
                    : "--queries-first takes it as [Tq, G, D]"));
}

HeadFacts facts_of(const Capture& capture, const HeadName& name, bool queries_first) {
  const TensorInfo& q =
      find_tensor(capture, name, 'q', 3, queries_first ? "[Tq, G, D]" : "[G, Tq, D]");
  const TensorInfo& k = find_tensor(capture, name, 'k', 2, "[T, D]");
  const TensorInfo& v = find_tensor(capture, name, 'v', 2, "[T, D]");
  const HeadFacts head{.name = name.text,
                       .layer = name.layer,
                       .kv_head = name.kv_head,
                       .tokens = k.shape[0],
                       .head_dim = k.shape[1],
                       .groups = q.shape[queries_first ? 1 : 0],
                       .query_tokens = q.shape[queries_first ? 0 : 1],
                       .q_dtype = *dtype_from_name(q.dtype),
                       .k_dtype = *dtype_from_name(k.dtype),
                       .v_dtype = *dtype_from_name(v.dtype)};
  const std::string& path = capture.path();
  if (k.shape != v.shape) {
    throw InputError(fmt::format("{}: {}.k has shape [{}], but .v has [{}]", path, name.text,
                                 fmt::join(k.shape, ", "), fmt::join(v.shape, ", ")));
  }
  if (q.shape[2] != head.head_dim) {
    throw InputError(fmt::format("{}: {}.q has {} channels, but .k has {}", path, name.text,
                                 q.shape[2], head.head_dim));
  }
  check_groups(path, head, q, queries_first);
  if (head.query_tokens > head.tokens) {
    throw InputError(fmt::format("{}: {}.q has {} tokens, more than the {} of .k", path, name.text,
                                 head.query_tokens, head.tokens));
  }
  return head;
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

void saturate(std::vector<float>& values) {
  constexpr float kLargestHalf = 65504.0f;
  float largest = kLargestHalf;
  for (const float value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  }
  for (float& value : values) {
    if (std::isnan(value)) value = 0.0f;
    if (std::isinf(value)) value = std::copysign(largest, value);
  }
}

// [Tq, G, D] as [G, Tq, D].
std::vector<float> heads_first(const std::vector<float>& queries, const HeadFacts& head) {
  std::vector<float> result(queries.size());
  for (std::size_t t = 0; t < head.query_tokens; ++t) {
    for (std::size_t g = 0; g < head.groups; ++g) {
      std::copy_n(&queries[(t * head.groups + g) * head.head_dim], head.head_dim,
                  &result[(g * head.query_tokens + t) * head.head_dim]);
    }
  }
  return result;
}

Head read_head(const Capture& capture, const HeadFacts& facts, const LoadOptions& options) {
  if (!facts.obstacle.empty()) {
    throw InputError(fmt::format("{}: {}", capture.path(), facts.obstacle));
  }
  const auto values = [&](const char* letter) {
    return to_floats(capture.tensor(fmt::format("{}.{}", facts.name, letter)));
  };
  Head head{facts, values("q"), values("k"), values("v")};
  if (options.queries_first) head.q = heads_first(head.q, facts);
  if (options.nonfinite == Nonfinite::kSaturate) {
    saturate(head.k);
    saturate(head.v);
  }
  check_finite(capture.path(), head);
  return head;
}

Head read_head_that_fits(const Capture& capture, const HeadFacts& facts,
                         const LoadOptions& options) {
  const auto too_large = [&] {
    const std::size_t values =
        (facts.groups * facts.query_tokens + 2 * facts.tokens) * facts.head_dim;
    return InputError(fmt::format("{}: there is not enough memory for the {:.1f} GB of head {}",
                                  capture.path(),
                                  1e-9 * sizeof(float) * static_cast<double>(values), facts.name));
  };
  try {
    return read_head(capture, facts, options);
  } catch (const std::bad_alloc&) {
    throw too_large();
  } catch (const std::length_error&) {
    throw too_large();
  }
}

}  // namespace

Workload open(const std::filesystem::path& path, const LoadOptions& options) {
  const auto capture = std::make_shared<const Capture>(path);
  Workload workload{
      .path = capture->path(),
      .files = capture->files(),
      .sha256 = {},
      .metadata = capture->metadata(),
      .queries_first = options.queries_first,
      .heads = {},
      .read = [capture, options](
                  const HeadFacts& head) { return read_head_that_fits(*capture, head, options); },
      .digest = [capture] { return capture->sha256(); }};
  for (const HeadName& name : select(*capture, options.heads)) {
    HeadFacts& head = workload.heads.emplace_back(facts_of(*capture, name, options.queries_first));
    const bool sink_logits = capture->find(head.name + ".sink_logits") != nullptr;
    head.obstacle = variant_obstacle(head, workload.metadata, sink_logits);
  }
  return workload;
}

Workload load(const std::filesystem::path& path, const LoadOptions& options) {
  Workload workload = open(path, options);
  for (const HeadFacts& head : workload.heads) workload.read(head);
  workload.sha256 = workload.digest();
  return workload;
}

std::string stem(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  for (const std::string_view ending : {".json", ".index", ".safetensors"}) {
    if (name.ends_with(ending) && name.size() > ending.size()) {
      name.resize(name.size() - ending.size());
    }
  }
  return name;
}

}  // namespace aqpim::workload
