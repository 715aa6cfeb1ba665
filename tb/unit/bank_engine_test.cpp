// SPDX-License-Identifier: Apache-2.0
//
// An engine with its adapter, against the golden engine: beats instead of words, for engines with
// one bank and with two, with one word in a beat and with two.
#include "tb/unit/models/bank_engine.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sw/config/channel.h"
#include "sw/golden/channel.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Beat;
using aqpim::golden::Operation;
using aqpim::golden::RegisterSelect;
using Bytes = std::vector<std::uint8_t>;
using Beats = std::vector<Beat>;

namespace engine_command = aqpim::pq_pkg::engine_command;
namespace engine_write = aqpim::pq_pkg::engine_write;
namespace engine_read = aqpim::pq_pkg::engine_read;
using Bus = aqpim::pq_pkg::BusKind;
using Read = aqpim::pq_pkg::ReadKind;

template <class Dut>
aqpim::config::ChannelShape shape_of() {
  return {.engine = {.head_dim = Dut::HeadDim,
                     .sub_dim = Dut::SubDim,
                     .code_bits = Dut::CodeBits,
                     .word_bits = Dut::WordBits,
                     .query_width = Dut::QueryWidth,
                     .entry_width = Dut::EntryWidth,
                     .score_width = Dut::ScoreWidth,
                     .score_fraction = Dut::ScoreFraction,
                     .score_depth = Dut::ScoreDepth,
                     .bias_depth = Dut::BiasDepth,
                     .weight_width = Dut::WeightWidth,
                     .quantize = Dut::Quantize},
          .memory = {},
          .banks_per_engine = Dut::BanksPerEngine};
}

Beats beats_of(const Bytes& bytes) {
  Beats beats(bytes.size() / sizeof(Beat));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    beats[i / sizeof(Beat)][i % sizeof(Beat)] = bytes[i];
  return beats;
}

template <class Dut>
class BankEngine {
 public:
  static constexpr unsigned kWordBytes = Dut::WordBits / 8;
  static constexpr unsigned kWords = sizeof(Beat) / kWordBytes;  // of a beat

  BankEngine() : golden(shape.engine), index_(static_cast<unsigned>(random.below(16))) {
    bench->index_i = static_cast<std::uint8_t>(index_);
    bench->cmd_valid_i = 0;
    quiet();
  }

  // ---- A cycle ----------------------------------------------------------------------------------

  // Ends the cycle whose inputs have been set. Reads are answered exactly when they are due; at all
  // other times there is a zero on the bus. Errors are those of the cycle before.
  void clock() {
    bench.settle();
    const std::optional<Beat> answer = answers_.next(asked_).value_or(std::nullopt);
    if (misused) {
      errors += bench->error_o;
      bench.clock();
      bench->cmd_valid_i = 0;
      quiet();
      return;
    }
    INFO("cycle ", cycle_);
    REQUIRE(bench->read_valid_o == (answer ? 1 : 0));
    REQUIRE(beat_at(bench->read_data_o) == answer.value_or(Beat{}));
    if (const auto written = writes_.next(codes_asked_).value_or(std::nullopt)) written_ = written;
    if (written_) REQUIRE(beat_at(bench->write_data_o) == *written_);
    REQUIRE(bench->write_enable_o == (tokens_ != 0 ? 1 : 0));
    errors += bench->error_o;
    if (bench->bus_valid_i != 0 &&
        get(bench->bus_beat_i, engine_write::kind) == number(Bus::kTokens)) {
      tokens_ = static_cast<unsigned>(get(bench->bus_data_i, 16 * index_, 16));
    }
    bench.clock();
    bench->cmd_valid_i = 0;
    quiet();
    ++cycle_;
  }

  // A cycle in which what is queued may go on: registers, unless the bus is in use, and reads.
  void step() {
    if (!registers_.empty() && bench->bus_valid_i == 0 && cycle_ >= next_register_ &&
        random.chance(1, 2)) {
      const auto [kind, index, beat] = registers_.front();
      registers_.pop_front();
      drive_bus(kind, index, beat);
      next_register_ = cycle_ + kWords;
    }
    if (!reads_.empty() && cycle_ >= next_read_ && random.chance(1, read_pace)) {
      read_now(reads_.front());
      reads_.pop_front();
    }
    clock();
  }

  void finish() {
    while (!registers_.empty() || !reads_.empty()) step();
    for (unsigned i = 0; i < latency + 2; ++i) clock();
  }

  void finish_reads() {
    while (!reads_.empty()) step();
    for (unsigned i = 0; i < latency; ++i) step();
  }

  // ---- Registers --------------------------------------------------------------------------------

  void write_tokens(unsigned tokens) {
    Beat beat = random_beat();
    beat[2 * index_] = static_cast<std::uint8_t>(tokens);
    beat[2 * index_ + 1] = static_cast<std::uint8_t>(tokens >> 8);
    registers_.push_back({Bus::kTokens, 0, beat});
    next_tokens_ = tokens;
  }

  void write(Bus kind, const Bytes& bytes) {
    const RegisterSelect select = kind == Bus::kControl ? RegisterSelect::kControl
                                  : kind == Bus::kShift ? RegisterSelect::kShift
                                  : kind == Bus::kQuery ? RegisterSelect::kQuery
                                                        : RegisterSelect::kBias;
    for (unsigned at = 0; at < bytes.size(); at += kWordBytes) {
      golden.write(
          {select, at / kWordBytes, {bytes.begin() + at, bytes.begin() + at + kWordBytes}});
      // The rest of the beat of CONTROL is no register.
      if (kind == Bus::kControl) break;
    }
    const Beats beats = beats_of(bytes);
    for (unsigned i = 0; i < beats.size(); ++i) registers_.push_back({kind, i, beats[i]});
  }

  void write_control(std::uint8_t low, std::uint8_t bias_run) {
    Bytes bytes = random_bytes(sizeof(Beat));
    bytes[0] = low;
    bytes[1] = bias_run;
    write(Bus::kControl, bytes);
  }

  // ---- Operations -------------------------------------------------------------------------------

  struct Stream {
    bool from_bus = false;
    std::uint64_t pace = 1;
    unsigned surplus = 0;  // beats that only others need
  };

  // A command, and the beats of its stream. Returns the golden command's stream.
  void command(Operation operation, bool first, unsigned skip, unsigned most, const Stream& how,
               std::optional<Bytes> content = std::nullopt) {
    wait();
    if (operation == Operation::kLoad || (operation == Operation::kScore && first)) {
      active_tokens_ = next_tokens_;
    }
    const unsigned tokens = std::min(active_tokens_ > skip ? active_tokens_ - skip : 0, most);
    const std::size_t needed = golden.words(operation, tokens) * kWordBytes;
    const std::size_t beats = (needed + sizeof(Beat) - 1) / sizeof(Beat) + how.surplus;
    Bytes bytes = content ? *content : random_bytes(beats * sizeof(Beat));
    bytes.resize(beats * sizeof(Beat));
    if (operation == Operation::kAccumulate && first) flags_ = golden.flags();
    REQUIRE(golden.command(
        {operation, first, tokens, std::make_shared<const Bytes>(bytes), 0, needed}));

    bench->cmd_valid_i = 1;
    put(bench->cmd_i, engine_command::operation, number(operation));
    put(bench->cmd_i, engine_command::first, first);
    put(bench->cmd_i, engine_command::skip, skip);
    put(bench->cmd_i, engine_command::tokens, most);
    clock();
    if (operation == Operation::kUnload) return;
    // The sequencer's schedule: a beat may wait in the adapter, but not two.
    for (unsigned i = 0; i < kFill; ++i) step();
    const unsigned spacing = operation == Operation::kCluster
                                 ? (kWords * (shape.engine.centroids() + 1) + 1) / 2
                                 : kWords;
    const Beats stream = beats_of(bytes);
    for (std::size_t i = 0; i < beats; ++i) {
      if (how.from_bus) {
        drive_bus(Bus::kStream, static_cast<unsigned>(random.below(32)), stream[i]);
      } else {
        drive_bank(stream[i]);
      }
      const std::uint64_t earliest = cycle_ + spacing;
      step();
      if (i + 1 == beats) break;  // ready_o says when the next command may come
      while (cycle_ < earliest || !random.chance(1, how.pace)) step();
    }
  }

  // Until a command can come.
  void wait() {
    for (unsigned cycle = 0; !ready(); ++cycle) {
      REQUIRE(cycle < 2000);
      REQUIRE(errors == 0);
      step();
    }
  }

  bool ready() {
    bench.settle();
    return bench->ready_o != 0;
  }

  // ---- Reads ------------------------------------------------------------------------------------

  struct Request {
    Read kind;
    unsigned index;
    std::optional<Beat> answer;
  };

  void read(const Request& request) { reads_.push_back(request); }

  // The result of the tile that is complete, as it is now.
  void read_result() {
    read({Read::kStatus, static_cast<unsigned>(random.below(64)), std::nullopt});
    finish_reads();
    aqpim::golden::Result result = golden.result();
    result.flags = flags_;
    const Beats beats = aqpim::golden::pack_result(result);
    REQUIRE(beats.size() == shape.result_beats());
    for (unsigned b = 0; b < beats.size(); ++b) read({Read::kResult, b, beats[b]});
    results += beats.size();
  }

  void read_codes() {
    for (unsigned b = 0; b < shape.beats_per_token(); ++b) {
      Bytes bytes;
      for (unsigned w = 0; w < kWords; ++w) {
        const Bytes word = golden.read(shape.engine.output_words() + 1 + b * kWords + w).value();
        bytes.insert(bytes.end(), word.begin(), word.end());
      }
      read({Read::kCodes, b, beats_of(bytes).at(0)});
      finish();
    }
  }

  void read_records() {
    for (const Beat& beat : beats_of(golden.unloaded())) {
      read({Read::kRecord, static_cast<unsigned>(random.below(64)), beat});
      ++records;
    }
    finish();
  }

  void read_now(const Request& request) {
    bench->read_valid_i = 1;
    put(bench->read_beat_i, engine_read::kind, number(request.kind));
    put(bench->read_beat_i, engine_read::index, request.index);
    next_read_ = cycle_ + kWords;
    written_.reset();
    if (request.kind == Read::kCodes) {
      codes_asked_ = request.answer;
    } else if (request.kind != Read::kStatus) {
      asked_ = request.answer;
    }
  }

  // ---- Contents ---------------------------------------------------------------------------------

  Bytes random_bytes(std::size_t count) {
    Bytes bytes(count);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.bits(8));
    return bytes;
  }

  // binary16 numbers of at most `largest` in the high byte.
  Bytes random_floats(std::size_t count, unsigned largest) {
    Bytes bytes = random_bytes(2 * count);
    for (std::size_t i = 1; i < bytes.size(); i += 2) {
      bytes[i] = static_cast<std::uint8_t>((bytes[i] & 0x80) | (bytes[i] & 0x7f) % largest);
    }
    return bytes;
  }

  Stream random_stream() {
    return {random.chance(1, 2), random.pick({1u, 1u, 2u, 4u}),
            random.pick({0u, static_cast<unsigned>(random.below(6)), 40u})};
  }

  // A stream from the bus or the bank at the pins, right now.
  void drive_bus(Bus kind, unsigned index, const Beat& beat) {
    bench->bus_valid_i = 1;
    put(bench->bus_beat_i, engine_write::kind, number(kind));
    put(bench->bus_beat_i, engine_write::index, index);
    put_beat(bench->bus_data_i, 0, beat);
  }

  void drive_bank(const Beat& beat) {
    const bool odd = Dut::BanksPerEngine == 2 && random.chance(1, 2);
    bench->bank_take_i = 1;
    bench->bank_odd_i = odd;
    put_beat(bench->bank_data_i, odd ? 1 : 0, beat);
  }

  Beat random_beat() { return beats_of(random_bytes(sizeof(Beat))).at(0); }

  static constexpr unsigned kTokensWidth = std::bit_width(Dut::ScoreDepth);
  // The first beat of a stream comes so many cycles after the command, at least.
  static constexpr unsigned kFill = 6;

  const unsigned latency = stated_cycles("bank_engine", "read_valid_i to read_valid_o:") + kWords;
  const aqpim::config::ChannelShape shape = shape_of<Dut>();
  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_bank_engine"};
  aqpim::golden::Engine golden;
  std::uint64_t errors = 0, results = 0, records = 0;
  std::uint64_t read_pace = 2;  // cycles from read to read, on average
  bool misused = false;         // only errors are looked at

 private:
  struct RegisterBeat {
    Bus kind;
    unsigned index;
    Beat beat;
  };

  // Random values where nothing is valid.
  void quiet() {
    bench->bank_take_i = 0;
    bench->bus_valid_i = 0;
    bench->read_valid_i = 0;
    for (unsigned bank = 0; bank < Dut::BanksPerEngine; ++bank) {
      put_beat(bench->bank_data_i, bank, random_beat());
    }
    put_beat(bench->bus_data_i, 0, random_beat());
    bench->bank_odd_i = static_cast<std::uint8_t>(random.below(2));
    put(bench->bus_beat_i, engine_write::kind, random.below(aqpim::pq_pkg::kBusKinds));
    put(bench->read_beat_i, engine_read::kind, random.below(aqpim::pq_pkg::kReadKinds));
    put(bench->read_beat_i, engine_read::index, random.below(64));
    put(bench->cmd_i, engine_command::operation, random.below(aqpim::pq_pkg::kOperations));
    asked_.reset();
    codes_asked_.reset();
  }

  template <typename Port>
  static void put_beat(Port& port, unsigned place, const Beat& beat) {
    for (unsigned b = 0; b < beat.size(); ++b) put(port, 256 * place + 8 * b, 8, beat[b]);
  }
  template <typename Port>
  static Beat beat_at(const Port& port) {
    Beat beat;
    for (unsigned b = 0; b < beat.size(); ++b) {
      beat[b] = static_cast<std::uint8_t>(get(port, 8 * b, 8));
    }
    return beat;
  }

  unsigned index_;
  std::uint64_t cycle_ = 0, next_register_ = 0, next_read_ = 0;
  std::deque<RegisterBeat> registers_;
  std::deque<Request> reads_;
  std::optional<Beat> asked_, codes_asked_, written_;
  Due<std::optional<Beat>> answers_{latency};
  Due<std::optional<Beat>> writes_{latency};
  unsigned tokens_ = 0;         // as the adapter has them
  unsigned next_tokens_ = 0;    // when all registers are written
  unsigned active_tokens_ = 0;  // of the tile or slice
  std::uint16_t flags_ = 0;     // at the first ACCUMULATE
};

// A query with its tokens, written while the tile before may be worked on.
template <class Dut>
void write_query(BankEngine<Dut>& dut, unsigned tokens, unsigned run) {
  const auto& engine = dut.shape.engine;
  dut.write_tokens(tokens);
  dut.write_control(static_cast<std::uint8_t>(engine.score_fraction | 0x20u),
                    static_cast<std::uint8_t>(run));
  Bytes shifts = dut.random_bytes(engine.subspaces());
  for (std::uint8_t& shift : shifts) shift = static_cast<std::uint8_t>(0xf0 | (2 + shift % 4));
  dut.write(Bus::kShift, shifts);
  // Less than 2^-10, which saturates nowhere, or any bits.
  dut.write(Bus::kQuery,
            dut.random_floats(engine.head_dim, dut.random.pick({0x14u, 0x14u, 0x80u})));
  Bytes biases = dut.random_bytes(2 * engine.bias_depth);
  for (std::size_t b = 1; b < biases.size(); b += 2) biases[b] %= 4;
  dut.write(Bus::kBias, biases);
}

template <class Dut>
unsigned random_run(BankEngine<Dut>& dut) {
  return dut.random.pick({0u, 8u, 17u});
}

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bank_engine: tiles equal the golden engine's; the next query is written and scored while "
    "results wait",
    Dut, bank_engine_attends) {
  INFO(Dut::parameters);
  BankEngine<Dut> dut;
  Random& random = dut.random;
  const auto random_tokens = [&] {
    return static_cast<unsigned>(random.chance(1, 5) ? 0 : random.below(41));
  };
  // The first tile is long enough for biases of all words and beats.
  write_query(dut, Dut::ScoreDepth - 7, 8);
  dut.finish();
  std::uint64_t flagged = 0;
  bool late = false;  // most of a result is read after the next tile's first ACCUMULATE
  for (std::uint64_t tile = 0; tile < test_iterations(20); ++tile) {
    CAPTURE(tile);
    // Windows of so many tokens; another engine may have more of them.
    const auto windows = static_cast<unsigned>(tile == 0 ? 1 : 1 + random.below(2));
    const unsigned window = windows == 1 ? Dut::ScoreDepth : random.pick({8u, 16u, 32u});
    for (unsigned w = 0; w < windows; ++w) {
      dut.command(Operation::kTable, w == 0, 0, 0, dut.random_stream());
      dut.command(Operation::kScore, w == 0, w * window, window, dut.random_stream());
    }
    dut.wait();
    if (!late && random.chance(1, 2)) dut.finish();
    flagged += dut.golden.flags() != 0 ? 1 : 0;
    for (unsigned w = 0; w < windows; ++w) {
      dut.command(Operation::kAccumulate, w == 0, w * window, window, dut.random_stream());
      if (w == 0) {
        write_query(dut, random_tokens(), random_run(dut));
        // COMBINE changes the outputs.
        dut.read_pace = random.pick({1u, 2u, 20u});
        dut.finish_reads();
      }
      dut.command(Operation::kCombine, w == 0, 0, 0, dut.random_stream());
    }
    dut.wait();
    dut.finish();
    dut.read_result();
    late = tile % 3 == 1;
    if (late) dut.read_pace = 1000;
    if (!late && random.chance(1, 2)) dut.finish();
  }
  dut.finish();
  CHECK(dut.errors == 0);
  CHECK(flagged > 0);
  CHECK(dut.results == test_iterations(20) * dut.shape.result_beats());
}
TEST_CASE_TEMPLATE_APPLY(bank_engine_attends, bank_engine_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_bank_engine: records of clustering and codes equal the golden engine's", Dut,
    bank_engine_quantizes) {
  INFO(Dut::parameters);
  BankEngine<Dut> dut;
  Random& random = dut.random;
  const auto& engine = dut.shape.engine;
  for (std::uint64_t round = 0; round < test_iterations(3); ++round) {
    CAPTURE(round);
    const bool values = random.chance(1, 2);
    const auto even_tokens = [&] { return static_cast<unsigned>(random.below(10)) * 2; };
    const auto registers = [&](unsigned tokens) {
      dut.write_tokens(tokens);
      dut.write_control(static_cast<std::uint8_t>(8u | 0x20u | (values ? 0x40u : 0u)), 0);
      dut.write(Bus::kShift, Bytes(engine.subspaces(), 0));
    };
    registers(even_tokens());
    dut.finish();
    const std::size_t slice = std::size_t{engine.slice_words()} * engine.word_bytes() / 2;
    for (unsigned pass = 0; pass < 2; ++pass) {
      dut.command(Operation::kLoad, pass == 0, 0, 0, dut.random_stream(),
                  dut.random_floats(engine.centroids() * slice, 0x48));
      if (round % 2 == 0) dut.write_tokens(even_tokens());  // of the next one
      dut.wait();
      dut.command(Operation::kCluster, false, 0, random.pick({4u, 32u}), dut.random_stream());
      dut.command(Operation::kUnload, false, 0, 0, {});
      for (unsigned cycle = 0; cycle < 4; ++cycle) dut.clock();
      dut.read_records();
    }
    // A vector; the code is written if the engine has tokens.
    dut.wait();
    registers(random.chance(1, 3) ? 0 : 1 + static_cast<unsigned>(random.below(65535)));
    dut.write(Bus::kQuery, dut.random_floats(engine.head_dim, 0x48));
    dut.finish();
    dut.command(Operation::kEncode, false, 0, 0, dut.random_stream());
    dut.wait();
    dut.read_codes();
    for (std::uint64_t idle = random.below(20); idle > 0; --idle) dut.clock();
  }
  CHECK(dut.errors == 0);
  CHECK(dut.records > 0);
}
TEST_CASE_TEMPLATE_APPLY(bank_engine_quantizes, bank_engine_models);

TEST_CASE_TEMPLATE_DEFINE("pq_bank_engine: each misuse is an error", Dut, bank_engine_errors) {
  INFO(Dut::parameters);
  BankEngine<Dut> dut;
  dut.misused = true;
  const auto expect_error = [&](const char* what) {
    CAPTURE(what);
    for (unsigned cycle = 0; cycle < 40 && dut.errors == 0; ++cycle) dut.clock();
    CHECK(dut.errors > 0);
    // Stray words and commands that begin anew leave nothing behind.
    for (unsigned cycle = 0; cycle < 40; ++cycle) dut.clock();
    dut.errors = 0;
  };
  const auto start = [&](Operation operation) {
    dut.bench->cmd_valid_i = 1;
    dut.bench->cmd_i = 0;
    put(dut.bench->cmd_i, engine_command::operation, number(operation));
    put(dut.bench->cmd_i, engine_command::first, 1);
    dut.clock();
  };
  const auto is_fine = [&] {
    for (unsigned cycle = 0; cycle < 20; ++cycle) dut.clock();
    CHECK(dut.errors == 0);
  };
  is_fine();
  start(Operation::kAccumulate);
  expect_error("refused by the engine: no tables");
  dut.read_now({Read::kStatus, 0, std::nullopt});
  expect_error("no result yet");
  dut.read_now({Read::kRecord, 0, std::nullopt});
  expect_error("no UNLOAD");

  // Beats that nobody waits for are dropped.
  dut.drive_bank(dut.random_beat());
  dut.clock();
  is_fine();
  dut.drive_bank(dut.random_beat());
  dut.drive_bus(Bus::kStream, 0, dut.random_beat());
  expect_error("from the bank and from the bus");

  start(Operation::kTable);
  dut.drive_bank(dut.random_beat());
  for (unsigned cycle = 0; cycle < BankEngine<Dut>::kWords; ++cycle) dut.clock();
  CHECK(dut.errors == 0);
  dut.drive_bank(dut.random_beat());
  dut.clock();
  expect_error("a second beat before the first was taken");
  // TABLE runs on.
  start(Operation::kTable);
  expect_error("a command while one runs");
  dut.drive_bus(Bus::kQuery, 0, dut.random_beat());
  dut.clock();
  expect_error("a register write while TABLE runs");
  dut.drive_bus(Bus::kTokens, 0, dut.random_beat());
  dut.clock();
  is_fine();
}
TEST_CASE_TEMPLATE_APPLY(bank_engine_errors, bank_engine_models);
