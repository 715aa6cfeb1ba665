// SPDX-License-Identifier: Apache-2.0
//
// For compare_verilators.py: plays random inputs through one verilated module, whose ports the
// generated ports.h knows. compare_verilators CYCLES SEED prints a hash of all outputs, half a
// cycle at a time, their bits, and how many of them have been both 0 and 1; with a third argument,
// all outputs of each half cycle instead.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "ports.h"

namespace {

// SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t value = state_ += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
  }
  bool once_in(std::uint64_t count) { return bits() % count == 0; }

 private:
  std::uint64_t state_;
};

std::uint8_t mask_of_byte(unsigned width, unsigned byte) {
  const unsigned left = width - 8 * byte;
  return static_cast<std::uint8_t>(left >= 8 ? 0xff : (1u << left) - 1);
}

// The modes of syn/lockstep.sv: any bits, mostly zeros, mostly ones, or one value held.
class Source {
 public:
  template <typename Port>
  void drive(Random& random, Port& port, unsigned width) {
    if (random.once_in(64)) mode_ = static_cast<unsigned>(random.bits() % 4);
    if (mode_ == 3 && !random.once_in(8)) return;
    std::uint8_t bytes[sizeof(Port)] = {};
    for (unsigned byte = 0; 8 * byte < width; ++byte) {
      std::uint64_t value = random.bits();
      if (mode_ == 1) value &= (value >> 8) & (value >> 16);
      if (mode_ == 2) value |= (value >> 8) | (value >> 16);
      bytes[byte] = static_cast<std::uint8_t>(value) & mask_of_byte(width, byte);
    }
    std::memcpy(&port, bytes, sizeof(port));
  }

 private:
  unsigned mode_ = 0;
};

// What the outputs were.
class Outputs {
 public:
  explicit Outputs(bool print) : print_(print) {}

  void sample(Ports& ports, std::uint64_t half_cycle) {
    ports.for_each_output([&](const char* name, const auto& port, unsigned width) {
      std::vector<std::uint8_t> bytes((width + 7) / 8);
      std::memcpy(bytes.data(), &port, bytes.size());
      bytes.back() &= mask_of_byte(width, static_cast<unsigned>(bytes.size()) - 1);
      take(name, bytes);
      if (print_) {
        std::printf("cycle %.1f %s 0x", static_cast<double>(half_cycle) / 2, name);
        for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) std::printf("%02x", *byte);
        std::printf("\n");
      }
    });
  }

  void report(Ports& ports) const {
    unsigned all = 0, both = 0;
    ports.for_each_output([&](const char* name, const auto&, unsigned width) {
      all += width;
      for (unsigned bit = 0; bit < width; ++bit) {
        const Seen& seen = seen_.at(name);
        both += (seen.one[bit / 8] & seen.zero[bit / 8]) >> bit % 8 & 1;
      }
    });
    if (!print_) std::printf("%016llx %u %u\n", static_cast<unsigned long long>(hash_), all, both);
  }

 private:
  struct Seen {
    std::vector<std::uint8_t> one, zero;
  };

  void take(const char* name, const std::vector<std::uint8_t>& bytes) {
    Seen& seen = seen_[name];
    seen.one.resize(bytes.size());
    seen.zero.resize(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      hash_ = (hash_ ^ bytes[i]) * 0x100000001b3;  // FNV-1a
      seen.one[i] |= bytes[i];
      seen.zero[i] |= static_cast<std::uint8_t>(~bytes[i]);
    }
  }

  bool print_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::map<std::string, Seen> seen_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::uint64_t cycles = std::strtoull(argv[1], nullptr, 10);
  Random random(std::strtoull(argv[2], nullptr, 10));
  Outputs outputs(argc > 3);
  VerilatedContext context;
  Ports ports(context);
  std::map<std::string, Source> sources;
  for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
    ports.set_clock(false);
    // Long enough for the registers behind a reset, rarely enough to get anywhere.
    ports.set_reset(cycle < 4 || random.once_in(1024));
    ports.for_each_input([&](const char* name, auto& port, unsigned width) {
      sources[name].drive(random, port, width);
    });
    ports.eval();
    outputs.sample(ports, 2 * cycle);
    ports.set_clock(true);
    ports.eval();
    outputs.sample(ports, 2 * cycle + 1);
  }
  outputs.report(ports);
  return 0;
}
