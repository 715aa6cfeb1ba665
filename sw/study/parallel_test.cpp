// SPDX-License-Identifier: Apache-2.0
#include "sw/study/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using aqpim::study::parallel_for;

TEST_CASE("parallel_for: every index is worked on once, by any number of threads") {
  for (const std::size_t threads : {1u, 2u, 5u, 200u}) {
    std::vector<std::atomic<int>> calls(100);
    parallel_for(calls.size(), threads, [&](std::size_t i) { ++calls[i]; });
    for (const auto& count : calls) CHECK(count == 1);
  }
  parallel_for(0, 2, [](std::size_t) { FAIL("there is nothing to do"); });
}

TEST_CASE("parallel_for: two threads work at the same time") {
  std::mutex mutex;
  std::condition_variable arrived;
  int here = 0;
  bool met = true;
  parallel_for(2, 2, [&](std::size_t) {
    std::unique_lock lock(mutex);
    ++here;
    arrived.notify_all();
    if (!arrived.wait_for(lock, std::chrono::seconds(60), [&] { return here == 2; })) met = false;
  });
  CHECK(met);
}

TEST_CASE("parallel_for: one thread is the caller and goes in order") {
  std::vector<std::size_t> order;
  const auto caller = std::this_thread::get_id();
  parallel_for(5, 1, [&](std::size_t i) {
    CHECK(std::this_thread::get_id() == caller);
    order.push_back(i);
  });
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3, 4});
}

TEST_CASE("parallel_for: an exception reaches the caller and stops the rest") {
  for (const std::size_t threads : {1u, 3u}) {
    std::atomic<std::size_t> calls = 0;
    CHECK_THROWS_WITH_AS(parallel_for(1000000, threads,
                                      [&](std::size_t i) {
                                        ++calls;
                                        if (i == 3) throw std::runtime_error("three");
                                      }),
                         "three", std::runtime_error);
    CHECK(calls < 1000000);
  }
}
