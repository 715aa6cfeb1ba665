// SPDX-License-Identifier: Apache-2.0
#include "tb/common/workers.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using aqpim::tb::Workers;

constexpr std::array kThreads = {1u, 2u, 3u, 8u};

// Long enough that helpers go to sleep.
void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

TEST_CASE("Workers: each item is done once in each round, by any number of threads") {
  for (const unsigned threads : kThreads) {
    for (const std::size_t count : {0u, 1u, 5u, 33u}) {
      CAPTURE(threads);
      CAPTURE(count);
      std::vector<unsigned> done(count, 0);
      Workers workers(count, threads, [&](std::size_t item) { ++done[item]; });
      constexpr unsigned kRounds = 300;
      for (unsigned round = 1; round <= kRounds; ++round) {
        workers.run();
        if (round % 100 == 0) pause();
        REQUIRE(done == std::vector<unsigned>(count, round));
      }
    }
  }
}

// Each item of a round reads what all items of the round before have written.
std::vector<std::uint64_t> rounds_of(unsigned threads) {
  constexpr std::size_t kItems = 17;
  std::vector<std::uint64_t> before(kItems), after(kItems);
  std::iota(after.begin(), after.end(), 1);
  Workers workers(kItems, threads, [&](std::size_t item) {
    std::uint64_t value = item;
    for (const std::uint64_t read : before) value = value * 6364136223846793005u + read;
    after[item] = value;
  });
  for (unsigned round = 0; round < 2000; ++round) {
    before = after;
    workers.run();
  }
  return after;
}

TEST_CASE("Workers: items see all of the round before, so the number of threads changes nothing") {
  const std::vector<std::uint64_t> alone = rounds_of(1);
  for (const unsigned threads : kThreads) {
    CAPTURE(threads);
    CHECK(rounds_of(threads) == alone);
  }
}

// Waits until `condition` holds; gives up after a while.
template <typename Condition>
bool comes_true(const Condition& condition) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(20);
  while (!condition() && Clock::now() < end) std::this_thread::yield();
  return condition();
}

TEST_CASE("Workers: items run at the same time, also after helpers have slept") {
  std::array<std::atomic<bool>, 2> begun = {};
  std::atomic<unsigned> met = 0;
  Workers workers(2, 2, [&](std::size_t item) {
    begun.at(item) = true;
    if (comes_true([&] { return begun.at(1 - item).load(); })) ++met;
  });
  for (unsigned round = 1; round <= 3; ++round) {
    begun[0] = begun[1] = false;
    pause();
    workers.run();
    CHECK(met == 2 * round);
  }
}

TEST_CASE("Workers: what a thread that is held up leaves is done by the others") {
  constexpr unsigned kItems = 6;
  std::atomic<unsigned> done = 0;
  bool others_ended = false;
  Workers workers(kItems, 2, [&](std::size_t item) {
    // The first one of the helper's part.
    if (item == kItems / 2) {
      others_ended = comes_true([&] { return done == kItems - 1; });
    } else {
      ++done;
    }
  });
  workers.run();
  CHECK(others_ended);
}

TEST_CASE("Workers: the lowest item's exception passes when all items have ended") {
  for (const unsigned threads : kThreads) {
    CAPTURE(threads);
    std::vector<unsigned> done(20, 0);
    bool fails = true;
    Workers workers(done.size(), threads, [&](std::size_t item) {
      ++done[item];
      if (fails && item % 8 == 3) throw std::runtime_error(std::to_string(item));
    });
    CHECK_THROWS_WITH_AS(workers.run(), "3", std::runtime_error);
    CHECK(done == std::vector<unsigned>(done.size(), 1));
    fails = false;
    CHECK_NOTHROW(workers.run());
    CHECK(done == std::vector<unsigned>(done.size(), 2));
  }
}

TEST_CASE("Workers: end without a round, and need a thread") {
  const auto nothing = [](std::size_t) {};
  CHECK_NOTHROW(Workers(4, 3, nothing));
  CHECK_THROWS_AS(Workers(4, 0, nothing), std::invalid_argument);
}

}  // namespace
