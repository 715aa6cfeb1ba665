// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/stored_element.h"

#include <doctest/doctest.h>

#include "sw/golden/nearest.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb::unit;

}  // namespace

TEST_CASE("pq_stored_element: all 256 bytes, as elements of keys and of values") {
  REQUIRE(stated_latency("stored_element") == "combinational");
  Bench<stored_element_0::Model> bench;
  for (const bool values : {false, true}) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      CAPTURE(byte);
      bench->element_i = static_cast<std::uint8_t>(byte);
      bench->values_i = values;
      bench.settle();
      CHECK(get_signed(bench->value_o, 0, 12) ==
            aqpim::golden::stored_element(static_cast<std::uint8_t>(byte), values));
    }
  }
}
