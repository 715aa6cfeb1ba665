// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/registers.h"

#include <doctest/doctest.h>

#include "sw/golden/engine.h"
#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;
using aqpim::golden::Engine;
using aqpim::golden::kFlagProtocol;
using aqpim::golden::RegisterSelect;
using aqpim::golden::RegisterWrite;

// An engine with these registers; what the registers do not see is the smallest.
template <class Dut>
aqpim::config::EngineConfig engine_config() {
  return {.head_dim = Dut::HeadDim,
          .sub_dim = Dut::SubDim,
          .code_bits = 8,
          .word_bits = Dut::WordBits,
          .query_width = 8,
          .entry_width = 12,
          .score_width = 12,
          .score_fraction = Dut::ScoreFraction,
          .score_depth = 16,
          .bias_depth = Dut::BiasDepth,
          .weight_width = 8,
          .quantize = 0};
}

struct Events {
  bool nonfinite = false, query = false, table = false, score = false, protocol = false;
};

template <class Dut>
class Registers {
 public:
  Registers() { drive({}, nullptr, false); }

  void drive(const Events& events, const RegisterWrite* write, bool locked) {
    bench->nonfinite_i = events.nonfinite;
    bench->query_saturated_i = events.query;
    bench->table_saturated_i = events.table;
    bench->score_saturated_i = events.score;
    bench->protocol_error_i = events.protocol;
    bench->locked_i = locked;
    bench->reg_valid_i = write != nullptr;
    bench->reg_select_i = static_cast<std::uint8_t>(
        write != nullptr ? static_cast<unsigned>(write->select) : random.below(4));
    bench->reg_index_i =
        static_cast<std::uint8_t>(write != nullptr ? write->index : random.bits(2));
    bench->reg_control_i = static_cast<std::uint16_t>(
        write != nullptr ? write->data[0] | write->data[1] << 8 : random.bits(16));
    bench.settle();
  }

  // One cycle with a write and events, everything compared.
  void cycle(const Events& events, const RegisterWrite* write, bool locked) {
    drive(events, write, locked);
    REQUIRE(bench->flags_o == flags);
    REQUIRE(bench->table_fraction_o == fraction);
    REQUIRE(bench->bfloat16_o == (bfloat16 ? 1 : 0));
    REQUIRE(bench->values_o == (values ? 1 : 0));
    REQUIRE(bench->bias_run_o == run);

    bool accepted = false, clears = false;
    if (write != nullptr && !locked) {
      // The golden engine tells whether the write is legal; its own flags are only a means here.
      Engine golden(engine_config<Dut>());
      golden.write(*write);
      accepted = golden.flags() == 0;
    }
    const auto strobes = [&](RegisterSelect select) {
      return accepted && write->select == select ? 1 : 0;
    };
    clears = strobes(RegisterSelect::kControl) == 1 && (write->data[0] & 0x20) != 0;
    REQUIRE(bench->query_write_o == strobes(RegisterSelect::kQuery));
    REQUIRE(bench->shift_write_o == strobes(RegisterSelect::kShift));
    REQUIRE(bench->bias_write_o == strobes(RegisterSelect::kBias));
    REQUIRE(bench->clear_flags_o == (clears ? 1 : 0));

    if (clears) flags = 0;
    flags |= (events.nonfinite ? 1 : 0) | (events.query ? 2 : 0) | (events.table ? 4 : 0) |
             (events.score ? 8 : 0);
    if (events.protocol || (write != nullptr && !accepted)) flags |= kFlagProtocol;
    if (strobes(RegisterSelect::kControl) == 1) {
      fraction = write->data[0] & 15u;
      bfloat16 = (write->data[0] & 16) != 0;
      values = (write->data[0] & 64) != 0;
      run = write->data[1];
    }
    bench.clock();
    if (write != nullptr) ++(accepted ? accepts : refusals);
  }

  RegisterWrite random_write() {
    RegisterWrite write;
    write.select = static_cast<RegisterSelect>(random.below(4));
    const unsigned words = std::max(Dut::HeadDim, Dut::BiasDepth) * 16 / Dut::WordBits;
    write.index =
        static_cast<unsigned>(random.chance(1, 8) ? random.below(256) : random.below(words + 2));
    if (write.select == RegisterSelect::kControl && !random.chance(1, 4)) write.index = 0;
    write.index = std::min(write.index, 255u);
    write.data.resize(Dut::WordBits / 8);
    if (write.select == RegisterSelect::kControl) {
      write.data[0] = static_cast<std::uint8_t>(random.bits(8));
      write.data[1] = random.chance(1, 2)
                          ? random.pick({std::uint8_t{0}, std::uint8_t{7}, std::uint8_t{8},
                                         std::uint8_t{128}, std::uint8_t{129}, std::uint8_t{1}})
                          : static_cast<std::uint8_t>(random.bits(8));
    }
    return write;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_registers"};
  unsigned flags = 0, fraction = Dut::ScoreFraction, run = 0;
  bool bfloat16 = false, values = false;
  std::uint64_t accepts = 0, refusals = 0;
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_registers: writes are accepted as in the golden engine, refused while "
    "locked, and flags stick until they are cleared",
    Dut, registers_random) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("registers") == 1);
  Registers<Dut> registers;
  Random& random = registers.random;
  for (std::uint64_t step = 0; step < test_iterations(1500); ++step) {
    CAPTURE(step);
    const Events events{random.chance(1, 20), random.chance(1, 20), random.chance(1, 20),
                        random.chance(1, 20), random.chance(1, 20)};
    const RegisterWrite write = registers.random_write();
    registers.cycle(events, random.chance(2, 3) ? &write : nullptr, random.chance(1, 4));
  }
  if (test_iterations(1500) >= 1500) {
    CHECK(registers.accepts > 100);
    CHECK(registers.refusals > 100);
  }
}
TEST_CASE_TEMPLATE_APPLY(registers_random, registers_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_registers: the first and last index and the ends of each CONTROL field", Dut,
    registers_ends) {
  INFO(Dut::parameters);
  Registers<Dut> registers;
  const std::vector<std::uint8_t> zeros(Dut::WordBits / 8);
  for (unsigned select = 1; select < 4; ++select) {
    for (unsigned index = 0; index < 256; ++index) {
      const RegisterWrite write{static_cast<RegisterSelect>(select), index, zeros};
      registers.cycle({}, &write, false);
    }
  }
  for (unsigned fraction = 0; fraction < 16; ++fraction) {
    for (unsigned run = 0; run < 256; ++run) {
      RegisterWrite write{RegisterSelect::kControl, 0, zeros};
      write.data[0] = static_cast<std::uint8_t>(fraction | (run % 2 != 0 ? 0x20u : 0u) |
                                                (run % 3 != 0 ? 0xd0u : 0u));
      write.data[1] = static_cast<std::uint8_t>(run);
      registers.cycle({}, &write, false);
    }
  }
  // A clear does not swallow what happens in its cycle.
  RegisterWrite clear{RegisterSelect::kControl, 0, zeros};
  clear.data[0] = 0x2f;
  registers.cycle({true, true, true, true, true}, &clear, false);
  registers.cycle({}, nullptr, false);
  CHECK(registers.flags == 31);
}
TEST_CASE_TEMPLATE_APPLY(registers_ends, registers_models);
