// SPDX-License-Identifier: Apache-2.0
//
// How a study is written: accuracy.csv (a row per head and variant), accuracy.json (summaries over
// the heads) and accuracy.md (the tables of docs/results.md). Nothing is measured here.
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

// workload,head,config,transform,weights,centring,window,clustering,bits_per_element,
// relative_error,cosine,kl,top32. Booleans are 0 and 1. A workload with a comma or a quotation mark
// in its path is quoted as RFC 4180 has it.
std::string to_csv(const Study& study);

nlohmann::ordered_json to_json(const Study& study);
// to_json() as text. Strings that are not UTF-8 (paths) have their bad bytes replaced.
std::string to_json_text(const Study& study);

// Tables for people. `command` is what to type to get them.
std::string to_markdown(const Study& study, const std::string& command);

}  // namespace aqpim::study
