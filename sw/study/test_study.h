// SPDX-License-Identifier: Apache-2.0
// A study for the tests of what is written of it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sw/study/accuracy_study.h"

namespace aqpim::test {

// One head per error, D = 128. Each has FP16; int2-g32 with twice the error; pq8 as standard, and
// pq8 without a transform with twice the error.
inline study::Study make_study(const std::vector<double>& errors) {
  const study::Variant standard{.config = "pq8",
                                .transform = "auto",
                                .weights = true,
                                .centring = true,
                                .window = 256,
                                .clustering = "fixed"};
  study::Variant natural = standard;
  natural.transform = "none";
  study::Study study;
  study.workloads.push_back({.file = "folder/text.safetensors", .sha256 = "abc", .metadata = {}});
  for (std::size_t h = 0; h < errors.size(); ++h) {
    const std::string name = fmt::format("l0.h{}", h);
    study.heads.push_back({.workload = "folder/text.safetensors",
                           .name = name,
                           .tokens = 128,
                           .head_dim = 128,
                           .query_heads = 2,
                           .prefill = 96,
                           .queries = {120, 127}});
    const auto add = [&](const study::Variant& variant, bool is_standard, double bits,
                         double error) {
      study::Row row{.workload = "folder/text.safetensors",
                     .head = name,
                     .head_dim = 128,
                     .variant = variant,
                     .standard = is_standard,
                     .bits_per_element = bits,
                     .figures = {error, 1.0 - error, 2.0 * error, 1.0 - error / 2.0},
                     .outputs = {}};
      if (is_standard) {
        for (const std::size_t g : {0u, 1u}) {
          for (const std::size_t t : {120u, 127u}) {
            // Half as much for one query head, half more for the other.
            row.outputs.push_back({.query_head = g,
                                   .token = t,
                                   .relative_error = error * (g == 0 ? 0.5 : 1.5),
                                   .cosine = 1.0,
                                   .kl = 0.0,
                                   .top = 1.0});
          }
        }
      }
      study.rows.push_back(row);
    };
    add({.config = "fp16"}, true, 16.0, 0.0);
    add({.config = "int2-g32"}, true, 2.5, 2.0 * errors[h]);
    add(standard, true, 3.0, errors[h]);
    add(natural, false, 3.0, 2.0 * errors[h]);
  }
  return study;
}

}  // namespace aqpim::test
