// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/memory.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// Up to 256 bits, the first ones in the first number.
using Word = std::array<std::uint64_t, 4>;

template <class Dut>
class Memory {
 public:
  Word random_word() {
    Word word{};
    for (unsigned i = 0; i < chunks(); ++i) word[i] = random.bits(bits_of(i));
    return word;
  }

  Word complement(Word word) const {
    for (unsigned i = 0; i < chunks(); ++i) word[i] ^= ~std::uint64_t{0} >> (64 - bits_of(i));
    return word;
  }

  Word read_data() {
    Word word{};
    for (unsigned i = 0; i < chunks(); ++i) word[i] = get(bench->read_data_o, 64 * i, bits_of(i));
    return word;
  }

  void access(bool write, unsigned write_address, const Word& word, bool read,
              unsigned read_address) {
    bench->write_i = write;
    bench->write_address_i = static_cast<std::uint8_t>(write_address);
    for (unsigned i = 0; i < chunks(); ++i) put(bench->write_data_i, 64 * i, bits_of(i), word[i]);
    bench->read_i = read;
    bench->read_address_i = static_cast<std::uint8_t>(read_address);
    bench.clock();
  }

  unsigned random_address() { return static_cast<unsigned>(random.below(Dut::Depth)); }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_memory"};

 private:
  static constexpr unsigned chunks() { return (Dut::Width + 63) / 64; }
  static constexpr unsigned bits_of(unsigned chunk) {
    return std::min(Dut::Width - 64 * chunk, 64u);
  }
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE("pq_memory: a read returns the word after one cycle and then holds it",
                          Dut, memory_plain) {
  INFO(Dut::parameters);
  REQUIRE(stated_cycles("memory") == 1);
  Memory<Dut> memory;
  std::vector<Word> words(Dut::Depth);
  for (unsigned a = 0; a < Dut::Depth; ++a) {
    words[a] = memory.random_word();
    memory.access(true, a, words[a], false, 0);
  }
  memory.access(false, 0, {}, true, 0);
  Word expected = words[0];
  for (std::uint64_t cycle = 0; cycle < test_iterations(3000); ++cycle) {
    REQUIRE(memory.read_data() == expected);
    const unsigned write_address = memory.random_address();
    const unsigned read_address = memory.random_address();
    const bool write = memory.random.chance(1, 2);
    bool read = memory.random.chance(2, 3);
    if (write && (Dut::SinglePort != 0 || write_address == read_address)) read = false;
    const Word word = memory.random_word();
    memory.access(write, write_address, word, read, read_address);
    if (read) expected = words[read_address];
    if (write) words[write_address] = word;
  }
}
TEST_CASE_TEMPLATE_APPLY(memory_plain, memory_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_memory: a collision returns the complement of the old word, and writes the new one", Dut,
    memory_collision) {
  INFO(Dut::parameters);
  Memory<Dut> memory;
  for (int round = 0; round < 50; ++round) {
    const unsigned address = memory.random_address();
    // With one port the write collides with a read of any address.
    const unsigned read_address = Dut::SinglePort != 0 ? memory.random_address() : address;
    const Word old = memory.random_word();
    const Word other = memory.random_word();
    memory.access(true, address, other, false, 0);
    memory.access(true, read_address, old, false, 0);
    memory.access(true, address, other, true, read_address);
    CHECK(memory.read_data() == memory.complement(old));
    memory.access(false, 0, {}, true, address);
    CHECK(memory.read_data() == other);
  }
}
TEST_CASE_TEMPLATE_APPLY(memory_collision, memory_models);
