// SPDX-License-Identifier: Apache-2.0
//
// The test bench of one engine: model, drivers, monitor, scoreboard, coverage. It only wires them
// and plays sequences.
//
//   Sequence --> drivers --> pins of the Model <-- golden::Engine knows nothing of them
//                             |
//                          Monitor --> Scoreboard (golden::Engine inside)
//                                  --> Coverage, Statistics, results
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sw/config/config.h"
#include "sw/golden/program.h"
#include "tb/common/random.h"
#include "tb/common/run_failed.h"
#include "tb/engine/drivers.h"
#include "tb/engine/engine_coverage.h"
#include "tb/engine/model.h"
#include "tb/engine/monitor.h"
#include "tb/engine/pace.h"
#include "tb/engine/scoreboard.h"
#include "tb/engine/sequence.h"
#include "tb/engine/statistics.h"

namespace aqpim::tb {

struct EnvOptions {
  std::uint64_t seed = 1;  // power-up state, gaps, noise
  bool check = true;       // with a scoreboard
  bool cover = false;      // with coverage; needs the scoreboard
  bool noise = false;      // random values on data pins that are not valid
  // Of the golden model, if it is to differ from the engine: for tests of the test bench.
  const config::EngineConfig* golden_config = nullptr;
};

class Env {
 public:
  // Powers the engine up and resets it. Throws std::out_of_range if there is no model of this
  // configuration.
  explicit Env(const config::Configuration& configuration, const EnvOptions& options = {});
  ~Env();
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

  // Plays all items and waits until the engine is idle and has answered. Throws RunFailed.
  void play(const Sequence& sequence);

  // Plays a program and returns what the engine answered.
  golden::Answers play(const golden::Program& program, Pace pace = {});

  // What was read completely since the last call, oldest first.
  golden::Answers take_answers() { return std::exchange(answers_, {}); }
  std::vector<golden::Result> take_results() { return take_answers().results; }

  const config::Configuration& configuration() const { return configuration_; }
  Model& model() { return *model_; }
  Monitor& monitor() { return monitor_; }
  const Statistics& statistics() const { return statistics_; }
  // The statistics since the last call.
  Statistics take_statistics() { return std::exchange(statistics_, {}); }
  const Scoreboard& scoreboard() const { return *scoreboard_; }
  const Coverage& coverage() const { return coverage_->coverage(); }
  bool failed() const;

  // Ends the run; empty if all is well, otherwise the reasons, one sentence per line.
  std::string verdict(std::uint64_t minimum_compared) const;

 private:
  void step();
  void wait_for(When when);
  bool answers_pending() const { return results_driver_.pending() || !awaited_.empty(); }

  void start(const Write& item, When when);
  void start(const Start& item, When when);
  void start(const Read& item, When when);
  void start(const ReadCodeWords& item, When when);
  void start(const StrayWord& item, When when);
  void start(const Reset& item, When when);
  void start(const Wait& item, When when);

  void expect(const ReadSeen& seen);
  void expect(const StrobeSeen& seen);
  void collect(const ResultSeen& seen);
  void collect_record(unsigned index, std::span<const std::uint8_t> word);
  void collect_result(unsigned index, std::span<const std::uint8_t> word);
  void forget_lost_reads();
  unsigned output_words() const { return configuration_.engine.output_words(); }

  config::Configuration configuration_;
  std::unique_ptr<Model> model_;
  EngineInputs inputs_;
  Random random_;
  CommandDriver command_driver_;
  RegisterDriver register_driver_;
  BankDriver bank_driver_;
  ResultDriver results_driver_;
  Pace next_pace_;
  unsigned next_delay_ = 0;
  Monitor monitor_;
  std::unique_ptr<Scoreboard> scoreboard_;
  std::unique_ptr<EngineCoverage> coverage_;
  Statistics statistics_;

  // An answer that should come, unless its read was refused.
  struct Awaited {
    Cycle due = 0;
    bool unload = false;
    unsigned index = 0;  // of the result word, or in the stream of UNLOAD
  };
  std::deque<Awaited> awaited_;
  // Not complete yet.
  golden::Result result_;
  std::vector<std::uint8_t> codes_, records_;
  golden::Answers answers_;
};

}  // namespace aqpim::tb
