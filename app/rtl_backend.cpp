// SPDX-License-Identifier: Apache-2.0
#include "app/rtl_backend.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sw/quantize/software_backend.h"

namespace aqpim::app {

namespace {

using golden::Operation;

double mean(std::uint64_t sum, std::uint64_t count) {
  return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
}

// Adds the seconds of its life.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  double& seconds_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

system::PrefillCosts prefill_costs(const tb::Statistics& clustering, std::uint64_t programs,
                                   const tb::ReducerStatistics& reducing,
                                   const tb::Statistics& encoding,
                                   const config::EngineConfig& engine) {
  const tb::OperationStatistics& load = clustering[Operation::kLoad];
  const tb::OperationStatistics& cluster = clustering[Operation::kCluster];
  const tb::OperationStatistics& unload = clustering[Operation::kUnload];
  const std::uint64_t groups = cluster.loops.busy / (engine.centroids() + 1);
  const double record = std::max<double>(
      mean(reducing.words, reducing.reductions * engine.centroids()), engine.slice_channels());
  return {.setup = mean(clustering.cycles - load.cycles() - cluster.cycles() - unload.cycles(),
                        programs),
          .load = mean(load.cycles(), load.count),
          .group = mean(cluster.loops.cycles, groups),
          .overhead = mean(cluster.cycles() - cluster.loops.cycles, cluster.count),
          .unload = mean(unload.cycles() - unload.words, unload.count),
          .reduce = std::max(
              0.0, mean(reducing.cycles, reducing.reductions) - engine.centroids() * record),
          .encode = mean(encoding.cycles, encoding[Operation::kEncode].count)};
}

RtlBackend::RtlBackend(tb::Env& env, tb::ReducerEnv& reducer, unsigned engines, tb::Pace pace,
                       std::function<void()> played)
    : Engines(env.configuration().engine, engines),
      env_(env),
      reducer_(reducer),
      pace_(pace),
      played_(std::move(played)),
      software_(quantize::fixed_backend(config())) {}

golden::Answers RtlBackend::play(unsigned, const golden::Program& program) {
  const Stopwatch watch(seconds_);
  golden::Answers answers = env_.play(program, pace_);
  // Read from the golden model: the engine tells its own only after a COMBINE. The next program
  // clears them.
  flags_ |= env_.scoreboard().golden().flags();
  saturation_.add(env_.scoreboard().golden().flags());
  ++programs_;
  played_();
  return answers;
}

golden::Reduced RtlBackend::reduce(std::span<const std::vector<std::uint8_t>> partials,
                                   bool values) {
  const Stopwatch watch(seconds_);
  return reducer_.reduce(partials, values, pace_);
}

std::vector<std::uint8_t> RtlBackend::cluster(std::span<const std::uint16_t> tokens,
                                              std::span<const std::uint8_t> weights, bool values) {
  env_.take_statistics();
  reducer_.take_statistics();
  const std::uint64_t programs = programs_;
  std::vector<std::uint8_t> codebook = system::cluster(tokens, weights, values, *this, &passes_);
  clustering_ += env_.take_statistics();
  clustering_flags_ |= std::exchange(flags_, std::uint16_t{0});
  reducing_ += reducer_.take_statistics();
  clustering_programs_ += programs_ - programs;
  compare(codebook, software_->cluster(tokens, weights, values));
  return codebook;
}

std::vector<std::uint8_t> RtlBackend::encode(std::span<const std::uint16_t> tokens,
                                             std::span<const std::uint8_t> codebook, bool values) {
  env_.take_statistics();
  std::vector<std::uint8_t> codes = system::encode(tokens, codebook, values, *this);
  encoding_ += env_.take_statistics();
  encoding_flags_ |= std::exchange(flags_, std::uint16_t{0});
  compare(codes, software_->encode(tokens, codebook, values));
  return codes;
}

void RtlBackend::compare(std::span<const std::uint8_t> bytes,
                         std::span<const std::uint8_t> expected) {
  compared_ += expected.size();
  if (bytes.size() != expected.size()) {
    mismatches_ += expected.size();
    return;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) mismatches_ += bytes[i] != expected[i];
}

}  // namespace aqpim::app
