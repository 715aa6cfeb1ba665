// SPDX-License-Identifier: Apache-2.0
//
// The bench of a single module. A cycle of a test is: set the inputs, settle(), look at the
// outputs, clock(). What settle() shows in cycle c + L answers the inputs of cycle c if the
// module's latency is L. A model that was verilated for it leaves waves (tb/unit/waves.h).
#pragma once

#include <doctest/doctest.h>
#include <verilated.h>
#include <verilated_fst_c.h>

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tb/common/ports.h"
#include "tb/common/random.h"
#include "tb/unit/waves.h"

namespace aqpim::tb::unit {

using tb::get;
using tb::get_signed;
using tb::put;

// What the outputs of a pipeline must be, cycle by cycle: next(x) takes what this cycle's inputs
// will give, and returns what is due in this cycle. Nothing is due before the pipeline has filled.
template <typename T>
class Due {
 public:
  explicit Due(unsigned latency) : latency_(latency) {}

  std::optional<T> next(const T& from_inputs) {
    coming_.push_back(from_inputs);
    if (coming_.size() <= latency_) return std::nullopt;
    const T due = coming_.front();
    coming_.pop_front();
    return due;
  }

 private:
  unsigned latency_;
  std::deque<T> coming_;
};

template <class Model>
class Bench {
 public:
  // Registers and memories start with random contents.
  Bench() {
    // The first failed assertion must not end the test program.
    context_.fatalOnError(false);
    context_.errorLimit(std::numeric_limits<int>::max());
    context_.randReset(2);
    context_.randSeed(static_cast<int>(test_seed() & 0x7fffffff) | 1);
    model_ = std::make_unique<Model>(&context_);
    open_waves();
    if constexpr (requires { model_->clk_i; }) model_->clk_i = 0;
    if constexpr (requires { model_->rst_ni; }) reset();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // A failed assertion of the RTL fails the test.
  ~Bench() {
    CHECK_MESSAGE(context_.errorCount() == expected_errors_, "assertions of the RTL have failed");
    waves_.reset();
    model_->final();
    // Verilator's clean-up would wait for ever with another model's context.
    Verilated::threadContextp(&context_);
    model_.reset();
  }

  Model* operator->() { return model_.get(); }

  // Of modules that have a reset.
  void reset() {
    model_->rst_ni = 0;
    clock();
    clock();
    model_->rst_ni = 1;
  }

  // Outputs of this cycle, for the inputs as they are now.
  void settle() {
    if constexpr (requires { model_->clk_i; }) {
      model_->eval();
    } else {
      step();
    }
  }

  // Ends the cycle.
  void clock() {
    step();
    model_->clk_i = 1;
    step();
    model_->clk_i = 0;
  }

  // Failed assertions since the last call, which then count as wanted.
  int take_errors() {
    return context_.errorCount() - std::exchange(expected_errors_, context_.errorCount());
  }

 private:
  // Half a cycle; all of it without a clock.
  void step() {
    model_->eval();
    if (waves_ != nullptr) waves_->dump(context_.time());
    context_.timeInc(1);
  }

  void open_waves() {
    if constexpr (requires(VerilatedFstC waves) { model_->trace(&waves, 0); }) {
      if (const auto path = next_waves()) {
        context_.traceEverOn(true);
        waves_ = std::make_unique<VerilatedFstC>();
        model_->trace(waves_.get(), std::numeric_limits<int>::max());
        waves_->open(path->c_str());
        REQUIRE_MESSAGE(waves_->isOpen(), "cannot write waves to ", path->string());
      }
    }
  }

  VerilatedContext context_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<VerilatedFstC> waves_;
  int expected_errors_ = 0;
};

}  // namespace aqpim::tb::unit
