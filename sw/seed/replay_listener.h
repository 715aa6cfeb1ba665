// SPDX-License-Identifier: Apache-2.0
//
// A doctest listener that prints the seed when a run starts and, with every failure, the command
// that replays it. Include it in one source of a test binary.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sw/seed/seed.h"

namespace aqpim {

class ReplayListener : public doctest::IReporter {
 public:
  explicit ReplayListener(const doctest::ContextOptions& options) : options_(options) {}

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {
    fmt::print("seed {}: set AQPIM_SEED for another one\n", test_seed());
    std::fflush(stdout);
  }
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& test) override { name_ = test.m_name; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override { print_replay(); }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& assertion) override {
    if (assertion.m_failed) print_replay();
  }
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  void print_replay() const {
    // Commas separate test cases in doctest's filter; ? stands for any character.
    std::string filter(name_);
    for (char& letter : filter) {
      if (letter == ',' || letter == '"' || letter == '\\') letter = '?';
    }
    const char* iterations = std::getenv("AQPIM_ITERATIONS");
    fmt::print("replay: AQPIM_SEED={}{} {} --test-case=\"{}\"\n\n", test_seed(),
               iterations == nullptr ? "" : fmt::format(" AQPIM_ITERATIONS={}", iterations),
               options_.binary_name.c_str(), filter);
    std::fflush(stdout);
  }

  const doctest::ContextOptions& options_;
  std::string_view name_;
};

}  // namespace aqpim

REGISTER_LISTENER("replay", 0, aqpim::ReplayListener);
