// SPDX-License-Identifier: Apache-2.0
//
// The whole engine against the golden model, in every configuration that was built.
//
// AQPIM_SEED and AQPIM_ITERATIONS (episodes per configuration) steer the random tests.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/program.h"
#include "sw/seed/replay_listener.h"
#include "tb/common/random.h"
#include "tb/engine/env.h"
#include "tb/engine/stimulus.h"
#include "tb/engine/timing.h"

namespace {

using aqpim::config::Configuration;
using aqpim::golden::Operation;
using aqpim::golden::RegisterSelect;
using namespace aqpim::tb;
using Values = QueryOptions::Values;
using Codes = TileOptions::Codes;

using Tokens = SliceOptions::Tokens;
using Weights = SliceOptions::Weights;

constexpr Operation kAttention[] = {Operation::kTable, Operation::kScore, Operation::kAccumulate,
                                    Operation::kCombine};
constexpr Operation kClustering[] = {Operation::kEncode, Operation::kLoad, Operation::kCluster,
                                     Operation::kUnload};

// An engine and a source of values for it.
struct Bench {
  explicit Bench(const Configuration& configuration, EnvOptions options = {})
      : env(configuration, with_seed(options)),
        stimulus(configuration.engine, Random(test_seed(), "stimulus " + configuration.name)) {}

  static EnvOptions with_seed(EnvOptions options) {
    options.seed = test_seed();
    options.noise = true;
    return options;
  }

  const aqpim::config::EngineConfig& engine() const { return env.configuration().engine; }

  void play(Sequence sequence) { env.play(sequence); }
  void play(std::initializer_list<Item> items) { env.play(Sequence(items)); }
  void query(const QueryOptions& options = {}) { play(stimulus.all_registers(options)); }

  Item start(aqpim::golden::Command command, When when = When::idle(), Pace pace = {}) {
    return {Start{std::move(command), pace, 0, std::nullopt}, when};
  }

  Env env;
  Stimulus stimulus;
};

void for_each_configuration(const std::function<void(const Configuration&)>& test) {
  for (const Configuration& configuration : aqpim::config::built_configurations()) {
    INFO(configuration.name);
    test(configuration);
  }
}

// Those that can encode and cluster.
void for_each_clustering_configuration(const std::function<void(const Configuration&)>& test) {
  for_each_configuration([&](const Configuration& configuration) {
    if (configuration.engine.quantize != 0) test(configuration);
  });
}

void expect_clean(const Bench& bench, std::uint64_t minimum_compared) {
  const std::string verdict = bench.env.verdict(minimum_compared);
  CHECK_MESSAGE(verdict.empty(), verdict);
}

// Values that one complete read-out compares.
std::uint64_t values_of_a_result(const Bench& bench) { return bench.engine().head_dim + 3; }

// Tokens rounded down to whole groups.
unsigned whole_groups(const Bench& bench, unsigned tokens) {
  const unsigned slots = bench.engine().token_slots();
  return tokens / slots * slots;
}

std::uint64_t values_of_codes(const Bench& bench) { return bench.engine().subspaces(); }

// Sums, weights and centroids of all records; weights are filled up to whole words.
std::uint64_t values_of_an_unload(const Bench& bench) {
  const auto& engine = bench.engine();
  const std::size_t record = engine.record_words() * engine.word_bytes();
  const std::size_t centroids = engine.slice_channels();
  return engine.centroids() * ((record - 2 * centroids) / 4 + centroids);
}

// ---- Directed sequences -------------------------------------------------------------------------

void play_one_token(Bench& bench) {
  bench.query();
  bench.play(bench.stimulus.tile({.windows = {1}}));
}

void play_empty_tile(Bench& bench) {
  bench.query();
  bench.play(bench.stimulus.tile({.windows = {0}}));
}

void play_full_memory(Bench& bench) {
  bench.query({.spread = 3.0});
  bench.play(bench.stimulus.tile({.windows = {bench.engine().score_depth}}));
}

void play_equal_codes(Bench& bench) {
  bench.query();
  bench.play(bench.stimulus.tile({.windows = {100}, .codes = Codes::kAllEqual}));
  bench.query();
  bench.play(
      bench.stimulus.tile({.windows = {60}, .codes = Codes::kRepeating, .pace = Pace::random()}));
}

void play_bias_runs(Bench& bench) {
  for (const unsigned run : {8u, 9u, 127u, 128u}) {
    bench.query({.spread = 2.0, .bias_run = run});
    // The run goes on over the border between two commands and two windows.
    bench.play(bench.stimulus.tile({.windows = {run + 3, 2 * run + 1}, .parts = 2}));
  }
}

void play_flags(Bench& bench) {
  const auto small_tile = [&] { bench.play(bench.stimulus.tile({.windows = {20}})); };
  for (const double spread : {0.1, 60.0, 4000.0}) {
    bench.query({.values = Values::kWild, .spread = spread});
    small_tile();
  }
  for (const bool bfloat16 : {false, true}) {
    for (int i = 0; i < 4; ++i) {
      bench.query({.values = Values::kSpecial, .bfloat16 = bfloat16});
      small_tile();
    }
  }
  bench.query({.values = Values::kZero});
  small_tile();
  // Tables saturate: every element of the query is large, and shifted to the end.
  bench.query({.spread = 2000.0, .bfloat16 = true});
  small_tile();
  // Biases alone, at both ends.
  for (const std::uint8_t high : {0x7f, 0x80}) {
    bench.query({.values = Values::kZero, .bias_run = 8});
    bench.play({{Write{{RegisterSelect::kBias, 0,
                        std::vector<std::uint8_t>(bench.engine().word_bytes(), high)}},
                 When::idle()}});
    bench.play(bench.stimulus.tile({.windows = {16}}));
  }
}

void play_refusals(Bench& bench) {
  Stimulus& stimulus = bench.stimulus;
  const unsigned depth = bench.engine().score_depth;
  const auto refused = [&](aqpim::golden::Command command) { bench.play({bench.start(command)}); };
  bench.play({{Reset{}, When::idle()}, {Read{}, When::idle()}});
  for (const bool first : {false, true}) {
    refused(stimulus.score(first, 1));  // no tables yet
    refused(stimulus.accumulate(first, 0));
    refused(stimulus.combine(first));
  }
  bench.query();
  bench.play({bench.start(stimulus.table())});
  refused(stimulus.combine(false));       // no outputs to go on with
  refused(stimulus.accumulate(true, 1));  // nothing scored
  refused({Operation::kScore, true, depth + 1, nullptr, 0, 0});
  bench.play({bench.start(stimulus.score(true, 20))});
  refused({Operation::kScore, false, depth - 19, nullptr, 0, 0});
  refused(stimulus.accumulate(true, 21));
  bench.play({bench.start(stimulus.accumulate(true, 15))});
  refused(stimulus.accumulate(false, 6));
  refused(stimulus.accumulate(true, 1));  // the tile has begun to weigh
  refused(stimulus.score(false, 1));      // the maximum is in use
  refused(stimulus.score(true, 1));       // the lanes hold buckets
  bench.play({bench.start(stimulus.accumulate(false, 5))});
  bench.play({bench.start(stimulus.combine(true)), {Read{}, When::idle()}});
  refused(stimulus.score(true, 1));
  bench.play({bench.start(stimulus.table()), bench.start(stimulus.score(true, 3)),
              bench.start(stimulus.accumulate(true, 3))});
  refused(stimulus.combine(false));  // this tile's outputs have not begun
  bench.play({bench.start(stimulus.combine(true)), {Read{}, When::idle()}});
  // Clustering needs a LOAD, whole groups and room in the sums, and takes the lanes.
  const unsigned slots = bench.engine().token_slots();
  const auto cluster = [](unsigned tokens, bool first) {
    return aqpim::golden::Command{Operation::kCluster, first, tokens, nullptr, 0, 0};
  };
  bench.play({bench.start(stimulus.table()), bench.start(stimulus.score(true, 8)),
              bench.start(stimulus.accumulate(true, 4))});
  for (const bool first : {false, true}) {
    refused(cluster(slots, first));
    refused({Operation::kUnload, first, 0, nullptr, 0, 0});
  }
  bench.play({bench.start(stimulus.load({}))});
  refused(stimulus.accumulate(false, 2));
  refused(stimulus.combine(true));
  refused(stimulus.score(true, 1));
  refused(cluster(depth + slots, true));
  if (slots > 1) refused(cluster(slots + 1, true));
  bench.play({bench.start(stimulus.cluster(slots, {}))});
  refused(cluster(depth, false));
  bench.play({bench.start(stimulus.unload()), bench.start(stimulus.table())});
  refused({Operation::kUnload, true, 0, nullptr, 0, 0});
  bench.play({bench.start(stimulus.accumulate(false, 4)),
              bench.start(stimulus.combine(true)),
              {Read{}, When::idle()}});
  // One token more than the biases reach.
  bench.query({.bias_run = 8});
  bench.play({bench.start(stimulus.table())});
  refused({Operation::kScore, true, 8 * bench.engine().bias_depth + 1, nullptr, 0, 0});
  bench.play({{Read{}, When::idle()}});
}

// Between two tiles. The status word is read after each write, and its flags are cleared before it:
// so a write that is taken by mistake shows.
void play_illegal_writes(Bench& bench) {
  Stimulus& stimulus = bench.stimulus;
  const unsigned bytes = bench.engine().word_bytes();
  const unsigned fraction = bench.engine().score_fraction;
  const unsigned status = bench.engine().output_words();
  const auto refused = [&](const aqpim::golden::RegisterWrite& write) {
    bench.play({{Write{stimulus.control(fraction, 0, false, true)}, When::idle()},
                {Write{write}, When::idle()},
                {Read{status, 1}, When::idle()}});
  };
  const auto refused_at = [&](RegisterSelect select, unsigned index) {
    const Word random = stimulus.word();
    refused({select, index, std::vector<std::uint8_t>(random.begin(), random.begin() + bytes)});
  };
  bench.query();
  bench.play(stimulus.tile({.windows = {20}}));
  refused_at(RegisterSelect::kControl, 1);
  refused_at(RegisterSelect::kControl, 255);
  refused_at(RegisterSelect::kQuery, 2 * bench.engine().head_dim / bytes);
  refused_at(RegisterSelect::kShift, (bench.engine().subspaces() + bytes - 1) / bytes);
  refused_at(RegisterSelect::kBias, 2 * bench.engine().bias_depth / bytes);
  for (const RegisterSelect select :
       {RegisterSelect::kQuery, RegisterSelect::kShift, RegisterSelect::kBias}) {
    refused_at(select, 255);
  }
  refused(stimulus.control(fraction - 1, 0, false, true));
  refused(stimulus.control(0, 0, true, true));
  for (const unsigned bias_run : {1u, 7u, 129u, 255u}) {
    refused(stimulus.control(fraction, bias_run, true, true));
  }
  bench.play(stimulus.tile({.windows = {20}}));
}

// Writes of all registers, reads and words, in all phases of all operations.
void play_overlaps(Bench& bench) {
  Stimulus& stimulus = bench.stimulus;
  bench.query();
  const unsigned tokens = whole_groups(bench, 12);
  const aqpim::golden::Command refused = {Operation::kUnload, true, 0, nullptr, 0, 0};
  const auto tile = [&](const std::function<void(Sequence&)>& overlap) {
    for (const auto& command :
         {stimulus.table(), stimulus.score(true, 30), stimulus.accumulate(true, 30),
          stimulus.combine(true), refused, stimulus.encode(), stimulus.load({}),
          stimulus.cluster(tokens, {}), stimulus.unload()}) {
      Sequence sequence = {bench.start(command)};
      overlap(sequence);
      bench.play(std::move(sequence));
    }
    bench.play({{Read{}, When::idle()}});
  };
  for (const Phase phase : {Phase::kCheck, Phase::kFill, Phase::kStream, Phase::kDrain}) {
    tile([&](Sequence& sequence) {
      for (const auto& write : stimulus.registers({})) {
        sequence.push_back({Write{write}, When::in(phase)});
      }
    });
    tile([&](Sequence& sequence) { sequence.push_back({Read{0, 2}, When::in(phase)}); });
    tile([&](Sequence& sequence) { sequence.push_back({ReadCodeWords{}, When::in(phase)}); });
    // In an open stream it would be one of the words.
    if (phase == Phase::kStream) continue;
    tile([&](Sequence& sequence) {
      sequence.push_back({StrayWord{stimulus.word()}, When::in(phase)});
    });
  }
  // In the very cycle of the command.
  tile([&](Sequence& sequence) {
    std::get<Start>(sequence[0].what).write = stimulus.registers({.bias_run = 8})[0];
  });
  // A query of bfloat16 in the cycle of a LOAD of binary16 centroids.
  const QueryOptions bfloat16 = {.bfloat16 = true};
  bench.query(bfloat16);
  Item load = bench.start(stimulus.load({.raw_centroids = false}));
  const auto writes = stimulus.registers(bfloat16);
  std::get<Start>(load.what).write =
      *std::find_if(writes.rbegin(), writes.rend(), [](const aqpim::golden::RegisterWrite& write) {
        return write.select == RegisterSelect::kQuery;
      });
  bench.play({std::move(load)});
  bench.play(stimulus.encoding());
  // When idle.
  tile([&](Sequence& sequence) {
    sequence.push_back({StrayWord{stimulus.word()}, When::idle()});
    sequence.push_back({Read{1, 1}, When::now()});
  });
  bench.play({{Read{200, 56}, When::idle()}, {Read{}, When::idle()}});
}

void play_resets(Bench& bench) {
  Stimulus& stimulus = bench.stimulus;
  for (const Phase phase : {Phase::kCheck, Phase::kFill, Phase::kStream, Phase::kDrain}) {
    for (const Operation operation : kAttention) {
      bench.query({.values = Values::kSpecial});
      bench.play({bench.start(stimulus.table())});
      if (operation != Operation::kTable) bench.play({bench.start(stimulus.score(true, 30))});
      if (operation == Operation::kCombine)
        bench.play({bench.start(stimulus.accumulate(true, 30))});
      const auto command = operation == Operation::kTable        ? stimulus.table()
                           : operation == Operation::kScore      ? stimulus.score(true, 30)
                           : operation == Operation::kAccumulate ? stimulus.accumulate(true, 30)
                                                                 : stimulus.combine(true);
      bench.play(
          {bench.start(command), {Reset{}, When::in(phase, phase < Phase::kStream ? 0 : 11)}});
      // Nothing of before is left: refused until there are tables again.
      bench.play({{Read{}, When::idle()}, bench.start(stimulus.score(true, 1))});
      bench.query({.clear_flags = false});
      bench.play(stimulus.tile({.windows = {25}}));
    }
    for (const Operation operation : kClustering) {
      bench.query();
      if (operation == Operation::kCluster || operation == Operation::kUnload) {
        bench.play(stimulus.slice({.unloads = 0}));
      }
      const auto command = operation == Operation::kEncode ? stimulus.encode()
                           : operation == Operation::kLoad ? stimulus.load({})
                           : operation == Operation::kCluster
                               ? stimulus.cluster(whole_groups(bench, 20), {})
                               : stimulus.unload();
      bench.play(
          {bench.start(command), {Reset{}, When::in(phase, phase < Phase::kStream ? 0 : 11)}});
      bench.play({{ReadCodeWords{}, When::idle()},
                  bench.start({Operation::kUnload, true, 0, nullptr, 0, 0})});
      bench.query({.clear_flags = false});
      bench.play(stimulus.encoding());
      bench.play(stimulus.slice({}));
    }
  }
}

// Every kind of tokens, weights and centroids, in passes of several sizes.
void play_slices(Bench& bench) {
  const unsigned some = whole_groups(bench, 2 * bench.engine().multipliers() + 10);
  for (const Tokens tokens :
       {Tokens::kUniform, Tokens::kFew, Tokens::kZero, Tokens::kWidest, Tokens::kSpecial}) {
    for (const bool bfloat16 : {false, true}) {
      bench.play(bench.stimulus.slice({.tokens = tokens,
                                       .bfloat16 = bfloat16,
                                       .raw_centroids = tokens != Tokens::kZero,
                                       .passes = {some, bench.engine().token_slots()}}));
    }
  }
  bench.play(bench.stimulus.slice({.weights = Weights::kZero, .raw_centroids = false}));
  bench.play(bench.stimulus.slice({.passes = {}}));
  bench.play(bench.stimulus.slice({.passes = {0}, .unloads = 2}));
  // Words so slow that the loops wait for them.
  const Pace slow = {bench.engine().centroids()};
  bench.play(bench.stimulus.slice({.passes = {}, .unloads = 0}));
  bench.play({bench.start(bench.stimulus.cluster(whole_groups(bench, 12), {}), When::idle(), slow),
              bench.start(bench.stimulus.unload())});
}

// The sums hold a whole pass of the largest weights at the ends of the elements, and no token more.
void play_full_slice(Bench& bench) {
  Stimulus& stimulus = bench.stimulus;
  const unsigned depth = bench.engine().score_depth;
  const unsigned slots = bench.engine().token_slots();
  const SliceOptions options = {
      .tokens = Tokens::kWidest, .weights = Weights::kLargest, .passes = {depth}, .unloads = 0};
  // What a LOAD finds in the sums does not count.
  bench.play(stimulus.slice({.unloads = 0}));
  bench.play(stimulus.slice(options));
  bench.play({bench.start({Operation::kCluster, true, slots, nullptr, 0, 0}),
              bench.start(stimulus.cluster(0, options)), bench.start(stimulus.unload()),
              bench.start(stimulus.cluster(slots, options)), bench.start(stimulus.unload())});
}

// Codes of vectors that the registers hold in all ways, against keys and values.
void play_encodings(Bench& bench) {
  for (int i = 0; i < 4; ++i) {
    for (const Values values : {Values::kTidy, Values::kWild, Values::kSpecial, Values::kZero}) {
      bench.query({.values = values, .spread = i < 2 ? 4.0 : 400.0, .bfloat16 = i % 2 == 1});
      bench.play(bench.stimulus.encoding());
    }
  }
  // Twice, then between the operations of a tile: ENCODE leaves the lanes and outputs alone.
  bench.query();
  bench.play(bench.stimulus.encoding());
  Sequence tile = bench.stimulus.tile({.windows = {30}});
  tile.insert(tile.begin() + 1, bench.stimulus.encoding()[0]);
  tile.insert(tile.begin() + 3, bench.stimulus.encoding()[0]);
  tile.push_back({ReadCodeWords{}, When::idle()});
  bench.play(std::move(tile));
}

void play_split_operations(Bench& bench) {
  bench.query();
  bench.play(bench.stimulus.tile({.windows = {90}, .parts = 5}));
  bench.query();
  bench.play(bench.stimulus.tile({.windows = {40, 1, 0, 70}, .parts = 3, .eager = false}));
}

// ---- Tests --------------------------------------------------------------------------------------

TEST_CASE("pq_engine: a tile of one token equals the golden model") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_one_token(bench);
    expect_clean(bench, values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: an empty tile has weight sum 0 and the lowest maximum") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_empty_tile(bench);
    const auto results = bench.env.take_results();
    REQUIRE(results.size() == 1);
    CHECK(results[0].weight_sum == 0);
    const auto& engine = configuration.engine;
    CHECK(results[0].maximum == -(1 << (engine.score_width - 1 - engine.score_fraction)));
    CHECK(std::ranges::all_of(results[0].outputs, [](std::int64_t o) { return o == 0; }));
    expect_clean(bench, values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: a tile that fills the score memory exactly equals the golden model") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_full_memory(bench);
    expect_clean(bench, values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: equal codes back to back add up in the buckets") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_equal_codes(bench);
    expect_clean(bench, 2 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: biases change every 8 to 128 tokens, across commands and windows") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_bias_runs(bench);
    expect_clean(bench, 4 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: operations may be split over several commands") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_split_operations(bench);
    expect_clean(bench, 2 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: saturation and NaN raise their flags") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_flags(bench);
    std::uint16_t seen = 0;
    for (const auto& result : bench.env.take_results()) seen |= result.flags;
    CHECK(seen == (aqpim::golden::kFlagNonfinite | aqpim::golden::kFlagQuerySaturated |
                   aqpim::golden::kFlagTableSaturated | aqpim::golden::kFlagScoreSaturated));
    expect_clean(bench, 10 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: refused commands change nothing but the protocol flag") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_refusals(bench);
    expect_clean(bench, 3 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: slices of every kind of tokens equal the golden model") {
  for_each_clustering_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_slices(bench);
    CHECK(bench.env.take_answers().partials.size() == 15);
    expect_clean(bench, 15 * values_of_an_unload(bench));
  });
}

TEST_CASE("pq_engine: the sums hold a full pass at the ends of their widths, and are empty after") {
  for_each_clustering_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_full_slice(bench);
    expect_clean(bench, 2 * values_of_an_unload(bench));
  });
}

TEST_CASE("pq_engine: codes of vectors among keys and values equal the golden model") {
  for_each_clustering_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_encodings(bench);
    CHECK(bench.env.take_answers().codes.size() == 18);
    expect_clean(bench, 18 * values_of_codes(bench) + values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: illegal register writes change nothing but the protocol flag") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_illegal_writes(bench);
    const auto results = bench.env.take_results();
    constexpr std::size_t kWrites = 14;
    REQUIRE(results.size() == kWrites + 2);
    for (std::size_t i = 1; i <= kWrites; ++i) {
      CHECK(results[i].flags == aqpim::golden::kFlagProtocol);
    }
    expect_clean(bench, 2 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: writes, reads and stray words during operations do what the contract says") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_overlaps(bench);
    expect_clean(bench, 13 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: after a reset in the middle of any operation it computes as if new") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    play_resets(bench);
    expect_clean(bench, 16 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: every operation takes one word per cycle, at any spacing") {
  for_each_configuration([](const Configuration& configuration) {
    for (const unsigned every : {1u, 2u, 3u, 7u}) {
      CAPTURE(every);
      Bench bench(configuration);
      bench.query();
      bench.play(bench.stimulus.tile({.windows = {200}, .pace = {every}}));
      const bool quantizes = configuration.engine.quantize != 0;
      if (quantizes) {
        bench.play(bench.stimulus.encoding({every}));
        bench.play(bench.stimulus.slice({.passes = {}, .pace = {every}}));
      }
      for (const Operation operation :
           {Operation::kTable, Operation::kScore, Operation::kAccumulate, Operation::kCombine,
            Operation::kEncode, Operation::kLoad, Operation::kUnload}) {
        if (!quantizes && operation >= Operation::kEncode) continue;
        CAPTURE(name_of(operation));
        const OperationStatistics& statistics = bench.env.statistics()[operation];
        CHECK(statistics.utilization() == 1.0);
        CHECK(statistics.stream_cycles == (statistics.words - 1) * every + 1);
      }
      expect_clean(bench,
                   values_of_a_result(bench) +
                       (quantizes ? values_of_codes(bench) + values_of_an_unload(bench) : 0));
    }
  });
}

TEST_CASE("pq_engine: in the token loops of CLUSTER all multipliers are busy in all cycles") {
  for_each_clustering_configuration([](const Configuration& configuration) {
    const auto& engine = configuration.engine;
    // As slow as the loops bear it: a group and a word of weights come within one loop.
    for (const unsigned every : {1u, 2u, (engine.centroids() + 1) / 3}) {
      CAPTURE(every);
      Bench bench(configuration);
      const unsigned tokens = whole_groups(bench, 3 * engine.multipliers() + 7);
      bench.play(bench.stimulus.slice({.passes = {tokens, tokens}, .pace = {every}}));
      const OperationStatistics& statistics = bench.env.statistics()[Operation::kCluster];
      CHECK(statistics.utilization() == 1.0);
      CHECK(statistics.loops.busy ==
            2 * (tokens / engine.token_slots()) * (engine.centroids() + 1));
      expect_clean(bench, values_of_an_unload(bench));
    }
  });
}

TEST_CASE("pq_engine: fill and drain take the cycles that its header states") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    const bool quantizes = configuration.engine.quantize != 0;
    for (int i = 0; i < 4; ++i) {
      bench.query();
      bench.play(bench.stimulus.tile(
          {.windows = {7, 33}, .pace = i % 2 == 0 ? Pace{1} : Pace::random(), .parts = 2}));
      if (!quantizes) continue;
      bench.play(bench.stimulus.encoding(i % 2 == 0 ? Pace{1} : Pace::random()));
      bench.play(bench.stimulus.slice({.pace = i % 2 == 0 ? Pace{1} : Pace::random()}));
    }
    const Cycle drain = drain_cycles(configuration.engine);
    const auto check = [&](std::span<const Operation> operations) {
      for (const Operation operation : operations) {
        CAPTURE(name_of(operation));
        const OperationStatistics& statistics = bench.env.statistics()[operation];
        CHECK(statistics.least_fill == kFillCycles);
        CHECK(statistics.most_fill == kFillCycles);
        // CLUSTER drains when its last loop is over: that is in the count of its loops.
        if (operation == Operation::kCluster) continue;
        CHECK(statistics.least_drain == drain);
        CHECK(statistics.most_drain == drain);
      }
    };
    check(kAttention);
    if (quantizes) check(kClustering);
    // Without words, one after the other.
    Cycle accepted = 0;
    Cycle done = 0;
    bench.env.monitor().operations.subscribe([&](const OperationSeen& seen) {
      accepted = seen.command.cycle;
      done = seen.done;
    });
    bench.play({bench.start(bench.stimulus.table()), bench.start(bench.stimulus.score(true, 0))});
    CHECK(done - accepted == kFillCycles + drain + 1);
    if (quantizes) {
      bench.play(bench.stimulus.slice({.passes = {0}, .unloads = 0}));
      CHECK(done - accepted == kFillCycles + drain + 1);
    }
    expect_clean(bench, 4 * values_of_a_result(bench));
  });
}

TEST_CASE("pq_engine: constrained-random programs equal the golden model and reach all bins") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration, {.cover = true});
    // The corners that random programs meet too rarely.
    bench.query();
    play_refusals(bench);
    play_empty_tile(bench);
    play_one_token(bench);
    play_full_memory(bench);
    play_equal_codes(bench);
    play_split_operations(bench);
    play_bias_runs(bench);
    play_flags(bench);
    play_illegal_writes(bench);
    play_overlaps(bench);
    play_resets(bench);
    play_slices(bench);
    play_full_slice(bench);
    play_encodings(bench);

    const std::uint64_t iterations = test_iterations(120);
    for (std::uint64_t i = 0; i < iterations && !bench.env.failed(); ++i) {
      CAPTURE(i);
      bench.play(bench.stimulus.episode(bench.stimulus.random().chance(1, 16) ? 600 : 60));
      bench.play(bench.stimulus.chaos(8));
      if (bench.stimulus.random().chance(1, 32)) {
        bench.play({{Reset{}, When::idle()}});
        bench.query();
      }
    }
    fmt::print("{}: {} episodes, {} cycles, {} words, {} values compared\n", configuration.name,
               iterations, bench.env.statistics().cycles, bench.env.statistics().words(),
               bench.env.scoreboard().compared());
    fmt::print("{}", bench.env.coverage().report());
    CHECK_MESSAGE(bench.env.coverage().complete(), bench.env.coverage().missing());
    expect_clean(bench, iterations * values_of_a_result(bench));
  });
}

TEST_CASE("Env: results with waves are those without") {
  const Configuration& configuration = aqpim::config::built_configurations().front();
  const auto run = [&](const char* waves) {
    Bench bench(configuration);
    if (waves != nullptr) bench.env.model().open_waves(waves);
    play_one_token(bench);
    play_equal_codes(bench);
    expect_clean(bench, 1);
    return std::pair(bench.env.take_results(), bench.env.statistics());
  };
  CHECK(run(nullptr) == run("engine_test_waves.fst"));
  std::remove("engine_test_waves.fst");
}

TEST_CASE("Env: a seed gives the same run twice") {
  const Configuration& configuration = aqpim::config::built_configurations().back();
  const auto run = [&] {
    Bench bench(configuration);
    for (int i = 0; i < 3; ++i) bench.play(bench.stimulus.episode(40));
    return std::pair(bench.env.take_results(), bench.env.statistics());
  };
  CHECK(run() == run());
}

TEST_CASE("Scoreboard: a golden model with one bit less in one place is noticed") {
  using Field = unsigned aqpim::config::EngineConfig::*;
  for_each_configuration([](const Configuration& configuration) {
    for (const Field field :
         {&aqpim::config::EngineConfig::query_width, &aqpim::config::EngineConfig::weight_width}) {
      aqpim::config::EngineConfig broken = configuration.engine;
      --(broken.*field);
      Bench bench(configuration, {.golden_config = &broken});
      bench.query();
      bench.play(bench.stimulus.tile({.windows = {50}}));
      CHECK(bench.env.scoreboard().mismatches() > 0);
      CHECK(bench.env.failed());
      const std::string verdict = bench.env.verdict(0);
      CHECK(verdict.find(configuration.name) != std::string::npos);
      CHECK(verdict.find("expected") != std::string::npos);
    }
  });
}

TEST_CASE("Scoreboard: too few comparisons fail a run") {
  Bench bench(aqpim::config::built_configurations().front());
  play_one_token(bench);
  CHECK(bench.env.verdict(1).empty());
  CHECK(bench.env.verdict(1000000).find("at least 1000000") != std::string::npos);
}

TEST_CASE("Env: a violated assertion fails the run") {
  for_each_configuration([](const Configuration& configuration) {
    Bench bench(configuration);
    bench.query();
    // In the cycle of a read, in the middle of the stream.
    bench.env.monitor().reads.subscribe(
        [&](const ReadSeen&) { bench.env.model().break_word_count(); });
    CHECK(bench.env.model().failed_assertions() == 0);
    fmt::print("expected in {}: a failed assertion\n", configuration.name);
    std::fflush(stdout);
    CHECK_THROWS_AS(bench.play({bench.start(bench.stimulus.table()),
                                {Read{0, 1}, When::in(Phase::kStream, 3)}}),
                    RunFailed);
    CHECK(bench.env.model().failed_assertions() > 0);
    CHECK(bench.env.failed());
    CHECK(bench.env.verdict(0).find("assertions failed") != std::string::npos);
  });
}

}  // namespace
