// SPDX-License-Identifier: Apache-2.0
#include "sw/system/registers.h"

#include <utility>

namespace aqpim::system {

namespace {

constexpr unsigned kBfloat16Bit = 4;
constexpr unsigned kClearFlagsBit = 5;
constexpr unsigned kValuesBit = 6;
constexpr unsigned kBiasRunShift = 8;

}  // namespace

golden::RegisterWrite control_write(const Control& control, const config::EngineConfig& engine) {
  const unsigned value = control.table_fraction | unsigned{control.bfloat16} << kBfloat16Bit |
                         1u << kClearFlagsBit | unsigned{control.values} << kValuesBit |
                         static_cast<unsigned>(control.run) << kBiasRunShift;
  std::vector<std::uint8_t> data(engine.word_bytes(), 0);
  data[0] = static_cast<std::uint8_t>(value);
  data[1] = static_cast<std::uint8_t>(value >> 8);
  return {golden::RegisterSelect::kControl, 0, std::move(data)};
}

}  // namespace aqpim::system
