// SPDX-License-Identifier: Apache-2.0
//
// Threads that share the items of a round, again and again, where a round is only microseconds
// long:
//
//   run() --> items 0 … count − 1, each on one of the threads --> all have ended --> run() returns
//
// Each thread begins with its own part of the items, the same in all rounds, so that their data
// stay in its cache, and then takes what is left of the parts of the others. A helper that the
// machine does not let run, or that still sleeps, is not waited for: the caller does its part. So
// run() waits at most for the items that helpers have begun.
//
// Results cannot depend on the number of threads as long as no item reads what another one writes.
// What the caller wrote before run() is seen by all items, and what they write by the caller after
// it.
//
// Who waits spins for some ten microseconds and sleeps then. It does not yield in between: a Linux
// scheduler may take a whole time slice from who does, so that on a busy machine a helper that
// yielded between rounds would not come back for seconds.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace aqpim::tb {

class Workers {
 public:
  using Work = std::function<void(std::size_t item)>;

  // `threads` ≥ 1, with the one that calls run(): more than there are items are not made. Throws
  // std::invalid_argument.
  Workers(std::size_t count, unsigned threads, Work work) : count_(count), work_(std::move(work)) {
    if (threads == 0) throw std::invalid_argument("work needs a thread");
    const std::size_t used = std::clamp<std::size_t>(count, 1, threads);
    for (std::size_t i = 0; i < used; ++i) {
      parts_.emplace_back(count * i / used, count * (i + 1) / used);
    }
    try {
      for (std::size_t i = 1; i < used; ++i) helpers_.emplace_back([this, i] { help(i); });
    } catch (const std::system_error&) {
      // The machine gives no more threads: the others take the parts of those that are missing.
    }
  }

  ~Workers() {
    ended_ = true;
    start_round();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Does all items. Of those that throw, the lowest one's exception is thrown here, when all have
  // ended.
  void run() {
    for (Part& part : parts_) part.next.store(part.first, std::memory_order_release);
    start_round();
    work_through(0);
    due_ += static_cast<std::uint32_t>(count_);
    for (std::uint32_t done = done_.load(); done != due_; done = done_.load()) {
      wait_for_change(done_, done);
    }
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  // Apart in memory: what one thread writes all the time must not share a cache line with what
  // another one does.
  static constexpr std::size_t kCacheLine = 64;
  // Looks of some ten nanoseconds each: more than a serial part between two rounds takes, or an
  // item.
  static constexpr unsigned kSpins = 1000;

  struct Part {
    Part(std::size_t from, std::size_t to) : first(from), end(to), next(to) {}

    const std::size_t first, end;
    // The next item to be taken; beyond the end, none is left. Whoever increments it takes the item
    // that it was, in whatever round.
    alignas(kCacheLine) std::atomic<std::size_t> next;
  };

  static void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
    for (unsigned i = 0; i < kSpins; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    value.wait(old);
  }

  void start_round() {
    round_.fetch_add(1);
    round_.notify_all();
  }

  void help(std::size_t self) {
    std::uint32_t round = 0;
    while (true) {
      wait_for_change(round_, round);
      round = round_.load();
      if (ended_) return;
      work_through(self);
    }
  }

  void work_through(std::size_t self) {
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      Part& part = parts_[(self + i) % parts_.size()];
      while (part.next.load(std::memory_order_relaxed) < part.end) {
        const std::size_t item = part.next.fetch_add(1, std::memory_order_acquire);
        if (item >= part.end) break;
        work(item);
        ++count;
      }
    }
    if (count == 0) return;
    done_.fetch_add(count);
    done_.notify_one();
  }

  void work(std::size_t item) {
    try {
      work_(item);
    } catch (...) {
      const std::scoped_lock lock(failing_);
      if (!failure_ || item < failed_) {
        failure_ = std::current_exception();
        failed_ = item;
      }
    }
  }

  std::size_t count_;
  Work work_;
  std::deque<Part> parts_;  // of each thread, the caller's first
  std::uint32_t due_ = 0;   // items of all rounds so far
  alignas(kCacheLine) std::atomic<std::uint32_t> round_ = 0;
  std::atomic<bool> ended_ = false;
  alignas(kCacheLine) std::atomic<std::uint32_t> done_ = 0;  // items of all rounds so far
  std::mutex failing_;
  std::exception_ptr failure_;
  std::size_t failed_ = 0;  // the item that threw it
  std::vector<std::jthread> helpers_;
};

}  // namespace aqpim::tb
