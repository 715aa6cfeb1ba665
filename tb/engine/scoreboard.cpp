// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/scoreboard.h"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

#include "tb/engine/locks.h"
#include "tb/engine/timing.h"

namespace aqpim::tb {

namespace {

using golden::Operation;

constexpr std::size_t kRemembered = 4;

std::string describe(const CommandSeen& command) {
  const bool counts = command.operation == Operation::kScore ||
                      command.operation == Operation::kAccumulate ||
                      command.operation == Operation::kCluster;
  return fmt::format("{}{}{}", name_of(command.operation), command.first ? " first" : "",
                     counts ? fmt::format(" {}", command.tokens) : "");
}

template <typename T>
T load(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

}  // namespace

Scoreboard::Scoreboard(std::string title, const config::EngineConfig& config, Monitor& monitor)
    : title_(std::move(title)), config_(config), golden_(config) {
  monitor.resets.subscribe([this](const ResetSeen& seen) { reset(seen); });
  monitor.writes.subscribe([this](const WriteSeen& seen) { write(seen); });
  monitor.refusals.subscribe([this](const RefusalSeen& seen) { refusal(seen); });
  monitor.operations.subscribe([this](const OperationSeen& seen) { operation(seen); });
  monitor.strobes.subscribe([this](const StrobeSeen& seen) { strobe(seen); });
  monitor.stray_words.subscribe([this](const StrayWordSeen&) { golden_.stray_word(); });
  monitor.reads.subscribe([this](const ReadSeen& seen) { read(seen); });
  monitor.results.subscribe([this](const ResultSeen& seen) { result(seen); });
  monitor.anomalies.subscribe([this](const std::string& what) { problem(what); });
}

void Scoreboard::reset(const ResetSeen&) {
  golden_ = golden::Engine(config_);
  // Answers that were on their way are lost.
  expected_.clear();
  records_.clear();
  history_.clear();
}

void Scoreboard::write(const WriteSeen& seen) {
  if (locks_registers(seen.during)) {
    // Locked out: a protocol error like a stray word.
    golden_.stray_word();
  } else {
    golden_.write(seen.write);
  }
}

void Scoreboard::refusal(const RefusalSeen& seen) {
  const CommandSeen& command = seen.command;
  bool legal = true;
  try {
    legal = golden_.command({.operation = command.operation,
                             .first = command.first,
                             .tokens = command.tokens,
                             .stream = nullptr,
                             .offset = 0,
                             .bytes = 0});
  } catch (const std::invalid_argument&) {
    // Accepted, and has no words.
  }
  if (legal) {
    tally_.compared(1, 1);
    problem(fmt::format("cycle {}: the engine refused {}, which is legal{}", command.cycle,
                        describe(command), history()));
  }
}

void Scoreboard::operation(const OperationSeen& seen) {
  bool legal = false;
  try {
    legal = golden_.command({.operation = seen.command.operation,
                             .first = seen.command.first,
                             .tokens = seen.command.tokens,
                             .stream = seen.stream,
                             .offset = 0,
                             .bytes = seen.stream->size()});
  } catch (const std::invalid_argument&) {
    tally_.compared(1, 1);
    problem(fmt::format("cycle {}: {} took {} words instead of {}{}", seen.done,
                        describe(seen.command), seen.words,
                        golden_.words(seen.command.operation, seen.command.tokens), history()));
    return;
  }
  if (!legal) {
    tally_.compared(1, 1);
    problem(fmt::format("cycle {}: the engine ran {}, which is to be refused{}", seen.command.cycle,
                        describe(seen.command), history()));
  }
  history_.push_front(seen.command);
  if (history_.size() > kRemembered) history_.pop_back();
}

void Scoreboard::strobe(const StrobeSeen& seen) {
  if (seen.index == 0) records_ = golden_.records();
  const std::size_t bytes = config_.word_bytes();
  if ((seen.index + 1) * bytes > records_.size()) return;  // operation() will tell
  const auto word = records_.begin() + static_cast<std::ptrdiff_t>(seen.index * bytes);
  expected_.push_back({seen.cycle + kUnloadCycles,
                       true,
                       seen.index,
                       {word, word + static_cast<std::ptrdiff_t>(bytes)}});
}

void Scoreboard::read(const ReadSeen& seen) {
  const unsigned status = config_.output_words();
  if (locks_results(seen.during, seen.index > status, config_)) {
    golden_.stray_word();
    return;
  }
  if (auto word = golden_.read(seen.index)) {
    expected_.push_back({seen.cycle + kReadCycles, false, seen.index, std::move(*word)});
  }
}

void Scoreboard::result(const ResultSeen& seen) {
  for (; !expected_.empty() && expected_.front().due < seen.cycle; expected_.pop_front()) {
    const Expected& lost = expected_.front();
    problem(fmt::format("cycle {}: {} {} was not answered{}", lost.due,
                        lost.unload ? "word of UNLOAD" : "the read of result word", lost.index,
                        history()));
  }
  if (expected_.empty()) {
    problem(fmt::format("cycle {}: an answer to no legal read{}", seen.cycle, history()));
    return;
  }
  const Expected expected = std::move(expected_.front());
  expected_.pop_front();
  if (seen.cycle != expected.due) {
    problem(fmt::format("cycle {}: an answer that was due in cycle {}{}", seen.cycle, expected.due,
                        history()));
  }
  const unsigned status = config_.output_words();
  if (expected.unload) {
    compare_record(expected, seen);
  } else if (expected.index < status) {
    compare_outputs(expected, seen);
  } else if (expected.index == status) {
    compare_status(expected, seen);
  } else {
    compare_codes(expected, seen);
  }
}

template <typename Name>
void Scoreboard::compare(Cycle cycle, const Name& name, std::int64_t actual,
                         std::int64_t expected) {
  tally_.compared(1, actual != expected);
  if (actual != expected) difference(cycle, name(), actual, expected);
}

void Scoreboard::compare_outputs(const Expected& expected, const ResultSeen& seen) {
  const unsigned bytes = config_.word_bytes();
  if (expected.index < config_.low_words()) {
    const unsigned first = expected.index * bytes / 4;
    for (unsigned e = 0; e < bytes / 4; ++e) {
      const auto name = [&] { return fmt::format("output {}, low 32 bits", first + e); };
      compare(seen.cycle, name, load<std::uint32_t>(seen.word.data() + 4 * e),
              load<std::uint32_t>(expected.word.data() + 4 * e));
    }
    return;
  }
  // An output counts once, with its low bits.
  const unsigned first = (expected.index - config_.low_words()) * bytes;
  for (unsigned e = 0; e < bytes; ++e) {
    const auto name = [&] { return fmt::format("output {}, high 8 bits", first + e); };
    if (seen.word[e] != expected.word[e]) {
      compare(seen.cycle, name, seen.word[e], expected.word[e]);
    }
  }
}

void Scoreboard::compare_status(const Expected& expected, const ResultSeen& seen) {
  const std::uint8_t* actual = seen.word.data();
  const std::uint8_t* wanted = expected.word.data();
  const auto compare_field = [&](const char* name, std::int64_t got, std::int64_t want) {
    const auto what = [&] { return std::string(name); };
    compare(seen.cycle, what, got, want);
  };
  compare_field("the weight sum", load<std::uint32_t>(actual), load<std::uint32_t>(wanted));
  compare_field("the maximum", load<std::int16_t>(actual + 4), load<std::int16_t>(wanted + 4));
  compare_field("the flag word", load<std::uint16_t>(actual + 6), load<std::uint16_t>(wanted + 6));
  for (std::size_t byte = 8; byte < expected.word.size(); ++byte) {
    if (actual[byte] != wanted[byte]) {
      compare_field("a reserved byte of the status word", actual[byte], wanted[byte]);
    }
  }
}

void Scoreboard::compare_codes(const Expected& expected, const ResultSeen& seen) {
  const unsigned word = expected.index - config_.output_words() - 1;
  const unsigned per_byte = 8 / config_.code_bits;
  const auto code_in = [&](const std::uint8_t* bytes, unsigned lane) {
    const unsigned shift = lane % per_byte * config_.code_bits;
    return static_cast<unsigned>(bytes[lane / per_byte] >> shift) & (config_.centroids() - 1);
  };
  for (unsigned lane = 0; lane < config_.lanes(); ++lane) {
    const auto name = [&] {
      return fmt::format("the code of sub-space {}", word * config_.lanes() + lane);
    };
    compare(seen.cycle, name, code_in(seen.word.data(), lane), code_in(expected.word.data(), lane));
  }
}

void Scoreboard::compare_record(const Expected& expected, const ResultSeen& seen) {
  const unsigned word = expected.index % config_.record_words();
  const unsigned centroid = expected.index / config_.record_words();
  const std::size_t bytes = config_.word_bytes();
  const std::size_t centroids_from =
      config_.record_words() * bytes - std::size_t{2} * config_.slice_channels();
  std::size_t at = 0;
  const auto name = [&] {
    return fmt::format("byte {} of word {} of the record of centroid {}", at, word, centroid);
  };
  if (word * bytes >= centroids_from) {
    for (; at < bytes; at += 2) {
      compare(seen.cycle, name, load<std::int16_t>(seen.word.data() + at),
              load<std::int16_t>(expected.word.data() + at));
    }
    return;
  }
  for (; at < bytes; at += 4) {
    compare(seen.cycle, name, load<std::int32_t>(seen.word.data() + at),
            load<std::int32_t>(expected.word.data() + at));
  }
}

void Scoreboard::difference(Cycle cycle, const std::string& what, std::int64_t actual,
                            std::int64_t expected) {
  problem(
      fmt::format("cycle {}: {} is {}, expected {}{}", cycle, what, actual, expected, history()));
}

std::string Scoreboard::history() const {
  if (history_.empty()) return {};
  std::string text = " (after ";
  for (const CommandSeen& command : history_) {
    if (&command != &history_.front()) text += ", before that ";
    text += fmt::format("{} in cycle {}", describe(command), command.cycle);
  }
  return text + ")";
}

}  // namespace aqpim::tb
