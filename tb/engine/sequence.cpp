// SPDX-License-Identifier: Apache-2.0
#include "tb/engine/sequence.h"

#include <type_traits>

namespace aqpim::tb {

Sequence sequence_of(const golden::Program& program, Pace pace, unsigned delay) {
  Sequence sequence;
  bool after_command = false;
  for (const golden::Step& step : program) {
    std::visit(
        [&](const auto& what) {
          using Step = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<Step, golden::Command>) {
            sequence.push_back(
                {Start{what, pace, delay}, after_command ? When::now() : When::idle()});
            after_command = true;
          } else {
            after_command = false;
            if constexpr (std::is_same_v<Step, golden::RegisterWrite>) {
              sequence.push_back({Write{what}, When::idle()});
            } else if constexpr (std::is_same_v<Step, golden::ReadCodes>) {
              sequence.push_back({ReadCodeWords{}, When::idle()});
            } else {
              sequence.push_back({Read{}, When::idle()});
            }
          }
        },
        step);
  }
  return sequence;
}

}  // namespace aqpim::tb
