// SPDX-License-Identifier: Apache-2.0
#include "tb/channel/channel_module.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "sw/config/error.h"

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
