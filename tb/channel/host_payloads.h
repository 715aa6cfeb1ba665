// SPDX-License-Identifier: Apache-2.0
//
// Random beats of host commands' payloads. Fields: docs/channel.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/config/channel.h"
#include "sw/golden/host_command.h"
#include "tb/common/random.h"

namespace aqpim::tb {

class HostPayloads {
 public:
  using Beats = std::vector<golden::Beat>;

  HostPayloads(const config::ChannelShape& shape, Random& random)
      : shape_(shape), random_(random) {}

  golden::Beat any_beat();
  Beats any_beats(std::size_t count);

  struct Control {
    unsigned fraction = 8;
    unsigned run = 0;  // tokens per bias
    bool bfloat16 = false;
    bool values = false;
    bool clear = true;
  };
  golden::Beat control(const Control& control);

  // Tokens of the engines: none, one, `most`, more than that and others; all of them even if asked.
  golden::Beat tokens(unsigned most, bool even);
  // Shifts below `limit`, which is at most 16.
  Beats shifts(unsigned limit);
  // A query whose scores are of some units with fractions up to 12, or now and then any bits.
  Beats query(bool bfloat16);
  // Biases of some units, or now and then any.
  Beats biases(std::size_t count);
  // Elements of raw vectors and centroids: integers · 2^−8, or now and then any bits.
  Beats raw_elements(std::size_t count);
  // Beat `index` of an engine's stream of weights and raw tokens.
  golden::Beat raw_stream(std::size_t index);

 private:
  Beats halves(std::size_t beats, unsigned any_of, std::uint16_t (HostPayloads::*tidy)());
  std::uint16_t raw_element();
  std::uint16_t bias();
  std::uint16_t half_element();
  std::uint16_t bfloat16_element();

  const config::ChannelShape& shape_;
  Random& random_;
};

}  // namespace aqpim::tb
