// SPDX-License-Identifier: Apache-2.0
#include "sw/report/result_folder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "sw/config/error.h"
#include "sw/config/test_support.h"

namespace {

namespace fs = std::filesystem;
using aqpim::InputError;
using aqpim::report::ResultFolder;
using aqpim::test::TemporaryFolder;

void put(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string text_of(const fs::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST_CASE("ResultFolder: files appear when they are complete, and nothing else") {
  const TemporaryFolder folder;
  const fs::path target = folder.path() / "a" / "b";
  {
    ResultFolder results(target);
    put(results.file("report.json"), "new");
    CHECK_FALSE(fs::exists(target / "report.json"));
    results.commit({"report.json"});
    CHECK(text_of(target / "report.json") == "new");
  }
  CHECK(entries(target) == 1);
}

TEST_CASE("ResultFolder: without commit older files stay, and folders made on the way go") {
  const TemporaryFolder folder;
  put(folder.path() / "report.json", "older");
  {
    ResultFolder results(folder.path());
    put(results.file("report.json"), "new");
  }
  CHECK(text_of(folder.path() / "report.json") == "older");
  CHECK(entries(folder.path()) == 1);
  std::make_unique<ResultFolder>(folder.path() / "a" / "b" / "c").reset();
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("ResultFolder: older results are replaced, files of others stay") {
  const TemporaryFolder folder;
  put(folder.path() / "report.json", "older");
  put(folder.path() / "attention.png", "older");
  put(folder.path() / "notes.txt", "mine");
  ResultFolder results(folder.path());
  put(results.file("report.json"), "new");
  results.commit({"report.json", "attention.png"});
  CHECK(text_of(folder.path() / "report.json") == "new");
  CHECK_FALSE(fs::exists(folder.path() / "attention.png"));
  CHECK(text_of(folder.path() / "notes.txt") == "mine");
}

TEST_CASE("ResultFolder: a place that cannot be written is refused at once") {
  const TemporaryFolder folder;
  put(folder.path() / "file", "");
  CHECK_THROWS_AS(ResultFolder(folder.path() / "file"), InputError);
  const fs::path inside = folder.path() / "file" / "inside";
  CHECK(aqpim::test::sentence_of([&] { ResultFolder results(inside); }) ==
        inside.string() + " cannot be written: Not a directory");
  const std::string sentence =
      aqpim::test::sentence_of([] { ResultFolder results("/proc/aqpim/results"); });
  CHECK(sentence.find("/proc/aqpim/results cannot be written: ") == 0);
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("ResultFolder: a moved folder is committed once") {
  const TemporaryFolder folder;
  ResultFolder first(folder.path() / "a");
  put(first.file("x"), "1");
  ResultFolder second(std::move(first));
  second.commit({});
  CHECK(text_of(folder.path() / "a" / "x") == "1");
}

}  // namespace
