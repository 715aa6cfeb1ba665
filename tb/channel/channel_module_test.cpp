// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/channel_module.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "sw/config/channel.h"
#include "sw/config/config.h"
#include "sw/config/error.h"
#include "sw/config/memory.h"
#include "tb/channel/channel_models.h"

namespace {

using namespace aqpim;

std::string refusal(std::string_view name) {
  try {
    tb::load_channel_module(name);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool says(std::string_view sentence, std::string_view part) {
  return sentence.find(part) != std::string_view::npos;
}

TEST_CASE("the pseudo-channels that can be built are those whose shapes are legal") {
  for (const std::string_view name : config::memory_names()) {
    const config::Memory& memory = config::find_memory(name);
    for (const config::Configuration& configuration : config::built_configurations()) {
      for (const unsigned banks : {1u, 2u}) {
        const config::ChannelShape shape{.engine = configuration.engine,
                                         .memory = memory.organization,
                                         .banks_per_engine = banks};
        const auto builds =
            std::ranges::count_if(tb::channel_builds(), [&](const tb::ChannelBuild& build) {
              return build.memory == memory.name && build.configuration == configuration.name &&
                     build.banks_per_engine == banks;
            });
        INFO(configuration.name, ", ", memory.name, ", banks per engine: ", banks);
        // With power limit and without.
        CHECK(builds == (config::obstacle_of(shape).empty() ? 2 : 0));
      }
    }
  }
}

TEST_CASE("a pseudo-channel that has not been built is refused with the command that builds it") {
  const std::string sentence = refusal("absent");
  CHECK(says(sentence, "the RTL of pseudo-channel absent has not been built: `cmake --build "));
  CHECK(says(sentence, "--target channel_model_absent`"));
}

TEST_CASE("a file that is no module is refused") {
  const std::filesystem::path file =
      std::filesystem::path(AQPIM_CHANNEL_TREE) / "channels" / "no-module.so";
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << "text\n";
  CHECK(says(refusal("no-module"), "cannot load " + file.string()));
  std::filesystem::remove(file);
}

TEST_CASE("a module of other headers than the program's is refused") {
  CHECK(says(refusal("stranger"), "stranger.so does not fit this program: "));
}

}  // namespace
