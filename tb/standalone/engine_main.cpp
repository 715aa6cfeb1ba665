// SPDX-License-Identifier: Apache-2.0
//
// The engine's test bench for build systems that verilate pq_engine with its default parameters by
// themselves (aqpim.core): random programs, each answer compared with the golden model.
//
//   Vpq_engine [CONFIGURATION [EPISODES [SEED]]]    default: pq8.json 40 1
//
// CONFIGURATION is the file of configs/ whose parameters pq_engine has. Exit codes: 0 all equal, 1
// a mismatch or a failed assertion, 2 bad input.
#include <fmt/format.h>

#include <cstdint>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "Vpq_engine.h"
#include "sw/config/config.h"
#include "sw/config/embedded.h"
#include "tb/engine/env.h"
#include "tb/engine/stimulus.h"
#include "tb/engine/verilated_model.h"

namespace aqpim {

// This program has no files of configs/ in it.
std::span<const config::EmbeddedFile> config::embedded_files() { return {}; }
std::span<const config::EmbeddedFile> config::embedded_memories() { return {}; }
std::span<const config::EmbeddedFile> config::embedded_baselines() { return {}; }

namespace tb {
namespace {

struct NothingToBreak {
  void operator()(Vpq_engine& /*top*/) const {
    throw std::logic_error("only the engine's own tests break it");
  }
};

config::Configuration read(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw config::Error(path + " cannot be read");
  return config::parse("engine", std::string(std::istreambuf_iterator<char>(file), {}));
}

std::uint64_t number(const char* text) {
  std::size_t used = 0;
  const std::string_view all = text;
  const std::uint64_t value = all.empty() || all[0] == '-' ? 0 : std::stoull(text, &used);
  if (used != all.size() || value == 0) throw std::invalid_argument(text);
  return value;
}

int run(const std::string& path, std::uint64_t episodes, std::uint64_t seed) {
  const config::Configuration configuration = read(path);
  Env env(configuration, {.seed = seed});
  Stimulus stimulus(configuration.engine, Random(seed, "standalone"));
  env.play(stimulus.all_registers(stimulus.random_query()));
  for (std::uint64_t i = 0; i < episodes && !env.failed(); ++i) env.play(stimulus.episode(60));
  const std::string verdict = env.verdict(episodes);
  fmt::print("seed {}: {} values compared in {} cycles{}{}\n", seed, env.scoreboard().compared(),
             env.statistics().cycles, verdict.empty() ? ", all equal" : ": ", verdict);
  return verdict.empty() ? 0 : 1;
}

}  // namespace

std::unique_ptr<Model> make_model(std::string_view /*configuration*/) {
  return std::make_unique<VerilatedModel<Vpq_engine, NothingToBreak>>();
}

}  // namespace tb
}  // namespace aqpim

int main(int argc, char** argv) {
  try {
    return aqpim::tb::run(argc > 1 ? argv[1] : "pq8.json",
                          argc > 2 ? aqpim::tb::number(argv[2]) : 40,
                          argc > 3 ? aqpim::tb::number(argv[3]) : 1);
  } catch (const aqpim::config::Error& error) {
    fmt::print(stderr, "engine: {}\n", error.what());
    return 2;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "engine: \"{}\" is no number above 0\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print("engine: {}\n", error.what());
    return 1;
  }
}
