// SPDX-License-Identifier: Apache-2.0
#include "sw/report/pages.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "sw/config/error.h"
#include "sw/config/test_support.h"

namespace {

using aqpim::report::make_pages;
using aqpim::report::Pages;

// A variable of the environment, for a time.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::setenv(name_, before_.c_str(), 1); }

 private:
  const char* name_;
  std::string before_;
};

// Stands for Python: says its arguments but the package's, and does what `script` says.
std::string python_that(const std::filesystem::path& folder, const std::string& script) {
  const std::filesystem::path path = folder / "python";
  std::ofstream(path) << "#!/bin/sh\nshift\necho \"$@\"\n" << script << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

}  // namespace

TEST_CASE("make_pages: the package is told what is wanted, and its words are passed on") {
  const aqpim::test::TemporaryFolder folder;
  const Variable python("AQPIM_PYTHON", python_that(folder.path(), "echo nothing drawn >&2"));
  const Pages pages = make_pages({"a.json", "b.json"}, {.files = true, .html = "all.html"});
  CHECK(pages.table == "--files --html all.html a.json b.json\n");
  CHECK(pages.left_out == "nothing drawn\n");
}

TEST_CASE("make_pages: what cannot be written is bad input, and what fails an error") {
  const aqpim::test::TemporaryFolder folder;
  {
    const Variable python("AQPIM_PYTHON", python_that(folder.path(), "echo x is full >&2; exit 2"));
    CHECK_THROWS_WITH_AS(make_pages({"a.json"}, {.files = true}), "x is full", aqpim::InputError);
  }
  const Variable python("AQPIM_PYTHON",
                        python_that(folder.path(), "echo 'Trace\nZeroError: x' >&2; exit 1"));
  CHECK_THROWS_WITH_AS(make_pages({"a.json"}, {.files = true}), "aqpim_report: ZeroError: x",
                       std::runtime_error);
}

TEST_CASE("make_pages: without Python, or without the package, there is a line") {
  const aqpim::test::TemporaryFolder folder;
  {
    const Variable python("AQPIM_PYTHON", "no_such_python");
    const Pages pages = make_pages({"a.json"}, {.files = true});
    CHECK(pages.table.empty());
    CHECK(
        pages.left_out ==
        "no_such_python is not installed, so there are no tables, pictures and pages, only JSON\n");
    CHECK_THROWS_AS(aqpim::report::with_tables("page.md", "compare", "/dev/null"),
                    aqpim::InputError);
  }
  const Variable package("AQPIM_REPORT", folder.path());
  CHECK(
      make_pages({"a.json"}, {.files = true})
          .left_out.starts_with(
              "the Python package aqpim_report is not found (AQPIM_REPORT names its folder), so "));
}
