// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/engine_coverage.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace aqpim::tb {

namespace {

using golden::Operation;
using golden::RegisterSelect;

const CoverPoint::Axis kOperations = {"TABLE", "SCORE", "ACCUMULATE", "COMBINE"};
const CoverPoint::Axis kStates = {"idle", "TABLE", "SCORE", "ACCUMULATE", "COMBINE"};
const CoverPoint::Axis kSelects = {"CONTROL", "QUERY", "SHIFT", "BIAS"};

constexpr unsigned kShortestRun = 8;
constexpr unsigned kLongestRun = 128;
constexpr unsigned kLargestShift = 15;
constexpr unsigned kLargestFraction = 15;

std::size_t number(Operation operation) { return static_cast<std::size_t>(operation); }

// A reserved operation never runs.
std::size_t state(const std::optional<Operation>& operation) {
  return operation && number(*operation) < kOperations.size() ? number(*operation) + 1 : 0;
}

std::uint16_t half_word(std::span<const std::uint8_t> bytes, std::size_t index) {
  return static_cast<std::uint16_t>(bytes[2 * index] | bytes[2 * index + 1] << 8);
}

enum Element { kZero, kSubnormal, kNormal, kInfinite, kNan };

Element element_of(std::uint16_t bits, bool bfloat16) {
  const unsigned fraction_bits = bfloat16 ? 7 : 10;
  const unsigned fraction = bits & ((1u << fraction_bits) - 1);
  const unsigned exponent = (bits & 0x7fffu) >> fraction_bits;
  const unsigned largest = 0x7fffu >> fraction_bits;
  if (exponent == 0) return fraction == 0 ? kZero : kSubnormal;
  if (exponent == largest) return fraction == 0 ? kInfinite : kNan;
  return kNormal;
}

}  // namespace

EngineCoverage::EngineCoverage(const config::Configuration& configuration, Monitor& monitor,
                               const golden::Engine& golden)
    : config_(configuration.engine),
      golden_(golden),
      coverage_(configuration.name),
      operations_(coverage_.add("operation", {kOperations, {"first", "next"}})),
      paces_(coverage_.add("spacing of the words",
                           {kOperations, {"every cycle", "gaps of one cycle", "other gaps"}})),
      delays_(coverage_.add("cycles before the first word", {kOperations, {"0", "1 or more"}})),
      tokens_(coverage_.add("tokens of a command", {{"SCORE", "ACCUMULATE"},
                                                    {"0", "1", "2-15", "16 or more",
                                                     "all of the "
                                                     "memory"}})),
      handover_(
          coverage_.add("command", {kOperations, {"given when idle", "waiting for its turn"}})),
      refusals_(coverage_.add("refused command", {kOperations, {"first", "next"}})),
      writes_(coverage_.add("register write", {kSelects, kStates})),
      illegal_writes_(coverage_.add("refused register write",
                                    {"CONTROL index", "QUERY index", "SHIFT index", "BIAS index",
                                     "small fraction", "small bias run", "large bias run"})),
      bias_runs_(coverage_.add("tokens per bias", {"none", "8", "9-127", "128"})),
      fractions_(coverage_.add("table fraction", {"smallest", "between", "15"})),
      shifts_(coverage_.add("shift of a sub-space", {"0", "1-14", "15"})),
      elements_(coverage_.add("query element", {{"binary16", "bfloat16"},
                                                {"zero", "subnormal", "normal", "Inf", "NaN"}})),
      stray_(coverage_.add("word outside the stream", {"idle", "check", "fill", "drain"})),
      reads_(coverage_.add(
          "result read",
          {"outputs when idle", "status when idle", "outputs in TABLE", "outputs in SCORE",
           "outputs in ACCUMULATE", "in COMBINE", "beyond the end", "before the first COMBINE"})),
      resets_(coverage_.add("reset during", {kStates})),
      flags_(coverage_.add(
          "flag in the status",
          {{"nonfinite", "query saturated", "table saturated", "score saturated", "protocol"},
           {"0", "1"}})),
      maxima_(coverage_.add("maximum", {"lowest", "negative", "0", "positive", "highest"})),
      scores_(coverage_.add("score", {"lowest", "negative", "0", "positive", "highest"})),
      weights_(coverage_.add("weight", {"0", "1 unit", "between", "largest"})),
      windows_(coverage_.add("codebook windows of a tile", {"1", "2", "3 or more"})),
      parts_(coverage_.add("ACCUMULATE commands before a COMBINE", {"0", "1", "2 or more"})),
      fullness_(coverage_.add("tokens of a tile", {"0", "1", "some", "all of the memory"})),
      hazards_(coverage_.add("same code twice in a row in a lane",
                             {{"SCORE", "ACCUMULATE"}, {"back to back", "after a gap"}})) {
  // A first TABLE is like any other; it is never refused; a first COMBINE only lacks buckets.
  for (const std::size_t first : {0u, 1u}) refusals_.ignore({number(Operation::kTable), first});
  // The end of a stream always comes from the engine.
  monitor.resets.subscribe([this](const ResetSeen& seen) { reset(seen); });
  monitor.writes.subscribe([this](const WriteSeen& seen) { write(seen); });
  monitor.commands.subscribe([this](const CommandSeen& seen) { command(seen); });
  monitor.refusals.subscribe([this](const RefusalSeen& seen) { refusal(seen); });
  monitor.operations.subscribe([this](const OperationSeen& seen) { operation(seen); });
  monitor.stray_words.subscribe([this](const StrayWordSeen& seen) { stray_word(seen); });
  monitor.reads.subscribe([this](const ReadSeen& seen) { read(seen); });
  monitor.results.subscribe([this](const ResultSeen& seen) { result(seen); });
}

void EngineCoverage::reset(const ResetSeen& seen) {
  resets_.hit(state(seen.during));
  bfloat16_ = false;
  bias_run_ = 0;
  outputs_begun_ = false;
  windows_seen_ = parts_seen_ = 0;
  last_read_.reset();
}

void EngineCoverage::write(const WriteSeen& seen) {
  writes_.hit({static_cast<std::size_t>(seen.write.select), state(seen.during)});
  if (seen.during == Operation::kTable || seen.during == Operation::kScore) return;
  const std::size_t first_byte = seen.write.index * std::size_t{config_.word_bytes()};
  const auto in_range = [&](std::size_t bytes) {
    if (first_byte < bytes) return true;
    illegal_writes_.hit(static_cast<std::size_t>(seen.write.select));
    return false;
  };
  switch (seen.write.select) {
    case RegisterSelect::kControl:
      if (in_range(1)) control(seen);
      break;
    case RegisterSelect::kQuery:
      if (in_range(2 * config_.head_dim)) query(seen);
      break;
    case RegisterSelect::kShift:
      if (!in_range(config_.subspaces())) break;
      for (const std::uint8_t byte : seen.write.data) {
        const unsigned shift = byte & kLargestShift;
        shifts_.hit(shift == 0 ? 0 : shift < kLargestShift ? 1 : 2);
      }
      break;
    case RegisterSelect::kBias:
      in_range(2 * config_.bias_depth);
      break;
  }
}

void EngineCoverage::control(const WriteSeen& seen) {
  const unsigned fraction = seen.write.data[0] & 15u;
  const unsigned run = seen.write.data[1];
  enum { kSmallFraction = 4, kSmallRun, kLargeRun };
  if (fraction < config_.score_fraction) return illegal_writes_.hit(kSmallFraction);
  if (run > kLongestRun) return illegal_writes_.hit(kLargeRun);
  if (run != 0 && run < kShortestRun) return illegal_writes_.hit(kSmallRun);
  fractions_.hit(fraction == config_.score_fraction ? 0 : fraction < kLargestFraction ? 1 : 2);
  bfloat16_ = (seen.write.data[0] & 0x10) != 0;
  bias_run_ = run;
}

void EngineCoverage::query(const WriteSeen& seen) {
  for (std::size_t i = 0; i < seen.write.data.size() / 2; ++i) {
    elements_.hit({bfloat16_, element_of(half_word(seen.write.data, i), bfloat16_)});
  }
}

void EngineCoverage::command(const CommandSeen& seen) {
  if (number(seen.operation) < kOperations.size()) {
    handover_.hit({number(seen.operation), seen.waited});
  }
}

void EngineCoverage::refusal(const RefusalSeen& seen) {
  refusals_.hit({number(seen.command.operation), !seen.command.first});
}

void EngineCoverage::operation(const OperationSeen& seen) {
  const std::size_t operation = number(seen.command.operation);
  operations_.hit({operation, !seen.command.first});
  if (seen.words > 1) {
    paces_.hit({operation, seen.gaps == 0 ? 0u : seen.gaps == seen.words - 1 ? 1u : 2u});
  }
  if (seen.words > 0) delays_.hit({operation, seen.start_delay > 0});
  switch (seen.command.operation) {
    case Operation::kTable:
      break;
    case Operation::kScore:
      scored(seen);
      break;
    case Operation::kAccumulate:
      accumulated(seen);
      break;
    case Operation::kCombine:
      outputs_begun_ = true;
      if (seen.command.first) windows_seen_ = 0;
      ++windows_seen_;
      parts_.hit(std::min<std::size_t>(parts_seen_, 2));
      parts_seen_ = 0;
      break;
    default:
      break;
  }
  if (seen.command.operation == Operation::kScore ||
      seen.command.operation == Operation::kAccumulate) {
    const unsigned tokens = seen.command.tokens;
    tokens_.hit({operation - 1, tokens == config_.score_depth ? 4u
                                : tokens >= 16                ? 3u
                                : tokens >= 2                 ? 2u
                                                              : tokens});
    // Words of neighbouring tokens with the same byte at the same place.
    const std::size_t token_bytes = std::size_t{config_.word_bytes()} * config_.token_words();
    const std::vector<std::uint8_t>& bytes = *seen.stream;
    bool same = false;
    for (std::size_t i = token_bytes; i < bytes.size() && !same; ++i) {
      same = bytes[i] == bytes[i - token_bytes];
    }
    if (same) hazards_.hit({operation - 1, seen.gaps > 0});
  }
}

void EngineCoverage::scored(const OperationSeen& seen) {
  if (seen.command.first) {
    bias_runs_.hit(bias_run_ == 0              ? 0
                   : bias_run_ == kShortestRun ? 1
                   : bias_run_ < kLongestRun   ? 2
                                               : 3);
  }
  const std::int32_t highest = (1 << (config_.score_width - 1)) - 1;
  const auto scores = golden_.scores();
  for (const std::int32_t score :
       scores.last(std::min<std::size_t>(seen.command.tokens, scores.size()))) {
    scores_.hit(score == -highest - 1 ? 0
                : score < 0           ? 1
                : score == 0          ? 2
                : score < highest     ? 3
                                      : 4);
  }
}

void EngineCoverage::accumulated(const OperationSeen& seen) {
  ++parts_seen_;
  if (!seen.command.first) return;
  const std::size_t tokens = golden_.scores().size();
  fullness_.hit(tokens == config_.score_depth ? 3 : std::min<std::size_t>(tokens, 2));
  const std::uint32_t largest = (1u << config_.weight_width) - 1;
  for (const std::uint32_t weight : golden_.weights()) {
    weights_.hit(weight == largest ? 3 : std::min<std::uint32_t>(weight, 2));
  }
}

void EngineCoverage::stray_word(const StrayWordSeen& seen) {
  // In an open stream it would not be one.
  stray_.hit(seen.phase == Phase::kDrain ? 3 : static_cast<std::size_t>(seen.phase));
}

void EngineCoverage::read(const ReadSeen& seen) {
  enum { kIdleOutputs, kIdleStatus, kTable, kScore, kAccumulate, kCombine, kBeyond, kBefore };
  const unsigned status = config_.head_dim / (config_.word_bits / 64);
  last_read_.reset();
  if (seen.index > status) return reads_.hit(kBeyond);
  if (seen.during == Operation::kCombine) return reads_.hit(kCombine);
  if (!outputs_begun_) return reads_.hit(kBefore);
  last_read_ = seen.index;
  if (state(seen.during) == 0) return reads_.hit(seen.index == status ? kIdleStatus : kIdleOutputs);
  reads_.hit(kTable + number(*seen.during));
}

void EngineCoverage::result(const ResultSeen& seen) {
  if (last_read_ != config_.head_dim / (config_.word_bits / 64)) return;
  std::int16_t maximum = 0;
  std::uint16_t flags = 0;
  std::memcpy(&maximum, seen.word.data() + 4, sizeof(maximum));
  std::memcpy(&flags, seen.word.data() + 6, sizeof(flags));
  for (std::size_t bit = 0; bit < 5; ++bit) flags_.hit({bit, (flags >> bit & 1u) != 0});
  const int highest = 1 << (config_.score_width - 1 - config_.score_fraction);
  maxima_.hit(maximum == -highest ? 0
              : maximum < 0       ? 1
              : maximum == 0      ? 2
              : maximum < highest ? 3
                                  : 4);
  windows_.hit(std::clamp<std::size_t>(windows_seen_, 1, 3) - 1);
}

}  // namespace aqpim::tb
