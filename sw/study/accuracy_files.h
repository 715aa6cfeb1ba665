// SPDX-License-Identifier: Apache-2.0
//
// The JSON of a study, accuracy.json, which everything else that is written is made from
// (sw/report/pages.h): its rows, and summaries over the heads. Nothing is measured here.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sw/study/accuracy_study.h"

namespace aqpim::study {

// One figure over the heads; the worst is the largest of errors and divergences, the smallest of
// cosines and shares.
struct Spread {
  double mean = 0.0;
  double median = 0.0;
  double worst = 0.0;

  bool operator==(const Spread&) const = default;
};

// A variant over all heads of one dimension.
struct Summary {
  std::size_t head_dim = 0;
  Variant variant;
  bool standard = false;
  std::size_t heads = 0;
  double bits_per_element = 0.0;  // mean
  Spread relative_error, cosine, kl, top32;
  std::string worst_head;  // of the relative error, "head of workload"
};

// Ordered by dimension, then variant.
std::vector<Summary> summarize(const std::vector<Row>& rows);

// `command` is what to type to get it.
nlohmann::ordered_json to_json(const Study& study, const std::string& command);

}  // namespace aqpim::study
