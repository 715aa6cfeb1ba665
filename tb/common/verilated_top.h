// SPDX-License-Identifier: Apache-2.0
//
// One object of a class that Verilator made of a module with clk_i and rst_ni: random power-up
// state, edges of the clock, waves, failed assertions. Only generated sources include this.
#pragma once

#include <verilated.h>
#include <verilated_fst_c.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

namespace aqpim::tb {

template <typename Top>
class VerilatedTop {
 public:
  // `name` begins the hierarchical names in messages and waves.
  explicit VerilatedTop(const char* name) : name_(name) {}
  ~VerilatedTop() { power_down(); }
  VerilatedTop(const VerilatedTop&) = delete;
  VerilatedTop& operator=(const VerilatedTop&) = delete;

  // All registers and memories take random values of this seed; waves and counts start anew. Must
  // come first. The clock and rst_ni are low then.
  void power_up(std::uint64_t seed) {
    power_down();
    context_ = std::make_unique<VerilatedContext>();
    context_->randReset(2);
    // 1 … 2^31 − 1; 0 would mean a seed from the time of day.
    context_->randSeed(static_cast<int>(seed % std::numeric_limits<int>::max()) + 1);
    context_->fatalOnError(false);
    context_->errorLimit(std::numeric_limits<int>::max());
    top_ = std::make_unique<Top>(context_.get(), name_);
    top_->clk_i = 0;
    top_->rst_ni = 0;
    top_->eval();
  }

  Top* operator->() const { return top_.get(); }
  Top& operator*() const { return *top_; }

  // The first half of a cycle, in which the clock is low, and the edge with the second half.
  void fall() { step(0); }
  void rise() { step(1); }

  // Throws std::logic_error if the module was verilated without WAVES.
  void open_waves(const std::filesystem::path& path) {
    use_context();
    close_waves();
    context_->traceEverOn(true);
    waves_ = std::make_unique<VerilatedFstC>();
    trace(*top_);
    waves_->open(path.c_str());
    if (!waves_->isOpen()) {
      waves_.reset();
      throw std::runtime_error("cannot write waves to " + path.string());
    }
  }

  void close_waves() {
    if (waves_ == nullptr) return;
    use_context();
    waves_->close();
    waves_.reset();
  }

  unsigned failed_assertions() const {
    return context_ == nullptr ? 0u : static_cast<unsigned>(context_->errorCount());
  }

 private:
  // Half a period of 650 MHz, in picoseconds.
  static constexpr std::uint64_t kHalfPeriod = 769;

  // Verilator counts errors in the context of the thread, and there may be other models.
  void use_context() const { Verilated::threadContextp(context_.get()); }

  template <typename Model>
  void trace(Model& model) {
    if constexpr (requires { model.trace(waves_.get(), 0); }) {
      model.trace(waves_.get(), std::numeric_limits<int>::max());
    } else {
      waves_.reset();
      throw std::logic_error(std::string(name_) + ": verilated without WAVES");
    }
  }

  void step(unsigned char clock) {
    use_context();
    top_->clk_i = clock;
    top_->eval();
    context_->timeInc(kHalfPeriod);
    if (waves_ != nullptr) waves_->dump(context_->time());
  }

  void power_down() {
    if (top_ == nullptr) return;
    close_waves();
    // Another context may have died since: destroying the model would then wait forever.
    use_context();
    top_->final();
    top_.reset();
    context_.reset();
  }

  const char* name_;
  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Top> top_;
  std::unique_ptr<VerilatedFstC> waves_;
};

}  // namespace aqpim::tb
