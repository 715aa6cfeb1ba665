// SPDX-License-Identifier: Apache-2.0
#include "tb/unit/models/cluster_control.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "tb/unit/bench.h"
#include "tb/unit/header.h"

namespace {

using namespace aqpim::tb;
using namespace aqpim::tb::unit;

// The schedule as the header of the RTL states it: when the loop of a group begins and ends follows
// from the cycle of its second word and from the loop before; everything else follows from that.
template <class Dut>
class ClusterControl {
 public:
  static constexpr unsigned kWeights = Dut::WordBits / 8;
  static constexpr unsigned kSlots = Dut::TokenSlots;
  static constexpr unsigned kGroupsOfAWord = kWeights / kSlots;
  static constexpr unsigned kCentroids = 1u << Dut::CodeBits;

  ClusterControl() {
    bench->start_i = 0;
    bench->take_i = 0;
  }

  // A CLUSTER command of so many groups; words come when there is room, one in `pace` cycles.
  void play(unsigned groups, std::uint64_t pace) {
    settle();
    this->cycle(true, false);
    command_.clear();
    taken_groups_ = 0;
    const std::uint64_t first_cycle = cycle_;
    while (taken_groups_ < groups || active()) {
      const bool words_left = taken_groups_ < groups;
      this->cycle(false, words_left && ready() && random.chance(1, pace));
      REQUIRE(cycle_ - first_cycle < (groups + 2) * (kCentroids + 1) * 2 + 100 * pace);
    }
    if (!command_.empty()) {
      first_loop = command_.front().begin;
      last_loop = command_.back().end;
    }
  }

  // Until the last sums are stored.
  void settle() {
    for (unsigned cycle = 0; cycle < capture + 2 * kSlots; ++cycle) this->cycle(false, false);
  }

  // Everything of one cycle compared.
  void cycle(bool start, bool take) {
    CAPTURE(cycle_);
    const bool is_weights = weights_due();
    bench->start_i = start;
    bench->take_i = take;
    bench.settle();

    const Group* now = looping();
    REQUIRE(bench->ready_o == (ready() ? 1 : 0));
    REQUIRE(bench->active_o == (active() ? 1 : 0));
    REQUIRE(bench->loop_o == (now != nullptr ? 1 : 0));
    REQUIRE(bench->weigh_o == (now != nullptr && cycle_ == now->end ? 1 : 0));
    if (now != nullptr) {
      REQUIRE(bench->buffer_o == now->buffer);
      if (cycle_ < now->end) REQUIRE(bench->code_o == cycle_ - now->begin);
      ++loop_cycles;
    }
    const Group* weighed = nullptr;
    for (const Group& group : groups_) {
      if (group.end < cycle_) weighed = &group;
    }
    if (weighed != nullptr) {
      for (unsigned n = 0; n < kSlots; ++n) {
        REQUIRE(get(bench->weight_o, 8 * n, 8) == weighed->weights[n]);
      }
    }
    REQUIRE(bench->capture_o == (weighed_ago(capture) ? 1 : 0));
    for (unsigned n = 0; n < kSlots; ++n) {
      const unsigned read = capture + stated_cycles("cluster_control", "read_o:") + 2 * n;
      REQUIRE((bench->read_o >> n & 1) == (weighed_ago(read) ? 1 : 0));
      REQUIRE((bench->store_o >> n & 1) == (weighed_ago(read + 1) ? 1 : 0));
    }
    if (!start) {
      REQUIRE(bench->weights_next_o == (is_weights ? 1 : 0));
      if (!is_weights) REQUIRE(bench->index_o == 2 * (taken_groups_ % 2) + (half_ ? 1 : 0));
    }

    std::vector<std::uint8_t> next_weights;
    if (take && is_weights) {
      for (unsigned i = 0; i < kWeights; ++i) {
        next_weights.push_back(static_cast<std::uint8_t>(random.bits(8)));
      }
    }
    if (start) {
      half_ = weights_taken_ = false;
      taken_groups_ = 0;
    } else if (take && is_weights) {
      weights_taken_ = true;
    } else if (take && !half_) {
      half_ = true;
    } else if (take) {
      take_group();
    }
    bench.clock();
    ++cycle_;
    // The word of weights is in its register from the next cycle on.
    for (unsigned i = 0; i < next_weights.size(); ++i) {
      put(bench->weights_i, 8 * i, 8, next_weights[i]);
      weights_[i] = next_weights[i];
    }
    while (groups_.size() > 4) groups_.pop_front();
  }

  bool ready() const {
    if (weights_due()) return true;
    // The buffer is free when the group before the last has been weighed.
    return command_.size() < 2 || command_[command_.size() - 2].end < cycle_;
  }

  Bench<typename Dut::Model> bench;
  Random random{test_seed(), "pq_cluster_control"};
  std::uint64_t loop_cycles = 0, first_loop = 0, last_loop = 0;
  const unsigned capture = stated_cycles("cluster_control", "capture_o:");

 private:
  struct Group {
    unsigned buffer = 0;
    std::uint64_t taken = 0, begin = 0, end = 0;  // cycles: second word, first and last of the loop
    std::vector<std::uint8_t> weights;
  };

  bool weights_due() const { return !weights_taken_; }

  void take_group() {
    Group group;
    group.buffer = taken_groups_ % 2;
    group.taken = cycle_;
    group.begin = cycle_ + stated_cycles("cluster_control", "loop_o:");
    if (!command_.empty()) group.begin = std::max(group.begin, command_.back().end + 1);
    group.end = group.begin + kCentroids;
    const unsigned first = taken_groups_ % kGroupsOfAWord * kSlots;
    for (unsigned n = 0; n < kSlots; ++n) group.weights.push_back(weights_[first + n]);
    groups_.push_back(group);
    command_.push_back(group);
    ++taken_groups_;
    half_ = false;
    if (taken_groups_ % kGroupsOfAWord == 0) weights_taken_ = false;
  }

  const Group* looping() const {
    for (const Group& group : groups_) {
      if (group.begin <= cycle_ && cycle_ <= group.end) return &group;
    }
    return nullptr;
  }
  bool active() const {
    for (const Group& group : groups_) {
      if (group.taken < cycle_ && cycle_ <= group.end) return true;
    }
    return false;
  }
  bool weighed_ago(unsigned cycles) const {
    for (const Group& group : groups_) {
      if (group.end + cycles == cycle_) return true;
    }
    return false;
  }

  std::uint64_t cycle_ = 0;
  std::deque<Group> groups_;    // the last ones, for what they still do
  std::vector<Group> command_;  // of this command
  unsigned taken_groups_ = 0;
  bool half_ = false, weights_taken_ = false;
  std::vector<std::uint8_t> weights_ = std::vector<std::uint8_t>(kWeights);
};

}  // namespace

TEST_CASE_TEMPLATE_DEFINE(
    "pq_cluster_control: words at any spacing keep the schedule, in commands of any size", Dut,
    cluster_control_random) {
  INFO(Dut::parameters);
  ClusterControl<Dut> control;
  Random& random = control.random;
  constexpr std::uint64_t kBlock = ClusterControl<Dut>::kGroupsOfAWord;
  for (std::uint64_t round = 0; round < test_iterations(12); ++round) {
    CAPTURE(round);
    const auto groups = static_cast<unsigned>(random.pick<std::uint64_t>(
        {0, 1, 2, 3, kBlock - 1, kBlock, kBlock + 1, random.below(2 * kBlock)}));
    // So slow that loops wait for words, or so fast that words wait for loops.
    control.play(groups, random.pick({1u, 1u, 3u, 40u, (1u << Dut::CodeBits) / 2 + 8}));
  }
}
TEST_CASE_TEMPLATE_APPLY(cluster_control_random, cluster_control_models);

TEST_CASE_TEMPLATE_DEFINE(
    "pq_cluster_control: with words in time the multipliers are busy in all cycles of the loops",
    Dut, cluster_control_busy) {
  INFO(Dut::parameters);
  ClusterControl<Dut> control;
  constexpr unsigned kGroups = 2 * ClusterControl<Dut>::kGroupsOfAWord + 3;
  control.play(kGroups, 1);
  CHECK(control.loop_cycles == kGroups * ((1u << Dut::CodeBits) + 1));
  CHECK(control.loop_cycles == control.last_loop - control.first_loop + 1);
}
TEST_CASE_TEMPLATE_APPLY(cluster_control_busy, cluster_control_models);

TEST_CASE("pq_cluster_control: a word without room and a start in a loop violate assertions") {
  using Dut = cluster_control_0;
  ClusterControl<Dut> control;
  control.play(2, 1);
  control.settle();
  control.cycle(true, false);
  auto& bench = control.bench;
  const auto take = [&](unsigned words) {
    for (unsigned word = 0; word < words; ++word) {
      bench->start_i = 0;
      bench->take_i = 1;
      bench.clock();
    }
    bench->take_i = 0;
  };
  take(5);  // weights and two groups
  CHECK(bench.take_errors() == 0);
  SUBCASE("a third group") {
    take(1);
    CHECK(bench.take_errors() == 0);
    take(1);
  }
  SUBCASE("a start") {
    bench->start_i = 1;
    bench.clock();
  }
  CHECK(bench.take_errors() == 1);
}
