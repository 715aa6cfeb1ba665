// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/engine_coverage.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "tb/engine/locks.h"
#include "tb/engine/timing.h"

namespace aqpim::tb {

namespace {

using golden::Operation;
using golden::RegisterSelect;

const CoverPoint::Axis kOperations = {"TABLE",  "SCORE", "ACCUMULATE", "COMBINE",
                                      "ENCODE", "LOAD",  "CLUSTER",    "UNLOAD"};
const CoverPoint::Axis kStates = {"idle",   "TABLE", "SCORE",   "ACCUMULATE", "COMBINE",
                                  "ENCODE", "LOAD",  "CLUSTER", "UNLOAD"};
const CoverPoint::Axis kSelects = {"CONTROL", "QUERY", "SHIFT", "BIAS"};

constexpr unsigned kShortestRun = 8;
constexpr unsigned kLongestRun = 128;
constexpr unsigned kLargestShift = 15;
constexpr unsigned kLargestFraction = 15;

std::size_t number(Operation operation) { return static_cast<std::size_t>(operation); }

std::size_t state(const std::optional<Operation>& operation) {
  return operation ? number(*operation) + 1 : 0;
}

std::uint16_t half_word(std::span<const std::uint8_t> bytes, std::size_t index) {
  return static_cast<std::uint16_t>(bytes[2 * index] | bytes[2 * index + 1] << 8);
}

enum Element { kZero, kSubnormal, kNormal, kInfinite, kNan };
// Of raw elements also the largest binary16.
constexpr std::size_t kLargest = 5;
constexpr std::uint16_t kLargestHalf = 0x7bff;

// Bins of the tokens of a command, and of the reasons of a refusal.
constexpr std::size_t kTokensOfCluster = 2;
enum Reason {
  kNoCentroids,
  kBrokenGroup,
  kTooMany,
  kBeyondSums,
  kNothingToUnload,
  kScoreAfterLoad,
  kAccumulateAfterLoad,
  kCombineAfterLoad
};

// Bins of reads.
constexpr std::size_t kReadsInOperation = 2;
enum CodeRead {
  kCodesIdle,
  kCodesInOther,
  kCodesInEncode,
  kCodesInCluster,
  kCodesInUnload,
  kCodesWithoutEncode
};

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
      tokens_(coverage_.add("tokens of a command", {{"SCORE", "ACCUMULATE", "CLUSTER"},
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
           "outputs in ACCUMULATE", "in COMBINE", "outputs in ENCODE", "outputs in LOAD",
           "outputs in CLUSTER", "in UNLOAD", "beyond the end", "before the first COMBINE"})),
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
                             {{"SCORE", "ACCUMULATE"}, {"back to back", "after a gap"}})),
      slice_refusals_(coverage_.add(
          "refused because",
          {"CLUSTER without LOAD", "CLUSTER of a broken group",
           "CLUSTER of too many tokens at once", "CLUSTER beyond the sums", "UNLOAD without LOAD",
           "SCORE after LOAD", "ACCUMULATE after LOAD", "COMBINE after LOAD"})),
      code_reads_(coverage_.add("codes read", {"idle", "in another operation", "in ENCODE",
                                               "in CLUSTER", "in UNLOAD", "without an ENCODE"})),
      codebooks_(coverage_.add("ENCODE of", {{"keys", "values"}, {"binary16", "bfloat16"}})),
      raw_elements_(
          coverage_.add("raw element", {{"LOAD", "CLUSTER"},
                                        {"binary16", "bfloat16"},
                                        {"zero", "subnormal", "normal", "Inf", "NaN", "65504"}})),
      centroids_(coverage_.add("centroids of LOAD",
                               {{"raw", "binary16"}, {"CONTROL binary16", "CONTROL bfloat16"}})),
      token_weights_(coverage_.add("weight of a raw token", {"0", "1-254", "255"})),
      token_loops_(coverage_.add("CLUSTER", {"words wait for loops", "loops wait for words"})),
      same_codes_(
          coverage_.add("same code of a sub-space",
                        {"in both slots of a group", "in groups that follow each other", "not"})),
      passes_(coverage_.add("CLUSTER commands before an UNLOAD", {"0", "1", "2 or more"})),
      unloads_(coverage_.add("UNLOAD after", {{"LOAD", "CLUSTER", "UNLOAD"},
                                              {"no tokens", "some tokens", "all that fit"}})),
      clusters_(coverage_.add("clusters of a sub-space with tokens", {"1", "2 or more"})) {
  // A first TABLE is like any other; it is never refused; a first COMBINE only lacks buckets.
  for (const std::size_t first : {0u, 1u}) refusals_.ignore({number(Operation::kTable), first});
  ignore_what_cannot_be();
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

// What an engine without Quantize cannot do: it refuses ENCODE … UNLOAD, and holds no slice.
void EngineCoverage::ignore_clustering() {
  for (const Operation operation :
       {Operation::kEncode, Operation::kLoad, Operation::kCluster, Operation::kUnload}) {
    for (CoverPoint* point : {&operations_, &paces_, &delays_, &handover_}) {
      point->ignore_all(0, number(operation));
    }
    writes_.ignore_all(1, state(operation));
    resets_.ignore({state(operation)});
    reads_.ignore({kReadsInOperation + number(operation)});
  }
  tokens_.ignore_all(0, kTokensOfCluster);
  for (const Reason reason : {kBrokenGroup, kTooMany, kBeyondSums, kScoreAfterLoad,
                              kAccumulateAfterLoad, kCombineAfterLoad}) {
    slice_refusals_.ignore({reason});
  }
  for (std::size_t read = 0; read < kCodesWithoutEncode; ++read) code_reads_.ignore({read});
  for (CoverPoint* point : {&codebooks_, &raw_elements_, &centroids_, &token_weights_,
                            &token_loops_, &same_codes_, &passes_, &unloads_, &clusters_}) {
    point->ignore_all();
  }
}

void EngineCoverage::ignore_what_cannot_be() {
  if (config_.quantize == 0) return ignore_clustering();
  // ENCODE and LOAD are legal at any time.
  for (const Operation operation : {Operation::kEncode, Operation::kLoad}) {
    for (const std::size_t first : {0u, 1u}) refusals_.ignore({number(operation), first});
  }
  // The loops of CLUSTER decide when words come; token_loops_ says who waits.
  for (const std::size_t pace : {0u, 1u, 2u}) paces_.ignore({number(Operation::kCluster), pace});
  if (config_.token_slots() > 1) {
    tokens_.ignore({kTokensOfCluster, 1});
  } else {
    same_codes_.ignore({0});
    slice_refusals_.ignore({kBrokenGroup});
  }
  // After LOAD or UNLOAD the sums are empty.
  for (const std::size_t after : {0u, 2u}) {
    for (const std::size_t tokens : {1u, 2u}) unloads_.ignore({after, tokens});
  }
  // 65504 is no bfloat16.
  for (const std::size_t operation : {0u, 1u}) raw_elements_.ignore({operation, 1, kLargest});
}

void EngineCoverage::reset(const ResetSeen& seen) {
  resets_.hit(state(seen.during));
  bfloat16_ = values_ = false;
  codes_begun_ = false;
  slice_.reset();
  bias_run_ = 0;
  outputs_begun_ = false;
  windows_seen_ = parts_seen_ = 0;
  last_read_.reset();
}

void EngineCoverage::write(const WriteSeen& seen) {
  writes_.hit({static_cast<std::size_t>(seen.write.select), state(seen.during)});
  if (locks_registers(seen.during)) return;
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
  values_ = (seen.write.data[0] & 0x40) != 0;
  bias_run_ = run;
}

void EngineCoverage::query(const WriteSeen& seen) {
  for (std::size_t i = 0; i < seen.write.data.size() / 2; ++i) {
    elements_.hit({bfloat16_, element_of(half_word(seen.write.data, i), bfloat16_)});
  }
}

void EngineCoverage::command(const CommandSeen& seen) {
  handover_.hit({number(seen.operation), seen.waited});
}

void EngineCoverage::refusal(const RefusalSeen& seen) {
  const CommandSeen& command = seen.command;
  refusals_.hit({number(command.operation), !command.first});
  switch (command.operation) {
    case Operation::kCluster:
      if (!slice_) return slice_refusals_.hit(kNoCentroids);
      if (command.tokens % config_.token_slots() != 0) slice_refusals_.hit(kBrokenGroup);
      if (command.tokens > config_.score_depth) return slice_refusals_.hit(kTooMany);
      if (command.tokens + clustered_ > config_.score_depth) slice_refusals_.hit(kBeyondSums);
      break;
    case Operation::kUnload:
      slice_refusals_.hit(kNothingToUnload);
      break;
    case Operation::kScore:
    case Operation::kAccumulate:
    case Operation::kCombine:
      if (slice_) {
        slice_refusals_.hit(kScoreAfterLoad + number(command.operation) -
                            number(Operation::kScore));
      }
      break;
    default:
      break;
  }
}

void EngineCoverage::operation(const OperationSeen& seen) {
  const std::size_t operation = number(seen.command.operation);
  operations_.hit({operation, !seen.command.first});
  if (seen.words > 1 && seen.command.operation != Operation::kCluster) {
    paces_.hit({operation, seen.gaps == 0 ? 0u : seen.gaps == seen.words - 1 ? 1u : 2u});
  }
  if (seen.words > 0) delays_.hit({operation, seen.start_delay > 0});
  switch (seen.command.operation) {
    case Operation::kTable:
      slice_.reset();
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
    case Operation::kEncode:
      codes_begun_ = true;
      codebooks_.hit({values_, bfloat16_});
      break;
    case Operation::kLoad:
      loaded(seen);
      break;
    case Operation::kCluster:
      clustered(seen);
      break;
    case Operation::kUnload:
      unloaded();
      break;
  }
  const bool clusters = seen.command.operation == Operation::kCluster;
  if (clusters || seen.command.operation == Operation::kScore ||
      seen.command.operation == Operation::kAccumulate) {
    const unsigned tokens = seen.command.tokens;
    tokens_.hit({clusters ? kTokensOfCluster : operation - 1, tokens == config_.score_depth ? 4u
                                                              : tokens >= 16                ? 3u
                                                              : tokens >= 2                 ? 2u
                                                                            : tokens});
  }
  if (seen.command.operation == Operation::kScore ||
      seen.command.operation == Operation::kAccumulate) {
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

void EngineCoverage::raw_elements(std::span<const std::uint8_t> floats, bool bfloat16) {
  const std::size_t operation = slice_ == Operation::kLoad ? 0 : 1;
  for (std::size_t i = 0; i < floats.size() / 2; ++i) {
    const std::uint16_t bits = half_word(floats, i);
    const bool largest = !bfloat16 && (bits & 0x7fffu) == kLargestHalf;
    const std::size_t element = element_of(bits, bfloat16);
    raw_elements_.hit({operation, bfloat16, largest ? kLargest : element});
  }
}

void EngineCoverage::loaded(const OperationSeen& seen) {
  slice_ = Operation::kLoad;
  clustered_ = passes_seen_ = 0;
  codes_seen_.clear();
  centroids_.hit({!seen.command.first, bfloat16_});
  raw_elements(*seen.stream, seen.command.first && bfloat16_);
}

void EngineCoverage::clustered(const OperationSeen& seen) {
  slice_ = Operation::kCluster;
  codes_begun_ = false;
  ++passes_seen_;
  clustered_ += seen.command.tokens;
  const unsigned tokens = seen.command.tokens;
  const std::size_t block = config_.word_bytes();
  const std::size_t token_bytes = config_.slice_words() * block;
  std::span<const std::uint8_t> left(*seen.stream);
  for (unsigned done = 0; done < tokens;) {
    const auto count = std::min<unsigned>(tokens - done, static_cast<unsigned>(block));
    for (unsigned t = 0; t < count; ++t) {
      token_weights_.hit(left[t] == 0 ? 0 : left[t] < 255 ? 1 : 2);
    }
    left = left.subspan(block);
    raw_elements(left.first(count * token_bytes), bfloat16_);
    left = left.subspan(count * token_bytes);
    done += count;
  }

  const auto& codes = golden_.assigned();
  const unsigned subspaces = config_.slice_subspaces();
  const unsigned slots = config_.token_slots();
  for (unsigned t = 0; t < tokens; ++t) {
    const unsigned code = codes[t * subspaces];
    codes_seen_.insert(code);
    if (t == 0) continue;
    const bool same = code == codes[(t - 1) * subspaces];
    same_codes_.hit(!same ? 2 : t % slots != 0 ? 0 : 1);
  }
  if (tokens >= 4 * slots) {
    const TokenLoops loops = token_loops(seen, config_);
    token_loops_.hit(loops.busy == loops.cycles ? 0 : 1);
  }
}

void EngineCoverage::unloaded() {
  passes_.hit(std::min<std::size_t>(passes_seen_, 2));
  unloads_.hit({slice_ == Operation::kLoad      ? 0u
                : slice_ == Operation::kCluster ? 1u
                                                : 2u,
                clustered_ == config_.score_depth ? 2 : std::min<std::size_t>(clustered_, 1)});
  if (!codes_seen_.empty()) clusters_.hit(codes_seen_.size() == 1 ? 0 : 1);
  slice_ = Operation::kUnload;
  clustered_ = passes_seen_ = 0;
  codes_seen_.clear();
}

void EngineCoverage::stray_word(const StrayWordSeen& seen) {
  // In an open stream it would not be one.
  stray_.hit(seen.phase == Phase::kDrain ? 3 : static_cast<std::size_t>(seen.phase));
}

void EngineCoverage::read(const ReadSeen& seen) {
  enum { kIdleOutputs, kIdleStatus };
  constexpr std::size_t kBeyond = kReadsInOperation + golden::kOperations;
  constexpr std::size_t kBefore = kBeyond + 1;
  const unsigned status = config_.output_words();
  last_read_.reset();
  if (seen.index > status + config_.token_words()) return reads_.hit(kBeyond);
  if (seen.index > status) {
    return code_reads_.hit(seen.during == Operation::kEncode    ? kCodesInEncode
                           : seen.during == Operation::kCluster ? kCodesInCluster
                           : seen.during == Operation::kUnload  ? kCodesInUnload
                           : !codes_begun_                      ? kCodesWithoutEncode
                           : seen.during                        ? kCodesInOther
                                                                : kCodesIdle);
  }
  if (seen.during == Operation::kCombine || seen.during == Operation::kUnload) {
    return reads_.hit(kReadsInOperation + number(*seen.during));
  }
  if (!outputs_begun_) return reads_.hit(kBefore);
  last_read_ = seen.index;
  if (!seen.during) return reads_.hit(seen.index == status ? kIdleStatus : kIdleOutputs);
  reads_.hit(kReadsInOperation + number(*seen.during));
}

void EngineCoverage::result(const ResultSeen& seen) {
  if (last_read_ != config_.output_words()) return;
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
