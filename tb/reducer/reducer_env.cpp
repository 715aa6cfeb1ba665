// SPDX-License-Identifier: Apache-2.0
#include "tb/reducer/reducer_env.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tb/common/run_failed.h"

namespace aqpim::tb {

namespace {

// Cycles without a word taken or an answer after which the reducer counts as hanging.
constexpr unsigned kPatience = 1000;

}  // namespace

ReducerStatistics& ReducerStatistics::operator+=(const ReducerStatistics& other) {
  reductions += other.reductions;
  words += other.words;
  cycles += other.cycles;
  stalls += other.stalls;
  return *this;
}

ReducerEnv::ReducerEnv(const config::Configuration& configuration, std::uint64_t seed)
    : configuration_(configuration),
      model_(make_reducer_model(configuration.name)),
      random_(seed, "reducer") {
  model_->power_up(random_.bits());
  inputs_.reset = true;
  for (int cycle = 0; cycle < 2; ++cycle) model_->cycle(inputs_);
  inputs_.reset = false;
}

ReducerOutputs ReducerEnv::step() {
  const ReducerOutputs outputs = model_->cycle(inputs_);
  ++statistics_.cycles;
  if (outputs.centroid_valid) {
    const auto first = outputs.centroid.begin();
    collected_.centroids.insert(collected_.centroids.end(), first,
                                first + configuration_.engine.word_bytes());
  }
  if (outputs.elements_valid) {
    const auto first = outputs.elements.begin();
    collected_.codebook.insert(collected_.codebook.end(), first,
                               first + configuration_.engine.slice_channels());
  }
  if (model_->failed_assertions() > 0) {
    throw RunFailed(fmt::format("{}: an assertion of the reducer failed", configuration_.name));
  }
  return outputs;
}

golden::Reduced ReducerEnv::reduce(std::span<const std::vector<std::uint8_t>> partials, bool values,
                                   Pace pace) {
  const config::EngineConfig& engine = configuration_.engine;
  const golden::Reduced expected = golden::reduce(partials, engine, values);
  const std::size_t bytes = engine.word_bytes();
  collected_ = {};
  const auto check_patience = [&](unsigned waited) {
    if (waited < kPatience) return;
    throw RunFailed(fmt::format("{}: the reducer hangs", configuration_.name));
  };
  for (unsigned c = 0; c < engine.centroids(); ++c) {
    for (const std::vector<std::uint8_t>& part : partials) {
      for (unsigned w = 0; w < engine.record_words(); ++w) {
        inputs_.word_valid = false;
        for (unsigned gap = pace.gap(random_); gap > 0; --gap) step();
        inputs_.word_valid = true;
        inputs_.last_part = static_cast<std::uint8_t>(partials.size() - 1);
        inputs_.values = values;
        std::memcpy(inputs_.word.data(),
                    part.data() + (std::size_t{c} * engine.record_words() + w) * bytes, bytes);
        unsigned waited = 0;
        for (; !step().word_ready; ++waited) check_patience(waited);
        statistics_.stalls += waited;
        ++statistics_.words;
      }
    }
  }
  inputs_.word_valid = false;
  for (unsigned waited = 0; collected_.centroids.size() < expected.centroids.size() ||
                            collected_.codebook.size() < expected.codebook.size();
       ++waited) {
    check_patience(waited);
    step();
  }
  ++statistics_.reductions;
  golden::Reduced reduced = std::exchange(collected_, {});
  compare(reduced, expected);
  return reduced;
}

void ReducerEnv::compare(const golden::Reduced& reduced, const golden::Reduced& expected) {
  const auto compare_bytes = [&](const char* what, const std::vector<std::uint8_t>& actual,
                                 const std::vector<std::uint8_t>& wanted, std::size_t size) {
    for (std::size_t at = 0; at < wanted.size(); at += size) {
      const bool same = at + size <= actual.size() &&
                        std::equal(wanted.begin() + static_cast<std::ptrdiff_t>(at),
                                   wanted.begin() + static_cast<std::ptrdiff_t>(at + size),
                                   actual.begin() + static_cast<std::ptrdiff_t>(at));
      tally_.compared(1, !same);
      if (same) continue;
      tally_.problem(fmt::format("{}: the reducer differs in {} of channel {} of centroid {}",
                                 configuration_.name, what,
                                 at / size % configuration_.engine.slice_channels(),
                                 at / size / configuration_.engine.slice_channels()));
    }
    if (actual.size() > wanted.size()) {
      tally_.problem(fmt::format("{}: the reducer gave too much", configuration_.name));
    }
  };
  compare_bytes("the element", reduced.centroids, expected.centroids, 2);
  compare_bytes("the stored element", reduced.codebook, expected.codebook, 1);
}

}  // namespace aqpim::tb
